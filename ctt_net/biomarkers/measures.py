"""From the segmentation of a B-scan to measures of the macula, each defined in `DEFINITIONS`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.biomarkers.definitions import (
    CENTRAL_MM,
    CONTOUR_MM,
    LOWEST_DRUSEN_UM,
    LOWEST_FLUID_UM,
    MEMBRANE_MM,
    NAMES,
    PARAFOVEAL_MM,
    PHOTORECEPTOR_MM,
    SHORTEST_GAP_UM,
    SMALLEST_CYST_UM2,
)
from ctt_net.biomarkers.hole import Hole, find_hole
from ctt_net.imaging.segmentation import LESIONS, SURFACES, Segmentation

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# What stands for an unknown scale where something is sought or smoothed, never in a result.
NOMINAL_WIDTH_UM = 6000.0
NOMINAL_AXIAL_UM = 4.0

# No retina is this thin in the median of its A-scans, atrophic ones included.
THINNEST_RETINA_UM = 80.0
FEWEST_COLUMNS_SHARE = 0.1
MARGIN_ROWS = 30
# Share of a stretch that must be visible and inside the picture to be measured.
WHOLE_SHARE = 0.95
# The pit is sought in the middle half of the scan and must be this deep, as a share of its rims.
PIT_WITHIN_SHARE = 0.25
PIT_DEPTH_SHARE = 0.25
PIT_BLUR_UM = 80.0
RIM_WITHIN_UM = 500.0
CENTRE_WITHIN_UM = 25.0
NEAREST_GAP_MM = 1.5
# Probability of a hole from which on an opening may be one.
POSSIBLE = 0.15
# Half way up under a closed roof; serous detachments are wider.
WIDEST_TENT_UM = 900.0
# Half the heights at which a lost external limiting membrane and a membrane are labelled.
HALF_ELM_UM, HALF_MEMBRANE_UM = 8.0, 12.0
# Photoreceptors are 30 µm and more from the ellipsoid zone to their tips; where less than this is
# left, as in atrophy, no label of a lost zone has room.
VANISHED_UM = 12.0
# Probabilities below this are not added up: many small ones make no line.
FAINT = 0.2

NO_RETINA = "no retina was found"
NO_LATERAL = (
    "the distance of A-scans is unknown: lengths across are given as shares of the scan's width"
)
NO_AXIAL = "the height of a pixel is unknown: no thickness, height or area is measured"
NO_PIT = "no foveal pit was found; the middle of the scan stands for the foveal centre"
IN_HOLE = "a hole: no thickness is measured at the fovea"
CLIPPED = "the retina leaves the picture in part of the scan"
CLOSED_ROOF = (
    "the opening does not reach the vitreous in this scan: an impending hole, a foveal detachment, "
    "or a hole beside the line"
)
HOLE_CLIPPED = "the hole is partly outside the picture: only its base is measured"
NOT_WHOLE = "part of the central {:g} mm is outside the scan or invisible"
GAP_LEAVES = "the {} gap leaves the scan"
NO_SCLERA = "the border of choroid and sclera lies outside the picture"


@dataclass(frozen=True)
class Measure:
    """One figure.

    Args:
        value: In the unit of its name; None = not measured.
        sd: SD of the error of such figures on unseen simulated scans, same unit; None = unknown.
    """

    value: float | None
    sd: float | None = None


@dataclass(frozen=True)
class Measures:
    """All measures of one scan.

    Args:
        values: Every name of `NAMES` to its measure.
        notes: Why something was not measured or is doubtful, one sentence each.
        fovea: Column of the foveal centre; None without a retina.
        hole: Geometry of the hole, if there is one.
    """

    values: Mapping[str, Measure]
    notes: tuple[str, ...] = ()
    fovea: float | None = None
    hole: Hole | None = None

    def __getitem__(self, name: str) -> float | None:
        """Value of one measure."""
        return self.values[name].value

    def row(self) -> dict[str, float | str | None]:
        """Columns of a table: every name, its `<name>_sd`, and `note`."""
        cells: dict[str, float | str | None] = {}
        for name, measure in self.values.items():
            cells |= {name: measure.value, f"{name}_sd": measure.sd}
        return cells | {"note": "; ".join(self.notes)}


def measure(
    segmentation: Segmentation,
    axial_um: float | None = None,
    lateral_um: float | None = None,
    sd: Mapping[str, float] | None = None,
) -> Measures:
    """Measure the macula in one scan.

    Left and right eyes, and scans in any direction, are measured alike: no measure depends on
    where nasal or superior is.

    Args:
        segmentation: Of the scan.
        axial_um: Height of a pixel, µm; None = unknown, then nothing along the depth is measured.
        lateral_um: Distance of A-scans, µm; None = unknown, then lengths across are measured as
            shares of the scan's width only.
        sd: Name of a measure to the SD of its error.

    Returns:
        Every measure; None where the scan does not allow it, with the reason in `notes`.

    Raises:
        ValueError: If a scale is not positive.

    Example:
        >>> import numpy as np
        >>> from ctt_net.imaging.segmentation import LESIONS, Segmentation
        >>> rows = [100, 130, 160, 168, 176, 176, 180, 180, 250]  # of the surfaces, all level
        >>> surfaces = np.repeat(np.array(rows, np.float32)[:, None], 600, axis=1)
        >>> lesions = np.zeros((len(LESIONS), 300, 600), bool)
        >>> scan = Segmentation(surfaces, lesions, np.ones(600, bool))
        >>> measure(scan, axial_um=4.0, lateral_um=10.0)["central_subfield_thickness_um"]
        320.0
    """
    for name, scale in (("axial_um", axial_um), ("lateral_um", lateral_um)):
        if scale is not None and not (math.isfinite(scale) and scale > 0.0):
            raise ValueError(f"{name} must be positive, got {scale!r}")
    valid = _measurable(segmentation)
    if not _has_retina(segmentation, valid, axial_um):
        return Measures(dict.fromkeys(NAMES, Measure(None)), (NO_RETINA,))
    scan = _Scan(segmentation, valid, axial_um, lateral_um)
    values, sd = scan.measured(), sd or {}
    measures = {
        name: Measure(values.get(name), sd.get(name) if values.get(name) is not None else None)
        for name in NAMES
    }
    return Measures(measures, tuple(dict.fromkeys(scan.notes)), scan.fovea, scan.hole)


def _measurable(segmentation: Segmentation) -> Mask:
    """(W,) A-scans that are visible and have all of their retina in the picture."""
    ilm, bruch = segmentation.surface("ilm"), segmentation.surface("bruch")
    inside = (ilm >= 0.0) & (bruch <= segmentation.height - 1.0)
    return segmentation.visible & inside & np.isfinite(segmentation.surfaces).all(axis=0)


def _has_retina(segmentation: Segmentation, valid: Mask, axial_um: float | None) -> bool:
    if valid.sum() < FEWEST_COLUMNS_SHARE * valid.size:
        return False
    thickness = (segmentation.surface("bruch") - segmentation.surface("ilm"))[valid]
    return bool(np.median(thickness) * (axial_um or NOMINAL_AXIAL_UM) >= THINNEST_RETINA_UM)


class _Scan:
    """One scan while it is measured; rows count from the top of the part that shows the retina."""

    def __init__(
        self,
        segmentation: Segmentation,
        valid: Mask,
        axial_um: float | None,
        lateral_um: float | None,
    ) -> None:
        self.axial, self.lateral, self.valid = axial_um, lateral_um, valid
        self.width = valid.size
        self.lateral_or_nominal = lateral_um or NOMINAL_WIDTH_UM / self.width
        self.axial_or_nominal = axial_um or NOMINAL_AXIAL_UM
        self.notes = [CLIPPED] if (segmentation.visible & ~valid).any() else []
        surfaces = np.nan_to_num(segmentation.surfaces.astype(np.float64), posinf=0.0, neginf=0.0)
        at = dict(zip(SURFACES, surfaces, strict=True))
        first = max(int(at["ilm"].min()) - MARGIN_ROWS, 0)
        last = min(int(at["bruch"][valid].max()) + MARGIN_ROWS, segmentation.height)
        self.lesions = segmentation.lesions[:, first:last]
        self.rows = np.arange(last - first)[:, None]
        self.lowest_row = segmentation.height - 1.0 - first
        self.ilm, self.opl, self.ez = at["ilm"] - first, at["opl"] - first, at["ez"] - first
        self.tips, self.rpe = at["photoreceptor_tips"] - first, at["rpe"] - first
        self.rpe_base, self.bruch = at["rpe_base"] - first, at["bruch"] - first
        self.sclera = at["choroid_sclera"] - first
        fluid = (self.rpe - self.tips) * self.axial_or_nominal >= LOWEST_FLUID_UM
        rim = max(round(RIM_WITHIN_UM / self.lateral_or_nominal), 1)
        # A hole whose mouth is above the picture is a hole all the same.
        mouth = np.maximum(self.ilm, -first)
        opening = self._lesion("hole") & segmentation.visible
        self.hole, rest = find_hole(opening, mouth, self.rpe, fluid, rim)
        if self.hole is None or not self.hole.is_open:
            tent = self._tent(fluid) & segmentation.visible
            wider, _ = find_hole(tent, mouth, self.rpe, fluid, rim)
            # What is wider than a hole's base is a serous detachment.
            if wider and (wider.right - wider.left) * self.lateral_or_nominal <= WIDEST_TENT_UM:
                self.hole = wider
        if self.hole and not self.hole.is_open:
            self.notes.append(CLOSED_ROOF)
        self.cysts = (self._lesion("cyst") | rest) & valid
        self.fluid = self._cleaned(fluid & valid & ~self._base_of_hole())
        self.fovea = self._foveal_centre()

    def _lesion(self, name: str) -> Mask:
        return np.asarray(self.lesions[LESIONS.index(name)] > 0.5)

    def _tent(self, fluid: Mask) -> Mask:
        """(H, W) empty space that may be a hole, with the fluid that it runs into."""
        hole, cyst = (self.lesions[LESIONS.index(name)] for name in ("hole", "cyst"))
        lifted = (self.rows >= self.tips) & (self.rows < self.rpe) & fluid
        empty = lifted | ((hole.astype(float) + cyst > 0.5) & (hole >= cyst))
        _, labels = cv2.connectedComponents(empty.astype(np.uint8))
        return np.asarray(np.isin(labels, np.unique(labels[(hole > POSSIBLE) & empty])) & empty)

    def _base_of_hole(self) -> Mask:
        columns = np.zeros(self.width, np.bool_)
        if self.hole:
            columns[int(self.hole.base_left) : int(self.hole.base_right)] = True
        return columns

    def _foveal_centre(self) -> float:
        """Column of the middle of the hole, else of the pit, else of the scan."""
        if self.hole:
            return self.hole.centre
        middle = 0.5 * (self.width - 1)
        inner = self.opl - self.ilm
        # Cysts swell the inner retina as membranes do; what counts is the tissue between them.
        if self.cysts.any():
            inner = inner - np.count_nonzero(self.cysts & (self.rows < self.opl), axis=0)
        columns = np.arange(self.width)
        inner = np.interp(columns, columns[self.valid], inner[self.valid])
        sigma = PIT_BLUR_UM / self.lateral_or_nominal
        blur = cv2.getGaussianKernel(2 * int(4.0 * sigma + 0.5) + 1, sigma)[:, 0]
        inner = np.convolve(np.pad(inner, blur.size // 2, mode="symmetric"), blur, mode="valid")
        sought = self.valid & (np.abs(columns - middle) <= PIT_WITHIN_SHARE * self.width)
        if sought.any():
            lowest = int(columns[sought][np.argmin(inner[sought])])
            reach = round(500.0 * CONTOUR_MM / self.lateral_or_nominal)
            sides = inner[max(lowest - reach, 0) : lowest], inner[lowest + 1 :][:reach]
            rims = [side.max() for side in sides if side.size]
            if len(rims) == 2 and inner[lowest] < (1.0 - PIT_DEPTH_SHARE) * min(rims):
                return _middle_of_pit(inner, lowest, 0.5 * (inner[lowest] + min(rims)))
        self.notes.append(NO_PIT)
        return middle

    def measured(self) -> dict[str, float | None]:
        """Every measure that the scales allow."""
        for scale, note in ((self.lateral, NO_LATERAL), (self.axial, NO_AXIAL)):
            if scale is None:
                self.notes.append(note)
        values: dict[str, float | None] = {
            "fovea_share": (self.fovea + 0.5) / self.width,
            "hole": float(self.hole is not None),
            "hole_open": float(self.hole.is_open) if self.hole else None,
        }
        return values | self._hole() | self._thickness() | self._bands() | self._fluid()

    def _hole(self) -> dict[str, float | None]:
        hole = self.hole
        if hole is None:
            return {}
        narrow, base = hole.right - hole.left, hole.base_right - hole.base_left
        values: dict[str, float | None] = {"hole_base_diameter_share": base / self.width}
        if self.lateral:
            values["hole_base_diameter_um"] = base * self.lateral
        if not self.valid[int(hole.base_left) : int(hole.base_right)].all():
            self.notes.append(HOLE_CLIPPED)
            return values
        if not hole.is_open and narrow * self.lateral_or_nominal > WIDEST_TENT_UM:
            return values  # half way up a detached retina is no width of a hole
        values["hole_minimum_diameter_share"] = narrow / self.width
        values["diameter_hole_index"] = narrow / base
        if self.lateral:
            values["hole_minimum_diameter_um"] = narrow * self.lateral
        if self.axial:
            values["hole_height_um"] = hole.rim_rows * self.axial
        if self.lateral and self.axial:
            height, up = hole.rim_rows * self.axial, hole.narrowest_rows * self.axial
            across = hole.left - hole.base_left, hole.base_right - hole.right
            arms = sum(math.hypot(one * self.lateral, up) for one in across)
            values["hole_form_factor"] = arms / (base * self.lateral)
            values["macular_hole_index"] = height / (base * self.lateral)
            values["tractional_hole_index"] = height / (narrow * self.lateral)
        return values

    def _zone(self, outer_mm: float, inner_mm: float = 0.0) -> Mask | None:
        """(W,) A-scans between two diameters about the foveal centre, if they are all there."""
        if self.lateral is None:
            return None
        away = np.abs(np.arange(self.width) - self.fovea) * self.lateral
        zone = (away <= 500.0 * outer_mm) & (away >= 500.0 * inner_mm)
        reach = 500.0 * outer_mm / self.lateral
        whole = self.fovea - reach >= -0.5 and self.fovea + reach <= self.width - 0.5
        if whole and zone.any() and self.valid[zone].mean() >= WHOLE_SHARE:
            return np.asarray(zone & self.valid)
        self.notes.append(NOT_WHOLE.format(outer_mm))
        return None

    def _centre(self) -> Mask | None:
        """(W,) A-scans at the foveal centre."""
        away = np.abs(np.arange(self.width) - self.fovea) * self.lateral_or_nominal
        near = away <= max(CENTRE_WITHIN_UM, 0.5 * self.lateral_or_nominal)
        return near if self.valid[near].all() else None

    def _thickness(self) -> dict[str, float | None]:
        axial = self.axial
        if axial is None:
            return {}
        values: dict[str, float | None] = {}
        retina = (self.bruch - self.ilm) * axial
        centre = self._centre()
        if centre is not None:
            depth = self.sclera[centre]
            if (depth <= self.lowest_row).all():
                values["choroidal_thickness_um"] = float(
                    (depth - self.bruch[centre]).mean() * axial
                )
            else:
                self.notes.append(NO_SCLERA)
        ring = self._zone(PARAFOVEAL_MM, CENTRAL_MM)
        if ring is not None and not (ring & self._base_of_hole()).any():
            values["parafoveal_thickness_um"] = float(retina[ring].mean())
        if self.hole:
            self.notes.append(IN_HOLE)
            return values
        if centre is not None:
            values["central_thickness_um"] = float(retina[centre].mean())
        central, contour = self._zone(CENTRAL_MM), self._zone(CONTOUR_MM)
        if central is not None:
            values["central_subfield_thickness_um"] = float(retina[central].mean())
            inner, outer = self.opl - self.ilm, self.tips - self.opl
            values["inner_retinal_thickness_um"] = float(inner[central].mean() * axial)
            values["outer_retinal_thickness_um"] = float(outer[central].mean() * axial)
        if contour is not None and centre is not None:
            at = int(self.fovea)
            left, right = retina[:at][contour[:at]], retina[at + 1 :][contour[at + 1 :]]
            rims = 0.5 * (left.max() + right.max())
            values["foveal_depth_um"] = float(rims - retina[centre].mean())
        return values

    def _bands(self) -> dict[str, float | None]:
        """Ellipsoid zone, external limiting membrane, pigment epithelium, epiretinal membrane."""
        gone = self._base_of_hole()
        band = self.tips - self.ez
        vanished = band * self.axial_or_nominal < VANISHED_UM
        ellipsoid = self._lost("ez_loss", 0.5 * band) | gone | vanished
        elm = self._lost("elm_loss", HALF_ELM_UM / self.axial_or_nominal) | gone
        lost = {
            "ellipsoid": self._cleaned(ellipsoid),
            "elm": self._cleaned(elm),
        }
        values: dict[str, float | None] = {}
        zone = self._zone(PHOTORECEPTOR_MM)
        for name, columns in lost.items():
            if zone is not None:
                values[f"{name}_intact_share"] = float(1.0 - columns[zone].mean())
            gap = self._gap(columns)
            if gap is None:
                self.notes.append(GAP_LEAVES.format(name))
            values |= self._across(f"{name}_gap", gap)
        atrophy = self._cleaned(self._lost("rpe_loss", 0.5 * (self.bruch - self.rpe)))
        values |= self._across("rpe_loss", int(atrophy.sum()))
        zone = self._zone(MEMBRANE_MM)
        if zone is not None:
            covered = self._lost("membrane", HALF_MEMBRANE_UM / self.axial_or_nominal)
            values["membrane_share"] = float(self._cleaned(covered)[zone].mean())
        return values

    def _across(self, name: str, columns: int | None) -> dict[str, float | None]:
        """A length across in µm and as a share of the width."""
        if columns is None:
            return {}
        length = None if self.lateral is None else columns * self.lateral
        return {f"{name}_um": length, f"{name}_share": columns / self.width}

    def _lost(self, name: str, at_least: Floats | float) -> Mask:
        """(W,) A-scans with at least so many pixels of a lesion, and one.

        Probabilities are added up, since thin lines are blurred by a network's coarser rows.
        """
        likely = self.lesions[LESIONS.index(name)]
        count = (likely * (likely > FAINT)).sum(axis=0, dtype=np.float64)
        return np.asarray((count >= np.maximum(at_least, 1.0)) & self.valid)

    def _cleaned(self, columns: Mask) -> Mask:
        """Without islands and gaps shorter than `SHORTEST_GAP_UM`."""
        shortest = SHORTEST_GAP_UM / self.lateral_or_nominal
        cleaned = columns.copy()
        for start, stop in _runs(~columns):  # islands between two gaps
            if stop - start < shortest and start > 0 and stop < self.width:
                cleaned[start:stop] = self.valid[start:stop]
        for start, stop in _runs(cleaned):
            if stop - start < shortest:
                cleaned[start:stop] = False
        return cleaned

    def _gap(self, lost: Mask) -> int | None:
        """A-scans of the gap nearest the fovea; 0 = none is near, None = it leaves the scan."""
        nearest, length = 1000.0 * NEAREST_GAP_MM / self.lateral_or_nominal, 0
        seen = np.flatnonzero(self.valid)
        for start, stop in _runs(lost):
            away = max(start - 0.5 - self.fovea, self.fovea - stop + 0.5, 0.0)
            if away < nearest:
                leaves = start <= seen[0] or stop > seen[-1]
                nearest, length = away, -1 if leaves else stop - start
        return None if length < 0 else length

    def _fluid(self) -> dict[str, float | None]:
        axial = self.axial
        if axial is None:
            return {}
        lifted = np.where(self.fluid, (self.rpe - self.tips) * axial, 0.0)
        drusen = np.where(self.valid, (self.bruch - self.rpe_base) * axial, 0.0)
        drusen = np.where(self._cleaned(drusen >= LOWEST_DRUSEN_UM), drusen, 0.0)
        values: dict[str, float | None] = {
            "subretinal_fluid_height_um": float(lifted.max()),
            "drusen_height_um": float(drusen.max()),
        }
        if self.lateral:
            values["subretinal_fluid_area_mm2"] = float(lifted.sum() * self.lateral * 1e-6)
            values["drusen_area_mm2"] = float(drusen.sum() * self.lateral * 1e-6)
            pixel = axial * self.lateral
            values["cyst_area_mm2"] = _area(self.cysts, SMALLEST_CYST_UM2 / pixel) * pixel * 1e-6
        return values


def _middle_of_pit(inner: Floats, lowest: int, level: float) -> float:
    """Column half way between the slopes of the pit at this level; noise moves it least there."""
    above = np.flatnonzero(inner > level)
    left, right = above[above < lowest], above[above > lowest]
    return 0.5 * float((left[-1] if left.size else 0) + (right[0] if right.size else inner.size))


def _runs(columns: Mask) -> list[tuple[int, int]]:
    """Start and end (exclusive) of every run of True."""
    edges = np.diff(np.concatenate(([0], columns.astype(np.int8), [0])))
    return [
        (int(start), int(stop))
        for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]


def _area(mask: Mask, smallest: float) -> float:
    """Pixels of a mask in connected parts of at least so many."""
    if not mask.any():
        return 0.0
    found = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    sizes = found[2][1:, cv2.CC_STAT_AREA]
    return float(sizes[sizes >= smallest].sum())
