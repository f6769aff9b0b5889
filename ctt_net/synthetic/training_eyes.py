"""Eyes and devices on which a segmentation network is trained: rich in disease, no population."""

from dataclasses import replace
from typing import Literal

import numpy as np

from ctt_net.synthetic.device import CIRRUS_LIKE, HEIDELBERG_LIKE, Device, random_device
from ctt_net.synthetic.disease import draw_view, place
from ctt_net.synthetic.extras import draw_extras
from ctt_net.synthetic.eye import SimulatedEye
from ctt_net.synthetic.lesions import KINDS, Lesion
from ctt_net.synthetic.population import draw_patient

HOLE_SHARE, LESION_SHARE = 0.45, 0.35  # the rest is drawn as the population is
CIRRUS_SHARE, HEIDELBERG_SHARE = 0.4, 0.2  # the rest is of no make
OTHER_KINDS = tuple(kind for kind in KINDS if kind != "macular_hole")


def training_eye(rng: np.random.Generator) -> tuple[SimulatedEye, Device]:
    """Draw an eye with extras, and what it is scanned on.

    45 % have a macular hole of any form, 35 % one to three other lesions, 20 % are as the
    population; 40 % of the devices are like a Cirrus, 20 % like a Heidelberg, 40 % random.

    Example:
        >>> eye, device = training_eye(np.random.default_rng(0))
        >>> image, truth = labelled_scan(eye, device, "horizontal")  # doctest: +SKIP
    """
    eye = draw_patient("t", (int(rng.integers(2**31)),), rule="additive")[0]
    which = rng.uniform()
    lesions: tuple[Lesion, ...] = eye.lesions
    if which < HOLE_SHARE:
        lesions = (place("macular_hole", float(rng.uniform()), "both", rng),)
        if rng.uniform() < 0.3:
            second = OTHER_KINDS[int(rng.integers(len(OTHER_KINDS)))]
            lesions += (place(second, float(rng.uniform()), draw_view(rng), rng),)
    elif which < HOLE_SHARE + LESION_SHARE:
        kinds = rng.permutation(len(OTHER_KINDS))[: int(rng.integers(1, 4))]
        lesions = tuple(
            place(OTHER_KINDS[kind], float(rng.uniform()), draw_view(rng), rng) for kind in kinds
        )
    side: Literal["OD", "OS"] = "OD" if rng.uniform() < 0.5 else "OS"
    eye = replace(eye, lesions=lesions, laterality=side)
    return replace(eye, extras=draw_extras(rng, lesions)), _draw_device(rng)


def _draw_device(rng: np.random.Generator) -> Device:
    which = rng.uniform()
    if which < CIRRUS_SHARE:
        # Some exports carry no mark, or have lost it before a network sees them.
        return replace(CIRRUS_LIKE, direction_mark=bool(rng.uniform() < 0.5))
    return HEIDELBERG_LIKE if which < CIRRUS_SHARE + HEIDELBERG_SHARE else random_device(rng)
