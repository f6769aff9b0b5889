"""The figures that a clinician asks for first, as sentences."""

from collections.abc import Mapping
from typing import Any

from ctt_net.errors import count_of
from ctt_net.metrics.chart_units import PER_LOGMAR
from ctt_net.metrics.selective import REASONS
from ctt_net.metrics.subgroups import SUPPRESSED_BELOW
from ctt_net.metrics.warnings import TOO_FEW_PATIENTS, coverage_finding, probability_finding
from ctt_net.report.comparison import signed_text, span_text
from ctt_net.report.tables import figure_cell

NOT_FOR = (
    "to refuse or advise surgery because of a predicted acuity",
    "for devices, ages, diseases or clinics unlike those that the model was trained and tested on",
    "in place of a measurement: a prediction is not an acuity, and not to be recorded as one",
)


def plain_words(metrics: Mapping[str, Any], key: str) -> list[tuple[str, str]]:
    """How far off, how sure, how often silent: a question and its answer each.

    Args:
        metrics: As `evaluate` builds them.
        key: Of the intervals.
    """
    questions = (
        ("How far off is it?", _how_far(metrics)),
        ("Which way does it err?", _which_way(metrics, key)),
        ("Do its intervals hold?", interval_sentence(metrics, key)),
        ("Do its probabilities hold?", _probabilities(metrics)),
        ("When does it advise against its own answer?", _abstention(metrics, key)),
        ("Which eyes are these?", off_chart_sentence(metrics, key)),
        ("How often was this test opened?", _opened(metrics)),
    )
    return [(question, answer) for question, answer in questions if answer]


def interval_sentence(metrics: Mapping[str, Any], key: str) -> str:
    """What the prediction intervals were meant to hold, and held; empty without any."""
    interval = metrics["interval"]
    if interval["coverage"]["value"] is None:
        return ""
    coverage = figure_cell(interval["coverage"], key, share=True)
    width = interval["mean_width"]["value"]
    confidence = f" ({_level(metrics)} CI {coverage['ci']})" if coverage["ci"] else ""
    finding = coverage_finding(metrics)
    chance = f", so they are {finding}" if finding else ", which is no more off than by chance"
    if metrics["n_patients"] < TOO_FEW_PATIENTS or not confidence:
        chance = ", of too few patients to judge them"
    # Said among the warnings where it is one.
    promise = interval.get("guarantee", "")
    promise = "" if promise in metrics["warnings"] else promise
    return (
        f"The prediction intervals are meant to hold {interval['nominal']:.0%} of the eyes; they "
        f"hold {coverage['value']}{confidence}{chance}. On average they are {width:.2f} logMAR "
        f"({width * PER_LOGMAR['letters']:.0f} letters) wide. {promise}"
    ).strip()


def off_chart_sentence(metrics: Mapping[str, Any], key: str) -> str:
    """How many eyes were off the chart, and what the error is without them."""
    n = metrics["n_off_chart"]
    if not (n["preop"] or n["postop"]):
        return "No eye was off the chart (counting fingers or less)."
    figure = metrics["regression_on_chart"]["mae"]
    without = ""
    if figure["value"] is not None:
        cell = figure_cell(figure, key, share=False)
        beside = f" ({cell['ci']})" if cell["ci"] else ""
        without = f" Without them the mean absolute error is {cell['value']}{beside}."
    return (
        f"Off the chart (counting fingers or less): {count_of(n['preop'], 'eye')} before and "
        f"{count_of(n['postop'], 'eye')} after surgery.{without}"
    )


def _how_far(metrics: Mapping[str, Any]) -> str:
    part = metrics["regression"]
    median, one, two = (part[name]["value"] for name in ("median_ae", "within_0.1", "within_0.2"))
    return (
        f"Half of the predictions lie within {median:.2f} logMAR "
        f"({median * PER_LOGMAR['letters']:.0f} letters) of the measured acuity. {one:.0%} lie "
        f"within one line of the chart, {two:.0%} within two."
    )


def _which_way(metrics: Mapping[str, Any], key: str) -> str:
    """Bias of all eyes, and of those that ended worst: no bias on average hides theirs."""
    bias = metrics["regression"]["bias"]
    texts = [f"On average {_bias_in_words(bias, key, metrics)}."]
    worst = metrics.get("worst_third")
    if worst:
        too_well = worst["bias"][key][1] is not None and round(worst["bias"][key][1], 3) < 0
        texts.append(
            f"{'Too optimistic for eyes that end poorly: of' if too_well else 'Of'} the "
            f"{worst['n_eyes']} that ended worst ({worst['from_logmar']:.2f} logMAR or worse) "
            f"{_bias_in_words(worst['bias'], key, metrics)}."
        )
    return " ".join(texts)


def _bias_in_words(bias: Mapping[str, Any], key: str, metrics: Mapping[str, Any]) -> str:
    """Which way the interval of a mean error points, if any."""
    value, (low, high) = bias["value"], bias[key]
    if metrics["n_patients"] < TOO_FEW_PATIENTS or low is None or high is None:
        return "too few patients to tell a bias from chance"
    interval = f"{_level(metrics)} CI {span_text(low, high)}"
    if round(low, 3) <= 0 <= round(high, 3):
        return f"no bias that could be told from chance ({signed_text(value)} logMAR, {interval})"
    side = "better" if value > 0 else "worse"
    return (
        f"an eye sees {abs(value) * PER_LOGMAR['letters']:.1f} letters {side} than predicted "
        f"({signed_text(value)} logMAR, {interval})"
    )


def _probabilities(metrics: Mapping[str, Any]) -> str:
    texts = []
    for name in metrics["recovery"]:
        side, words = probability_finding(metrics, name)
        if words:
            texts.append(f"{name}: {side or 'no more off than by chance'}, {words}.")
    return " ".join(texts)


def _abstention(metrics: Mapping[str, Any], key: str) -> str:
    part = metrics.get("selective", {}).get("abstention")
    if not part:
        return ""
    n, every = part["n_abstained"], metrics["n_eyes"]
    if not n:
        return f"For none of the {count_of(every, 'eye')} did it advise against its prediction."
    why = ", ".join(
        f"{REASONS.get(name, name)} ({number})" for name, number in part["flags"].items() if number
    )
    text = f"For {n} of {count_of(every, 'eye')} ({n / every:.0%})"
    text += f": {why}." if why else "."
    answered, left = part["mae_answered"]["value"], part["mae_abstained"]["value"]
    if min(n, every - n) >= SUPPRESSED_BELOW and answered is not None and left is not None:
        text += (
            f" Those eyes have a mean absolute error of {left:.3f} logMAR, the answered ones "
            f"{answered:.3f}"
        )
        low, high = part.get("mae_gap", {}).get(key, (None, None))
        if low is None or high is None or low <= 0 <= high:
            text += ", a difference that may be chance."
        elif low > 0:
            text += ": the advice singled out larger errors."
        else:
            text += ": the advice singled out smaller errors."
    return text


def _opened(metrics: Mapping[str, Any]) -> str:
    opened = (metrics.get("test_set") or {}).get("evaluations")
    if not isinstance(opened, int):
        return ""
    if opened == 1:
        return "Once: these eyes were looked at for the first time."
    return (
        f"{opened} times. Every look at the same held-out eyes makes the figures a little more "
        "favourable than other eyes would."
    )


def _level(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['settings']['level']:.0%}"
