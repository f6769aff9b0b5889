"""One fault at a time is planted in a simulated cohort; validation names it and nothing else."""

import pytest

from tests.check import date_faults, leak_faults  # register theirs beside those of the tables
from tests.check.scan_faults import SCAN_FAULTS
from tests.check.table_faults import FAULTS

LOUD = ("error", "warning")
# The cohort with scans has 42 patients, which is a finding itself.
FEW = {"patients-few"}


def loud(findings):
    return {finding.code for finding in findings.findings if finding.severity in LOUD}


def assert_named(findings, check, severity, rows):
    assert loud(findings) - FEW == {check} - FEW, [
        f"{f.code}: {f.message}" for f in findings.findings
    ]
    named = [finding for finding in findings.findings if finding.code == check]
    assert {finding.severity for finding in named} == {severity}
    assert findings.has_errors == (severity == "error")
    if rows is not None:
        assert {row for finding in named for row in finding.rows} == {row + 2 for row in rows}


def test_there_are_faults_of_every_kind():
    assert date_faults.with_dates
    assert leak_faults.by_patient
    assert len(FAULTS) > 40
    assert len(SCAN_FAULTS) > 10


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_tables_is_named_and_nothing_else(name, tables):
    plant, check, severity = FAULTS[name]
    rows = plant(tables)
    assert_named(tables.examine(), check, severity, rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCAN_FAULTS)
def test_a_fault_in_the_scans_is_named_and_nothing_else(name, scans, kept):
    plant, check, severity = SCAN_FAULTS[name]
    rows = plant(scans)
    assert_named(scans.examine(open_scans=True, out=kept), check, severity, rows)
