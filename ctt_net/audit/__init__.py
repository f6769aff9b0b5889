"""The audit: does a model read the retina, or something that goes with the outcome here?"""

from ctt_net.audit.examine import Audit, audit
from ctt_net.audit.probe import ALPHA, Probe, Row
