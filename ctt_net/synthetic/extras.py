"""What a simulated eye may show beyond its `Lesion`s: further lesions, vitreous, acquisition.

Extras are optional. They enrich the scans on which a segmentation network is trained and do not
enter the eye's potential acuity; a default cohort has none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ctt_net.synthetic.lesions import Lesion

ExtraKind = Literal[
    "hole_form", "lamellar_hole", "pseudohole", "outer_gap",
    "hyaloid", "traction", "operculum", "opacities",
    "subretinal_fluid", "serous_detachment", "soft_drusen", "hard_drusen", "basal_deposits",
    "foci", "exudates", "central_cyst", "inl_cysts", "grey_cysts", "membrane", "reflex",
    "motion", "jump", "clipped", "tilt", "shadows", "low_signal", "saturation", "double_contour",
]  # fmt: skip
EXTRA_KINDS: tuple[ExtraKind, ...] = get_args(ExtraKind)

# How often a training eye shows each; chosen so that a few thousand scans hold hundreds of each,
# not after any population. `hole_form` and `operculum` belong to macular holes only.
LESION_SHARE: dict[ExtraKind, float] = {
    "lamellar_hole": 0.05, "pseudohole": 0.05, "outer_gap": 0.06, "traction": 0.10,
    "subretinal_fluid": 0.08, "serous_detachment": 0.06, "soft_drusen": 0.05,
    "hard_drusen": 0.05, "basal_deposits": 0.04, "foci": 0.12, "exudates": 0.06,
    "central_cyst": 0.05, "inl_cysts": 0.06, "membrane": 0.12,
}  # fmt: skip
APPEARANCE_SHARE: dict[ExtraKind, float] = {
    "hyaloid": 0.40, "opacities": 0.25, "grey_cysts": 0.35, "motion": 0.06, "jump": 0.06,
    "reflex": 0.35, "clipped": 0.08, "tilt": 0.40, "shadows": 0.25, "low_signal": 0.12,
    "saturation": 0.12, "double_contour": 0.06,
}  # fmt: skip
# With a full-thickness hole these cannot be, or would make another disease of it.
NOT_WITH_A_HOLE = (
    "lamellar_hole",
    "pseudohole",
    "outer_gap",
    "central_cyst",
    "subretinal_fluid",
    "serous_detachment",
)
EXCLUSIVE = (("lamellar_hole", "pseudohole"), ("traction", "hyaloid"))
OPERCULUM_SHARE = 0.35


@dataclass(frozen=True)
class Extra:
    """One extra.

    Args:
        kind: One of `EXTRA_KINDS`.
        severity: 0 (hardly seen) to 1 (extreme).
        seed: Draws its details; the same in every view of the eye.

    Raises:
        ValueError: If kind or severity is impossible.
    """

    kind: ExtraKind
    severity: float
    seed: int

    def __post_init__(self) -> None:
        if self.kind not in EXTRA_KINDS:
            raise ValueError(f"extra must be one of {', '.join(EXTRA_KINDS)}, got {self.kind!r}")
        if not 0.0 <= self.severity <= 1.0:
            raise ValueError(f"severity must lie in 0..1, got {self.severity!r}")

    def rng(self) -> np.random.Generator:
        """Generator of its details."""
        return np.random.default_rng((self.seed, 5))

    def between(self, mildest: float, worst: float) -> float:
        """The value at this severity."""
        return mildest + self.severity * (worst - mildest)


def of_kind(extras: Iterable[Extra], kind: ExtraKind) -> Extra | None:
    """The first extra of this kind, if any."""
    return next((extra for extra in extras if extra.kind == kind), None)


def draw_extras(rng: np.random.Generator, lesions: tuple[Lesion, ...] = ()) -> tuple[Extra, ...]:
    """Draw the extras of an eye with these lesions.

    Example:
        >>> draw_extras(np.random.default_rng(0)) == draw_extras(np.random.default_rng(0))
        True
    """
    hole = next((lesion for lesion in lesions if lesion.kind == "macular_hole"), None)
    shares = LESION_SHARE | APPEARANCE_SHARE
    if hole is not None:
        shares = {kind: share for kind, share in shares.items() if kind not in NOT_WITH_A_HOLE}
        shares["operculum"] = OPERCULUM_SHARE
    extras = [
        Extra(kind, float(rng.uniform()), int(rng.integers(2**31)))
        for kind, share in shares.items()
        if rng.uniform() < share
    ]
    if hole is not None:
        extras.append(Extra("hole_form", hole.severity, int(rng.integers(2**31))))
    # One eye has one form of partial hole, and one face of the vitreous.
    kinds = [extra.kind for extra in extras]
    barred = {later for kind, later in EXCLUSIVE if kind in kinds}
    return tuple(extra for extra in extras if extra.kind not in barred)
