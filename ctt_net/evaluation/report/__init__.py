"""`report.html` and its figures: what the numbers mean, for who will not open `metrics.json`."""

from ctt_net.evaluation.report.again import Evaluated, read_evaluated, render_again
from ctt_net.evaluation.report.facts import Facts, flow_of
from ctt_net.evaluation.report.failures import Pictures, failures
from ctt_net.evaluation.report.side import write_comparison
from ctt_net.evaluation.report.written import (
    REPORT_FILE,
    report_files,
    stale_report_files,
)
