import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ctt_net.report.comparison import comparison_table, render_table, verdict
from tests.simulated_tables import evaluate_with_warnings as evaluate


def compare(predictions, outcomes, oracle=None, reader=None, **errors):
    """Metrics beside baselines that err by a given constant plus the model's noise."""
    truth = predictions["postop_logmar"]
    frame = pd.DataFrame({name: (truth + error).to_numpy() for name, error in errors.items()})
    frame = frame.set_axis(predictions["eye_id"])
    return evaluate(predictions, frame, outcomes, oracle=oracle, reader=reader, bootstrap=300)


def test_the_sentence_says_how_much_the_model_lowers_the_error(predictions, outcomes):
    metrics = compare(predictions, outcomes, mean=0.3, preop_only=0.1)
    low, high = metrics["versus"]["preop_only"]["mae_difference"]["ci95"]
    assert metrics["versus"]["strongest"]["mae_difference"]["ci95"] == [low, high]
    difference = metrics["versus"]["preop_only"]["mae_difference"]["value"]
    assert verdict(metrics) == (
        "Beyond preoperative VA alone, the images lower the mean absolute error by "
        f"{-difference:.3f} logMAR (95% CI {-high:.3f} to {-low:.3f}; "
        f"about {-difference / 0.02:.1f} letters)."
    )


def test_the_strongest_baseline_is_the_one_to_beat(predictions, outcomes):
    metrics = compare(predictions, outcomes, mean=0.3, preop_only=0.1, covariates=0.02)
    assert verdict(metrics).startswith(
        "The model is worse than preoperative VA and the recorded covariates: its mean absolute "
        "error is 0.0"
    )


def test_an_interval_that_holds_zero_and_is_wide_leaves_the_question_open(predictions, outcomes):
    mae = (predictions["predicted_logmar"] - predictions["postop_logmar"]).abs().mean()
    metrics = compare(predictions.iloc[:40], outcomes, preop_only=mae + 0.001)
    metrics["versus"]["preop_only"]["mae_difference"]["ci95"] = [-0.03, 0.012]
    sentence = verdict(metrics)
    assert sentence.startswith("Whether the images add anything beyond preoperative VA alone rem")
    assert "(95% CI −0.030 to +0.012)" in sentence


def test_within_a_letter_of_the_baseline_is_said_so(predictions, outcomes):
    mae = (predictions["predicted_logmar"] - predictions["postop_logmar"]).abs().mean()
    sentence = verdict(compare(predictions, outcomes, preop_only=mae + 0.001))
    assert sentence.startswith(
        "Beyond preoperative VA alone, the images change the mean absolute error by no more than a "
        "letter either way: −0.001 logMAR (95% CI −0.0"
    )


def test_who_beats_the_strongest_but_not_surely_another_says_so(predictions, outcomes):
    metrics = compare(predictions, outcomes, preop_only=0.1, mean=0.3)
    assert verdict(metrics).endswith("letters).")
    metrics["versus"]["mean"]["mae_difference"]["ci95"] = [-0.6, 0.1]
    assert verdict(metrics).endswith(
        "The improvement over the average outcome of all eyes is not significant."
    )


def test_the_sentence_names_what_the_baseline_knows(predictions, outcomes):
    truth = predictions["postop_logmar"].to_numpy()
    frame = pd.DataFrame({"covariates": truth + 0.2}, index=predictions["eye_id"])

    def beyond(*names):
        metrics = evaluate(predictions, frame, outcomes, covariates=names, bootstrap=50)
        return verdict(metrics).split(", the images")[0]

    assert beyond("age") == "Beyond preoperative VA and age"
    assert beyond("age", "sex") == "Beyond preoperative VA, age and sex"
    assert beyond(*"abcd") == "Beyond preoperative VA and 4 recorded covariates"
    assert beyond() == "Beyond preoperative VA and the recorded covariates"
    frame.columns = ["boosting"]
    assert beyond("age") == "Beyond preoperative VA and age (gradient boosting)"
    assert beyond() == "Beyond preoperative VA (gradient boosting)"


def test_table_and_sentence_have_one_interval(predictions, outcomes):
    """Ten baselines as good as one another: whichever is named, its row says the same."""
    rng = np.random.default_rng(0)
    truth, n = predictions["postop_logmar"].to_numpy(), len(predictions)
    frame = pd.DataFrame(rng.normal(0, 0.1, (n, 10)) + truth[:, None])
    frame = frame.set_axis(predictions["eye_id"]).rename(columns="b{}".format)
    metrics = evaluate(predictions, frame, outcomes, bootstrap=400)
    best = metrics["versus"]["strongest"]["baseline"]
    assert best == frame.sub(truth, axis=0).abs().mean().idxmin()
    gap = metrics["versus"][best]["mae_difference"]
    assert metrics["versus"]["strongest"]["mae_difference"] == gap
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(render_table(metrics))
    line = next(line for line in console.export_text().splitlines() if f" {best} " in line)
    ends = [f"{abs(end):.3f}" for end in gap["ci95"]]
    for text in (line, verdict(metrics)):
        assert all(end in text for end in ends)


def test_the_best_of_many_by_chance_does_not_make_the_model_worse(predictions, outcomes):
    """As noisy as the model: the best of ten looks better, but not significantly so."""
    truth, n = predictions["postop_logmar"].to_numpy(), len(predictions)
    worse = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        table = predictions.assign(predicted_logmar=truth + rng.normal(0, 0.1, n))
        frame = pd.DataFrame(rng.normal(0, 0.1, (n, 10)) + truth[:, None])
        frame = frame.set_axis(predictions["eye_id"]).rename(columns="b{}".format)
        errors = evaluate(table, frame, (), bootstrap=100)
        worse += verdict(errors).startswith("The model is worse")
        assert "images lower" not in verdict(errors)
    assert worse <= 2


def test_without_baselines_or_with_few_patients_nothing_is_claimed(predictions, outcomes):
    assert "cannot be measured" in verdict(evaluate(predictions, None, outcomes, bootstrap=20))
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


def test_the_perfect_reader_stands_before_the_lowest_error(predictions, outcomes, potential):
    reader = potential + 0.2
    metrics = compare(predictions, outcomes, oracle=potential, reader=reader, mean=0.3)
    rows = comparison_table(metrics)
    assert [row.name for row in rows] == ["model", "mean", "reader", "oracle"]
    truth = predictions.set_index("eye_id")["postop_logmar"]
    assert rows[2].mae == pytest.approx((truth - reader[truth.index]).abs().mean())
    assert metrics["versus"]["strongest"]["baseline"] == "mean"


def test_the_terminal_table_fits_eighty_columns_and_shows_every_number(predictions, outcomes):
    metrics = compare(predictions, outcomes, mean=0.3, preop_only=0.1, covariates=0.2)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render_table(metrics))
    text = console.export_text()
    for row in comparison_table(metrics):
        line = next(line for line in text.splitlines() if row.short_label in line)
        assert f"{row.mae:.3f}" in line
    assert "120 eyes of 60 patients" in text
    assert "…" not in text
