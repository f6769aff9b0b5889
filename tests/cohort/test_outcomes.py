"""Cohorts whose outcomes are known within bounds only."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.check.tables.facts import table_facts
from ctt_net.cohort import (
    CohortError,
    is_censored,
    make_folds,
    outcome_bounds,
    read_cohort,
    write_cohort,
)
from ctt_net.errors import InputError

DECIMAL = "{preop_va: decimal, postop_va: decimal}"
TEXTS = {0: ">=0.5", 1: "0.1-0.3", 2: "CF 1m", 3: ""}
INF = np.inf


@pytest.fixture
def censored_spec(spec_text):
    """CF after surgery means worse than the 0.05 line."""
    policy = "off_chart_policy: censored, chart_end_logmar: 1.3"
    return spec_text.replace(DECIMAL, f"{DECIMAL[:-1]}, {policy}}}")


@pytest.fixture
def rows(eye):
    """Forty eyes, three of them known within bounds and one not at all."""
    return [eye(n, **({"postop_va": TEXTS[n]} if n in TEXTS else {})) for n in range(40)]


def test_bounds_stand_beside_exact_outcomes(make_cohort, rows, censored_spec):
    table = read_cohort(make_cohort(rows, censored_spec)).table
    lower, upper = outcome_bounds(table)
    np.testing.assert_allclose(lower[:5], [-INF, 0.52288, 1.31, np.nan, 0.69897], atol=1e-5)
    np.testing.assert_allclose(upper[:5], [0.30103, 1.0, INF, np.nan, 0.69897], atol=1e-5)
    assert table["postop_logmar"][:5].isna().tolist() == [True, True, True, True, False]
    assert table["postop_off_chart"][:4].tolist() == ["", "", "CF", ""]
    assert is_censored(table)[:5].tolist() == [True, True, True, False, False]
    facts = dict(table_facts(read_cohort(make_cohort(rows, censored_spec))))
    assert facts["postop acuity known within bounds only"].startswith("3 (1 of them off the chart)")
    assert "(1 missing)" in facts["postop acuity (decimal)"]


def test_a_cohort_without_bounds_has_no_columns_for_them(make_cohort, eye, spec_text):
    table = read_cohort(make_cohort([eye(0, postop_va="CF"), eye(1)], spec_text)).table
    assert "postop_lower_logmar" not in table
    assert table["postop_logmar"][0] == 1.9
    np.testing.assert_array_equal(*outcome_bounds(table))


def test_before_surgery_a_word_is_a_number_and_a_range_is_refused(make_cohort, eye, censored_spec):
    table = read_cohort(make_cohort([eye(0, preop_va="HM"), eye(1)], censored_spec)).table
    assert table["preop_logmar"][0] == 2.3
    with pytest.raises(CohortError, match=r"row 2, column preop_va.*'>=0.1' is a range.*input"):
        read_cohort(make_cohort([eye(0, preop_va=">=0.1"), eye(1)], censored_spec))


def test_a_cohort_with_bounds_reads_back_as_written(make_cohort, rows, censored_spec):
    cohort = read_cohort(make_cohort(rows, censored_spec))
    again = write_cohort(cohort.root, cohort.spec, cohort.table)
    pd.testing.assert_frame_equal(again.table[cohort.table.columns], cohort.table, rtol=1e-5)
    written = pd.read_csv(cohort.root / "manifest.csv")
    assert written["postop_upper_logmar"][:3].tolist() == pytest.approx(
        [0.30103, 1.0, np.nan], nan_ok=True
    )


def test_bounds_that_disagree_with_the_text_are_an_error(make_cohort, rows, censored_spec):
    rows[0]["postop_upper_logmar"] = "0.7"
    with pytest.raises(
        CohortError, match=r"row 2, column postop_upper_logmar.*0.7 does not agree.*'>=0.5'.*0.301"
    ):
        read_cohort(make_cohort(rows, censored_spec))
    rows[0] |= {"postop_upper_logmar": "", "postop_logmar": "0.3"}
    with pytest.raises(CohortError, match=r"postop_logmar.*'>=0.5'.*is not one number"):
        read_cohort(make_cohort(rows, censored_spec))


def test_a_chart_end_without_the_policy_is_refused(make_cohort, eye, censored_spec):
    spec = censored_spec.replace("censored", "bach")
    with pytest.raises(InputError, match=r"chart_end_logmar.*means nothing with.*bach"):
        read_cohort(make_cohort([eye(0)], spec))


def test_censored_eyes_are_spread_over_the_folds(make_cohort, eye, spec_text):
    rows = [eye(n, **({"postop_va": "0.3-0.5"} if n % 4 < 2 else {})) for n in range(40)]
    table = read_cohort(make_cohort(rows, spec_text)).table
    folds = make_folds(table, 5)
    each = folds[table["eye_id"][is_censored(table)]].value_counts()
    assert len(folds) == 40
    assert each.tolist() == [4] * 5


def test_folds_need_exact_outcomes(make_cohort, eye, spec_text):
    rows = [eye(n, **({"postop_va": "0.3-0.5"} if n > 3 else {})) for n in range(40)]
    table = read_cohort(make_cohort(rows, spec_text)).table
    with pytest.raises(InputError, match="2 patients with an exactly known outcome cannot make 5"):
        make_folds(table, 5)
