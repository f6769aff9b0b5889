"""Checks of the scans; each file is opened once."""

from collections import Counter

import numpy as np

from ctt_net.check.finding import Finding
from ctt_net.check.scans.cache import RecordCache, read_scans
from ctt_net.check.scans.duplicates import duplicate_findings
from ctt_net.check.scans.laterality import laterality_findings
from ctt_net.check.scans.record import Scan
from ctt_net.check.scans.shortcuts import overlay_findings, quality_findings
from ctt_net.check.scans.views import note_findings, unreadable, view_findings
from ctt_net.check.tables.facts import Facts
from ctt_net.cohort import Cohort, Problem
from ctt_net.data.scan_cache import ScanTask
from ctt_net.data.scans import scan_tasks
from ctt_net.io.progress import progress_bar


def tasks_to_read(cohort: Cohort, problems: list[Problem]) -> list[ScanTask]:
    """Files the manifest names, except for wrong paths: those must not be opened."""
    wrong = {(p.row, p.column) for p in problems if p.severity == "error"}
    return [task for task in scan_tasks(cohort) if (task.row, task.view_name) not in wrong]


def examine_scans(
    cohort: Cohort, tasks: list[ScanTask], cache: RecordCache
) -> tuple[Facts, list[Finding], list[Scan]]:
    """Read every scan and run every check on them.

    Args:
        cohort: Its tables, typed.
        tasks: What to read.
        cache: What is known from an earlier run.

    Returns:
        Facts, findings, and the facts on each scan.
    """
    with progress_bar("reading scans") as progress:
        scans = read_scans(cohort.root, tasks, cache, progress)
    readable = [scan for scan in scans if not scan.record.error]
    found = [
        *unreadable(scans),
        *view_findings(readable, dict(cohort.spec.views)),
        *laterality_findings(readable),
        *duplicate_findings(readable, cohort.table),
        *overlay_findings(readable, cohort.table),
        *quality_findings(readable, cohort.table),
        *note_findings(readable),
    ]
    return _facts(scans, readable), found, scans


def _facts(scans: list[Scan], readable: list[Scan]) -> Facts:
    facts = [("scans read", f"{len(readable)}, {len(scans) - len(readable)} unreadable")]
    if not readable:
        return facts
    sizes = Counter(f"{s.record.shape[0]}x{s.record.shape[1]}" for s in readable)
    layouts = Counter(s.record.layout.replace("_", " ") for s in readable)
    overlays = Counter(kind.replace("_", " ") for s in readable for kind in s.record.overlays)
    low, middle, high = np.percentile([s.record.quality for s in readable], [5, 50, 95])
    return [
        *facts,
        ("scan sizes", ", ".join(f"{size} ({n})" for size, n in sizes.most_common(5))),
        ("scan layouts", ", ".join(f"{layout} {n}" for layout, n in layouts.most_common())),
        ("burnt-in marks", ", ".join(f"{k} {n}" for k, n in overlays.most_common()) or "none"),
        ("signal quality", f"median {middle:.2f}, 5% below {low:.2f}, 5% above {high:.2f}"),
    ]
