"""Metadata of an OPT dataset: eye, device, scales, lines and window."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ctt_net.devices.base import iso_date, plausible
from ctt_net.devices.geometry import pattern_of, spacing_um
from ctt_net.imaging.bscan import ImagingError

if TYPE_CHECKING:
    from pydicom import Dataset

_PATTERNS = {  # DICOM PS3.16, context group 4272
    "128279": "raster", "128280": "raster", "128281": "line", "128282": "radial",
    "128283": "line", "128284": "circular", "128285": "circular", "128286": "circular",
    "128287": "circular",
}  # fmt: skip
_FEWEST_OF_A_CUBE = 20
_EYES = {"R": "OD", "L": "OS"}


def facts_of(
    dataset: "Dataset", count: int, width: int, path: Path, notes: list[str]
) -> dict[str, Any]:
    """The fields of an `Acquisition` but for B-scans and notes.

    Args:
        dataset: OPT.
        count: B-scans.
        width: of one, pixels.
        path: for messages.
        notes: receives what is missing or was assumed.

    Raises:
        ImagingError: if the frames are of both eyes.
    """
    axial, lateral, between = _scales(dataset)
    positions = _positions(dataset, count, width, lateral)
    pattern = _pattern(dataset, positions)
    spacing = spacing_um(positions) if positions is not None else None
    spacing = spacing or _plane_spacing(dataset) or between
    if pattern == "unknown" and positions is None and spacing and count >= _FEWEST_OF_A_CUBE:
        pattern = "raster"  # equidistant planes, although no code says so
    spacing = spacing if pattern == "raster" else None
    if lateral is None:
        notes.append("the file does not say the width of a pixel")
    return {
        "laterality": _laterality(dataset, path),
        "manufacturer": str(dataset.get("Manufacturer") or ""),
        "device": str(dataset.get("ManufacturerModelName") or ""),
        "pattern": pattern,
        "positions": positions,
        "axial_um_per_px": axial,
        "lateral_um_per_px": lateral,
        "spacing_um": spacing,
        "scan_date": _date(dataset),
    }


def window_of(dataset: "Dataset", notes: list[str]) -> tuple[float, float, float, float] | None:
    """Centre, width, slope and intercept of the one window for all frames, or None."""
    windows = {
        (_first(item.get("WindowCenter")), _first(item.get("WindowWidth")))
        for item in (*_groups(dataset, "FrameVOILUTSequence"), dataset)
        if "WindowCenter" in item and "WindowWidth" in item
    }
    if len(windows) != 1:
        if windows:
            notes.append("the frames have windows of their own, which were not used")
        return None
    centre, width = windows.pop()
    if not (math.isfinite(centre) and width >= 1):
        return None
    scaled = [
        item
        for item in (*_groups(dataset, "PixelValueTransformationSequence"), dataset)
        if "RescaleSlope" in item
    ]
    slope = _first(scaled[0].get("RescaleSlope")) if scaled else 1.0
    intercept = _first(scaled[0].get("RescaleIntercept", 0)) if scaled else 0.0
    if not (math.isfinite(slope) and slope > 0 and math.isfinite(intercept)):
        return None
    return centre, width, slope, intercept


def _groups(dataset: "Dataset", name: str) -> "Iterator[Dataset]":
    """First items of a functional group: the shared one, then one a frame."""
    for place in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for frame in dataset.get(place) or ():
            yield from (frame.get(name) or ())[:1]  # more are lines on further reference pictures


def _laterality(dataset: "Dataset", path: Path) -> str | None:
    letters = {
        str(group.get("FrameLaterality", "")) for group in _groups(dataset, "FrameAnatomySequence")
    }
    letters |= {str(dataset.get(name) or "") for name in ("ImageLaterality", "Laterality")}
    eyes = {_EYES[letter] for letter in letters if letter in _EYES}
    if len(eyes) > 1:
        raise ImagingError.of(path, "frames of both eyes", "export each eye on its own")
    return eyes.pop() if eyes else None


def _scales(dataset: "Dataset") -> tuple[float | None, float | None, float | None]:
    """Depth and width of a pixel, and distance between frames, um."""
    for item in (*_groups(dataset, "PixelMeasuresSequence"), dataset):
        if "PixelSpacing" in item:
            axial, lateral = (_first(part) * 1000 for part in item.PixelSpacing)
            between = _first(item.get("SpacingBetweenSlices")) * 1000
            return (
                plausible(axial, 0.5, 100),
                plausible(lateral, 0.5, 200),
                plausible(between, 1, 5000),
            )
    return None, None, None


def _positions(
    dataset: "Dataset", count: int, width: int, lateral: float | None
) -> np.ndarray | None:
    """(N, 4) mm from the lines on the reference picture, whose scale the B-scans' width gives."""
    lines = []
    for group in _groups(dataset, "OphthalmicFrameLocationSequence"):
        points = group.get("ReferenceCoordinates") or ()
        if len(points) != 4:
            return None
        row, column, last_row, last_column = (float(value) for value in points)
        lines.append((column, row, last_column, last_row))
    if len(lines) != count or lateral is None:
        return None
    pixels = np.array(lines)
    length = float(np.median(np.hypot(*(pixels[:, 2:] - pixels[:, :2]).T)))
    if not (np.isfinite(pixels).all() and length > 0):
        return None
    return pixels * (width * lateral / 1000 / length)


def _pattern(dataset: "Dataset", positions: np.ndarray | None) -> str:
    for item in dataset.get("ScanPatternTypeCodeSequence") or ():
        known = _PATTERNS.get(str(item.get("CodeValue", "")))
        if known:
            return known
    for group in _groups(dataset, "OphthalmicFrameLocationSequence"):
        points = np.array(group.get("ReferenceCoordinates") or (), float)
        if len(points) > 8 and np.allclose(points[:2], points[-2:], atol=3):
            return "circular"
    return "unknown" if positions is None else pattern_of(positions)


def _plane_spacing(dataset: "Dataset") -> float | None:
    """From the frames' places in space, um."""
    places = [
        [_first(part) for part in group.ImagePositionPatient]
        for group in _groups(dataset, "PlanePositionSequence")
        if "ImagePositionPatient" in group
    ]
    if len(places) < 2:
        return None
    gaps = np.linalg.norm(np.diff(np.array(places), axis=0), axis=1) * 1000
    even = (np.abs(gaps - gaps.mean()) <= 0.2 * gaps.mean()).all()
    return plausible(float(gaps.mean()), 1, 5000) if even else None


def _date(dataset: "Dataset") -> str | None:
    for name in (
        "AcquisitionDateTime",
        "AcquisitionDate",
        "ContentDate",
        "SeriesDate",
        "StudyDate",
    ):
        text = str(dataset.get(name) or "")[:8]
        if len(text) == 8 and text.isdigit():
            return iso_date(int(text[:4]), int(text[4:6]), int(text[6:]))
    return None


def _first(value: Any) -> float:
    """A number that may be missing, several or text."""
    if value is not None and not isinstance(value, str | int | float) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan
