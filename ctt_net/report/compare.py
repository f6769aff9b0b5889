"""Two or more evaluations on one page, paired where their eyes are the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.errors import InputError, count_of
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.io.renamed import current
from ctt_net.io.yaml_file import read_yaml_mapping
from ctt_net.metrics.bootstrap import interval_key
from ctt_net.metrics.chart_units import PER_LOGMAR
from ctt_net.metrics.compare import DIFFERENCE, compare_predictors
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.report.comparison import FINDINGS, paired_finding, signed_text, span_text, verdict
from ctt_net.report.drawing import (
    FURTHER_COLOURS,
    Drawing,
    ForestRow,
    draw_forest,
    drawn,
    interval_columns,
)
from ctt_net.report.evaluation_page import REPORT_FILE
from ctt_net.report.facts import stale_figures
from ctt_net.report.page import render
from ctt_net.report.rerender import Evaluated, check_same_evaluation
from ctt_net.report.tables import RECOVERY_ROWS, REGRESSION_ROWS, figure_at, figure_cell
from ctt_net.report.warnings import TOO_FEW_PATIENTS

EXTRA_ROWS = (
    ("Coverage of the prediction intervals", ("interval", "coverage"), True),
    ("Mean width, logMAR", ("interval", "mean_width"), False),
    ("Correctness-confidence rank correlation (CCRC)", ("selective", "ccrc"), False),
    ("Usable region", ("selective", "ure"), True),
)


# Settings of a run that say where it lies, not what it is.
NOT_COMPARED = ("out", "resume", "config")


@dataclass(frozen=True)
class Comparison:
    """Evaluations beside the first of them.

    Args:
        evaluations: Two or more.
        names: A short name of each.
        paired: Of each but the first, as `paired_difference` gives it.
        verdicts: A sentence on each but the first.
        settings: Key of the configuration to its value in each, where these differ.
        key: Of the confidence intervals.
    """

    evaluations: Sequence[Evaluated]
    names: Sequence[str]
    paired: Sequence[Mapping[str, Any]]
    verdicts: Sequence[str]
    settings: Mapping[str, Sequence[str]]
    key: str

    def errors(self) -> list[tuple[str, int, str]]:
        """Name, number of eyes and mean absolute error with its interval, of each."""
        rows = []
        for name, one in zip(self.names, self.evaluations, strict=True):
            mae = one.metrics["regression"]["mae"]
            text = f"{mae['value']:.3f} ({span_text(*mae[self.key])})"
            rows.append((name, one.metrics["n_eyes"], text))
        return rows


def compare_evaluations(evaluations: Sequence[Evaluated]) -> Comparison:
    """Compare each but the first with the first: on the eyes that both predicted.

    Args:
        evaluations: Two or more.

    Raises:
        InputError: If the intervals are of different levels, or a configuration cannot be read.
    """
    names = names_of([one.folder for one in evaluations])
    levels = {one.metrics["settings"]["level"] for one in evaluations}
    if len(levels) > 1:
        raise InputError(f"intervals of levels {sorted(levels)} cannot stand in one table")
    first, *others = evaluations
    paired = [paired_difference(first, other) for other in others]
    verdicts = [
        f"{name} and {names[0]} are identical: the same predictions for {one['words']}."
        if _same_predictions(first, other)
        else comparison_verdict(names[0], name, one)
        for name, other, one in zip(names[1:], others, paired, strict=True)
    ]
    settings = differing_settings(evaluations)
    return Comparison(evaluations, names, paired, verdicts, settings, interval_key(levels.pop()))


def comparison_verdict(first: str, name: str, paired: Mapping[str, Any]) -> str:
    """What a paired difference says of two evaluations, in a sentence with its interval.

    Args:
        first: Name of the first.
        name: Name of the other.
        paired: As `paired_difference` gives it.
    """
    if "figure" not in paired:
        return f"{name} cannot be compared with {first}: {paired['words']}."
    low, high = paired["figure"][paired["key"]]
    level = f"{paired['level']:.0%} CI"
    if paired["finding"] in (FINDINGS["better"], FINDINGS["worse"]):
        smaller = paired["finding"] == FINDINGS["better"]
        ends = (-high, -low) if smaller else (low, high)
        return (
            f"{name} has a {paired['finding']} than {first}: by "
            f"{abs(paired['figure']['value']):.3f} logMAR ({level} {span_text(*ends)}; about "
            f"{abs(paired['figure']['value']) * PER_LOGMAR['letters']:.1f} letters), "
            f"on {paired['words']}."
        )
    difference = (
        f"{paired['value']} logMAR ({level} {signed_text(low)} to {signed_text(high)}) on "
        f"{paired['words']}"
    )
    if paired["finding"] == FINDINGS["alike"]:
        return f"{name} and {first} differ by no more than one letter: {difference}."
    return f"Whether {name} or {first} has the smaller error is inconclusive: {difference}."


def differing_settings(evaluations: Sequence[Evaluated]) -> dict[str, list[str]]:
    """Keys of `config.yaml`, or facts of the report where there is none, that differ; with values.

    Args:
        evaluations: Runs, or what an evaluation wrote.
    """
    files = [one.folder / "config.yaml" for one in evaluations]
    if all(file.is_file() for file in files):
        every = [flat_settings(current(read_yaml_mapping(file))) for file in files]
    else:
        every = [{**one.facts.cohort, **one.facts.model} for one in evaluations]
    keys = dict.fromkeys(key for one in every for key in one if key not in NOT_COMPARED)
    values = {key: [str(one.get(key, "\N{EN DASH}")) for one in every] for key in keys}
    return {key: of_each for key, of_each in values.items() if len(set(of_each)) > 1}


def flat_settings(settings: Mapping[str, Any], key: str = "") -> dict[str, Any]:
    """Nested settings by dotted keys.

    Example:
        >>> flat_settings({"model": {"fusion": {"class_path": "MeanFusion"}}, "folds": None})
        {'model.fusion.class_path': 'MeanFusion', 'folds': None}
    """
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        inner = f"{key}.{name}".strip(".")
        flat |= flat_settings(value, inner) if isinstance(value, Mapping) else {inner: value}
    return flat


def write_comparison(comparison: Comparison, out: Path | str) -> Path:
    """Write `report.html` and `figures/` of several evaluations side by side.

    Args:
        comparison: As `compare_evaluations` gives it.
        out: Folder.

    Returns:
        The page.

    Raises:
        InputError: If `out` holds an evaluation.
    """
    out = Path(out)
    check_same_evaluation(out)
    all_of, names, key = comparison.evaluations, comparison.names, comparison.key
    figures = [drawn(drawing) for drawing in _drawings(comparison)]
    page = render(
        "compare.html",
        title="Comparison: " + ", ".join(names),
        synthetic=any(one.facts.synthetic for one in all_of),
        level=f"{all_of[0].metrics['settings']['level']:.0%} CI",
        names=names,
        verdicts=comparison.verdicts,
        paired=[
            {"name": name, **one} for name, one in zip(names[1:], comparison.paired, strict=True)
        ],
        differences=[[name, *values] for name, values in comparison.settings.items()],
        runs=[
            {
                "name": name,
                "title": one.facts.title,
                "counted": f"{count_of(one.metrics['n_eyes'], 'eye')} of "
                f"{count_of(one.metrics['n_patients'], 'patient')}",
                "verdict": verdict(one.metrics),
                "warnings": one.metrics["warnings"],
            }
            for name, one in zip(names, all_of, strict=True)
        ],
        rows=_rows(all_of, key),
        figures=figures,
        settings=all_of[0].metrics["settings"],
    )
    files: dict[str, str | bytes] = {REPORT_FILE: page}
    for figure in figures:
        files |= figure.files
    atomic_write_all(out, files, stale_figures(out))
    return out / REPORT_FILE


def paired_difference(first: Evaluated, other: Evaluated) -> dict[str, Any]:
    """Error of one evaluation minus that of the first, on the eyes that both predicted.

    Returns:
        `words` on the eyes, and, where they allow it, `figure` and `key` of the difference.
    """
    tables = [_known(one.predictions) for one in (first, other)]
    common = tables[0].index.intersection(tables[1].index)
    if common.empty:
        return {"words": "they share no eye"}
    truths = [table.loc[common, "postop_logmar"].to_numpy(float) for table in tables]
    patients = [table.loc[common, "patient_id"] for table in tables]
    if (np.abs(truths[0] - truths[1]) > 1e-6).any() or not patients[0].equals(patients[1]):
        return {
            "words": f"{count_of(len(common), 'eye')} of the same name, but with other measured "
            "acuities or patients"
        }
    every = len(common) == len(tables[0]) == len(tables[1])
    words = f"the same {count_of(len(common), 'eye')}"
    if not every:
        words = (
            f"the {count_of(len(common), 'eye')} that both predicted (the first has "
            f"{len(tables[0]) - len(common):,} others, this one {len(tables[1]) - len(common):,})"
        )
    if patients[0].nunique() < TOO_FEW_PATIENTS:
        return {"words": f"{words}, of too few patients for a paired difference"}
    # One truth for both, or files that were rounded differently would differ.
    same = [table.loc[common].assign(postop_logmar=truths[0]).reset_index() for table in tables]
    settings = first.metrics["settings"]
    outcome = (*first.facts.outcomes, *DEFAULT_OUTCOMES)[0]
    figures = compare_predictors(
        {"first": {"": same[0]}, "other": {"": same[1]}},
        {"other": "first"},
        outcome,
        bootstrap=settings["bootstrap"],
        level=settings["level"],
        seed=settings["seed"],
    )
    key = interval_key(settings["level"])
    figure = figures["other"][DIFFERENCE]
    low, high = figure[key]
    return {
        "words": words,
        "figure": figure,
        "key": key,
        "level": settings["level"],
        "value": signed_text(figure["value"]),
        "ci": span_text(low, high),
        "letters": signed_text(figure["value"] * 50, digits=1),
        "finding": FINDINGS[paired_finding(low, high, patients[0].nunique())],
    }


def _same_predictions(first: Evaluated, other: Evaluated) -> bool:
    """Whether both say the same of the same eyes, whatever the order of the rows."""
    columns = ["patient_id", "postop_logmar", "predicted_logmar", "lower_logmar", "upper_logmar"]
    tables = [one.predictions.set_index("eye_id")[columns].sort_index() for one in (first, other)]
    return tables[0].equals(tables[1])


def names_of(folders: Sequence[Path]) -> list[str]:
    """A short name for each folder, longer where two end alike."""
    parts = [folder.resolve().parts for folder in folders]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-length:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(one[-1:])} ({number})" for number, one in enumerate(parts, start=1)]


def _known(predictions: pd.DataFrame) -> pd.DataFrame:
    known = predictions[predictions["postop_logmar"].notna()]
    return known.set_index("eye_id").sort_index()


def _rows(all_of: Sequence[Evaluated], key: str) -> list[dict[str, Any]]:
    """One row a metric, one cell an evaluation."""
    wanted = [(label, ("regression", *path), share) for label, path, share in REGRESSION_ROWS]
    wanted += EXTRA_ROWS
    outcomes = {one.name: one for evaluated in all_of for one in evaluated.facts.outcomes}
    for outcome in outcomes.values():
        wanted += [
            (f"{label}: {outcome.in_words()}", ("recovery", outcome.name, *path), share)
            for label, path, share in RECOVERY_ROWS
            if path in (("auroc",), ("brier",))
        ]
    rows = []
    for label, path, share in wanted:
        found = [figure_at(one.metrics, path) for one in all_of]
        if any(figure is not None and figure["value"] is not None for figure in found):
            cells = [figure_cell(figure, key, share) for figure in found]
            rows.append({"label": label, "cells": cells})
    return rows


def _drawings(comparison: Comparison) -> list[Drawing]:
    """Differences from the first, where there are any."""
    names, key = comparison.names, comparison.key
    pairs = zip(names[1:], comparison.paired, strict=True)
    gaps = {name: one["figure"] for name, one in pairs if "figure" in one}
    if not gaps:
        return []
    columns = interval_columns(gaps.values(), key, "value")
    rows = [
        ForestRow(name, value, low, high, FURTHER_COLOURS[names.index(name) % len(FURTHER_COLOURS)])
        for name, value, low, high in zip(gaps, *columns.values(), strict=True)
    ]
    return [
        Drawing(
            "mae_difference",
            f"Mean absolute error minus that of {names[0]}",
            "On the eyes that both predicted, with paired confidence interval. Left of zero: "
            "smaller error than the first.",
            lambda axes: draw_forest(axes, rows, "Difference, logMAR", reference=0.0),
            pd.DataFrame({"name": list(gaps), **columns}),
            height=1.2 + 0.3 * len(rows),
        )
    ]
