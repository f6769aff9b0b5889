"""The report of one evaluation: the page, its figures, and what the next page needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.baselines.clinical import baseline_label
from ctt_net.errors import count_of
from ctt_net.metrics.bootstrap import interval_key
from ctt_net.metrics.eyes import EvaluatedEyes, evaluated_eyes
from ctt_net.metrics.wrong_outcomes import PROBABLY_WRONG
from ctt_net.report import error_figures as errors
from ctt_net.report import recovery_figures as recovery
from ctt_net.report import selective_figures as selective
from ctt_net.report.comparison import (
    SHORT_LABELS,
    comparison_table,
    signed_text,
    span_text,
    strongest_baseline,
    verdict,
)
from ctt_net.report.drawing import Drawing, drawn
from ctt_net.report.facts import FACTS_FILE, Facts, stale_figures
from ctt_net.report.largest_errors import Pictures, failure_rows, failures
from ctt_net.report.outcomes_to_check import OUTCOMES_FILE, look_up_rows
from ctt_net.report.page import render
from ctt_net.report.summary import interval_sentence, plain_words
from ctt_net.report.tables import (
    SUBGROUP_COLUMNS,
    probability_threshold,
    recovery_table,
    regression_table,
    selective_rows,
    subgroup_rows,
)

REPORT_FILE = "report.html"
BASELINES_FILE = "baseline_predictions.csv"


def report_files(
    metrics: Mapping[str, Any],
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    facts: Facts,
    to_check: pd.DataFrame | None = None,
) -> dict[str, str | bytes]:
    """Contents of all files of a report, by name; arguments as in `page_files`."""
    files = page_files(metrics, predictions, baselines, facts, to_check)
    figures = [Path(file).stem for file in files if file.endswith(".png")]
    files[FACTS_FILE] = facts.as_text(figures)
    if baselines is not None:
        table = baselines.rename_axis("eye_id").reset_index().sort_values("eye_id")
        # Every digit, so that a re-rendered page is the same.
        files[BASELINES_FILE] = table.to_csv(index=False, lineterminator="\n")
    if to_check is not None:
        files[OUTCOMES_FILE] = to_check.to_csv(index=False, lineterminator="\n")
    return files


def stale_report_files(out: Path) -> list[str]:
    """What an earlier report left in a folder, and a new one replaces or removes."""
    return [BASELINES_FILE, OUTCOMES_FILE, *stale_figures(out)]


def page_files(
    metrics: Mapping[str, Any],
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    facts: Facts,
    to_check: pd.DataFrame | None = None,
    pictures: Pictures | None = None,
) -> dict[str, str | bytes]:
    """Page and figures alone, by name.

    Args:
        metrics: As `evaluate` builds them.
        predictions: Contents of predictions.csv.
        baselines: logMAR, indexed by eye.
        facts: Of the report.
        to_check: Contents of outcomes_to_check.csv, if there is one.
        pictures: Of the eyes among the largest errors; None shows none.
    """
    eyes = evaluated_eyes(predictions, baselines, None, facts.outcomes)
    key = interval_key(metrics["settings"]["level"])
    figures = {
        section: [drawn(drawing) for drawing in drawings if drawing is not None]
        for section, drawings in _drawings(eyes, metrics, key).items()
    }
    left_out = (metrics.get("decision") or {}).get("left_out") or {}
    page = render(
        "report.html",
        title=facts.title,
        synthetic=facts.synthetic,
        counted=f"{count_of(metrics['n_eyes'], 'eye')} of "
        f"{count_of(metrics['n_patients'], 'patient')}",
        level=f"{metrics['settings']['level']:.0%} CI",
        metrics=metrics,
        facts=facts,
        figures=figures,
        verdict=verdict(metrics),
        plain=plain_words(metrics, key, facts.outcomes),
        interval=interval_sentence(metrics, key),
        comparison=comparison_table(metrics),
        signed_text=signed_text,
        span_text=span_text,
        regression=regression_table(metrics, key),
        recovery=recovery_table(metrics, facts.outcomes, key),
        left_out=[(SHORT_LABELS.get(name, name), why) for name, why in left_out.items()],
        selective=selective_rows(metrics, key),
        subgroup_columns=SUBGROUP_COLUMNS,
        subgroups=subgroup_rows(metrics, key),
        failures=failure_rows(eyes, failures(eyes), pictures),
        look_up=look_up_rows(to_check),
        n_look_up=0 if to_check is None else int((to_check["p_wrong"] >= PROBABLY_WRONG).sum()),
        baselines=[baseline_label(name, metrics["baselines"]) for name in metrics["baselines"]],
        thresholds=[
            (one.in_words(), probability_threshold(metrics, one)) for one in facts.outcomes
        ],
    )
    files: dict[str, str | bytes] = {REPORT_FILE: page}
    for section in figures.values():
        for figure in section:
            files |= figure.files
    return files


def _drawings(
    eyes: EvaluatedEyes, metrics: Mapping[str, Any], key: str
) -> dict[str, list[Drawing | None]]:
    """All figures by section; None for those that these metrics do not hold."""
    best = strongest_baseline(metrics)
    return {
        "front": [errors.scatter(eyes)],
        "acuity": [
            errors.bland_altman(eyes, metrics["regression"], key),
            errors.acuity_calibration(metrics, key),
            errors.error_histogram(
                eyes, best.name if best and best.name in eyes.predictors else None
            ),
            errors.error_forest(comparison_table(metrics)),
        ],
        "recovery": [
            drawing
            for outcome in eyes.outcomes
            for drawing in (
                recovery.roc(eyes, outcome, metrics),
                recovery.probability_calibration(metrics, outcome, key),
            )
        ],
        "decision": [recovery.decision(metrics, key)],
        "interval": [selective.coverage_by_band(metrics, key)],
        "selective": [selective.risk_coverage(metrics, key), selective.usable_region(metrics, key)],
        "subgroups": [selective.subgroup_forest(metrics, one, key) for one in ("mae", "coverage")],
    }
