"""What is measured in a patient's own scans: covariates, and what the page shows."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.biomarkers.segmenter import Segmenter
from ctt_net.cohort import Cohort
from ctt_net.cohort.schema import Device
from ctt_net.devices.convert import FACTS_FILE
from ctt_net.errors import InputError
from ctt_net.imaging import UNUSABLE_NOTES, BScan
from ctt_net.inference.patient import PATIENT_FILE, Patient
from ctt_net.measure import Source, measured_columns
from ctt_net.measure.sources import recorded_scale
from ctt_net.model_folder.predictor import Predictor

Scale = tuple[float | None, float | None]

# Two statements of one scale differ by rounding; more is another scale.
SAME_SCALE = 0.02
UNKNOWN_SCALE = (
    f"the size of a pixel is unknown, so no length was measured; say device or scale in "
    f"{PATIENT_FILE}"
)
OTHER_SCALE = (
    f"the size of a pixel is another in {PATIENT_FILE} than in {FACTS_FILE}, so no length was "
    f"measured; correct one of them"
)


def patient_scales(
    patient: Patient, folder: Path, devices: Mapping[str, Device], *, needed: bool
) -> list[dict[str, tuple[Scale, str]]]:
    """Size of a pixel of each scan, axial and lateral in um, None = unknown; and why it is.

    Args:
        patient: As read.
        folder: Holds the scans.
        devices: Of the model.
        needed: Whether the model takes lengths.

    Returns:
        Of each eye, by view.

    Raises:
        InputError: If patient.yaml says device and scale, or, where it is needed, a device that is
            none of the model's.
    """
    stated = _stated_scale(patient, devices, needed=needed)
    return [
        {view: _scale(stated, path, folder, devices) for view, path in eye.scans.items()}
        for eye in patient.eyes
    ]


def measure_patient(
    cohort: Cohort,
    scales: Sequence[Mapping[str, tuple[Scale, str]]],
    bscans: Sequence[Mapping[str, BScan]],
    predictor: Predictor,
) -> tuple[pd.DataFrame, list[list[str]]]:
    """Measure the scans of a patient as those of the training cohort were measured.

    Args:
        cohort: Of the patient's eyes.
        scales: As `patient_scales` gives them.
        bscans: Of each eye, view to scan.
        predictor: Declares what is measured.

    Returns:
        The rows of the cohort with the measures, NaN = not measured; and of each eye why.
    """
    ids = cohort.table["eye_id"].tolist()
    notes: dict[str, list[str]] = {eye: [] for eye in ids}
    wanted = {name: one for name, one in predictor.covariates.items() if one.measured_in}
    if not wanted:
        return cohort.table, list(notes.values())
    sources = []
    for eye, of_eye, scans in zip(ids, scales, bscans, strict=True):
        for view, scan in scans.items():
            unusable = [note.text for note in scan.notes if note.code in UNUSABLE_NOTES]
            scale, note = of_eye[view]
            if unusable or note:
                notes[eye].append(f"{view}: {unusable[0] if unusable else note}")
            if not unusable:
                sources.append(Source(eye, view, "", partial(_pixels, scan), *scale))
    columns, found = measured_columns(sources, wanted, ids, Segmenter.load())
    for eye, view, note in found:
        notes[eye].append(f"{view}: {note}")
    table = cohort.table.drop(columns=columns.columns)
    return table.join(columns.set_axis(table.index)), list(notes.values())


def _pixels(scan: BScan) -> NDArray[np.uint8]:
    return scan.pixels


def _stated_scale(patient: Patient, devices: Mapping[str, Device], *, needed: bool) -> Scale:
    """What patient.yaml says."""
    if patient.device is not None and patient.scale is not None:
        raise InputError(f"{patient.stated_in}: says device and scale; keep one of them")
    if patient.device is not None:
        if patient.device not in devices and not needed:
            return None, None
        if patient.device not in devices:
            raise InputError(
                f"{patient.stated_in}: device {patient.device!r} is none of the model's "
                f"({', '.join(devices) or 'it knows none'}); give 'scale' instead"
            )
        return _pair(devices[patient.device])
    return (None, None) if patient.scale is None else _pair(patient.scale)


def _pair(device: Device) -> Scale:
    return device.axial_um_per_px, device.lateral_um_per_px


def _scale(
    stated: Scale, scan: Path, folder: Path, devices: Mapping[str, Device]
) -> tuple[Scale, str]:
    """Axial and lateral scale of a scan, and why one is unknown."""
    recorded = recorded_scale(scan.parent, folder)
    for one, other in zip(stated, recorded, strict=True):
        if one is not None and other is not None and abs(one / other - 1) > SAME_SCALE:
            return (None, None), OTHER_SCALE
    # A training cohort of one device had the same scale everywhere.
    only = _pair(next(iter(devices.values()))) if len(devices) == 1 else (None, None)
    if stated == recorded == (None, None):
        stated = only
    scale = stated[0] or recorded[0], stated[1] or recorded[1]
    return scale, UNKNOWN_SCALE if None in scale else ""
