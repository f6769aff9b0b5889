"""One report: the page, its figures beside it, and what the next page needs."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.errors import count_of
from ctt_net.metrics.bootstrap import interval_key
from ctt_net.metrics.eyes import EvaluatedEyes, evaluated_eyes
from ctt_net.report import calibration_figures as calibrated
from ctt_net.report import comparator_figures as rivals
from ctt_net.report import error_figures as errors
from ctt_net.report import selective_figures as confidence
from ctt_net.report.comparison import comparison_table, strongest_baseline, verdict
from ctt_net.report.drawing import Drawing, drawn, figure_files
from ctt_net.report.facts import FACTS_FILE, Facts, stale_figures
from ctt_net.report.largest_errors import Pictures, failure_rows, failures
from ctt_net.report.methods import cut_sentence, methods
from ctt_net.report.page import render
from ctt_net.report.subgroup_tables import COLUMNS, group_rows
from ctt_net.report.summary import NOT_FOR, interval_sentence, plain_words
from ctt_net.report.tables import (
    comparison_cells,
    left_out_names,
    recovery_cells,
    regression_cells,
    selective_cells,
    unit_cells,
)
from ctt_net.report.tripod import TO_COMPLETE, checklist

REPORT_FILE = "report.html"
BASELINES_FILE = "baseline_predictions.csv"


def report_files(
    metrics: Mapping[str, Any],
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    facts: Facts,
) -> dict[str, str | bytes]:
    """Contents of all files of a report, by name; arguments as in `page_files`."""
    files = page_files(metrics, predictions, baselines, facts)
    figures = [Path(file).stem for file in files if file.endswith(".png")]
    files[FACTS_FILE] = facts.as_text(figures)
    if baselines is not None:
        table = baselines.rename_axis("eye_id").reset_index().sort_values("eye_id")
        # Every digit, so that the page is the same when it is written again.
        files[BASELINES_FILE] = table.to_csv(index=False, lineterminator="\n")
    return files


def stale_report_files(out: Path) -> list[str]:
    """What an earlier report left in a folder, and a new one replaces or removes."""
    return [BASELINES_FILE, *stale_figures(out)]


def page_files(
    metrics: Mapping[str, Any],
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    facts: Facts,
    pictures: Pictures | None = None,
) -> dict[str, str | bytes]:
    """Page and figures alone, by name.

    Args:
        metrics: As `evaluate` builds them.
        predictions: Table of door 3.
        baselines: logMAR, indexed by eye.
        facts: Words.
        pictures: Of the eyes in the gallery; None shows none.
    """
    eyes = evaluated_eyes(predictions, baselines, None, facts.outcomes)
    key = interval_key(metrics["settings"]["level"])
    figures = {
        section: [drawn(drawing) for drawing in drawings if drawing is not None]
        for section, drawings in _drawings(eyes, metrics, key).items()
    }
    found = failures(eyes)
    page = render(
        "report.html",
        title=facts.title,
        synthetic=facts.synthetic,
        n_eyes=count_of(metrics["n_eyes"], "eye"),
        n_patients=count_of(metrics["n_patients"], "patient"),
        verdict=verdict(metrics),
        level=f"{metrics['settings']['level']:.0%}",
        comparison=comparison_cells(metrics),
        has_oracle="oracle" in metrics,
        warnings=metrics["warnings"],
        plain=plain_words(metrics, key),
        not_for=NOT_FOR,
        figures=figures,
        units=unit_cells(metrics, key),
        regression=regression_cells(metrics, key),
        recovery=recovery_cells(metrics, facts.outcomes, key),
        probability_cut=cut_sentence(metrics, facts.outcomes),
        interval=interval_sentence(metrics, key),
        decision=metrics.get("decision") or {},
        decision_left_out=left_out_names(metrics),
        selective=selective_cells(metrics, key),
        group_columns=COLUMNS,
        groups=group_rows(metrics, key),
        failures=failure_rows(eyes, found, pictures),
        methods=methods(metrics, facts),
        flow=facts.flow,
        facts_by_heading={"Eyes": dict(facts.cohort), "Model card": dict(facts.model)},
        checklist=checklist(metrics, facts),
        to_complete=TO_COMPLETE,
    )
    return {REPORT_FILE: page, **figure_files(chain.from_iterable(figures.values()))}


def _drawings(
    eyes: EvaluatedEyes, metrics: Mapping[str, Any], key: str
) -> dict[str, list[Drawing | None]]:
    """All figures by section; None for those that these metrics do not hold."""
    strongest = strongest_baseline(metrics)
    has_baseline = strongest is not None and strongest.name in eyes.predictors
    curves: list[Drawing | None] = []
    for outcome in eyes.outcomes:
        areas = {"model": metrics["recovery"][outcome.name]["auroc"]["value"]}
        for name, values in metrics["baselines"].items():
            if name in eyes.predictors:
                areas[name] = values["recovery"][outcome.name]["auroc"]["value"]
        curves += [
            rivals.roc(eyes, outcome, areas),
            calibrated.probability_calibration(metrics, outcome, key),
        ]
    return {
        "front": [errors.scatter(eyes)],
        "acuity": [
            errors.bland_altman(eyes, metrics["regression"], key),
            calibrated.acuity_calibration(metrics, key),
            errors.error_histogram(eyes, strongest.name if strongest and has_baseline else None),
            rivals.error_forest(comparison_table(metrics)),
        ],
        "recovery": curves,
        "interval": [calibrated.coverage_by_band(metrics, key)],
        "decision": [rivals.decision(metrics, key)],
        "selective": [
            confidence.risk_coverage(metrics, key),
            confidence.usable_region(metrics, key),
        ],
        "groups": [
            confidence.subgroup_forest(metrics, figure, key) for figure in ("mae", "coverage")
        ],
    }
