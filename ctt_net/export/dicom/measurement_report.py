"""A structured report after TID 1500: acuity before surgery, predicted acuity, measures.

Codes are those of DICOM and SNOMED CT where one exists (PS3.16: TID 1500, 1501, 300, 310; CID 4216
for visual acuity), else of this project (scheme `99CTTNET`). LogMAR has no unit in UCUM; it is
written as the annotation `{logMAR}`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ctt_net.export.dicom.identity import (
    MANUFACTURER,
    REPORT_SERIES,
    Prediction,
    source_instances,
    study_header,
    uid,
    with_times,
)

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, Measurement, MeasurementsAndQualitativeEvaluations
    from pydicom import Dataset

Eye = Mapping[str, Any]

_SCHEME = "99CTTNET"
_UNITS = {"um": "um", "µm": "um", "mm": "mm", "mm2": "mm2", "mm3": "mm3", "%": "%"}
_PURE = ("share", "ratio", "0/1")  # numbers without a unit
_LONGEST = 64  # characters of a short text or of a code's meaning
_LONGEST_CODE = 16
_SIDES = {"OD": "Right", "OS": "Left"}


def measurement_report(prediction: Prediction) -> "Dataset":
    """Build the report; `is_complete`, not verified: no person has signed it.

    An eye on which the model abstains has its reasons and no predicted number.

    Args:
        prediction: Contents of prediction.json.
    """
    from highdicom import sr
    from pydicom.sr.codedict import codes

    device = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=uid(prediction, "device"),
            name="ctt-net",
            manufacturer_name=MANUFACTURER,
            model_name=prediction["model"]["name"][:_LONGEST],
        ),
    )
    groups = []
    for eye in prediction["eyes"]:
        groups += [_before(eye, prediction)] if eye["preop"] else []
        groups.append(_after(eye, prediction))
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=device),
        procedure_reported=sr.CodedConcept(
            "700070005", "SCT", "Optical coherence tomography of retina"
        ),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    sources = [_evidence(instance, prediction) for instance in source_instances(prediction)]
    report = sr.ComprehensiveSR(
        # Patient and study are taken from the first; without DICOM scans there is nothing else.
        evidence=sources or [_evidence({}, prediction)],
        content=content,
        series_instance_uid=uid(prediction, "series of the report"),
        series_number=REPORT_SERIES,
        sop_instance_uid=uid(prediction, "report"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="ctt-net",
        software_versions=prediction["model"]["ctt_net_version"],
        device_serial_number=str(prediction["provenance"]["model_digest"])[:_LONGEST],
        series_description="Predicted visual acuity. Research use only",
        specific_character_set="ISO_IR 192",
        is_complete=True,
    )
    if not sources:
        del report.CurrentRequestedProcedureEvidenceSequence
    return with_times(report, prediction)


def _evidence(instance: Mapping[str, Any], prediction: Prediction) -> "Dataset":
    header = study_header(prediction)
    header.SOPClassUID = instance.get("sop_class_uid", "1.2.840.10008.5.1.4.1.1.88.33")
    header.SOPInstanceUID = instance.get("sop_instance_uid") or uid(prediction, "no scan")
    header.SeriesInstanceUID = instance.get("series_instance_uid") or uid(prediction, "no series")
    header.StudyInstanceUID = instance.get("study_instance_uid", header.StudyInstanceUID)
    return header


def _before(eye: Eye, prediction: Prediction) -> "MeasurementsAndQualitativeEvaluations":
    """The acuity before surgery, as it was given."""
    return _group(eye, prediction, "before surgery", [_acuity(eye["preop"]["logmar"])], [])


def _after(eye: Eye, prediction: Prediction) -> "MeasurementsAndQualitativeEvaluations":
    """The predicted acuity, or why there is none; and what was measured in the scans."""
    from highdicom import sr

    measures = [
        sr.Measurement(_own(name, name), value, _unit(unit))
        for name, (value, unit) in _measures(eye, prediction).items()
    ]
    if eye["abstain"]:
        abstains = _own("abstention", "The model abstains: no number is given")
        reasons = [
            sr.QualitativeEvaluation(abstains, _own(name, name.replace("_", " ")))
            for name in eye["abstain_because"]
        ]
        return _group(eye, prediction, "predicted after surgery", measures, reasons)
    interval, value = eye["interval"], eye["postop"]["logmar"]
    level = f"{interval['level']:.0%} prediction interval"
    properties = sr.MeasurementProperties(
        upper_measurement_uncertainty=round(interval["upper_logmar"] - value, 4),
        lower_measurement_uncertainty=round(value - interval["lower_logmar"], 4),
    )
    numbers = [
        _acuity(value, properties=properties),
        sr.Measurement(_own("lower", f"{level}, lower end"), interval["lower_logmar"], _logmar()),
        sr.Measurement(_own("upper", f"{level}, upper end"), interval["upper_logmar"], _logmar()),
    ]
    numbers += [
        sr.Measurement(_own(f"p_{name}", f"Probability: {eye['outcomes'][name]}"), p, _no_unit())
        for name, p in eye["p_recovery"].items()
        if p is not None
    ]
    return _group(eye, prediction, "predicted after surgery", numbers + measures, [])


def _measures(eye: Eye, prediction: Prediction) -> dict[str, tuple[float, str | None]]:
    """`<view>_<measure>` to value and unit: those the model took, and those of the details."""
    found = {
        one["name"]: (float(one["value"]), one["unit"])
        for one in eye["covariates"]
        if one["measured_in"] and one["value"] is not None
    }
    for details in prediction.get("details", ()):
        if details["laterality"] == eye["laterality"]:
            for one in details["measures"]:
                found[f"{one['view']}_{one['name']}"] = float(one["value"]), one["unit"]
    return found


def _group(
    eye: Eye, prediction: Prediction, what: str, numbers: list["Measurement"], reasons: list[Any]
) -> "MeasurementsAndQualitativeEvaluations":
    from highdicom import sr
    from pydicom.sr.codedict import codes

    model, predicted = prediction["model"], what.startswith("predicted")
    name = f"{eye['laterality']} {what}"
    algorithm = sr.AlgorithmIdentification(
        name="ctt-net",
        version=model["ctt_net_version"],
        manufacturer=MANUFACTURER,
        parameters=[
            prediction["intended_use"],
            f"model {model['name']}, trained on {model['trained_on']}",
            f"model digest {prediction['provenance']['model_digest']}",
            *model["warnings"],
            *([eye["reason"]] if eye["reason"] else []),
        ],
    )
    images = {
        view["dicom"]["sop_instance_uid"]: view["dicom"]["sop_class_uid"]
        for view in eye["views"]
        if view.get("dicom")
    }
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid(prediction, name), identifier=name),
        finding_type=sr.CodedConcept("363983007", "SCT", "Visual acuity"),
        method=_own("predicted", "Predicted from OCT and the acuity before surgery")
        if predicted
        else None,
        algorithm_id=algorithm if predicted else None,
        finding_sites=[
            sr.FindingSite(codes.SCT.Eye, getattr(codes.SCT, _SIDES[eye["laterality"]]))
        ],
        measurements=numbers,
        qualitative_evaluations=reasons,
        source_images=[
            sr.SourceImageForMeasurementGroup(kind, instance) for instance, kind in images.items()
        ]
        if predicted
        else None,
    )


def _acuity(logmar: float, **properties: Any) -> "Measurement":
    from highdicom import sr
    from pydicom.sr.codedict import codes

    return sr.Measurement(codes.SCT.BestCorrectedVisualAcuity, logmar, _logmar(), **properties)


def _own(code: str, meaning: str) -> "CodedConcept":
    from highdicom.sr import CodedConcept

    # A code has 16 characters; a longer one gets the end of its digest, so that none are equal.
    if len(code) > _LONGEST_CODE:
        import hashlib

        code = f"{code[:11]}_{hashlib.sha256(code.encode()).hexdigest()[:4]}"
    return CodedConcept(code, _SCHEME, meaning[:_LONGEST])


def _logmar() -> "CodedConcept":
    from highdicom.sr import CodedConcept

    return CodedConcept("{logMAR}", "UCUM", "logMAR")


def _no_unit() -> "CodedConcept":
    from highdicom.sr import CodedConcept

    return CodedConcept("1", "UCUM", "no units")


def _unit(unit: str | None) -> "CodedConcept":
    from highdicom.sr import CodedConcept

    if not unit or unit in _PURE:
        return _no_unit()
    code = _UNITS.get(unit, f"{{{unit}}}"[:_LONGEST_CODE])
    return CodedConcept(code, "UCUM", unit)
