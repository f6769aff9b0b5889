"""The doctor: a cohort's tables and scans examined before any training."""

from ctt_net.check.export import as_json
from ctt_net.check.finding import Check, Finding, Findings
from ctt_net.check.run import examine
from ctt_net.check.terminal import print_findings
