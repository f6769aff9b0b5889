"""Macular holes and cysts: drawn as bodies in space, and cut out of a painted section."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.extras import Extra
from ctt_net.synthetic.lesions import Lesion
from ctt_net.synthetic.macula import Section


@dataclass(frozen=True)
class Cyst:
    """One cyst.

    Args:
        x_mm: Centre.
        y_mm: Centre.
        semi_x_mm: Half width.
        semi_y_mm: Half width.
        semi_z_um: Half height.
        layer: Layer in whose middle it lies.
        height: Place in that layer, -0.5 (bottom) to 0.5 (top).
    """

    x_mm: float
    y_mm: float
    semi_x_mm: float
    semi_y_mm: float
    semi_z_um: float
    layer: str
    height: float


def cysts_of(lesion: Lesion) -> list[Cyst]:
    """All cysts of one lesion, the same whatever line is cut; none reaches beyond its rim."""
    if lesion.kind == "cystoid":
        return _oedema(lesion)
    if lesion.kind == "macular_hole":
        return _rim(lesion)
    return []


def _oedema(lesion: Lesion) -> list[Cyst]:
    """A large cyst in the middle, smaller ones around it; number and size grow with severity."""
    rng = np.random.default_rng((lesion.seed, 3))
    swelling = 60.0 + 190.0 * lesion.severity
    tall = 16.0 + 0.26 * swelling
    wide = 0.06 + 0.12 * lesion.severity
    cysts = [Cyst(lesion.x_mm, lesion.y_mm, wide, wide, 1.25 * tall, "onl", 0.0)]
    for _ in range(22 + round(60 * lesion.severity)):
        reach, turn = 0.86 * np.sqrt(rng.uniform(0.02, 1.0)), rng.uniform(0.0, 2.0 * np.pi)
        size = rng.uniform(0.35, 1.0) * (1.0 - 0.55 * reach)
        semi = (0.035 + 0.075 * lesion.severity * size) * rng.uniform(0.7, 1.4)
        inner = rng.uniform() < 0.55
        cysts.append(
            Cyst(
                lesion.x_mm + reach * np.cos(turn) * lesion.semi_x_mm * 0.9,
                lesion.y_mm + reach * np.sin(turn) * lesion.semi_y_mm * 0.9,
                min(semi, 0.1 * lesion.semi_x_mm),
                min(semi, 0.1 * lesion.semi_y_mm),
                size * (0.55 if inner else 1.0) * tall,
                "inl" if inner else "onl",
                rng.uniform(-0.15, 0.15),
            )
        )
    return cysts


def _rim(lesion: Lesion) -> list[Cyst]:
    """Cysts in the swollen rim of a full-thickness hole."""
    rng = np.random.default_rng((lesion.seed, 4))
    cysts = []
    for _ in range(200):
        away = lesion.hole_radius_mm + 0.09 + 0.42 * rng.uniform() ** 1.4
        turn = rng.uniform(0.0, 2.0 * np.pi)
        semi = rng.uniform(0.025, 0.075)
        inner = rng.uniform() < 0.6
        cysts.append(
            Cyst(
                lesion.x_mm + away * np.cos(turn),
                lesion.y_mm + away * np.sin(turn),
                semi,
                semi,
                rng.uniform(14.0, 34.0 if inner else 52.0),
                "inl" if inner else "onl",
                rng.uniform(-0.1, 0.2),
            )
        )
    return cysts


def extra_cysts(extra: Extra) -> list[Cyst]:
    """One large cyst in the middle, or a row of them in the inner nuclear layer.

    After Murakami 2013 (doi 10.1155/2013/920713).
    """
    rng = extra.rng()
    if extra.kind == "central_cyst":
        tall, wide = extra.between(50.0, 190.0), extra.between(0.1, 0.36)
        # One, or a few parted by septa, along both axes.
        count = int(rng.choice((1, 1, 2, 3)))
        semi = wide / count
        return [
            Cyst(x, y, semi, semi, tall * rng.uniform(0.8, 1.0), "onl", rng.uniform(-0.05, 0.1))
            for shift in (np.arange(count) - 0.5 * (count - 1)) * 2.06 * semi
            for x, y in ((shift, 0.0), (0.0, shift))[: 1 if shift == 0.0 else 2]
        ]
    middle, half = rng.normal(0.0, 0.5), rng.uniform(0.4, 1.6)
    semi, apart = rng.uniform(0.02, 0.06), rng.uniform(2.0, 3.2)
    tall = extra.between(10.0, 24.0)
    places = np.arange(middle - half, middle + half, semi * apart)
    places = places[rng.uniform(size=places.size) < 0.8]
    sizes = rng.uniform(0.5, 1.0, places.size)
    return [
        Cyst(x, y, semi * size, semi * size, tall * size, "inl", 0.6 * size - 0.5)
        for at, size in zip(places, sizes, strict=True)
        for x, y in ((at, 0.0), (0.0, at))
        if abs(at) > 2.0 * semi
    ]


def shape_central_cyst(section: Section, extra: Extra) -> None:
    """The retina swells where the large cyst lies."""
    away = np.hypot(section.x_mm, section.y_mm) / extra.between(0.3, 0.7)
    raised = extra.between(60.0, 330.0) * np.clip(1.0 - away * away, 0.0, 1.0) ** 2
    section.thickness_um["onl"] = section.thickness_um["onl"] + raised


Image = NDArray[np.float32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

CYST_BRIGHTNESS = 14.0


def open_hole(section: Section, surface: Floats, image: Image, height: Image) -> Mask:
    """Cut a full-thickness hole out, an hourglass with a rounded rim; where it is open: (H, W)."""
    opened = np.zeros(image.shape, np.bool_)
    columns = np.flatnonzero(section.hole_ratio < 2.6)
    if not columns.size:
        return opened
    part = slice(columns[0], columns[-1] + 1)
    away = section.hole_ratio[part][None]
    share = height[:, part] / surface[part][None]
    waist = 1.0 + 0.9 * np.abs(share - 0.55) ** 1.7
    rounding = 1.0 - np.sqrt(np.clip(1.0 - np.clip((share - 0.62) / 0.38, 0.0, 1.0) ** 2, 0, 1))
    inside = np.clip((waist + 0.75 * rounding - away) / 0.1 + 0.5, 0.0, 1.0)
    inside *= np.clip((height[:, part] - 18.0) / 8.0, 0.0, 1.0)
    image[:, part] *= (1.0 - inside).astype(np.float32)
    # Above the retina there is vitreous, not hole.
    opened[:, part] = (inside > 0.5) & (height[:, part] <= surface[part][None])
    return opened


def empty_cysts(
    section: Section,
    tops: dict[str, Floats],
    cysts: Iterable[Cyst],
    image: Image,
    height: Image,
    axial_um: float,
    brightness: float = CYST_BRIGHTNESS,
) -> Mask:
    """Empty every cyst that the section cuts, since fluid sends almost nothing back: (H, W)."""
    empty = np.zeros(image.shape, np.bool_)
    x_mm, y_mm = section.x_mm, section.y_mm
    for cyst in cysts:
        if not _meets(cyst, section):
            continue
        square = ((x_mm - cyst.x_mm) / cyst.semi_x_mm) ** 2
        square += ((y_mm - cyst.y_mm) / cyst.semi_y_mm) ** 2
        columns = np.flatnonzero(square < 1.0)
        if columns.size < 2:
            continue
        part = slice(columns[0], columns[-1] + 1)
        thick = section.thickness_um[cyst.layer][part]
        middle = tops[cyst.layer][part] + (cyst.height - 0.5) * thick
        tall = np.minimum(cyst.semi_z_um, 0.46 * thick) * np.sqrt(np.clip(1 - square[part], 0, 1))
        depth = (tall[None] - np.abs(height[:, part] - middle[None])) / (1.2 * axial_um)
        inside = np.clip(depth, 0.0, 1.0).astype(np.float32)
        image[:, part] += inside * (brightness - image[:, part])
        empty[:, part] |= inside > 0.5
    return empty


def _meets(cyst: Cyst, section: Section) -> bool:
    """Whether a straight scan line along x or y can cut this cyst at all."""
    x_mm, y_mm = section.x_mm, section.y_mm
    apart_x = max(x_mm.min() - cyst.x_mm, cyst.x_mm - x_mm.max())
    apart_y = max(y_mm.min() - cyst.y_mm, cyst.y_mm - y_mm.max())
    return bool(apart_x < cyst.semi_x_mm and apart_y < cyst.semi_y_mm)
