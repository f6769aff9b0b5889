"""A report as an evaluation leaves it, without the evaluation."""

from ctt_net.evaluation.report import Facts, report_files, stale_report_files
from ctt_net.whole_file import write_together


def write_report(metrics, table, baselines, outcomes, folder, *, cohort=(), model=(), **facts):
    """Write it and give the page; facts are those of `Facts`."""
    told = {"title": "T", "synthetic": False, **facts}
    told = Facts(cohort=dict(cohort), model=dict(model), outcomes=tuple(outcomes), **told)
    files = report_files(metrics, table, baselines, told)
    write_together(folder, files, stale_report_files(folder))
    return folder / "report.html"
