import numpy as np
import pandas as pd
import pytest

from tests.simulated_tables import evaluate_with_warnings as evaluate


def warnings_of(predictions, outcomes):
    return " ".join(evaluate(predictions, None, outcomes, bootstrap=200)["warnings"])


def test_a_sound_study_raises_none(predictions, outcomes):
    assert warnings_of(predictions, outcomes) == ""


@pytest.mark.parametrize(("n_patients", "words"), [(9, "not to be trusted"), (49, "fewer than 50")])
def test_few_patients_are_said(make_eyes, make_predictions, n_patients, words, outcomes):
    predictions = make_predictions(*make_eyes(n_patients))
    assert words in warnings_of(predictions, outcomes)


def test_fifty_patients_are_not_few(make_eyes, make_predictions, outcomes):
    assert "patients" not in warnings_of(make_predictions(*make_eyes(50)), outcomes)


def test_an_error_below_the_test_retest_floor_smells_of_leakage(predictions, outcomes):
    truth = predictions["postop_logmar"]
    assert "leakage" not in warnings_of(
        predictions.assign(predicted_logmar=truth + 0.041), outcomes
    )
    assert "leakage" in warnings_of(predictions.assign(predicted_logmar=truth + 0.039), outcomes)


@pytest.mark.parametrize(("half_width", "words"), [(0.05, "too narrow"), (0.9, "wider than need")])
def test_intervals_off_nominal_are_said(predictions, outcomes, half_width, words):
    predictions["lower_logmar"] = predictions["predicted_logmar"] - half_width
    predictions["upper_logmar"] = predictions["predicted_logmar"] + half_width
    assert words in warnings_of(predictions, outcomes)


def test_intervals_within_chance_of_nominal_are_not_blamed(make_eyes, make_predictions, outcomes):
    """12 eyes of 12 patients all inside: at 90% that happens in more than one study of four."""
    eyes, potential = make_eyes(12)
    few = make_predictions(eyes, potential).iloc[::2]
    few["lower_logmar"], few["upper_logmar"] = -0.9, 5.0
    assert "intervals are" not in warnings_of(few, outcomes)


def test_an_eye_with_undecidable_outcome_is_said(predictions, outcomes):
    predictions.loc[0, "preop_logmar"] = np.nan
    text = warnings_of(predictions, outcomes)
    assert 'Outcome "gain of 0.20 logMAR or more": 1 eye left out' in text
    assert "0.30" not in text


def test_a_model_that_discriminates_worse_than_preop_va_is_warned_of(predictions, outcomes):
    truth = predictions.set_index("eye_id")["postop_logmar"]
    sharp = pd.DataFrame({"preop_only": truth + 0.01})
    blunt = predictions.assign(**{"p_reaches_0.30": np.linspace(0, 1, len(predictions))})
    told = " ".join(evaluate(blunt, sharp, outcomes, bootstrap=200)["warnings"])
    assert '0.30 logMAR or better": preoperative VA alone discriminates better' in told
    turned = pd.DataFrame({"preop_only": -truth})
    told = " ".join(evaluate(predictions, turned, outcomes, bootstrap=200)["warnings"])
    assert "discriminates better" not in told
