"""Fluid under the retina, detachments of the pigment epithelium, and further forms of drusen.

Terms: Spaide 2020 (doi 10.1016/j.ophtha.2019.11.004); heights of fluid: Daruich 2015
(doi 10.1016/j.preteyeres.2015.05.003); drusen: Khanifar 2008 (doi 10.1016/j.ophtha.2008.04.041).
"""

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.extras import Extra
from ctt_net.synthetic.macula import Section

Floats = NDArray[np.float64]


def shape_fluid(section: Section, extra: Extra) -> None:
    """Serous dome under the retina; outer segments shaggy and dimmer above it."""
    rng = extra.rng()
    dome = _dome(section, rng, extra.between(0.25, 1.5), 0.4, power=rng.uniform(0.7, 2.0))
    section.subretinal_um = np.maximum(section.subretinal_um, extra.between(25.0, 320.0) * dome)
    section.subretinal_um[section.subretinal_um < 2.0] = 0.0
    above = np.clip(section.subretinal_um / 40.0, 0.0, 1.0)
    section.ellipsoid *= 1.0 - rng.uniform(0.0, 0.7) * above
    # Outer segments grow into the fluid; the surfaces above stay smooth.
    along = section.x_mm + section.y_mm
    shaggy = 0.5 * above * (1.0 + np.sin(57.0 * along + 3.0 * np.sin(8.0 * along)))
    longer = np.minimum(shaggy * 24.0, 0.5 * section.subretinal_um)
    section.thickness_um["segments"] = section.thickness_um["segments"] + longer
    section.subretinal_um = section.subretinal_um - longer


def shape_detachment(section: Section, extra: Extra) -> None:
    """Pigment epithelium lifted as a tall smooth dome: dark (serous) or grey (fibrovascular)."""
    rng = extra.rng()
    dome = _dome(section, rng, extra.between(0.2, 1.0), 0.6, power=rng.uniform(0.6, 1.5))
    serous = rng.uniform(0.3, 1.0)
    uneven = 1.0 + (1.0 - serous) * 0.4 * np.sin(9.0 * (section.x_mm - section.y_mm) + 1.0)
    _deposit(section, extra.between(60.0, 420.0) * dome * uneven)
    section.serous = np.maximum(section.serous, serous * (dome > 0.0))


def shape_soft(section: Section, extra: Extra) -> None:
    """A few large mounds with sloping sides, partly confluent."""
    rng = extra.rng()
    _mounds(section, rng, round(extra.between(2, 7)), (0.07, 0.26), (40.0, extra.between(70, 190)))


def shape_hard(section: Section, extra: Extra) -> None:
    """Many small steep ones."""
    rng = extra.rng()
    _mounds(section, rng, round(extra.between(8, 40)), (0.015, 0.045), (12.0, 42.0))


def shape_basal(section: Section, extra: Extra) -> None:
    """Basal laminar drusen: a saw-tooth of tiny ones over a wide zone."""
    rng = extra.rng()
    zone = _dome(section, rng, extra.between(0.6, 2.0), 0.5, power=0.4)
    along = section.x_mm + 0.9 * section.y_mm
    wave = np.abs(np.sin(np.pi * along / rng.uniform(0.05, 0.1) + 2.0 * np.sin(5.0 * along)))
    wave *= 0.6 + 0.4 * np.sin(17.0 * along)
    _deposit(section, extra.between(10.0, 32.0) * zone * wave)


def _dome(
    section: Section, rng: np.random.Generator, half_mm: float, astray_mm: float, power: float
) -> Floats:
    """Hump of height 1 that meets both scan lines."""
    x_mm, y_mm = np.clip(rng.normal(0.0, astray_mm, 2), -0.9 * half_mm, 0.9 * half_mm)
    if rng.uniform() < 0.5:  # stray along one line only, or neither would cut it
        x_mm = 0.1 * x_mm
    else:
        y_mm = 0.1 * y_mm
    square = ((section.x_mm - x_mm) ** 2 + (section.y_mm - y_mm) ** 2) / half_mm**2
    return np.clip(1.0 - square, 0.0, 1.0) ** power


def _mounds(
    section: Section,
    rng: np.random.Generator,
    count: int,
    half_mm: tuple[float, float],
    tall_um: tuple[float, float],
) -> None:
    """Deposits along both axes, so that either line meets its share."""
    total = np.zeros_like(section.x_mm)
    steep = rng.uniform(1.0, 2.0)
    for axis in (0, 1):
        places = rng.uniform(-1.8, 1.8, (count, 2)) * (1.0, 0.03)
        for along, across in places:
            x, y = (across, along) if axis else (along, across)
            square = (section.x_mm - x) ** 2 + (section.y_mm - y) ** 2
            square /= rng.uniform(*half_mm) ** 2
            total = np.maximum(total, rng.uniform(*tall_um) * np.exp(-(square**steep)))
    _deposit(section, np.where(total < 1.0, 0.0, total))


def _deposit(section: Section, height_um: Floats) -> None:
    """Put this under the pigment epithelium; the outer nuclear layer gives way to low ones."""
    section.drusen_um += height_um
    thin = np.minimum(0.9 * height_um, section.thickness_um["onl"] * 0.65)
    section.thickness_um["onl"] = section.thickness_um["onl"] - thin
    section.ellipsoid *= 1.0 - 0.4 * np.clip(height_um / 60.0, 0.0, 1.0)
