"""A report as an evaluation leaves it, without the evaluation."""

from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.report.evaluation_page import report_files, stale_report_files
from ctt_net.report.facts import Facts


def write_report(
    metrics, table, baselines, outcomes, folder, *, cohort=(), model=(), to_check=None, **facts
):
    """Write it and give the page; facts are those of `Facts`."""
    told = {"title": "T", "synthetic": False, **facts}
    told = Facts(cohort=dict(cohort), model=dict(model), outcomes=tuple(outcomes), **told)
    files = report_files(metrics, table, baselines, told, to_check)
    atomic_write_all(folder, files, stale_report_files(folder))
    return folder / "report.html"
