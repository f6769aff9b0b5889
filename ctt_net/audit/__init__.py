"""Audit of a trained model on a cohort: does it use the retina, or shortcuts and leaks?

Every test is an `AuditTest` with a code, a title and a question; `audit` returns the results. The
methods are in docs/reference/audit.md.
"""

from ctt_net.audit.result import ALPHA, AuditResult, Row
from ctt_net.audit.run import Audit, audit
