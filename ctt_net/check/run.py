"""`examine`: validate tables and scans of a cohort, and write the findings."""

from pathlib import Path

from ctt_net.check.export import CSV_FILE, JSON_FILE, as_csv, as_json
from ctt_net.check.finding import Findings, by_severity
from ctt_net.check.page import PAGE_FILE, page
from ctt_net.check.scans import examine_scans, tasks_to_read
from ctt_net.check.scans.cache import RecordCache
from ctt_net.check.scans.record import Scan
from ctt_net.check.tables import examine_tables
from ctt_net.cohort import inspect_cohort
from ctt_net.cohort.manifest import required_columns
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write_all, check_writable


def examine(root: Path | str, open_scans: bool = True, out: Path | None = None) -> Findings:
    """Validate the tables of a cohort and, by default, every scan.

    Args:
        root: Cohort folder; nothing is ever written there.
        open_scans: Read the scan files too.
        out: Folder for `findings.json`, `findings.csv` and `check.html`. It also caches what was
            read of each scan, so that an interrupted run resumes where it stopped. Without it
            nothing is written anywhere.

    Raises:
        InputError: If the folder cannot be read at all, or `out` cannot be written or lies inside
            it.
    """
    root = Path(root)
    if out is not None:
        if out.resolve().is_relative_to(root.resolve()):
            raise InputError(
                f"{out}: lies inside the cohort folder {root}; name a place outside it"
            )
        check_writable(out)
    cohort, problems = inspect_cohort(root)
    facts, found = examine_tables(cohort, problems)
    scans: list[Scan] = []
    with RecordCache(out) as cache:
        if open_scans and all(name in cohort.table for name in required_columns(cohort.spec)):
            tasks = tasks_to_read(cohort, problems)
            scan_facts, scan_findings, scans = examine_scans(cohort, tasks, cache)
            facts += scan_facts
            found += scan_findings
        findings = Findings(root, tuple(facts), by_severity(found), cohort.spec.synthetic)
        if out is not None:
            files = {JSON_FILE: as_json(findings), CSV_FILE: as_csv(findings)}
            atomic_write_all(out, {**files, PAGE_FILE: page(findings, scans)})
    return findings
