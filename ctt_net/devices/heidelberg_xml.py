"""HEYEX .xml export: a table of contents beside the pictures of the B-scans.

Only the nodes of a series are looked at; those of the patient are not read.
"""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.base import (
    EXPORT_AGAIN,
    DeviceReader,
    Progress,
    check_volume,
    iso_date,
    plausible,
    read_whole,
)
from ctt_net.devices.geometry import is_circle, pattern_of, spacing_um
from ctt_net.imaging.decode_pillow import decode_by_pillow
from ctt_net.imaging.decode_tiff import decode_tiff
from ctt_net.imaging.depth import eight_bit, grey
from ctt_net.imaging.failure import ImagingError
from ctt_net.imaging.file_kind import kind_of, read_limited
from ctt_net.imaging.note import Note

_CONTEXT = "OphthalmicAcquisitionContext"


class HeidelbergXml(DeviceReader):
    """Export folder of HEYEX, by its .xml file."""

    name = "a HEYEX .xml export"
    suffixes = (".xml",)

    def recognises(self, head: bytes) -> bool:
        """By the name of the outermost element."""
        return b"<HEDX" in head

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """One acquisition for each series that holds OCT pictures."""
        text = read_whole(path).decode("utf-8", errors="replace")  # names come in any encoding
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ImagingError.of(path, "an XML file with a document type of its own", EXPORT_AGAIN)
        root = ElementTree.fromstring(text)
        found = []
        for study in root.iter("Study"):
            for series in study.iter("Series"):
                images = [i for i in series.findall("Image") if _text(i, "ImageType/Type") == "OCT"]
                if images:
                    found.append(_acquisition(study, series, images, path, progress))
        if not found:
            raise ImagingError.of(path, "an XML file that lists no OCT picture", EXPORT_AGAIN)
        return tuple(found)


def _acquisition(
    study: ElementTree.Element,
    series: ElementTree.Element,
    images: list[ElementTree.Element],
    path: Path,
    progress: Progress,
) -> Acquisition:
    notes: list[Note] = []
    pictures = []
    for image in images:
        pictures.append(_picture(_text(image, "ImageData/ExamURL"), path, notes))
        progress(len(pictures), len(images))
    if len({picture.shape for picture in pictures}) > 1:
        raise ImagingError.of(path, "B-scans of different sizes in one series", EXPORT_AGAIN)
    height, width = pictures[0].shape
    check_volume(len(pictures), height, width, path)
    lateral = _scale(images[0], "ScaleX")
    ends = [
        [
            _number(image, f"{_CONTEXT}/{end}/Coord/{axis}")
            for end in ("Start", "End")
            for axis in "XY"
        ]
        for image in images
    ]
    positions = np.array(ends) if np.isfinite(ends).all() and np.abs(ends).max() < 100 else None
    pattern = "unknown"
    if positions is not None:
        width_mm = None if lateral is None else lateral * width / 1000
        circle = len(pictures) == 1 and is_circle(positions[0], width_mm)
        pattern = "circular" if circle else pattern_of(positions)
    scores = [_number(image, f"{_CONTEXT}/ImageQuality") for image in images]
    quality = plausible(float(np.median(scores)), 0, 100)
    return Acquisition(
        bscans=np.stack(pictures),
        laterality={"R": "OD", "L": "OS"}.get(_text(series, "Laterality")),
        manufacturer="Heidelberg Engineering",
        device="Spectralis",
        pattern=pattern,
        positions=positions,
        axial_um_per_px=_scale(images[0], "ScaleY"),
        lateral_um_per_px=lateral,
        spacing_um=None if positions is None else spacing_um(positions),
        scan_date=_date(series.find("ReferenceSeries/ExamDate/Date"))
        or _date(study.find("StudyDate/Date")),
        quality_value=quality,
        quality_scale=None if quality is None else "Heidelberg quality, dB",
        notes=tuple(dict.fromkeys(note.text for note in notes)),
    )


def _picture(recorded: str, path: Path, notes: list[Note]) -> np.ndarray:
    """(H, W) uint8 of the file that the table names by its path on the device."""
    name = recorded.replace("\\", "/").rsplit("/", 1)[-1]
    if name in ("", ".", ".."):
        raise ImagingError.of(path, "an OCT picture without a file name", EXPORT_AGAIN)
    file = path.parent / name
    data = read_limited(file)
    kind = kind_of(data, file)
    raster = decode_tiff(data, file) if kind == "TIFF" else decode_by_pillow(data, kind, file)
    return grey(eight_bit(raster.samples, notes))


def _text(element: ElementTree.Element, place: str) -> str:
    return (element.findtext(place) or "").strip()


def _number(element: ElementTree.Element, place: str) -> float:
    try:
        return float(_text(element, place))
    except ValueError:
        return math.nan


def _scale(image: ElementTree.Element, name: str) -> float | None:
    return plausible(_number(image, f"{_CONTEXT}/{name}") * 1000, 0.5, 100)


def _date(element: ElementTree.Element | None) -> str | None:
    if element is None:
        return None
    parts = [_number(element, part) for part in ("Year", "Month", "Day")]
    return iso_date(*map(int, parts)) if np.isfinite(parts).all() else None
