"""A model that reads the lesion, on cohorts without fault: nothing is found, whatever the seed."""

import pytest

from tests.audit.stand_in import Cohort


@pytest.mark.parametrize("seed", range(20))
def test_a_clean_cohort_and_an_honest_model_give_no_finding(seed, ask):
    done = ask(Cohort(n_patients=(35, 45, 60)[seed % 3], seed=seed))
    assert [f"{probe.name}: {probe.answer}" for probe in done.findings] == []
    assert "No shortcut" in done.verdict()
