"""UIDs, patient and study of the DICOM objects that are made of a prediction."""

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

Prediction = Mapping[str, Any]

MANUFACTURER = "ctt-net"
_UIDS = uuid.UUID("0b7b6f6a-4d1d-5f0a-8e4f-6e0a1f2c9b33")  # of this export, any fixed one
# Series of a study that a device wrote are numbered from 1.
REPORT_SERIES, PAGE_SERIES = 9001, 9002


def uid(prediction: Prediction, part: str) -> str:
    """UID of one part of a prediction: 2.25 and the number of a UUID of version 5 (PS3.5 B.2).

    It is made of the contents of prediction.json, so the same prediction has the same UIDs.

    Args:
        prediction: Contents of prediction.json.
        part: Which one is meant, such as `series of the report`.
    """
    text = json.dumps(prediction, sort_keys=True, ensure_ascii=False)
    return f"2.25.{uuid.uuid5(_UIDS, part + text).int}"


def study_uid(prediction: Prediction) -> str:
    """Study of the scans, if they came as DICOM; else one of its own for patient and scans."""
    for instance in source_instances(prediction):
        return str(instance["study_instance_uid"])
    scans = [view["sha256"] for eye in prediction["eyes"] for view in eye["views"]]
    text = json.dumps([prediction["patient_id"], scans])
    return f"2.25.{uuid.uuid5(_UIDS, text).int}"


def source_instances(prediction: Prediction) -> list[Mapping[str, Any]]:
    """The DICOM instances that scans were cut from, each once, in order."""
    found = {
        view["dicom"]["sop_instance_uid"]: view["dicom"]
        for eye in prediction["eyes"]
        for view in eye["views"]
        if view.get("dicom")
    }
    return list(found.values())


def study_header(prediction: Prediction) -> "Dataset":
    """Patient and study: the id that was given, and nothing else that would say who it is."""
    from pydicom import Dataset

    header = Dataset()
    header.PatientID = prediction["patient_id"]
    header.StudyInstanceUID = study_uid(prediction)
    for name in (
        "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
        "StudyTime", "ReferringPhysicianName",
    ):  # fmt: skip
        setattr(header, name, None)
    return header


def with_times(dataset: "Dataset", prediction: Prediction) -> "Dataset":
    """The time of the prediction, UTC, in place of that of writing; UTF-8."""
    time = datetime.datetime.fromisoformat(prediction["provenance"]["time"])
    day, clock = time.strftime("%Y%m%d"), time.strftime("%H%M%S")
    for name in ("Content", "InstanceCreation", "Series"):
        setattr(dataset, f"{name}Date", day)
        setattr(dataset, f"{name}Time", clock)
    dataset.TimezoneOffsetFromUTC = "+0000"
    return dataset


def as_bytes(dataset: "Dataset") -> bytes:
    """The object as a DICOM file."""
    import io

    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
