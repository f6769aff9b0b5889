"""`report.html` and its figures: what the numbers mean, for who will not open `metrics.json`."""

from ctt_net.report.compare import write_comparison
from ctt_net.report.evaluation_page import (
    REPORT_FILE,
    report_files,
    stale_report_files,
)
from ctt_net.report.facts import Facts, flow_of
from ctt_net.report.largest_errors import Pictures, failures
from ctt_net.report.rerender import Evaluated, read_evaluated, render_again
