"""How it was measured: the methods section of a paper, generated from the settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctt_net import __version__
from ctt_net.baselines.clinical import baseline_label
from ctt_net.outcome import Outcome
from ctt_net.report.facts import Facts


def methods(metrics: Mapping[str, Any], facts: Facts) -> list[str]:
    """Paragraphs, only on what these metrics hold.

    Args:
        metrics: As `evaluate` builds them.
        facts: Of the report.
    """
    texts = (
        _errors(),
        _resampling(metrics["settings"]),
        _fitted(metrics, facts),
        _probabilities(metrics, facts.outcomes),
        _calibration(metrics),
        _decision(metrics),
        _groups(metrics),
        _selective(metrics),
        f"Computed with ctt-net {__version__}.",
    )
    return [text for text in texts if text]


def cut_sentence(metrics: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """From which probability on an eye is called recovered, per outcome or per outcome and fold."""
    parts = []
    for outcome in outcomes:
        cut = metrics["settings"]["probability_cut"]
        if isinstance(cut, Mapping):  # older metrics hold one number for all
            cut = cut[outcome.name]
        cuts = sorted(cut.values()) if isinstance(cut, Mapping) else [cut]
        span = f"{cuts[0]:.2f}"
        if f"{cuts[-1]:.2f}" != span:
            span += f" to {cuts[-1]:.2f}, by fold"
        parts.append(f"{span} ({outcome.in_words()})")
    return " and ".join(parts)


def _errors() -> str:
    return (
        "Acuities are logMAR; all averages are taken in logMAR. Error is prediction minus "
        "measurement; a positive error means that the eye sees better than predicted. Five letters "
        "are a line, a line is 0.1 logMAR. Concordance: Lin 1989, doi 10.2307/2532051. Limits of "
        "agreement: Bland and Altman 1986, doi 10.1016/S0140-6736(86)90837-8."
    )


def _resampling(settings: Mapping[str, Any]) -> str:
    ranked = settings.get("bootstrap_ranked", settings["bootstrap"])
    fewer = f" Figures by rank use {ranked:,} resamples." if ranked != settings["bootstrap"] else ""
    return (
        f"Intervals are {settings['level']:.0%} intervals from "
        f"{settings['bootstrap']:,} resamples of patients (seed {settings['seed']}), so that the "
        "two eyes of a patient stay together; the model and every baseline are measured on the "
        "same resamples, hence the differences are paired. They are percentiles, expanded for few "
        "patients (Hesterberg 2015); for shares, areas under a curve (both by log odds) and slopes "
        "of probabilities Student's, with the standard error of the resamples; a share of all "
        f"eyes or none takes Wilson's interval of as many patients, or none.{fewer}"
    )


def _fitted(metrics: Mapping[str, Any], facts: Facts) -> str:
    names = [baseline_label(name, metrics["baselines"]) for name in metrics["baselines"]]
    evaluated = facts.cohort.get("evaluated")
    texts = [f"Evaluated were these eyes: {evaluated}." if evaluated else ""]
    if names:
        known = list(metrics["settings"].get("covariates", ()))
        beside = f" (covariates: {', '.join(known)})" if known else ""
        texts.append(
            f"Baselines ({'; '.join(names)}{beside}) are fitted on other patients than those they "
            "are measured on, the same as the model."
        )
    texts.append("Nothing is fitted on the eyes it is measured on: no threshold, no calibration.")
    guarantee = metrics["interval"].get("guarantee")
    if guarantee:
        texts.append(f"Prediction intervals: {guarantee}")
    return " ".join(text for text in texts if text)


def _probabilities(metrics: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    return (
        "An eye is called recovered if its probability is at least "
        f"{cut_sentence(metrics, outcomes)}; the cut was fixed beforehand. A baseline's recovery "
        "score is how far its predicted acuity lies beyond the outcome's cut."
    )


def _calibration(metrics: Mapping[str, Any]) -> str:
    if "calibration" not in metrics:
        return ""
    return (
        "Calibration of acuity: the measured regressed on the predicted one. Of probabilities: "
        "slope of the observed on the predicted log odds, and calibration in the large with that "
        "slope held at 1 (Van Calster 2019, doi 10.1186/s12916-019-1466-7). Plots: tenths of the "
        "eyes, fewer where a tenth would hold fewer than ten."
    )


def _decision(metrics: Mapping[str, Any]) -> str:
    if not (metrics.get("decision") or {}).get("curve"):
        return ""
    return (
        "Net benefit per eye is true positives minus false positives weighted by the odds of the "
        "threshold, over all eyes (Vickers and Elkin 2006, doi 10.1177/0272989X06295361)."
    )


def _groups(metrics: Mapping[str, Any]) -> str:
    if not metrics.get("subgroups"):
        return ""
    return (
        "Groups: each against all other eyes; p of the error from the bootstrap's standard error, "
        "of the coverage by Fisher's exact test on patients, its interval Newcombe's; both p "
        "adjusted over all groups of all groupings (Benjamini and Hochberg 1995), bands of "
        "preoperative acuity as a family of their own. Groups below 10 eyes are suppressed; where "
        "those hold fewer than 10 together, the next smallest, too. Below 50 eyes a group is "
        "marked as small."
    )


def _selective(metrics: Mapping[str, Any]) -> str:
    part = metrics.get("selective") or {}
    if "ccrc" not in part:
        return ""
    return (
        "Confidence is the width of the interval, narrow first. Correctness-confidence rank "
        "correlation and usable region after Zhang et al. 2022 (arXiv 2207.00156), carried over to "
        f"regression: {part['resamples']:,} resamples of patients, regions of 30 eyes or more, "
        "equal widths together, thresholds chosen on other eyes than those measured."
    )
