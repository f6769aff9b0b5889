"""A raw device file to a folder of pictures and the facts beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctt_net import INTENDED_USE
from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.read import read_acquisition
from ctt_net.devices.sections import cut_foveal_sections, raster_lines
from ctt_net.errors import InputError
from ctt_net.imaging.bscan import ImagingError
from ctt_net.imaging.encode import png
from ctt_net.io.atomic_folder import check_not_taken, new_folder
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.progress import progress_bar
from ctt_net.io.yaml_file import dump_yaml

FACTS_FILE = "acquisition.yaml"
EVERY_BSCAN = "every_bscan"  # a folder of its own: `predict` reads views from the one above


@dataclass(frozen=True)
class Converted:
    """What was written.

    Args:
        files: names of the pictures, as in the folder.
        notes: of the reader and of the cuts.
    """

    files: tuple[str, ...]
    notes: tuple[str, ...]


def convert(
    file: Path,
    out: Path,
    lines: int = 0,
    every: bool = False,
    laterality: str | None = None,
    number: int | None = None,
) -> Converted:
    """Write `OD_horizontal.png`, `OD_vertical.png` and `acquisition.yaml`, whole or not at all.

    Args:
        file: of the device.
        out: folder to make.
        lines: so many `OD_raster_01.png` besides.
        every: all B-scans besides, in a folder of their own.
        laterality: the eye, where the file does not say or holds both.
        number: which acquisition, from 1, where the file holds several of that eye.

    Raises:
        InputError: the file cannot be read, the eye is not known, or nothing can be cut.
    """
    check_not_taken(out)
    with progress_bar("reading B-scans") as progress:
        acquisition = read_acquisition(file, laterality, number, progress)
    eye = acquisition.laterality or laterality
    if eye is None:
        raise ImagingError.of(
            file, "no laterality in it", "give --laterality OD or --laterality OS"
        )
    if lines < 0:
        raise InputError(f"--lines {lines}: give the number of raster lines, 1 or more")
    cut = cut_foveal_sections(acquisition)
    pictures = {f"{eye}_{view}.png": pixels for view, pixels in cut.sections.items()}
    for i, pixels in enumerate(raster_lines(acquisition, lines) if lines else (), start=1):
        pictures[f"{eye}_raster_{i:02}.png"] = pixels
    if every:
        for i, pixels in enumerate(acquisition.bscans, start=1):
            pictures[f"{EVERY_BSCAN}/{eye}_{i:03}.png"] = pixels
    if not pictures:
        why = "; ".join(cut.notes)
        raise ImagingError.of(file, f"no section to cut ({why})", "--all writes every B-scan")
    notes = (*acquisition.notes, *cut.notes)
    with new_folder(out) as folder:
        for name, pixels in pictures.items():
            atomic_write(folder / name, png(pixels))
        facts = _facts(acquisition, eye) | {"files": list(pictures), "notes": list(notes)}
        if cut.fovea is not None:
            facts["fovea"] = {
                "found": cut.fovea.found,
                "bscan": cut.fovea.index + 1,
                "column": cut.fovea.column,
            }
        atomic_write(folder / FACTS_FILE, dump_yaml(facts))
    return Converted(tuple(pictures), notes)


def _facts(acquisition: Acquisition, eye: str) -> dict[str, Any]:
    """What may be known about the scan; nothing here says whose it is."""
    count, height, width = acquisition.bscans.shape
    return {
        "intended_use": INTENDED_USE,
        "laterality": eye,
        "laterality_from": "file" if acquisition.laterality else "--laterality",
        "manufacturer": acquisition.manufacturer,
        "device": acquisition.device,
        "pattern": acquisition.pattern,
        "bscans": count,
        "height_px": height,
        "width_px": width,
        "axial_um_per_px": acquisition.axial_um_per_px,
        "lateral_um_per_px": acquisition.lateral_um_per_px,
        "spacing_um": acquisition.spacing_um,
        "scan_date": acquisition.scan_date,
        "quality": acquisition.quality_value,
        "quality_scale": acquisition.quality_scale,
    }
