"""Simulated eyes with a known truth, and synthetic cohorts of them: no clinical validity.

An eye is drawn by `draw_eyes` (population, lesions, acuity); `scan` cuts its macula along a line
(`macula`), paints it (`paint`, `cavities`, `choroid`) and exposes it on a device (`exposure`).
`simulate_cohort` writes a cohort folder with the truth beside it.

Example:
    >>> eye = draw_eyes(1, seed=11)[0]
    >>> scan(eye, CIRRUS_LIKE, "horizontal").shape
    (500, 750)
"""

from ctt_net.synthetic.device import (
    CIRRUS_LIKE,
    DEVICES,
    HEIDELBERG_LIKE,
    TOPCON_LIKE,
    Device,
    random_device,
)
from ctt_net.synthetic.extras import EXTRA_KINDS, Extra, draw_extras
from ctt_net.synthetic.eye import SimulatedEye
from ctt_net.synthetic.lesions import KINDS, Lesion
from ctt_net.synthetic.population import draw_eyes
from ctt_net.synthetic.scan import scan
from ctt_net.synthetic.simulate import CohortPlan, simulate_cohort
from ctt_net.synthetic.training_eyes import training_eye
