"""The audit: does a model read the retina, or something that goes with the outcome here?"""

from ctt_net.audit.probe import ALPHA, Probe, Row
from ctt_net.audit.run import Audit, audit
