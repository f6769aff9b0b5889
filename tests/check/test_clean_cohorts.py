"""Simulated cohorts have no faults, so validation finds none."""

import pytest

from ctt_net.check import examine
from ctt_net.synthetic import CohortPlan


def assert_only_few_patients(findings):
    """A small cohort is warned of for its size and nothing else; a larger one not at all."""
    patients = int(dict(findings.facts)["patients"].split()[0])
    told = [f.code for f in findings.findings if f.severity != "note"]
    assert told == (["patients-few"] if patients < 100 else [])


@pytest.mark.parametrize("seed", range(20))
def test_tables_without_fault_give_no_warning(seed, write_tables, tmp_path):
    plan = CohortPlan((60, 120, 300)[seed % 3], seed=seed)
    findings = examine(write_tables(tmp_path / "cohort", plan), open_scans=False)
    assert_only_few_patients(findings)
    assert not findings.has_errors


@pytest.mark.slow
def test_scans_without_fault_give_no_warning(examined, other_cohort):
    for findings in (examined[1], examine(other_cohort)):
        assert_only_few_patients(findings)
        assert dict(findings.facts)["scans read"].endswith(", 0 unreadable")
