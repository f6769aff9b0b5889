"""Hyperreflective foci (dots) and hard exudates (clumps with a shadow); no label names them.

Most foci lie in the inner layers (Schreur 2018, doi 10.1371/journal.pone.0206482), the larger
exudates in the outer ones (doi 10.1155/2021/8820216).
"""

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.extras import Extra
from ctt_net.synthetic.macula import Section

Floats = NDArray[np.float64]
Image = NDArray[np.float32]


def add_foci(
    section: Section, tops: dict[str, Floats], extra: Extra, image: Image, height: Image
) -> None:
    """Draw those that the scan meets, half of them along either axis; in place."""
    rng = extra.rng()
    hard = extra.kind == "exudates"
    count = round(extra.between(3, 16) if hard else extra.between(6, 70))
    vertical = bool(np.ptp(section.y_mm) > np.ptp(section.x_mm))
    along = section.y_mm if vertical else section.x_mm
    middle, wide = rng.normal(0.0, 0.5), rng.uniform(0.4, 1.6)
    for index in range(count):
        place = rng.normal(middle, wide)
        half = 0.001 * (rng.uniform(14.0, 60.0) if hard else rng.uniform(6.0, 14.0))
        tall = 1000.0 * half * (rng.uniform(0.5, 1.0) if hard else 1.0)
        share, grey = rng.beta(2.5, 2.5), rng.uniform(170.0, 270.0 if hard else 230.0)
        if (index % 2 == 1) != vertical:
            continue
        columns = np.flatnonzero(np.abs(along - place) < 2.0 * half)
        if not columns.size:
            continue
        part = slice(columns[0], columns[-1] + 1)
        low, high = tops["myoid"][part].mean(), tops["gcl"][part].mean()
        level = low + (0.2 + 0.6 * share) * (high - low)
        above = height[:, part] - np.float32(level)
        across = np.square((along[part] - place) / half)[None]
        spot = np.exp(-np.square(across + np.square(above / tall))).astype(np.float32)
        image[:, part] += spot * np.maximum(grey - image[:, part], 0.0)
        if hard:
            shade = (
                rng.uniform(0.1, 0.6) * np.exp(-(across**2)) * np.clip(-above / tall - 0.6, 0, 1)
            )
            image[:, part] *= (1.0 - shade).astype(np.float32)
