"""The healthy macula: thickness of every layer at any place, in the right eye's frame.

Thicknesses in µm against mm from the foveal centre (x nasal, y superior). The totals follow what
Spectralis and Cirrus show: about 210-230 at the foveal centre, 320-340 on the rim at 1 mm, 260-290
at 3 mm, nerve fibres thicker nasally and along the arcades.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# From the vitreous down. Retina above Bruch's membrane is the sum.
LAYERS = ("rnfl", "gcl", "ipl", "inl", "opl", "onl", "myoid", "segments", "rpe")


@dataclass(frozen=True)
class Build:
    """How this eye's macula differs from the mean one.

    Args:
        thickness: Factor on all inner layers.
        pit_width: Factor on the width of the foveal pit.
        pit_depth: 1 = inner layers absent at the centre; less = shallow pit.
        choroid_um: Thickness of the choroid under the fovea.
        seed: Draws vessels and choroid.
    """

    thickness: float
    pit_width: float
    pit_depth: float
    choroid_um: float
    seed: tuple[int, ...]

    @classmethod
    def draw(cls, seed: tuple[int, ...], age_years: float, axial_length_mm: float) -> "Build":
        """Draw one; the choroid thins with age and with the length of the eye."""
        rng = np.random.default_rng((*seed, 11))
        choroid = 255.0 - 1.6 * (age_years - 70.0) - 24.0 * (axial_length_mm - 23.6)
        return cls(
            thickness=float(np.clip(rng.normal(1.0, 0.05), 0.86, 1.14)),
            pit_width=float(np.clip(rng.normal(1.0, 0.13), 0.7, 1.35)),
            pit_depth=float(np.clip(1.0 - abs(rng.normal(0.0, 0.06)), 0.8, 1.0)),
            choroid_um=float(np.clip(choroid + rng.normal(0.0, 45.0), 90.0, 400.0)),
            seed=(*seed, 12),
        )


def layer_thickness_um(build: Build, x_mm: Floats, y_mm: Floats) -> dict[str, Floats]:
    """Thickness of each of `LAYERS` at these places, µm.

    Example:
        >>> build = Build(1.0, 1.0, 1.0, 250.0, (0,))
        >>> centre = layer_thickness_um(build, np.zeros(1), np.zeros(1))
        >>> 200 < sum(float(layer[0]) for layer in centre.values()) < 235
        True
    """
    r = np.hypot(x_mm, y_mm)

    def pit(width_mm: float, power: float) -> Floats:
        inner = 1.0 - np.exp(-((r / (width_mm * build.pit_width)) ** power))
        return 1.0 - build.pit_depth * (1.0 - inner)

    nasal = np.maximum(x_mm - 0.3, 0.0)
    arcades = 9.0 * np.minimum(np.abs(y_mm), 3.0) ** 1.5
    fibres = 9.0 + 11.0 * nasal**1.75 / (1.0 + 0.04 * nasal**3) + arcades
    scale = build.thickness
    layers = {
        "rnfl": scale * fibres * pit(0.55, 2.0),
        "gcl": scale * (44.0 * np.exp(-((r / 2.2) ** 2)) + 17.0) * pit(0.62, 2.6),
        "ipl": scale * (24.0 * np.exp(-((r / 2.6) ** 2)) + 22.0) * pit(0.55, 2.2),
        "inl": scale * (14.0 * np.exp(-((r / 1.8) ** 2)) + 26.0) * pit(0.42, 2.0) + 2.0,
        "opl": scale * 20.0 * pit(0.34, 2.0) + 11.0,
        "onl": scale * (61.0 - 2.0 * np.minimum(r, 3.5) + 44.0 * np.exp(-((r / 0.6) ** 2))),
        "myoid": 24.0 + 7.0 * np.exp(-((r / 0.4) ** 2)),
        "segments": 31.0 + 11.0 * np.exp(-((r / 0.35) ** 2)),
        "rpe": np.full_like(r, 17.0),
    }
    rng = np.random.default_rng((*build.seed, 4))
    # Only boundaries between layers wander; the surface of a healthy retina is smooth.
    for upper, lower in pairwise(LAYERS[:6]):
        shift = 0.05 * _unevenness(x_mm, y_mm, rng) * np.minimum(layers[upper], layers[lower])
        layers[upper] = layers[upper] - shift
        layers[lower] = layers[lower] + shift
    return layers


def _unevenness(x_mm: Floats, y_mm: Floats, rng: np.random.Generator) -> Floats:
    """Slow and quick waves of SD about 1 over the macula; no layer is as smooth as a formula."""
    waves = np.zeros_like(x_mm)
    for wavelength_mm in (0.22, 0.45, 1.1):
        angle, phase = rng.uniform(0.0, np.pi), rng.uniform(0.0, 2.0 * np.pi)
        along = x_mm * np.cos(angle) + y_mm * np.sin(angle)
        across = y_mm * np.cos(angle) - x_mm * np.sin(angle)
        bent = along + 0.25 * wavelength_mm * np.sin(2.0 * np.pi * across / (1.7 * wavelength_mm))
        waves += np.sin(2.0 * np.pi * bent / wavelength_mm + phase)
    return waves / 1.2
