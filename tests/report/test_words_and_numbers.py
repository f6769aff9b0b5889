"""No sentence of a report says what the numbers beside it do not."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.report.comparison import FINDINGS, paired_finding, verdict
from ctt_net.report.summary import plain_words
from ctt_net.report.warnings import REFUTED
from tests.simulated_tables import evaluate_with_warnings as evaluate

PROMISE = "They are set to hold."


def draw(seed):
    """A small evaluation: one patient or some, outcomes alike or not, intervals of any width."""
    rng = np.random.default_rng(seed)
    n_patients = int(rng.choice([1, 2, 9, 12, 30, 60]))
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 3, n_patients))
    n = len(patient)
    truth = np.round(rng.normal(0.3, rng.choice([0.0, 0.25]), n), 1)
    predicted = rng.choice([0.0, 0.4, 1.0]) * truth + rng.choice([0, 0.2]) + rng.normal(0, 0.08, n)
    reach = rng.choice([0.0, 0.12, 2.0]) + 0.02 * rng.random(n)
    chance = np.clip(rng.choice([0.1, 0.5, 0.9]) + rng.normal(0, 0.05, n), 0, 1)
    table = pd.DataFrame(
        {
            "eye_id": [f"e{i}" for i in range(n)],
            "patient_id": [f"p{i}" for i in patient],
            "preop_logmar": np.where(rng.random(n) < 0.1, np.nan, truth + 0.3),
            "postop_logmar": truth,
            "predicted_logmar": predicted,
            "lower_logmar": predicted - reach,
            "upper_logmar": predicted + reach,
            "p_recovery": chance,
            "flags": np.where(rng.random(n) < rng.choice([0, 0.3]), "abstain;wide_interval", ""),
            "p_gains_0.20": chance,
        }
    )
    noise = rng.normal(0, rng.choice([0.0, 0.1, 0.3]), (n, 2))
    baselines = pd.DataFrame(truth[:, None] + noise, columns=["mean", "svm"])
    groups = pd.DataFrame({"site": rng.choice(["a", "b"], n, p=[0.2, 0.8])})
    return evaluate(
        table,
        baselines.set_axis(table["eye_id"]),
        DEFAULT_OUTCOMES,
        groups=groups.set_axis(table["eye_id"]),
        bootstrap=80,
        guarantee=PROMISE,
    )


def ends(figure):
    low, high = figure["ci95"]
    return (np.nan, np.nan) if low is None else (low, high)


def figures(tree, path=()):
    """Every figure with its path."""
    for key, part in tree.items():
        if isinstance(part, dict) and "ci95" in part:
            yield (*path, key), part
        elif isinstance(part, dict):
            yield from figures(part, (*path, key))


@pytest.fixture(scope="module")
def evaluations():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ctt_net.metrics.selective.RESAMPLES", 80)
        return [draw(seed) for seed in range(30)]


@pytest.mark.slow
def test_the_draws_reach_every_finding(evaluations):
    """Or the other tests of this file would hold for want of a claim."""
    text = " ".join(
        " ".join(
            [*metrics["warnings"], verdict(metrics), *dict(plain_words(metrics, "ci95")).values()]
        )
        for metrics in evaluations
    )
    for words in (
        "too few patients", "The model is worse", "images lower", "too narrow",
        "wider than need be", "Too optimistic for poor outcomes",
        "no significant mean bias", "letters better",
        "probabilities are too high", "probabilities are too low", "not significantly different",
    ):  # fmt: skip
        assert words in text, words


def test_the_verdict_is_that_of_the_interval_in_it(evaluations):
    for metrics in evaluations:
        sentence = verdict(metrics)
        low, high = ends(metrics["versus"]["strongest"]["mae_difference"])
        claims = {
            "few": metrics["n_patients"] < 10,
            "better": high < 0,
            "worse": low > 0,
            "open": low <= 0 <= high,
        }
        said = next(
            claim
            for claim, words in (
                ("few", "There are too few patients"),
                ("better", "the images lower"),
                ("worse", "The model is worse"),
                ("open", "the mean absolute error"),
            )
            if words in sentence
        )
        assert claims[said] or f"{min(abs(low), abs(high)):.3f}" == "0.000", sentence
        if said != "few":
            assert all(f"{abs(end):.3f}" in sentence for end in (low, high)), sentence


def test_no_promise_stands_beside_a_coverage_that_refutes_it(evaluations):
    for metrics in evaluations:
        interval, warnings = metrics["interval"], " ".join(metrics["warnings"])
        low, high = ends(interval["coverage"])
        narrow = "intervals are too narrow: they" in warnings
        assert narrow <= (high < interval["nominal"])
        assert ("wider than need be" in warnings) <= (low > interval["nominal"])
        assert interval["guarantee"] == (REFUTED if narrow else PROMISE)
        said = dict(plain_words(metrics, "ci95"))["Prediction intervals"]
        assert ("too narrow" in said) <= narrow
        assert (PROMISE in said) != narrow


def test_bias_is_said_by_its_interval_and_not_on_average_alone(evaluations):
    for metrics in evaluations:
        said = dict(plain_words(metrics, "ci95"))["Bias"]
        average, *rest = said.split(" logMAR or worse) ")
        for sentence, figure in zip(
            (average.split(". ")[0], *rest),
            (metrics["regression"]["bias"], metrics.get("worst_third", {}).get("bias")),
            strict=False,
        ):
            low, high = np.round(ends(figure), 3)
            assert ("no significant mean bias" in sentence) <= (low <= 0 <= high)
            assert ("letters better" in sentence) <= (low > 0)
            assert ("letters worse" in sentence) <= (high < 0)
        worst = metrics.get("worst_third")
        optimistic = worst is not None and round(ends(worst["bias"])[1], 3) < 0
        few = metrics["n_patients"] < 10
        assert ("Too optimistic for poor outcomes" in said) == (optimistic and not few)


def test_warnings_of_probabilities_and_groups_have_their_numbers(evaluations):
    names = {outcome.in_words(): outcome.name for outcome in DEFAULT_OUTCOMES}
    for metrics in evaluations:
        for warning in metrics["warnings"]:
            if "probabilities are" in warning:
                words = warning.split('"')[1]
                name = names.get(words, words)
                counts = metrics["recovery"][name]
                low, high = ends(metrics["calibration"][name]["intercept"])
                if 0 < counts["n_recovered"] < counts["n_eyes"]:
                    assert high < 0 if "too high" in warning else low > 0
            if "percentage points fewer" in warning:
                grouping, name = warning.split(":")[0].split(" ", 1)
                gap = metrics["subgroups"][grouping][name]["coverage_gap"]
                assert ends(gap)[1] < 0
                assert gap["p_adjusted"] < 0.05


def test_what_abstaining_singles_out_is_beyond_chance(evaluations):
    for metrics in evaluations:
        said = dict(plain_words(metrics, "ci95")).get("Abstention", "")
        low, high = ends(metrics["selective"]["abstention"]["mae_gap"])
        assert ("significantly larger" in said) <= (low > 0)
        assert ("significantly smaller" in said) <= (high < 0)


def test_no_number_is_told_as_certain_and_no_blank_is_printed(evaluations):
    for metrics in evaluations:
        for path, figure in figures(metrics):
            if figure["value"] in (0, 1) and path[-1] in ("coverage", "within_0.3", "sensitivity"):
                low, high = ends(figure)
                assert low != high, path
        for sentence in (verdict(metrics), *dict(plain_words(metrics, "ci95")).values()):
            for blank in ("nan", "None", "()", "–"):
                assert blank not in sentence, sentence


def test_no_group_without_a_miss_raises_an_alarm_by_chance(make_eyes, make_predictions, outcomes):
    """Ten of 86 eyes missed against none of 18: one study of five, by Fisher's exact test."""
    predictions = make_predictions(*make_eyes(104)).iloc[::2].reset_index(drop=True)
    error = np.zeros(104)
    error[:10] = 0.5
    predictions["predicted_logmar"] = predictions["postop_logmar"] + error + 0.05
    predictions["lower_logmar"] = predictions["predicted_logmar"] - 0.1
    predictions["upper_logmar"] = predictions["predicted_logmar"] + 0.1
    site = pd.DataFrame({"site": np.where(np.arange(104) < 86, "a", "b")})
    groups = site.set_axis(predictions["eye_id"])
    metrics = evaluate(predictions, None, outcomes, groups=groups, bootstrap=200)
    gap = metrics["subgroups"]["site"]["a"]["coverage_gap"]
    assert gap["p"] == pytest.approx(0.204, abs=0.001)
    assert gap["ci95"][0] < gap["value"] < 0 < gap["ci95"][1]
    assert metrics["subgroups"]["site"]["b"]["coverage"]["ci95"][0] == pytest.approx(
        0.824, abs=1e-3
    )
    assert not [one for one in metrics["warnings"] if "fewer eyes" in one]


@pytest.mark.parametrize(
    ("low", "high", "n", "finding"),
    [
        (0.004, 0.126, 50, "worse"),
        (0.0004, 0.126, 50, "open"),  # printed as 0.000
        (-0.126, -0.004, 50, "better"),
        (-0.014, 0.02, 50, "alike"),
        (-0.014, 0.03, 50, "open"),
        (-0.126, -0.004, 9, "few"),
        (None, None, 50, "few"),
    ],
)
def test_a_paired_difference_is_named_by_its_interval(low, high, n, finding):
    assert paired_finding(low, high, n) == finding
    assert finding in FINDINGS
