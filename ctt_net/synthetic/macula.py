"""A macula with its lesions, cut along any line: what lies under every A-scan."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.anatomy import LAYERS, Build, layer_thickness_um
from ctt_net.synthetic.lesions import Lesion

Floats = NDArray[np.float64]


@dataclass
class Section:
    """Everything along one scan line; all arrays have one entry per A-scan.

    Args:
        x_mm: Place of the A-scans, mm nasal of the fovea.
        y_mm: Place of the A-scans, mm above the fovea.
        thickness_um: Layer name to thickness.
        ellipsoid: 1 = whole, 0 = lost: brightness of the ellipsoid and interdigitation zones.
        elm: 1 = whole external limiting membrane.
        pigment: 1 = whole retinal pigment epithelium; where it is lost, light reaches the choroid.
        drusen_um: Height of deposits between Bruch's membrane and the pigment epithelium.
        membrane: Brightness of a membrane on the retina, 0..1.
        disorder: How far the inner layers' contrast is lost, 0..1.
        hole_ratio: Distance from the axis of a full-thickness hole by its radius; inf = none.
        subretinal_um: Height of fluid between the photoreceptors and the pigment epithelium.
        serous: How clear the deposit under the pigment epithelium is, 0 (drusen) to 1 (fluid).
        membrane_gap_um: How far the membrane stands off the retina.
        membrane_px: Thickness with which the membrane is drawn, pixels.
    """

    x_mm: Floats
    y_mm: Floats
    thickness_um: dict[str, Floats]
    ellipsoid: Floats = field(init=False)
    elm: Floats = field(init=False)
    pigment: Floats = field(init=False)
    drusen_um: Floats = field(init=False)
    membrane: Floats = field(init=False)
    disorder: Floats = field(init=False)
    hole_ratio: Floats = field(init=False)
    subretinal_um: Floats = field(init=False)
    serous: Floats = field(init=False)
    membrane_gap_um: Floats = field(init=False)
    membrane_px: float = 1.5

    def __post_init__(self) -> None:
        ones, zeros = np.ones_like(self.x_mm), np.zeros_like(self.x_mm)
        self.ellipsoid, self.elm, self.pigment = ones.copy(), ones.copy(), ones.copy()
        self.drusen_um, self.membrane, self.disorder = zeros.copy(), zeros.copy(), zeros.copy()
        self.hole_ratio = np.full_like(self.x_mm, np.inf)
        self.subretinal_um, self.serous = zeros.copy(), zeros.copy()
        self.membrane_gap_um = zeros.copy()

    def surfaces_um(self) -> dict[str, Floats]:
        """Height of the top of every layer above Bruch's membrane, µm, from the bottom up."""
        tops: dict[str, Floats] = {}
        height = self.drusen_um.copy()
        for layer in reversed(LAYERS):
            height = height + self.thickness_um[layer]
            tops[layer] = height
            if layer == "rpe":
                height = height + self.subretinal_um
        return tops


def cut(build: Build, lesions: tuple[Lesion, ...], x_mm: Floats, y_mm: Floats) -> Section:
    """Cut the macula along these places: the same place gives the same retina in every view."""
    section = Section(x_mm, y_mm, layer_thickness_um(build, x_mm, y_mm))
    for lesion in lesions:
        if np.any(lesion.radius(x_mm, y_mm) < 1.0):
            _EFFECTS[lesion.kind](section, lesion)
    return section


def _drusen(section: Section, lesion: Lesion) -> None:
    """Bumps of deposit under the pigment epithelium; the nuclear layer gives way."""
    rng = np.random.default_rng((lesion.seed, 1))
    count = 8 + round(8 * lesion.severity)
    tallest = 24.0 + 80.0 * lesion.severity
    total = np.zeros_like(section.x_mm)
    # Rows of deposits along both axes of the patch, so that the scan through it meets its share.
    along = np.linspace(-0.8, 0.8, count // 2) * (1.0 + rng.normal(0.0, 0.04, count // 2))
    stray = rng.normal(0.0, 0.035, (2, count // 2))
    places = np.concatenate(
        [np.stack([along, stray[0]], axis=1), np.stack([stray[1], along[::-1]], axis=1)]
    )
    for u, v in places:
        x = lesion.x_mm + u * lesion.semi_x_mm
        y = lesion.y_mm + v * lesion.semi_y_mm
        size = rng.uniform(0.07, 0.16)
        square = ((section.x_mm - x) ** 2 + (section.y_mm - y) ** 2) / size**2
        total = np.maximum(total, tallest * rng.uniform(0.4, 1.0) * np.exp(-(square**1.4)))
    section.drusen_um += total * lesion.coverage(section.x_mm, section.y_mm, edge=0.2)
    section.thickness_um["onl"] = np.maximum(
        section.thickness_um["onl"] - 0.75 * section.drusen_um, 12.0
    )
    section.ellipsoid *= 1.0 - 0.35 * np.clip(section.drusen_um / 60.0, 0.0, 1.0)


def _erm(section: Section, lesion: Lesion) -> None:
    """Bright line on a wrinkled, thickened retina; inner layers run on across the pit."""
    rng = np.random.default_rng((lesion.seed, 2))
    cover = lesion.coverage(section.x_mm, section.y_mm, edge=0.35)
    dome = lesion.dome(section.x_mm, section.y_mm)
    angle = rng.uniform(0.25, 0.55) * np.pi  # folds oblique, so that both scans cross them
    along = section.x_mm * np.cos(angle) + section.y_mm * np.sin(angle)
    wave = np.sin(2.0 * np.pi * along / rng.uniform(0.16, 0.24) + rng.uniform(0.0, 6.0))
    wave += 0.6 * np.sin(2.0 * np.pi * along / rng.uniform(0.27, 0.4) + rng.uniform(0.0, 6.0))
    severity = lesion.severity
    thickness = section.thickness_um
    thickness["rnfl"] = thickness["rnfl"] + cover * (4.0 + (3.0 + 9.0 * severity) * (1.0 + wave))
    ectopic = severity * dome
    for layer, filled in (("gcl", 34.0), ("ipl", 34.0), ("inl", 46.0)):
        lifted = np.maximum(thickness[layer], filled)
        thickness[layer] = thickness[layer] + np.minimum(1.5 * ectopic, 1.0) * (
            lifted - thickness[layer]
        )
    thickness["inl"] = thickness["inl"] + 38.0 * ectopic
    thickness["onl"] = thickness["onl"] + (22.0 + 55.0 * severity) * dome * severity
    section.membrane = np.maximum(section.membrane, cover * (0.55 + 0.45 * severity))
    section.disorder = np.maximum(section.disorder, 0.75 * dome * max(severity - 0.5, 0.0) * 2.0)


def _ez_loss(section: Section, lesion: Lesion) -> None:
    """Gap in the ellipsoid zone; photoreceptors thin inside it."""
    gap = lesion.coverage(section.x_mm, section.y_mm, edge=min(0.5, 0.09 / lesion.semi_x_mm))
    thin = lesion.coverage(section.x_mm, section.y_mm, edge=0.8)
    section.ellipsoid *= 1.0 - gap
    section.elm *= 1.0 - gap * (0.35 + 0.5 * lesion.severity)
    section.thickness_um["onl"] = section.thickness_um["onl"] * (
        1.0 - (0.15 + 0.3 * lesion.severity) * thin
    )
    section.thickness_um["segments"] = section.thickness_um["segments"] * (1.0 - 0.3 * thin)


def _cystoid(section: Section, lesion: Lesion) -> None:
    """Swelling; the cysts themselves are bodies in space (see `cysts`)."""
    dome = lesion.dome(section.x_mm, section.y_mm)
    swelling = 60.0 + 190.0 * lesion.severity
    section.thickness_um["onl"] = section.thickness_um["onl"] + 0.62 * swelling * dome
    section.thickness_um["inl"] = section.thickness_um["inl"] + 0.38 * swelling * dome


def _atrophy(section: Section, lesion: Lesion) -> None:
    """Pigment epithelium and photoreceptors gone; light passes into the choroid."""
    lost = lesion.coverage(section.x_mm, section.y_mm, edge=min(0.6, 0.16 / lesion.semi_x_mm))
    wider = lesion.coverage(section.x_mm, section.y_mm, edge=0.95)
    section.ellipsoid *= 1.0 - lost
    section.elm *= 1.0 - lost
    section.pigment *= 1.0 - lost
    for layer, kept in (("onl", 0.4), ("myoid", 0.35), ("segments", 0.15), ("opl", 0.9)):
        section.thickness_um[layer] = section.thickness_um[layer] * (1.0 - (1.0 - kept) * wider)


def _macular_hole(section: Section, lesion: Lesion) -> None:
    """Everything above the pigment epithelium is missing; the rim is swollen and rounded."""
    away = np.hypot(section.x_mm - lesion.x_mm, section.y_mm - lesion.y_mm)
    radius = lesion.hole_radius_mm
    section.hole_ratio = np.minimum(section.hole_ratio, away / radius)
    beyond = np.clip(away - radius, 0.0, None)
    rim = np.exp(-beyond / 0.32) * lesion.coverage(section.x_mm, section.y_mm, edge=0.5)
    thickness = section.thickness_um
    # No pit is left: the rim is as thick at the edge of the hole as further out, and swollen.
    for layer, rim_um in (("gcl", 46.0), ("ipl", 38.0), ("inl", 74.0), ("opl", 30.0)):
        thickness[layer] = thickness[layer] + rim * (rim_um - thickness[layer])
    thickness["rnfl"] = thickness["rnfl"] + rim * (16.0 - thickness["rnfl"])
    thickness["onl"] = thickness["onl"] + rim * (122.0 - thickness["onl"])
    detached = np.clip(1.0 - beyond / (0.12 + 0.12 * lesion.severity), 0.0, 1.0)
    section.ellipsoid *= 1.0 - detached
    section.elm *= 1.0 - 0.6 * detached


_EFFECTS = {
    "drusen": _drusen,
    "erm": _erm,
    "ez_loss": _ez_loss,
    "cystoid": _cystoid,
    "atrophy": _atrophy,
    "macular_hole": _macular_hole,
}
