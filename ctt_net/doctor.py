"""The doctor: a cohort's tables and scans examined before any training."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ctt_net.cohort import Cohort, Problem, check_cohort
from ctt_net.data.scans import read_each, scan_tasks
from ctt_net.imaging import ImagingError, signal_quality
from ctt_net.progress import progress_bar


@dataclass(frozen=True)
class Findings:
    """What is in a cohort and what is wrong with it.

    Args:
        root: Cohort folder.
        facts: Name and value.
        problems: Errors first.
    """

    root: Path
    facts: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        """Whether a training would refuse this cohort."""
        return any(problem.severity == "error" for problem in self.problems)


def examine(root: Path, open_scans: bool = True) -> Findings:
    """Check the tables and, unless told otherwise, read every scan.

    Args:
        root: Cohort folder.
        open_scans: Read the files too.

    Raises:
        InputError: If the folder cannot be read at all.
    """
    report = check_cohort(root)
    facts, problems = list(report.facts), list(report.problems)
    if open_scans and not report.has_errors:
        more_facts, more_problems = _examine_scans(report.cohort)
        facts += more_facts
        problems += more_problems
    problems.sort(key=lambda problem: problem.severity != "error")
    return Findings(root, tuple(facts), tuple(problems))


def _examine_scans(cohort: Cohort) -> tuple[list[tuple[str, str]], list[Problem]]:
    qualities, sizes, layouts = [], Counter[str](), Counter[str]()
    notes: dict[str, list[int]] = {}
    problems = []
    with progress_bar("reading scans") as progress:
        for task, result in read_each(scan_tasks(cohort), progress):
            if isinstance(result, ImagingError):
                problems.append(Problem(str(result), row=task.row, column=task.view_name))
                continue
            qualities.append(signal_quality(result.pixels))
            sizes["x".join(str(side) for side in result.pixels.shape[::-1])] += 1
            layouts[result.device_layout.replace("_", " ")] += 1
            for note in result.notes:
                notes.setdefault(note, []).append(task.row)
    facts = [("scans read", f"{len(qualities)}, {len(problems)} unreadable")]
    if qualities:
        low, middle, high = np.percentile(qualities, [5, 50, 95])
        facts += [
            ("scan sizes", ", ".join(f"{size} ({n})" for size, n in sizes.most_common(5))),
            ("scan layouts", ", ".join(f"{layout} {n}" for layout, n in layouts.most_common())),
            ("signal quality", f"median {middle:.2f}, 5% below {low:.2f}, 5% above {high:.2f}"),
        ]
    for note, rows in sorted(notes.items(), key=lambda item: -len(item[1])):
        where = ", ".join(map(str, rows[:3])) + (", ..." if len(rows) > 3 else "")
        problems.append(Problem(f"{len(rows)} scans (row {where}): {note}", "note"))
    return facts, problems


def print_findings(findings: Findings) -> None:
    """Print facts and problems for a person."""
    console = Console()
    table = Table(title=str(findings.root), show_header=False, title_justify="left")
    for name, value in findings.facts:
        table.add_row(name, value)
    if findings.facts:
        console.print(table, markup=False)
    for problem in findings.problems:
        console.print(f"{problem.severity}: {problem}", highlight=False, markup=False)
    errors = sum(problem.severity == "error" for problem in findings.problems)
    warnings = sum(problem.severity == "warning" for problem in findings.problems)
    console.print(f"{errors} errors, {warnings} warnings", highlight=False)
