"""The figures that a clinician asks for first, as sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctt_net.baselines.clinical_start import image_weight_in_words
from ctt_net.errors import count_of
from ctt_net.metrics.chart_units import PER_LOGMAR
from ctt_net.metrics.selective import REASONS
from ctt_net.metrics.subgroups import SUPPRESSED_BELOW
from ctt_net.outcome import Outcome
from ctt_net.report.comparison import FINDINGS, paired_finding, signed_text, span_text
from ctt_net.report.tables import figure_cell
from ctt_net.report.warnings import TOO_FEW_PATIENTS, coverage_finding, probability_finding

Metrics = Mapping[str, Any]

WITHIN_BOUNDS = ("inside", "concordance")


def plain_words(
    metrics: Metrics, key: str, outcomes: Sequence[Outcome] = ()
) -> list[tuple[str, str]]:
    """Size of the errors, bias, coverage and abstention: a heading and its sentences each.

    Args:
        metrics: As `evaluate` builds them.
        key: Of the intervals.
        outcomes: Recovery outcomes, to be named in words.
    """
    words = {outcome.name: outcome.in_words() for outcome in outcomes}
    parts = (
        ("Influence of the images", image_weight_in_words(_image_weights(metrics))),
        ("Size of the errors", _error_sentence(metrics)),
        ("Bias", _bias_sentences(metrics, key)),
        ("Measures of the scans", _measures_sentence(metrics, key)),
        ("Prediction intervals", interval_sentence(metrics, key)),
        ("Recovery probabilities", _probability_sentences(metrics, words)),
        ("Abstention", _abstention_sentence(metrics, key)),
        ("Outcomes known within bounds only", within_bounds_sentence(metrics, key)),
        ("Off-chart acuities", off_chart_sentence(metrics, key)),
        ("Test-set evaluations", _test_set_sentence(metrics)),
    )
    return [(heading, text) for heading, text in parts if text]


def interval_sentence(metrics: Metrics, key: str) -> str:
    """Nominal and measured coverage of the prediction intervals; empty without any."""
    interval = metrics["interval"]
    if interval["coverage"]["value"] is None:
        return ""
    coverage = figure_cell(interval["coverage"], key, share=True)
    width = interval["mean_width"]["value"]
    finding = coverage_finding(metrics)
    judged = f": {finding}" if finding else ", not significantly different"
    if metrics["n_patients"] < TOO_FEW_PATIENTS or not coverage["ci"]:
        judged = "; too few patients to judge it"
    # Said among the warnings where it is one.
    promise = interval.get("guarantee", "")
    promise = "" if promise in metrics["warnings"] else promise
    span = f" ({_level(metrics)} {coverage['ci']})" if coverage["ci"] else ""
    return (
        f"Nominal coverage {interval['nominal']:.0%}, measured {coverage['value']}{span}{judged}. "
        f"Mean width {width:.2f} logMAR ({width * PER_LOGMAR['letters']:.0f} letters). {promise}"
    ).strip()


def off_chart_sentence(metrics: Metrics, key: str) -> str:
    """How many eyes were off the chart, and the error without them."""
    n = metrics["n_off_chart"]
    if not (n["preop"] or n["postop"]):
        return "No eye was off the chart (counting fingers or less)."
    figure = metrics["regression_on_chart"]["mae"]
    without = ""
    if figure["value"] is not None:
        cell = figure_cell(figure, key)
        beside = f" ({cell['ci']})" if cell["ci"] else ""
        without = f" Without them the mean absolute error is {cell['value']}{beside}."
    return (
        f"Off the chart (counting fingers or less): {count_of(n['preop'], 'eye')} before and "
        f"{count_of(n['postop'], 'eye')} after surgery.{without}"
    )


def within_bounds_sentence(metrics: Metrics, key: str) -> str:
    """How well eyes are predicted and ordered of which only bounds are known; empty without any."""
    part = metrics.get("within_bounds")
    if not part:
        return ""
    inside, index = (figure_cell(part[name], key, name == "inside") for name in WITHIN_BOUNDS)
    spans = [f" ({_level(metrics)} {cell['ci']})" if cell["ci"] else "" for cell in (inside, index)]
    return (
        f"{count_of(part['n_eyes'], 'eye')} in no error above. The prediction lies within the "
        f"bounds of {inside['value']}{spans[0]}. Concordance index of all eyes, over pairs that "
        f"the bounds order, {index['value']}{spans[1]}; 0.5 is chance."
    )


def _error_sentence(metrics: Metrics) -> str:
    part = metrics["regression"]
    median, one, two = (part[name]["value"] for name in ("median_ae", "within_0.1", "within_0.2"))
    return (
        f"Half of the predictions are within {median:.2f} logMAR "
        f"({median * PER_LOGMAR['letters']:.0f} letters) of the measured acuity; {one:.0%} are "
        f"within one line of the chart, {two:.0%} within two."
    )


def _bias_sentences(metrics: Metrics, key: str) -> str:
    """Bias of all eyes, and of the third with the worst outcome, which an average can hide."""
    text = f"On average {_bias_clause(metrics['regression']['bias'], key, metrics)}."
    worst = metrics.get("worst_third")
    if not worst:
        return text
    high = worst["bias"][key][1]
    optimistic = high is not None and round(high, 3) < 0
    return (
        f"{text} {'Too optimistic for poor outcomes: of' if optimistic else 'Of'} the "
        f"{worst['n_eyes']} eyes with the worst outcome ({worst['from_logmar']:.2f} logMAR or "
        f"worse) {_bias_clause(worst['bias'], key, metrics)}."
    )


def _bias_clause(bias: Metrics, key: str, metrics: Metrics) -> str:
    """Direction of a mean error, by its interval."""
    value, (low, high) = bias["value"], bias[key]
    if metrics["n_patients"] < TOO_FEW_PATIENTS or low is None or high is None:
        return "too few patients to judge the bias"
    interval = f"({signed_text(value)} logMAR, {_level(metrics)} {span_text(low, high)})"
    if round(low, 3) <= 0 <= round(high, 3):
        return f"no significant mean bias {interval}"
    letters = f"{abs(value) * PER_LOGMAR['letters']:.1f} letters"
    return f"an eye sees {letters} {'better' if value > 0 else 'worse'} than predicted {interval}"


def _probability_sentences(metrics: Metrics, words: Mapping[str, str]) -> str:
    found = {name: probability_finding(metrics, name) for name in metrics["recovery"]}
    texts = [
        f"{words.get(name, name)}: {side or 'no significant miscalibration'}, {figures}."
        for name, (side, figures) in found.items()
        if figures
    ]
    return " ".join(text[:1].upper() + text[1:] for text in texts)


def _abstention_sentence(metrics: Metrics, key: str) -> str:
    part = metrics.get("selective", {}).get("abstention")
    if not part:
        return ""
    n, every = part["n_abstained"], metrics["n_eyes"]
    if not n:
        return f"The model abstained on none of {count_of(every, 'eye')}."
    why = ", ".join(
        f"{REASONS.get(name, name)} ({number})" for name, number in part["flags"].items() if number
    )
    text = f"The model abstained on {n} of {count_of(every, 'eye')} ({n / every:.0%})"
    text += f": {why}." if why else "."
    kept, abstained = part["mae_reported"]["value"], part["mae_abstained"]["value"]
    if min(n, every - n) < SUPPRESSED_BELOW or kept is None or abstained is None:
        return text
    low, high = part.get("mae_gap", {}).get(key, (None, None))
    judged = "not significantly different"
    if low is not None and high is not None and not low <= 0 <= high:
        judged = f"significantly {'larger' if low > 0 else 'smaller'}"
    return (
        f"{text} Mean absolute error of these eyes {abstained:.3f} logMAR, of the others "
        f"{kept:.3f}: {judged}."
    )


def _image_weights(metrics: Metrics) -> list[float]:
    """Those of the networks; none in metrics of models without a clinical start."""
    return list((metrics.get("image_weight") or {}).get("of_networks", ()))


def _measures_sentence(metrics: Metrics, key: str) -> str:
    """What the measures add to the support vector machine; empty without any."""
    if "measures" not in metrics:
        return ""
    figure = metrics["measures"]["mae_difference"]
    low, high = figure[key]
    finding = FINDINGS[paired_finding(low, high, metrics["n_patients"])]
    return (
        f"Added to what the support vector machine knows, the measures change its mean absolute "
        f"error by {signed_text(figure['value'])} logMAR ({_level(metrics)} "
        f"{span_text(low, high)}): {finding}."
    )


def _test_set_sentence(metrics: Metrics) -> str:
    """How often the held-out eyes were evaluated; kept where an evaluation log is."""
    evaluations = (metrics.get("test_set") or {}).get("evaluations")
    if not isinstance(evaluations, int):
        return ""
    if evaluations == 1:
        return "First evaluation on these held-out eyes."
    return (
        f"Evaluation number {evaluations} on these held-out eyes. Repeated evaluation and "
        "selection on one test set makes its results optimistic."
    )


def _level(metrics: Metrics) -> str:
    return f"{metrics['settings']['level']:.0%} CI"
