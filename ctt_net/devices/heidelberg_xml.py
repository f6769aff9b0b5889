"""HEYEX .xml export: a table of contents beside the pictures of the B-scans.

Versions differ in namespaces and in the case of the tags: both are dropped before anything is read.

Only the nodes of a series are read, none of the patient.
"""

import math
import re
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
from ctt_net.imaging.bscan import ImagingError, Note
from ctt_net.imaging.decode import decode_file
from ctt_net.imaging.decode.depth import eight_bit, grey

_CONTEXT = "OphthalmicAcquisitionContext"
_ROOT = re.compile(rb"<(?:\w+:)?HEDX[\s/>]", re.IGNORECASE)
_EYES = {"R": "OD", "RIGHT": "OD", "OD": "OD", "L": "OS", "LEFT": "OS", "OS": "OS"}


class HeidelbergXml(DeviceReader):
    """Export folder of HEYEX, by its .xml file."""

    name = "a HEYEX .xml export"
    suffixes = (".xml",)

    def recognises(self, head: bytes) -> bool:
        """By the name of the outermost element."""
        return bool(_ROOT.search(head.replace(b"\0", b"")))  # UTF-16 too

    def read(self, path: Path, progress: Progress) -> tuple[Acquisition, ...]:
        """One acquisition for each series that holds OCT pictures."""
        data = read_whole(path)
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        # Names come in any encoding.
        text = data.decode("utf-16" if wide else "utf-8", errors="replace").lstrip("\ufeff")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ImagingError.of(path, "an XML file with a document type of its own", EXPORT_AGAIN)
        root = ElementTree.fromstring(text)
        for element in root.iter():
            element.tag = element.tag.rsplit("}", 1)[-1].lower()
        if root.tag != "hedx":
            raise ImagingError.of(
                path,
                f"an XML file of <{root.tag[:40]}>, no HEYEX export",
                "name the HEYEX .xml file",
            )
        found = []
        for study in list(root.iter("study")) or [root]:
            for series in study.iter("series"):
                images = [
                    image
                    for image in series.iter("image")
                    if _text(image, "ImageType/Type").upper() == "OCT"
                ]
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
    for file in _files(images, path):
        pictures.append(_picture(file, notes))
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
        laterality=_EYES.get(_text(series, "Laterality").upper()),
        manufacturer="Heidelberg Engineering",
        device="Spectralis",
        pattern=pattern,
        positions=positions,
        axial_um_per_px=_scale(images[0], "ScaleY"),
        lateral_um_per_px=lateral,
        spacing_um=None if positions is None else spacing_um(positions),
        scan_date=_date(series.find("referenceseries/examdate/date"))
        or _date(study.find(".//studydate/date")),
        quality_value=quality,
        quality_scale=None if quality is None else "Heidelberg quality, dB",
        notes=tuple(dict.fromkeys(note.text for note in notes)),
    )


def _files(images: list[ElementTree.Element], path: Path) -> list[Path]:
    """The pictures, which the table names by their paths on the device; never above its folder.

    Raises:
        ImagingError: naming the pictures that are missing.
    """
    names = {entry.name.lower(): entry.name for entry in path.parent.iterdir()}
    files, missing = [], []
    for image in images:
        recorded = _text(image, "ImageData/ExamURL").replace("\\", "/").split("/")
        parts = [part for part in recorded if part not in ("", ".", "..") and ":" not in part]
        if not parts:
            raise ImagingError.of(path, "an OCT picture without a file name", EXPORT_AGAIN)
        beside = names.get(parts[-1].lower(), parts[-1])
        places = [path.parent.joinpath(*parts[start:]) for start in range(len(parts))]
        file = next((f for f in (*places, path.parent / beside) if f.is_file()), None)
        missing += [parts[-1]] if file is None else []
        files += [] if file is None else [file]
    if missing:
        listed = ", ".join(missing[:3]) + ", ..." * (len(missing) > 3)
        raise ImagingError.of(
            path,
            f"a table of {len(images)} pictures, of which {len(missing)} are missing ({listed})",
            "copy the whole export folder, with the pictures beside the .xml file",
        )
    return files


def _picture(file: Path, notes: list[Note]) -> np.ndarray:
    """(H, W) uint8 of one picture."""
    return grey(eight_bit(decode_file(file).samples, notes))


def _text(element: ElementTree.Element, place: str) -> str:
    return (element.findtext(place.lower()) or "").strip()


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
