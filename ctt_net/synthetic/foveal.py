"""The foveal rule: acuity is that of the best place which the lesions have left.

At every place of the retina two things limit acuity: its distance from the centre of the foveola,
and the worst of the lesions that reach it. An eye sees with its best place:

    away(p) = max(0, distance(p) - CENTRE_MM) / HALVING_MM
    cost = min over places p of  log10(1 + away(p)) + max over lesions of damage(p)

Resolution is limited by the spacing of cones at the foveal centre only and is worse beside it
(Rossi 2010, Nature Neuroscience, doi 10.1038/nn.2465); its inverse is taken as linear in the
distance. Eyes that have lost the centre fixate beside it, so the nearest spared retina counts,
which takes the extents along both axes to find. They do not use their best place (Bernard 2018,
PMC6119096), so they read worse than healthy eyes do at equal distance: `HALVING_MM` is a judgement,
set with the shares of the kinds to the rates of Day 2015 (PMC4816350).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.lesions import FOVEAL_COST_LOGMAR, Lesion, LesionKind

Floats = NDArray[np.float64]

# Places this near to the centre are as good: acuity is normal until 42 % of the cones are lost
# (Foote 2018, IOVS 59:3385-3393), and their density falls by as much in about this distance (a
# judgement).
CENTRE_MM = 0.12
# Beyond it, distance at which acuity is half.
HALVING_MM = 0.15
# Semi-axes of kinds whose two extents are drawn apart from each other and from severity, mm: each
# short or long by chance, so that lesions are small, wide, high, or large. Judgements.
SHORT_AND_LONG_MM: dict[LesionKind, tuple[tuple[float, float], tuple[float, float]]] = {
    "ez_loss": ((0.10, 0.22), (0.60, 1.10)),
    "cystoid": ((0.25, 0.40), (0.80, 1.10)),
    "atrophy": ((0.10, 0.25), (0.70, 1.20)),
}
LONG_SHARE = 0.5
# Inside these the retina sees almost nothing, however severe; judgements.
INSIDE_LOGMAR: dict[LesionKind, float] = {"ez_loss": 0.9, "atrophy": 1.3, "macular_hole": 1.3}
# How far damage reaches beyond the rim, falling to 0; of the outer retina as far as its loss tapers
# in the scans, of oedema and membranes further. Judgements.
REACH_MM: dict[LesionKind, float] = {
    "drusen": 0.3, "erm": 0.6, "ez_loss": 0.1, "cystoid": 0.5, "atrophy": 0.16,
    "macular_hole": 0.24,
}  # fmt: skip

_ANGLES = np.arange(32) * (2.0 * np.pi / 32)
_DISTANCES = np.arange(0.0, 1.501, 0.01)
_X_MM = np.outer(_DISTANCES, np.cos(_ANGLES))
_Y_MM = np.outer(_DISTANCES, np.sin(_ANGLES))
_AWAY_LOGMAR = np.log10(1.0 + np.clip(_DISTANCES - CENTRE_MM, 0.0, None) / HALVING_MM)[:, None]


def foveal_cost_logmar(lesions: tuple[Lesion, ...]) -> float:
    """Acuity that these lesions take together, logMAR.

    Example:
        >>> wide = Lesion("ez_loss", 0.0, 0.0, 0.6, 0.5, 0.5, "both", seed=0)
        >>> low = Lesion("ez_loss", 0.0, 0.0, 0.6, 0.15, 0.5, "both", seed=0)
        >>> round(foveal_cost_logmar((low,)), 2), round(foveal_cost_logmar((wide,)), 2)
        (0.27, 0.62)
    """
    worst = np.zeros_like(_X_MM)
    for lesion in lesions:
        worst = np.maximum(worst, damage_logmar(lesion, _X_MM, _Y_MM))
    return float((_AWAY_LOGMAR + worst).min())


def damage_logmar(lesion: Lesion, x_mm: Floats, y_mm: Floats) -> Floats:
    """Acuity that a lesion takes at these places, logMAR: full inside its rim, falling beyond."""
    away = np.hypot(x_mm - lesion.x_mm, y_mm - lesion.y_mm)
    if lesion.kind == "macular_hole":
        beyond = np.clip(away - lesion.hole_radius_mm, 0.0, None)
    else:
        # Along the line to the centre of the ellipse.
        beyond = away * (1.0 - 1.0 / np.maximum(lesion.radius(x_mm, y_mm), 1.0))
    fall = np.clip(beyond / REACH_MM[lesion.kind], 0.0, 1.0)
    return inside_logmar(lesion) * 0.5 * (1.0 + np.cos(np.pi * fall))


def inside_logmar(lesion: Lesion) -> float:
    """Acuity that a lesion takes inside its rim, logMAR.

    Drusen and membranes by severity; oedema by its area, as the extent of disorganised inner
    layers predicts acuity better than thickness (Sun 2014, JAMA Ophthalmology 132:1309-1316).
    """
    if lesion.kind in INSIDE_LOGMAR:
        return INSIDE_LOGMAR[lesion.kind]
    grade = lesion.severity
    if lesion.kind == "cystoid":
        (least, _), (_, most) = SHORT_AND_LONG_MM["cystoid"]
        grade = (lesion.semi_x_mm * lesion.semi_y_mm - least**2) / (most**2 - least**2)
    return float(np.interp(grade, np.linspace(0.0, 1.0, 4), FOVEAL_COST_LOGMAR[lesion.kind]))


def separate_extents(lesion: Lesion, rng: np.random.Generator) -> Lesion:
    """The same lesion with its two semi-axes drawn apart, crossed by the same scans as before.

    Every kind takes the same number of draws. Across a scan the centre keeps its place relative to
    the size; a lesion that one scan misses keeps its distance from that scan.
    """
    long, along = rng.uniform(size=2) < LONG_SHARE, rng.uniform(size=2)
    if lesion.kind not in SHORT_AND_LONG_MM:
        return lesion
    low, high = np.array(SHORT_AND_LONG_MM[lesion.kind])[long.astype(int)].T
    semi_x, semi_y = low + along * (high - low)
    x_mm = lesion.x_mm * semi_x / lesion.semi_x_mm
    y_mm = lesion.y_mm * semi_y / lesion.semi_y_mm
    if lesion.seen_in == "horizontal":
        x_mm = lesion.x_mm + np.sign(lesion.x_mm) * (semi_x - lesion.semi_x_mm)
    elif lesion.seen_in == "vertical":
        y_mm = lesion.y_mm + np.sign(lesion.y_mm) * (semi_y - lesion.semi_y_mm)
    return replace(
        lesion,
        x_mm=float(x_mm), y_mm=float(y_mm), semi_x_mm=float(semi_x), semi_y_mm=float(semi_y),
    )  # fmt: skip
