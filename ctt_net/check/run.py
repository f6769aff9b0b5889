"""One examination: tables, and unless told otherwise scans; with a folder, also written down."""

from pathlib import Path

from ctt_net.check.export import CSV_FILE, JSON_FILE, as_csv, as_json
from ctt_net.check.finding import Findings, by_weight
from ctt_net.check.page import PAGE_FILE, page
from ctt_net.check.scans import examine_scans, tasks_to_read
from ctt_net.check.scans.cache import KeptRecords
from ctt_net.check.scans.reading import Scan
from ctt_net.check.tables import examine_tables
from ctt_net.cohort import inspect_cohort
from ctt_net.cohort.manifest import required_columns
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write_all, check_writable


def examine(root: Path | str, open_scans: bool = True, out: Path | None = None) -> Findings:
    """Check the tables and, unless told otherwise, read every scan.

    Args:
        root: Cohort folder; nothing is ever written there.
        open_scans: Read the files too.
        out: Folder for `findings.json`, `findings.csv` and `check.html`. It also keeps what was
            learnt of each scan, so that an examination cut short goes on where it stopped.
            Without it nothing is written anywhere.

    Raises:
        InputError: If the folder cannot be read at all, or `out` cannot be written or lies inside
            it.
    """
    root = Path(root)
    if out is not None:
        _check_not_inside(root, out)
        check_writable(out)
    cohort, problems = inspect_cohort(root)
    facts, found = examine_tables(cohort, problems)
    scans: list[Scan] = []
    with KeptRecords(out) as kept:
        if open_scans and all(name in cohort.table for name in required_columns(cohort.spec)):
            tasks = tasks_to_read(cohort, problems)
            more_facts, more_found, scans = examine_scans(cohort, tasks, kept)
            facts += more_facts
            found += more_found
        findings = Findings(root, tuple(facts), by_weight(found), cohort.spec.synthetic)
        if out is not None:
            files = {JSON_FILE: as_json(findings), CSV_FILE: as_csv(findings)}
            atomic_write_all(out, {**files, PAGE_FILE: page(findings, scans, kept)})
    return findings


def _check_not_inside(root: Path, out: Path) -> None:
    """A cohort folder is an input; what stands in it is never added to."""
    if out.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{out}: lies inside the cohort folder {root}; name a place outside it")
