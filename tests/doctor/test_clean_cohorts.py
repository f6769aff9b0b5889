"""Simulated cohorts have no faults, so the doctor finds none."""

import pytest

from ctt_net.doctor import examine
from ctt_net.phantom import CohortPlan


@pytest.mark.parametrize("seed", range(20))
def test_tables_without_fault_give_no_warning(seed, write_tables, tmp_path):
    plan = CohortPlan((60, 120, 300)[seed % 3], seed=seed)
    findings = examine(write_tables(tmp_path / "cohort", plan), open_scans=False)
    assert [f.message for f in findings.findings if f.severity != "note"] == []
    assert not findings.has_errors


def test_scans_without_fault_give_no_warning(examined, other_cohort):
    for findings in (examined[1], examine(other_cohort)):
        assert [f.message for f in findings.findings if f.severity != "note"] == []
        assert dict(findings.facts)["scans read"].endswith(", 0 unreadable")
