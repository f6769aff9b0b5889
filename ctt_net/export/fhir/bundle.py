"""`prediction.json` as a FHIR bundle: patient, device, Observations of distance VA, Provenance.

After HL7 FHIR R4 (4.0.1) and the code set of HL7's Ophthalmology Retinal guide. A predicted acuity
has the security label AIAST (asserted by artificial intelligence). An eye on which the model
abstains has no value but the reason why.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

Resource = dict[str, Any]
Prediction = Mapping[str, Any]

SNOMED, UCUM = "http://snomed.info/sct", "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
AI_ASSERTED = {
    "system": f"{TERMINOLOGY}/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
DISTANCE_VA = {"system": SNOMED, "code": "251739003", "display": "Distance visual acuity"}
BEST_CORRECTED = {"system": SNOMED, "code": "419775003", "display": "Best corrected visual acuity"}
EYES = {
    "OD": {"system": SNOMED, "code": "18944008", "display": "Right eye structure"},
    "OS": {"system": SNOMED, "code": "8966001", "display": "Left eye structure"},
}
_IDS = uuid.UUID("6f1f5c0e-6c1a-5d0b-9a51-0b6a2d6c7a10")  # of this export, any fixed one


def fhir_bundle(prediction: Prediction) -> Resource:
    """Build the bundle.

    Ids are UUIDs of version 5 over the contents of the prediction: the same prediction gives the
    same bundle. The patient has the id that was given, and no name.

    Args:
        prediction: Contents of prediction.json.

    Example:
        >>> bundle = fhir_bundle(done.prediction)  # doctest: +SKIP
    """
    text = json.dumps(prediction, sort_keys=True, ensure_ascii=False)

    def url(name: str) -> str:
        return f"urn:uuid:{uuid.uuid5(_IDS, name + text)}"

    time = prediction["provenance"]["time"]
    subject, device = {"reference": url("patient")}, {"reference": url("device")}
    resources: list[tuple[str, Resource]] = [
        (url("patient"), _patient(prediction)),
        (url("device"), _device(prediction)),
    ]
    predicted = []
    for eye in prediction["eyes"]:
        side = eye["laterality"]
        before = url(f"before {side}") if eye["preop"] else None
        if before is not None:
            resources.append((before, _measured(eye, subject)))
        predicted.append(url(f"after {side}"))
        resources.append(
            (predicted[-1], _predicted(eye, prediction, subject, device, before, time))
        )
    resources.append((url("provenance"), _provenance(prediction, predicted, device, time)))
    return {
        "resourceType": "Bundle",
        "meta": {"security": [AI_ASSERTED]},
        "type": "collection",
        "timestamp": time,
        "entry": [{"fullUrl": name, "resource": resource} for name, resource in resources],
    }


def _patient(prediction: Prediction) -> Resource:
    return {"resourceType": "Patient", "identifier": [{"value": prediction["patient_id"]}]}


def _device(prediction: Prediction) -> Resource:
    model = prediction["model"]
    digest = prediction["provenance"]["model_digest"]
    return {
        "resourceType": "Device",
        "identifier": [{"type": {"text": "digest of the model folder"}, "value": str(digest)}],
        "deviceName": [{"name": f"ctt-net model {model['name']}", "type": "model-name"}],
        "version": [{"value": str(model["ctt_net_version"])}],
        "note": [{"text": f"Trained on {model['trained_on']}. {prediction['intended_use']}"}],
    }


def _measured(eye: Mapping[str, Any], subject: Resource) -> Resource:
    """The acuity before surgery as it was given; its date is not known here."""
    return {
        **_acuity(eye, subject),
        "status": "unknown",
        "valueQuantity": _logmar(eye["preop"]["logmar"]),
        "note": [{"text": f"Before surgery, recorded as {eye['preop']['text']}."}],
    }


def _predicted(
    eye: Mapping[str, Any],
    prediction: Prediction,
    subject: Resource,
    device: Resource,
    before: str | None,
    time: str,
) -> Resource:
    resource = {
        **_acuity(eye, subject),
        "meta": {"security": [AI_ASSERTED]},
        "status": "preliminary",
        "issued": time,
        "method": {"text": "Predicted from OCT B-scans and the acuity before surgery"},
        "device": device,
        "note": [{"text": text} for text in _notes(eye, prediction)],
    }
    if before is not None:
        resource["derivedFrom"] = [{"reference": before}]
    if eye["abstain"]:
        code = {"system": f"{TERMINOLOGY}/data-absent-reason", "code": "unknown"}
        return {**resource, "dataAbsentReason": {"coding": [code], "text": eye["reason"]}}
    interval = eye["interval"]
    ends = {name: _logmar(interval[f"{end}_logmar"]) for name, end in _ENDS.items()}
    level = f"{interval['level']:.0%} prediction interval"
    chances = [
        {
            "code": {"text": f"Probability: {eye['outcomes'][name]}"},
            "valueQuantity": {"value": p, "unit": "1", "system": UCUM, "code": "1"},
        }
        for name, p in eye["p_recovery"].items()
        if p is not None
    ]
    return {
        **resource,
        "valueQuantity": _logmar(eye["postop"]["logmar"]),
        "component": [{"code": {"text": level}, "valueRange": ends}, *chances],
    }


_ENDS = {"low": "lower", "high": "upper"}


def _acuity(eye: Mapping[str, Any], subject: Resource) -> Resource:
    return {
        "resourceType": "Observation",
        "category": [
            {"coding": [{"system": f"{TERMINOLOGY}/observation-category", "code": "exam"}]}
        ],
        "code": {"coding": [DISTANCE_VA, BEST_CORRECTED]},
        "subject": subject,
        "bodySite": {"coding": [EYES[eye["laterality"]]]},
    }


def _logmar(value: float) -> Resource:
    """LogMAR has no unit in UCUM, so the code is an annotation."""
    return {"value": value, "unit": "logMAR", "system": UCUM, "code": "{logMAR}"}


def _notes(eye: Mapping[str, Any], prediction: Prediction) -> list[str]:
    model = prediction["model"]
    return [
        "A prediction of the acuity after surgery, not a measured one.",
        *([f"The model abstains: {eye['reason']}"] if eye["abstain"] else []),
        *([eye["reason"]] if eye["reason"] and not eye["abstain"] else []),
        *(["The model was trained on simulated eyes."] if model["synthetic"] else []),
        *model["warnings"],
        prediction["intended_use"],
    ]


def _provenance(
    prediction: Prediction, predicted: list[str], device: Resource, time: str
) -> Resource:
    """Who made the predictions, when, and of which scan files."""
    scans = [view for eye in prediction["eyes"] for view in eye["views"] if view["sha256"]]
    return {
        "resourceType": "Provenance",
        "meta": {"security": [AI_ASSERTED]},
        "target": [{"reference": url} for url in predicted],
        "recorded": time,
        "agent": [
            {
                "type": {
                    "coding": [
                        {"system": f"{TERMINOLOGY}/provenance-participant-type", "code": "author"}
                    ]
                },
                "who": device,
            }
        ],
        "entity": [
            {
                "role": "source",
                "what": {
                    "identifier": {"type": {"text": "SHA-256 of a scan"}, "value": view["sha256"]},
                    "display": view["name"],
                },
            }
            for view in scans
        ],
    }
