import io

import pandas as pd
import pytest
from rich.console import Console

from ctt_net.evaluation import comparison_table, evaluate, render_table, verdict


def compare(predictions, outcomes, oracle=None, **errors):
    """Metrics beside baselines that err by a given constant plus the model's noise."""
    truth = predictions["postop_logmar"]
    frame = pd.DataFrame({name: (truth + error).to_numpy() for name, error in errors.items()})
    frame = frame.set_axis(predictions["eye_id"])
    return evaluate(predictions, frame, outcomes, oracle=oracle, bootstrap=300)


def test_the_sentence_says_how_much_the_model_lowers_the_error(predictions, outcomes):
    metrics = compare(predictions, outcomes, mean=0.3, preop_only=0.1)
    low, high = metrics["versus"]["preop_only"]["mae_difference"]["ci95"]
    difference = metrics["versus"]["preop_only"]["mae_difference"]["value"]
    assert verdict(metrics) == (
        "Beyond preoperative VA alone, the model lowers the mean absolute error by "
        f"{-difference:.3f} logMAR (95% CI {-high:.3f} to {-low:.3f}; "
        f"about {-difference / 0.02:.1f} letters)."
    )


def test_the_strongest_baseline_is_the_one_to_beat(predictions, outcomes):
    metrics = compare(predictions, outcomes, mean=0.3, preop_only=0.1, covariates=0.02)
    assert verdict(metrics).startswith(
        "The model is worse than preoperative VA and the recorded covariates: its mean absolute "
        "error is 0.0"
    )


def test_an_interval_that_holds_zero_means_nothing_measurable(predictions, outcomes):
    mae = (predictions["predicted_logmar"] - predictions["postop_logmar"]).abs().mean()
    sentence = verdict(compare(predictions, outcomes, preop_only=mae + 0.001))
    assert sentence.startswith("The model adds nothing measurable beyond preoperative VA alone")
    assert "−0.001 logMAR (95% CI −0.0" in sentence


def test_without_baselines_or_with_few_patients_nothing_is_claimed(predictions, outcomes):
    assert "cannot be said" in verdict(evaluate(predictions, None, outcomes, bootstrap=20))
    few = verdict(compare(predictions.iloc[:18], outcomes, preop_only=0.5))
    assert few.startswith("There are too few patients (9) to say")


def test_rows_are_model_baselines_oracle(predictions, outcomes, potential):
    metrics = compare(predictions, outcomes, oracle=potential, mean=0.3, preop_only=0.1)
    rows = comparison_table(metrics)
    assert [row.name for row in rows] == ["model", "mean", "preop_only", "oracle"]
    assert rows[0].difference is None
    assert rows[1].mae == pytest.approx(0.3)
    assert rows[3].difference > 0
    for row in rows[1:]:
        assert row.difference == pytest.approx(rows[0].mae - row.mae)
        assert row.difference_lo <= row.difference <= row.difference_hi


def test_the_terminal_table_fits_eighty_columns_and_shows_every_number(predictions, outcomes):
    metrics = compare(predictions, outcomes, mean=0.3, preop_only=0.1, covariates=0.2)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render_table(metrics))
    text = console.export_text()
    for row in comparison_table(metrics):
        line = next(line for line in text.splitlines() if row.label in line)
        assert f"{row.mae:.3f}" in line
    assert "120 eyes of 60 patients" in text
    assert "…" not in text
