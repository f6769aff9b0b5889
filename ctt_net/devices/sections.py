"""Horizontal and vertical B-scans through the fovea, out of any scan pattern.

`horizontal` runs as on the fundus picture from left to right, `vertical` from below upwards.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.fovea import Fovea, locate_fovea
from ctt_net.devices.geometry import direction, runs_backwards
from ctt_net.errors import InputError

FEWEST_FOR_A_SECTION = 20
_LINES_MM = 3.0  # raster lines are taken from this width around the fovea
_NARROWEST_MM, _WIDEST_MM = 1.0, 20.0  # of a section; less shows no macula, more is no scan
_CROSSWISE = {"horizontal": "vertical", "vertical": "horizontal"}


@dataclass(frozen=True, eq=False)
class FovealSections:
    """What could be cut, and why the rest could not.

    Args:
        sections: `horizontal` and `vertical`, as far as they are there; (H, W) uint8.
        notes: what was assumed or left out.
        fovea: where the cuts meet; None for scans that are single lines.
    """

    sections: dict[str, np.ndarray]
    notes: tuple[str, ...]
    fovea: Fovea | None = None


def foveal_sections(acquisition: Acquisition) -> dict[str, np.ndarray]:
    """Horizontal and vertical section through the fovea, as far as the acquisition has them.

    Returns:
        `horizontal`, `vertical`, both or neither; each (H, W) uint8.
    """
    return cut_foveal_sections(acquisition).sections


def cut_foveal_sections(acquisition: Acquisition) -> FovealSections:
    """As `foveal_sections`, with notes and the place of the fovea."""
    if acquisition.pattern == "raster" and len(acquisition.bscans) >= 3:
        return _through_raster(acquisition)
    return _among_lines(acquisition)


def raster_lines(acquisition: Acquisition, k: int) -> list[np.ndarray]:
    """B-scans evenly spread over at most 3 mm around the fovea, in the order of the file.

    Args:
        acquisition: of parallel B-scans.
        k: how many.

    Returns:
        k pictures, (H, W) uint8.

    Raises:
        InputError: if these are no parallel lines, or fewer than k.
    """
    count = len(acquisition.bscans)
    if acquisition.pattern != "raster" or not 1 <= k <= count:
        raise InputError(
            f"{k} raster lines were asked for, but the scan is {acquisition.pattern} of {count} "
            f"B-scans; ask for fewer, or for none"
        )
    index = locate_fovea(acquisition).index
    reach = min(index, count - 1 - index)
    if acquisition.spacing_um is not None:
        reach = min(reach, int(_LINES_MM * 500 / acquisition.spacing_um))
    reach = max(reach, k // 2)
    first = int(np.clip(index - reach, 0, count - 1))
    last = int(np.clip(index + reach, 0, count - 1))
    if last - first + 1 < k:  # the fovea lies at the edge
        first, last = (0, k - 1) if first == 0 else (count - k, count - 1)
    chosen = np.rint(np.linspace(first, last, k)).astype(int) if k > 1 else np.array([index])
    return [_as_shown(acquisition, int(i)) for i in chosen]


def _through_raster(acquisition: Acquisition) -> FovealSections:
    notes = []
    fovea = locate_fovea(acquisition)
    if not fovea.found:
        notes.append("no foveal pit was found; the sections pass through the middle of the volume")
    if acquisition.positions is None:
        along: str | None = "horizontal"
        notes.append("the B-scans' direction is not recorded; it was taken as horizontal")
    else:
        along = direction(acquisition.positions[fovea.index])
    if along is None:
        return FovealSections({}, (*notes, "the B-scans are oblique"), fovea)
    sections = {along: _as_shown(acquisition, fovea.index)}
    across = _CROSSWISE[along]
    spacing, lateral = acquisition.spacing_um, acquisition.lateral_um_per_px
    count = len(acquisition.bscans)
    if count < FEWEST_FOR_A_SECTION:
        why = f"{count} B-scans are too few (at least {FEWEST_FOR_A_SECTION})"
    elif spacing is None:
        why = "the distance between B-scans is not recorded, or not even"
    elif lateral is None:
        why = "the width of a pixel is not recorded"
    elif not _NARROWEST_MM <= count * spacing / 1000 <= _WIDEST_MM:
        why = f"the B-scans span {count * spacing / 1000:.1f} mm"
    else:
        sections[across] = _crosscut(acquisition, fovea.column, across, spacing / lateral)
        notes.append(
            f"the {across} section was put together from {count} B-scans {spacing:.0f} um apart"
        )
        return FovealSections(sections, tuple(notes), fovea)
    return FovealSections(sections, (*notes, f"no {across} section: {why}"), fovea)


def _crosscut(acquisition: Acquisition, column: int, across: str, stretch: float) -> np.ndarray:
    """(H, W) one A-scan of each B-scan, each made as wide as `stretch` pixels."""
    count, height, _ = acquisition.bscans.shape
    section = np.ascontiguousarray(acquisition.bscans[:, :, column].T)
    if acquisition.positions is not None:
        middle = (acquisition.positions[:, :2] + acquisition.positions[:, 2:]) / 2
        line = np.concatenate([middle[0], middle[-1]])
        if direction(line) == across and runs_backwards(line):
            section = np.ascontiguousarray(section[:, ::-1])
    width = max(round(count * stretch), 1)
    return cv2.resize(section, (width, height), interpolation=cv2.INTER_LINEAR)


def _among_lines(acquisition: Acquisition) -> FovealSections:
    """Choose among single lines the ones that lie flattest and steepest."""
    if acquisition.positions is None:
        why = "the scan's direction is not recorded; name its B-scans by hand"
        return FovealSections({}, (why,))
    best: dict[str, tuple[float, int]] = {}
    for i, line in enumerate(acquisition.positions):
        view = direction(line)
        dx, dy = abs(float(line[2] - line[0])), abs(float(line[3] - line[1]))
        if view is not None:
            slant = dy / dx if view == "horizontal" else dx / dy
            best[view] = min(best.get(view, (np.inf, i)), (slant, i))
    sections = {view: _as_shown(acquisition, i) for view, (_, i) in sorted(best.items())}
    if len(sections) == 2 and acquisition.pattern == "unknown":
        notes = ("the lines may not meet in one point; check that both pass the fovea",)
        return FovealSections(sections, notes)
    return FovealSections(sections, () if sections else ("the scan is oblique",))


def _as_shown(acquisition: Acquisition, index: int) -> np.ndarray:
    """One B-scan, turned round if it was scanned the other way."""
    bscan = acquisition.bscans[index]
    backwards = acquisition.positions is not None and runs_backwards(acquisition.positions[index])
    return np.ascontiguousarray(bscan[:, ::-1] if backwards else bscan)
