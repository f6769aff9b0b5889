"""Simulated eyes with a known truth: no clinical validity."""

from ctt_net.phantom.device import CIRRUS_LIKE, DEVICES, HEIDELBERG_LIKE, Device
from ctt_net.phantom.eye import SimulatedEye
from ctt_net.phantom.lesions import KINDS, Lesion
from ctt_net.phantom.plan import CohortPlan
from ctt_net.phantom.population import draw_eyes
from ctt_net.phantom.scan import scan
from ctt_net.phantom.simulate import simulate_cohort
