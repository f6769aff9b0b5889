"""docs/reference/check.md lists every check that exists, with its fix, and no other."""

import importlib
import pkgutil
import re

import ctt_net.check
from ctt_net.check import Check
from tests.check import date_faults, leak_faults
from tests.check.scan_faults import SCAN_FAULTS
from tests.check.table_faults import FAULTS

# Asked of a whole cohort, beside a real fault, or no fault at all.
PLANTED_ELSEWHERE = {
    "laterality-vs-mark", "schema", "outcome-band-small", "quality-by-device", "scan-note",
    "only-test-eyes",
}  # fmt: skip


def all_checks():
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(ctt_net.check.__path__, "ctt_net.check.")
    ]
    found = [value for module in modules for value in vars(module).values()]
    return {check.code: check for check in found if isinstance(check, Check)}


def test_the_page_lists_every_check_with_its_fix(repository):
    text = (repository / "docs/reference/check.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([^|]+) \|$", text, flags=re.MULTILINE))
    assert rows == {name: check.fix for name, check in all_checks().items()}


def test_every_check_has_a_planted_fault():
    assert date_faults.with_dates  # these register their faults beside the others
    assert leak_faults.by_patient
    planted = {check for _, check, _ in (*FAULTS.values(), *SCAN_FAULTS.values())}
    assert planted | PLANTED_ELSEWHERE == set(all_checks())


def test_every_check_has_a_title_of_its_own():
    titles = [check.title for check in all_checks().values()]
    assert len(set(titles)) == len(titles)
    assert all(title[0].isupper() and "-vs-" not in title for title in titles)
