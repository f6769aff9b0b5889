"""Macular lesions: where they lie, how far they reach, and what they cost in acuity."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

LesionKind = Literal["drusen", "erm", "ez_loss", "cystoid", "atrophy", "macular_hole"]
SeenIn = Literal["horizontal", "vertical", "both"]
KINDS: tuple[LesionKind, ...] = get_args(LesionKind)

Floats = NDArray[np.float64]

# Semi-axis along the scan that crosses the lesion, mm, at severity 0 and 1.
SEMI_AXIS_MM: dict[LesionKind, tuple[float, float]] = {
    "drusen": (0.45, 0.90),
    "erm": (0.50, 0.90),
    "ez_loss": (0.12, 0.66),
    "cystoid": (0.35, 0.85),
    "atrophy": (0.20, 0.80),
    "macular_hole": (0.70, 1.10),
}

# logMAR lost at the fovea against severity 0, 1/3, 2/3, 1. Membrane: stages 1 to 4. The zone of
# lost ellipsoid is 0.24 mm wide at severity 0 and 1.32 mm at severity 1, and costs nothing below
# 0.1 mm. A hole is 0.2 mm wide at severity 0 and 0.8 mm at severity 1.
FOVEAL_COST_LOGMAR: dict[LesionKind, tuple[float, float, float, float]] = {
    "drusen": (0.0, 0.04, 0.08, 0.12),
    "erm": (0.05, 0.10, 0.20, 0.35),
    "ez_loss": (0.06, 0.30, 0.55, 0.80),
    "cystoid": (0.10, 0.23, 0.37, 0.50),
    "atrophy": (0.30, 0.53, 0.77, 1.00),
    "macular_hole": (0.50, 0.63, 0.77, 0.90),
}

HOLE_RADIUS_MM = (0.10, 0.40)


def foveal_weight(distance_mm: float) -> float:
    """Share of a lesion's cost that counts at this distance between its centre and the fovea.

    1 up to 0.5 mm, falling to 0 at 3 mm: where a lesion lies, not how much it covers, drives
    acuity.

    Example:
        >>> foveal_weight(0.3), round(foveal_weight(1.75), 2), foveal_weight(3.5)
        (1.0, 0.5, 0.0)
    """
    fall = np.clip((distance_mm - 0.5) / 2.5, 0.0, 1.0)
    return float(0.5 * (1.0 + np.cos(np.pi * fall)))


@dataclass(frozen=True)
class Lesion:
    """One lesion on the macula; everything it does ends at the rim of its ellipse.

    The frame is the right eye's: x grows towards the disc (nasal), y upwards (superior), the
    fovea is the origin.

    Args:
        kind: One of `KINDS`.
        x_mm: Centre, mm nasal of the fovea.
        y_mm: Centre, mm above the fovea.
        semi_x_mm: Half width of the ellipse, mm.
        semi_y_mm: Half height of the ellipse, mm.
        severity: 0 (mildest of its kind) to 1 (worst); size, appearance and cost follow from it.
        seen_in: Which of the two foveal line scans cross it.
        seed: Draws its details (which cysts, which drusen).
    """

    kind: LesionKind
    x_mm: float
    y_mm: float
    semi_x_mm: float
    semi_y_mm: float
    severity: float
    seen_in: SeenIn
    seed: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"lesion kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if not 0.0 <= self.severity <= 1.0:
            raise ValueError(f"severity must lie in 0..1, got {self.severity!r}")
        if min(self.semi_x_mm, self.semi_y_mm) <= 0.0:
            raise ValueError(
                f"semi-axes must be positive, got {self.semi_x_mm!r}, {self.semi_y_mm!r}"
            )

    @property
    def distance_mm(self) -> float:
        """Centre to fovea, mm."""
        return float(np.hypot(self.x_mm, self.y_mm))

    @property
    def cost_logmar(self) -> float:
        """Acuity this lesion takes, logMAR: cost at the fovea times `foveal_weight`."""
        knots = (0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0)
        at_fovea = float(np.interp(self.severity, knots, FOVEAL_COST_LOGMAR[self.kind]))
        return at_fovea * foveal_weight(self.distance_mm)

    @property
    def hole_radius_mm(self) -> float:
        """Smallest radius of a full-thickness hole, mm."""
        smallest, largest = HOLE_RADIUS_MM
        return smallest + self.severity * (largest - smallest)

    def radius(self, x_mm: Floats, y_mm: Floats) -> Floats:
        """Elliptic distance from the centre: 0 there, 1 on the rim."""
        return np.hypot((x_mm - self.x_mm) / self.semi_x_mm, (y_mm - self.y_mm) / self.semi_y_mm)

    def coverage(self, x_mm: Floats, y_mm: Floats, edge: float = 0.3) -> Floats:
        """1 inside, exactly 0 outside the rim, smooth over the outer `edge` of the radius."""
        rise = np.clip((1.0 - self.radius(x_mm, y_mm)) / edge, 0.0, 1.0)
        return rise * rise * (3.0 - 2.0 * rise)

    def dome(self, x_mm: Floats, y_mm: Floats) -> Floats:
        """Smooth hump: 1 at the centre, 0 with level slope at the rim and beyond."""
        inside = np.clip(1.0 - self.radius(x_mm, y_mm) ** 2, 0.0, 1.0)
        return inside * inside
