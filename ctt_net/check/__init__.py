"""Data validation of a cohort folder: its tables and scans, before anything is trained on them.

Every check has a code and a title (`Check`); what it found is a `Finding`. `tables/` checks
manifest and declarations, `scans/` the files; docs/reference/check.md lists all of them.

Example:
    >>> findings = examine("data/my_cohort")  # doctest: +SKIP
    >>> print_findings(findings)  # doctest: +SKIP
"""

from ctt_net.check.export import as_json, print_findings
from ctt_net.check.finding import Check, Finding, Findings
from ctt_net.check.run import examine
