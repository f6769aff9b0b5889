"""Cysts in the retina: ellipsoids in space, of oedema or in the rim of a macular hole."""

from dataclasses import dataclass

import numpy as np

from ctt_net.synthetic.lesions import Lesion


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
