"""The doctor: a cohort's tables and scans examined before any training."""

from ctt_net.doctor.examination import examine
from ctt_net.doctor.finding import Check, Finding, Findings
from ctt_net.doctor.terminal import print_findings
from ctt_net.doctor.written import as_json
