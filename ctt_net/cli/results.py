"""The figures of a run or an evaluation, for a person at a terminal."""

from pathlib import Path

from ctt_net import INTENDED_USE


def print_results(metrics: dict, report: Path) -> None:
    """Table, verdict, warnings and where the report lies."""
    from rich.console import Console

    from ctt_net.report.comparison import render_table, verdict

    console = Console()
    console.print(render_table(metrics))
    console.print(verdict(metrics), highlight=False)
    for warning in metrics["warnings"]:
        console.print(f"note: {warning}", highlight=False, markup=False)
    console.print(f"report: {report}", highlight=False, soft_wrap=True, markup=False)
    console.print(INTENDED_USE, style="dim", highlight=False)
