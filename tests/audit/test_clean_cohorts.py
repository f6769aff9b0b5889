"""A model that reads the lesion, on cohorts without fault: nothing is found, whatever the seed."""

import os

import pytest

from tests.audit.stand_in import Cohort

# Two seconds each, twelve of them; the others show the same.
SLOW = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("CTT_NET_ALL_SEEDS"), reason="set CTT_NET_ALL_SEEDS to run all 20 seeds"
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(s, marks=SLOW) for s in range(8, 20))])
def test_a_clean_cohort_and_an_honest_model_give_no_finding(seed, ask):
    done = ask(Cohort(n_patients=(35, 45, 60)[seed % 3], seed=seed))
    assert [f"{result.code}: {result.result}" for result in done.findings] == []
    assert "No shortcut" in done.verdict()
