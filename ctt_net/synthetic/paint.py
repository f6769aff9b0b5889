"""From a section of the macula to the brightness a perfect, noiseless OCT would show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.anatomy import LAYERS, Build
from ctt_net.synthetic.cavities import (
    CYST_BRIGHTNESS,
    cysts_of,
    empty_cysts,
    extra_cysts,
    open_hole,
)
from ctt_net.synthetic.choroid import add_choroid
from ctt_net.synthetic.extras import Extra, of_kind
from ctt_net.synthetic.foci import add_foci
from ctt_net.synthetic.hole_forms import HoleForm, lamellar_cysts, open_form, open_outer_gap
from ctt_net.synthetic.lesions import Lesion
from ctt_net.synthetic.macula import Section
from ctt_net.synthetic.vitreous import add_vitreous

Image = NDArray[np.float32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Brightness (8-bit grey after the device's compression) of each layer, read off exported scans.
BRIGHTNESS: dict[str, float] = {
    "rnfl": 140.0, "gcl": 86.0, "ipl": 95.0, "inl": 67.0, "opl": 84.0, "onl": 52.0,
    "myoid": 62.0, "ellipsoid": 188.0, "segments": 128.0, "rpe": 196.0, "drusen": 104.0,
}  # fmt: skip
ELLIPSOID_UM = 15.0
ELM_UM = 8.0
FLUID_GREY = 16.0
GLINT = 26.0  # the inner limiting membrane mirrors a little


@dataclass(frozen=True)
class Frame:
    """Where a section lies in the picture.

    Args:
        height_px: Rows.
        axial_um_per_px: Depth of a row.
        axial_blur_um: Depth over which a boundary is smeared.
        bruch_row: Row of Bruch's membrane for every A-scan.
    """

    height_px: int
    axial_um_per_px: float
    axial_blur_um: float
    bruch_row: Floats

    def height_um(self) -> Image:
        """Height above Bruch's membrane of every pixel, µm."""
        rows = np.arange(self.height_px, dtype=np.float32)[:, None]
        lowest = self.bruch_row.astype(np.float32)[None]
        return (lowest - rows) * np.float32(self.axial_um_per_px)


@dataclass(frozen=True)
class Painting:
    """A clean scan, and where it is empty.

    Args:
        image: (H, W) float32, grey levels, not clipped; 0 = no light comes back.
        hole: (H, W) where a full-thickness hole is open.
        cysts: (H, W) where cysts are.
    """

    image: Image
    hole: Mask
    cysts: Mask


def paint(
    section: Section,
    build: Build,
    lesions: tuple[Lesion, ...],
    frame: Frame,
    reach_um: float,
    extras: tuple[Extra, ...] = (),
) -> Painting:
    """Brightness of every pixel of a section."""
    height = frame.height_um()
    tops = section.surfaces_um()
    first = int(np.min(frame.bruch_row - tops["rnfl"] / frame.axial_um_per_px)) - 6
    last = int(np.max(frame.bruch_row)) + 6
    first, last = max(first, 0), max(min(last, frame.height_px), 0)
    image = np.zeros(height.shape, np.float32)
    image[first:last] = _layers(
        section, tops, height[first:last], frame.axial_blur_um, _glint(section, extras)
    )
    form = of_kind(extras, "hole_form")
    if form is None:
        hole = open_hole(section, tops["rnfl"], image, height)
    cysts = _cavities(section, lesions, extras, tops, image, height, frame.axial_um_per_px)
    for extra in extras:
        if extra.kind in ("foci", "exudates"):
            add_foci(section, tops, extra, image, height)
    if form is not None:
        hole = open_form(section, HoleForm.of(form), tops, image, height)
    add_choroid(section, build, image, height, reach_um)
    _add_vessels(section, build, tops, image, height)
    own_face = not {"hyaloid", "traction"} & {extra.kind for extra in extras}
    _add_membranes(section, build, tops["rnfl"], image, frame, own_face)
    add_vitreous(section, tops["rnfl"], extras, image, height, frame.axial_um_per_px)
    return Painting(image, hole, cysts & ~hole)


def _cavities(
    section: Section,
    lesions: tuple[Lesion, ...],
    extras: tuple[Extra, ...],
    tops: dict[str, Floats],
    image: Image,
    height: Image,
    axial_um: float,
) -> Mask:
    """Empty the cysts of all lesions and extras; where they are."""
    form, grey = of_kind(extras, "hole_form"), of_kind(extras, "grey_cysts")
    cysts = [
        cyst
        for lesion in lesions
        if form is None or lesion.kind != "macular_hole"
        for cyst in cysts_of(lesion)
    ]
    for extra in extras:
        if extra.kind == "hole_form":
            cysts += HoleForm.of(extra).cysts()
        elif extra.kind == "lamellar_hole":
            cysts += lamellar_cysts(extra)
        elif extra.kind in ("central_cyst", "inl_cysts"):
            cysts += extra_cysts(extra)
    # Cysts are of unequal reflectivity (doi 10.4274/tjo.galenos.2018.19616).
    brightness = CYST_BRIGHTNESS if grey is None else grey.between(0.0, 42.0)
    empty = empty_cysts(section, tops, cysts, image, height, axial_um, brightness)
    gap = of_kind(extras, "outer_gap")
    if gap is not None:
        empty |= open_outer_gap(section, gap, tops, image, height)
    return empty


def _glint(section: Section, extras: tuple[Extra, ...]) -> Floats:
    """Light that the inner limiting membrane mirrors, by A-scan; patches of it in some eyes.

    A bright line on a healthy surface is no epiretinal membrane: the surface mirrors where the
    beam meets it squarely, in young eyes most.
    """
    glint = np.full_like(section.x_mm, GLINT)
    reflex = of_kind(extras, "reflex")
    if reflex is not None:
        rng = reflex.rng()
        phase, wide = rng.uniform(0.0, 6.3, 2), rng.uniform(1.0, 4.0)
        wave = np.sin(section.x_mm / wide * 6.3 + phase[0]) + np.sin(section.y_mm * 2.0 + phase[1])
        glint += reflex.between(10.0, 120.0) * np.clip(0.6 + 0.5 * wave, 0.0, 1.0)
    return glint


def _layers(
    section: Section, tops: dict[str, Floats], height: Image, blur_um: float, glint: Floats
) -> Image:
    """Stack the layers: a step of brightness at the top of each."""
    image = np.zeros(height.shape, np.float32)
    before = np.zeros_like(section.x_mm)
    for top, brightness in _steps(section, tops, glint):
        step = (top / blur_um + 0.5).astype(np.float32)[None] - height * np.float32(1.0 / blur_um)
        np.clip(step, 0.0, 1.0, out=step)
        step *= (brightness - before).astype(np.float32)[None]
        image += step
        before = brightness
    return image


def _steps(section: Section, tops: dict[str, Floats], glint: Floats) -> list[tuple[Floats, Floats]]:
    """Top and brightness of every layer from the vitreous down to Bruch's membrane."""
    level = {name: np.full_like(section.x_mm, grey) for name, grey in BRIGHTNESS.items()}
    # A thin sheet of nerve fibres sends back less than a thick one.
    fibres = section.thickness_um["rnfl"]
    level["rnfl"] = 96.0 + 58.0 * np.clip((fibres - 8.0) / 40.0, 0.0, 1.0)
    for name in ("gcl", "ipl", "inl", "opl"):
        level[name] += section.disorder * (86.0 - level[name])
    dim = level["myoid"]
    level["ellipsoid"] = dim + section.ellipsoid * (level["ellipsoid"] - dim)
    level["segments"] = dim + section.ellipsoid * (level["segments"] - dim)
    level["drusen"] += section.serous * (FLUID_GREY - level["drusen"])
    level["rpe"] = 84.0 + section.pigment * (level["rpe"] - 84.0)
    steps = [(tops["rnfl"] + 3.0, level["rnfl"] + glint)]
    steps.append((tops["rnfl"] - 6.0, level["rnfl"]))
    steps += [(tops[name], level[name]) for name in LAYERS[1:6]]
    limiting = tops["myoid"]
    steps.append((limiting + 0.5 * ELM_UM, level["onl"] + 34.0 * section.elm))
    steps.append((limiting - 0.5 * ELM_UM, level["myoid"]))
    steps.append((tops["segments"], level["ellipsoid"]))
    thin = np.minimum(ELLIPSOID_UM, 0.6 * section.thickness_um["segments"])
    steps.append((tops["segments"] - thin, level["segments"]))
    if section.subretinal_um.any():
        dark = np.minimum(section.subretinal_um / 6.0, 1.0)
        fluid = level["segments"] + dark * (FLUID_GREY - level["segments"])
        steps.append((tops["rpe"] + section.subretinal_um, fluid))
    steps.append((tops["rpe"], level["rpe"]))
    steps.append((section.drusen_um, level["drusen"]))
    steps.append((np.zeros_like(section.x_mm), np.zeros_like(section.x_mm)))
    return steps


def _add_vessels(
    section: Section, build: Build, tops: dict[str, Floats], image: Image, height: Image
) -> None:
    """Retinal vessels: a bright wall in the inner retina, a shadow through all below."""
    cover = retinal_vessels(build, section.x_mm, section.y_mm)
    columns = np.flatnonzero(cover > 0.03)
    if not columns.size:
        return
    shade = cover[columns].astype(np.float32)[None]
    above = height[:, columns]
    level = (tops["gcl"][columns] - 12.0).astype(np.float32)[None]
    wall = np.exp(-(((above - level) / 18.0) ** 2))
    below = np.clip((level - above) / 25.0, 0.0, 1.0)
    image[:, columns] *= (1.0 + 0.6 * shade * wall) * (1.0 - 0.33 * shade * below)


def _add_membranes(
    section: Section, build: Build, surface: Floats, image: Image, frame: Frame, own_face: bool
) -> None:
    """Epiretinal membrane on the surface, and the vitreous' own face where it has come off."""
    scale = frame.axial_um_per_px
    rows = frame.bruch_row - surface / scale
    if section.membrane.any():
        closed = section.hole_ratio > 1.5
        off = rows - section.membrane_gap_um / scale
        _draw_line(image, off, 235.0 * section.membrane * closed, section.membrane_px)
    rng = np.random.default_rng((*build.seed, 3))
    if rng.uniform() < 0.45 and own_face:
        r = np.hypot(section.x_mm - rng.normal(0.0, 0.3), section.y_mm - rng.normal(0.0, 0.3))
        lift = rng.uniform(80.0, 420.0) * (1.0 - np.exp(-((r / rng.uniform(1.0, 2.2)) ** 2)))
        wave = 10.0 * np.sin(section.x_mm * 2.3) + 9.0 * np.sin(section.y_mm * 1.9)
        face = frame.bruch_row - (rng.uniform(345.0, 420.0) + lift + wave) / scale
        _draw_line(image, face, np.full_like(r, rng.uniform(26.0, 52.0)), 0.9)


def _draw_line(image: Image, rows: Floats, brightness: Floats, thick_px: float) -> None:
    """Draw a thin bright surface; where something brighter lies, that stays."""
    base = np.floor(rows).astype(int)
    columns = np.arange(rows.size)
    reach = max(3, int(2.0 * thick_px))
    for step in range(-reach, reach + 2):
        row = base + step
        inside = (row >= 0) & (row < image.shape[0])
        level = brightness * np.exp(-(((row - rows) / thick_px) ** 2))
        target = image[row[inside], columns[inside]]
        image[row[inside], columns[inside]] = np.maximum(target, level[inside])


def retinal_vessels(build: Build, x_mm: Floats, y_mm: Floats) -> Floats:
    """How much of each A-scan a retinal vessel covers, 0..1.

    Arcades above and below, branches towards the fovea, none within 0.35 mm of it.
    """
    rng = np.random.default_rng((*build.seed, 1))
    shade = np.zeros_like(x_mm)
    clear = np.clip((np.hypot(x_mm, y_mm) - 0.35) / 0.15, 0.0, 1.0)
    for index in range(20):
        arcade = index < 4
        free = clear
        # Oblique to both scans: one that ran along a scan would shade half of it.
        angle = (rng.uniform(0.13, 0.37) + 0.5 * rng.integers(2)) * np.pi
        offset = rng.uniform(2.3, 3.6) * rng.choice((-1.0, 1.0)) if arcade else rng.normal(0, 2.2)
        if arcade:  # parabola open towards the temporal side
            across = y_mm - offset * (1.0 - 0.02 * (x_mm + 1.0) ** 2)
            radius = rng.uniform(0.05, 0.075)
        else:
            along = x_mm * np.cos(angle) + y_mm * np.sin(angle)
            across = -x_mm * np.sin(angle) + y_mm * np.cos(angle) - offset
            across = across + 0.18 * np.sin(along * rng.uniform(0.8, 1.6) + angle * 7.0)
            radius = rng.uniform(0.012, 0.032)
            start = rng.normal(0.0, 2.0)
            begun = np.clip((along * rng.choice((-1.0, 1.0)) - start) / 0.5, 0.0, 1.0)
            free = clear * begun
        dark = 1.0 if arcade else rng.uniform(0.15, 0.9)
        shade = np.maximum(shade, dark * np.exp(-((across / radius) ** 2)) * free)
    return shade
