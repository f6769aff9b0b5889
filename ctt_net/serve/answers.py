"""The shape of requests and answers, and from it the description in OpenAPI 3.1.

Further keys may come with a later version; those named here stay.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from ctt_net import INTENDED_USE, __version__
from ctt_net.acuity import NOTATIONS, REPORT_NOTATIONS
from ctt_net.inference.patient import PatientFile
from ctt_net.inference.words import LANGUAGES
from ctt_net.types import EYES

_REFERENCE = "#/components/schemas/{model}"


class Acuity(BaseModel):
    """One acuity in every notation; charts have lines, so all but logMAR are rounded to one."""

    logmar: float
    decimal: float
    snellen_20ft: str
    snellen_6m: str
    etdrs_letters: int | None = Field(description="null where a chart has none")


class RecordedAcuity(Acuity):
    """An acuity as it was given."""

    text: str
    off_chart: str | None = Field(description="CF, HM, LP or NLP; null on the chart")


class Interval(BaseModel):
    """A prediction interval."""

    level: float = Field(description="nominal coverage")
    lower_logmar: float = Field(description="the better sight")
    upper_logmar: float


class CovariateUsed(BaseModel):
    """A covariate as the network takes it."""

    name: str
    kind: str
    value: float | str | None = Field(description="null = not given")
    unit: str | None
    measured_in: str | None = Field(description="view whose scan it was measured in")
    training_range: tuple[float, float] | None


class ViewUsed(BaseModel):
    """A view and what the reader found in its scan."""

    name: str
    file: str | None
    sha256: str | None
    dicom: dict[str, str] | None = Field(description="UIDs, of a scan that came as DICOM")
    present: bool
    quality: float | None = Field(description="signal quality, 0 to 1")
    notes: list[str]


class Measure(BaseModel):
    """A measure of the macula in one scan."""

    view: str
    name: str
    value: float
    unit: str
    sd: float | None = Field(description="of the error on simulated scans")
    normal_range: tuple[float, float] | None = Field(description="95 % of healthy eyes")
    normal_source: str | None


class Contribution(BaseModel):
    """Share of one input in the prediction."""

    name: str
    kind: str
    logmar: float = Field(description="positive = worse acuity")


class WhatIf(BaseModel):
    """The prediction had the acuity before surgery been another."""

    preop_logmar: float
    predicted_logmar: float
    lower_logmar: float
    upper_logmar: float


class HeatMap(BaseModel):
    """The extremes of a heat map; the map itself is on the page."""

    lowest_logmar: float
    highest_logmar: float


class Explanation(BaseModel):
    """What the prediction rests on: base and contributions add up to it."""

    predicted_logmar: float
    base_logmar: float
    contributions: list[Contribution]
    what_if: list[WhatIf]
    heat_maps: dict[str, HeatMap] = Field(description="by view; empty unless asked for")


class SimilarEyes(BaseModel):
    """How eyes like this one fared, which the network was not trained on."""

    n: int
    within_logmar: float
    quartiles_logmar: list[float] | None = Field(description="null of fewer than ten eyes")


class Details(BaseModel):
    """What is said of one eye beside its prediction."""

    laterality: Literal["OD", "OS"]
    measures: list[Measure]
    explanation: Explanation
    similar_eyes: SimilarEyes | None = Field(description="null: the model keeps none")


class Eye(BaseModel):
    """One eye."""

    laterality: Literal["OD", "OS"]
    preop: RecordedAcuity | None
    postop: Acuity = Field(description="predicted")
    interval: Interval
    p_recovery: dict[str, float | None] = Field(description="probability of each outcome")
    outcomes: dict[str, str] = Field(description="the outcomes in words")
    baselines: dict[str, float] = Field(description="predictions without the scans, logMAR")
    covariates: list[CovariateUsed]
    measurement_notes: list[str]
    views: list[ViewUsed]
    flags: list[str]
    abstain: bool = Field(description="true: do not use this prediction")
    abstain_because: list[str]
    reason: str


class OutcomeRule(BaseModel):
    """When an eye counts as recovered."""

    kind: str
    threshold_logmar: float | None = None
    threshold_decimal: float | None = None


class ModelUsed(BaseModel):
    """The model that predicted."""

    name: str
    members: int
    trained_on: str
    synthetic: bool = Field(description="trained on simulated eyes: no clinical validity")
    followup_days: tuple[float, float, float] | None
    outcomes: dict[str, OutcomeRule]
    recalibrated_on: str | None
    image_weight: float | None
    warnings: list[str]
    ctt_net_version: str


class Provenance(BaseModel):
    """When, by which model and by which programs."""

    time: str = Field(description="UTC")
    model_digest: str = Field(description="SHA-256 over those of all files of the model")
    ctt_net_version: str
    python_version: str
    onnxruntime_version: str
    system: str


class Prediction(BaseModel):
    """Contents of prediction.json, as ctt-net predict writes it."""

    patient_id: str
    intended_use: str = Field(description="must be shown wherever the prediction is")
    report_notation: str | None
    model: ModelUsed
    provenance: Provenance
    eyes: list[Eye] = Field(description="the right eye first")
    details: list[Details] = Field([], description="in the order of the eyes, if asked for")


class CovariateKnown(BaseModel):
    """A covariate that may be given."""

    name: str
    kind: Literal["numeric", "binary", "categorical"]
    unit: str | None
    levels: list[str]
    training_range: tuple[float, float] | None


class Model(BaseModel):
    """The model that the server holds, and what it takes."""

    name: str
    members: int
    trained_on: str
    synthetic: bool = Field(description="trained on simulated eyes: no clinical validity")
    predicts: str
    off_chart_policy: str
    followup_days: tuple[float, float, float] | None
    interval_level: float
    views: list[str]
    covariates: list[CovariateKnown]
    measures_in_scans: bool = Field(description="it needs the size of a pixel")
    devices: list[str] = Field(description="whose pixels it knows")
    outcomes: dict[str, str]
    notations: list[str]
    warnings: list[str]
    ctt_net_version: str


class Health(BaseModel):
    """The server lives."""

    status: Literal["ok"]


class ProblemDetail(BaseModel):
    """Why a request was refused (RFC 9457)."""

    title: str
    status: int
    detail: str = Field(description="what is wrong and what would be right")
    field: str = Field("", description="form field that it is about")


_REFUSALS = {
    400: "The body is no multipart form",
    401: "The token is missing or wrong",
    403: "A page of another origin sent it",
    408: "The upload took too long",
    413: "The upload is too large",
    415: "The body is of another kind",
    421: "The server does not answer to that name",
    422: "A file, name or value is wrong",
    503: "All places are taken, or the prediction took too long; see Retry-After",
}


def openapi(views: Sequence[str], needs_token: bool) -> dict[str, Any]:
    """The description of the API.

    Args:
        views: Of the model.
        needs_token: Whether the server asks for one.
    """
    models = (Prediction, Model, Health, ProblemDetail)
    keyed, schemas = models_json_schema(
        [(model, "serialization") for model in models], ref_template=_REFERENCE
    )
    patient = PatientFile.model_json_schema(ref_template=_REFERENCE)
    components = {**schemas["$defs"], **patient.pop("$defs", {})}
    del patient["properties"]["files"]
    components["Patient"] = patient

    def answer(model: type[BaseModel], description: str) -> dict[str, Any]:
        content = {"application/json": {"schema": keyed[model, "serialization"]}}
        return {"description": description, "content": content}

    def refusals(*statuses: int) -> dict[str, Any]:
        schema = keyed[ProblemDetail, "serialization"]
        content = {"application/problem+json": {"schema": schema}}
        return {
            str(status): {"description": _REFUSALS[status], "content": content}
            for status in statuses
        }

    predicted = answer(Prediction, "The prediction, as JSON or as the page")
    predicted["content"]["text/html"] = {"schema": {"type": "string"}}
    security: list[dict[str, list[str]]] = [{"token": []}] if needs_token else []
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ctt-net",
            "version": __version__,
            "summary": "Postoperative visual acuity from preoperative OCT B-scans",
            "description": INTENDED_USE,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/predictions": {
                "post": {
                    "operationId": "predict",
                    "summary": "Predict the eyes of one patient; nothing is kept",
                    "security": security,
                    "requestBody": {
                        "required": True,
                        "content": {"multipart/form-data": {"schema": _form(views)}},
                    },
                    "responses": {"200": predicted, **refusals(*_REFUSALS)},
                }
            },
            "/v1/model": {
                "get": {
                    "operationId": "model",
                    "summary": "The model and what it takes",
                    "security": security,
                    "responses": {"200": answer(Model, "The model"), **refusals(401, 421)},
                }
            },
            "/v1/health": {
                "get": {
                    "operationId": "health",
                    "summary": "Whether the server lives",
                    "security": [],
                    "responses": {"200": answer(Health, "It does"), **refusals(421)},
                }
            },
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _form(views: Sequence[str]) -> dict[str, Any]:
    """Fields of the multipart form: patient.yaml as JSON, or its keys with dots."""
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    acuity = {"type": "string", "description": "such as 20/60, 0.4 or CF; unknown = not measured"}
    return {
        "type": "object",
        "properties": {
            "files": {
                "type": "array",
                "items": file,
                "description": "scans whose names say eye and view, such as OD_horizontal.png",
            },
            **{f"files.{eye}.{view}": file for eye in EYES for view in views},
            "patient": {"$ref": "#/components/schemas/Patient"},
            "patient_id": {"type": "string"},
            "notation": {"type": "string", "enum": list(NOTATIONS)},
            **{f"preop_va.{eye}": acuity for eye in EYES},
            "report_notation": {"type": "string", "enum": list(REPORT_NOTATIONS)},
            "language": {"type": "string", "enum": list(LANGUAGES), "description": "of the page"},
            "details": {
                "type": "boolean",
                "default": True,
                "description": "measures, explanation and similar eyes; without them it is faster",
            },
            "heat_maps": {"type": "boolean", "default": False, "description": "takes seconds"},
            "device": {"type": "string"},
            "scale.axial_um_per_px": {"type": "number"},
            "scale.lateral_um_per_px": {"type": "number"},
        },
        "patternProperties": {
            r"^covariates\.": {
                "type": "string",
                "description": "covariates.NAME, or covariates.NAME.OD for one eye",
            }
        },
        "description": "Fields of one patient: 'patient', or the others one by one, not both.",
    }
