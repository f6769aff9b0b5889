"""Epiretinal membranes that are thick, puckered, or stand off the retina on pegs.

After Govetto 2017 (Am J Ophthalmol 175:99).
"""

import numpy as np

from ctt_net.synthetic.extras import Extra
from ctt_net.synthetic.macula import Section


def shape_membrane(section: Section, extra: Extra) -> None:
    """Cover a part of the retina, wrinkle it, and lift the membrane off between its pegs."""
    rng = extra.rng()
    centre, half = rng.normal(0.0, 1.2, 2), rng.uniform(0.9, 3.5)
    away = np.hypot(section.x_mm - centre[0], section.y_mm - centre[1])
    cover = np.clip((half - away) / 0.15, 0.0, 1.0)
    section.membrane = np.maximum(section.membrane, cover * extra.between(0.45, 1.0))
    section.membrane_px = rng.uniform(1.2, 3.0)
    angle = rng.uniform(0.25, 0.55) * np.pi
    along = section.x_mm * np.cos(angle) + section.y_mm * np.sin(angle)
    wide = rng.uniform(0.13, 0.4)
    fold = np.sin(2 * np.pi * along / wide + 2.0 * np.sin(3.0 * along))
    fold *= 0.5 + 0.5 * np.sin(2.1 * along / wide + rng.uniform(0, 6))
    rnfl = section.thickness_um["rnfl"]
    section.thickness_um["rnfl"] = rnfl + cover * extra.between(0.0, 22.0) * (1.0 + fold)
    if rng.uniform() < 0.6:
        apart = rng.uniform(0.25, 0.9)
        pegs = np.abs(np.sin(np.pi * along / apart + 1.5 * np.sin(2.3 * along / apart)))
        slow = np.clip(np.sin(1.3 * along + rng.uniform(0, 6)) + 0.4, 0.0, 1.0)
        section.membrane_gap_um = rng.uniform(8.0, 55.0) * cover * slow * pegs
