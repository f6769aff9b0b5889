"""Simulated eyes with a known truth: no clinical validity."""

from ctt_net.synthetic.device import CIRRUS_LIKE, DEVICES, HEIDELBERG_LIKE, Device
from ctt_net.synthetic.eye import SimulatedEye
from ctt_net.synthetic.lesions import KINDS, Lesion
from ctt_net.synthetic.population import draw_eyes
from ctt_net.synthetic.scan import scan
from ctt_net.synthetic.simulate import CohortPlan, simulate_cohort
