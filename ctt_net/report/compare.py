"""Two or more evaluations in one page, paired where their eyes are the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ctt_net.errors import InputError, count_of
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.metrics.bootstrap import interval_key
from ctt_net.metrics.side_by_side import DIFFERENCE, side_by_side
from ctt_net.metrics.warnings import TOO_FEW_PATIENTS
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.report.comparison import (
    FINDINGS,
    paired_finding,
    signed_text,
    span_text,
    verdict,
)
from ctt_net.report.drawing import (
    FURTHER_COLOURS,
    GRID,
    Drawing,
    drawn,
    figure_files,
)
from ctt_net.report.evaluation_page import REPORT_FILE
from ctt_net.report.facts import stale_figures
from ctt_net.report.methods import methods
from ctt_net.report.page import render
from ctt_net.report.rerender import Evaluated, check_same_evaluation
from ctt_net.report.tables import RECOVERY_ROWS, REGRESSION_ROWS, figure_at, figure_cell

EXTRA_ROWS = (
    ("Coverage of the intervals", ("interval", "coverage"), True),
    ("Mean width, logMAR", ("interval", "mean_width"), False),
    ("Confidence against correctness (CCRC)", ("selective", "ccrc"), False),
    ("Usable region", ("selective", "ure"), True),
)


PHRASES = {
    FINDINGS["better"]: "has a smaller mean absolute error than",
    FINDINGS["worse"]: "has a larger mean absolute error than",
    FINDINGS["alike"]: "is within one letter in mean absolute error of",
    FINDINGS["open"]: "does not differ significantly in mean absolute error from",
}


def write_comparison(
    all_of: Sequence[Evaluated],
    out: Path | str,
    config_differences: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Write `report.html` and `figures/` of several evaluations side by side.

    Each but the first is compared with the first: on the eyes that both predicted, if the measured
    acuities agree there.

    Args:
        all_of: Two or more.
        out: Folder.
        config_differences: Config keys that differ, with one text for each evaluation.

    Returns:
        The page.

    Raises:
        InputError: If the intervals are of different levels, or `out` holds an evaluation.
    """
    check_same_evaluation(Path(out))
    verdicts = compare_verdicts(all_of)
    names = names_of([one.folder for one in all_of])
    key = interval_key(all_of[0].metrics["settings"]["level"])
    paired = [None, *(paired_difference(all_of[0], other) for other in all_of[1:])]
    drawings = [_forest(all_of, names, key), _differences(paired, names)]
    figures = [drawn(drawing) for drawing in drawings if drawing is not None]
    out = Path(out)
    page = render(
        "compare.html",
        title="Side by side: " + ", ".join(names),
        synthetic=any(one.facts.synthetic for one in all_of),
        level=f"{all_of[0].metrics['settings']['level']:.0%}",
        names=names,
        verdicts=verdicts,
        differences=[
            {"label": key, "cells": [{"value": value} for value in values]}
            for key, values in (config_differences or {}).items()
        ],
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
        paired=[
            {"name": name, **one}
            for name, one in zip(names, paired, strict=True)
            if one is not None
        ],
        rows=_rows(all_of, key),
        figures=figures,
        methods=methods(all_of[0].metrics, all_of[0].facts)[:2],
    )
    atomic_write_all(out, {REPORT_FILE: page, **figure_files(figures)}, stale_figures(out))
    return out / REPORT_FILE


def compare_verdicts(all_of: Sequence[Evaluated]) -> list[str]:
    """A sentence on each evaluation but the first, compared with the first.

    Raises:
        InputError: If the intervals are of different levels.
    """
    levels = {one.metrics["settings"]["level"] for one in all_of}
    if len(levels) > 1:
        raise InputError(f"intervals of levels {sorted(levels)} cannot be compared in one table")
    level = f"{levels.pop():.0%} CI"
    first, *others = names_of([one.folder for one in all_of])
    return [
        _sentence(first, name, paired_difference(all_of[0], other), level)
        for name, other in zip(others, all_of[1:], strict=True)
    ]


def _sentence(first: str, name: str, paired: Mapping[str, Any], level: str) -> str:
    """What a paired difference says, in the words of its finding."""
    if paired["identical"]:
        return f"{name} made exactly the same predictions as {first} ({paired['words']})."
    phrase = PHRASES.get(paired.get("finding", ""))
    if phrase is None:
        return f"{name} cannot be compared with {first}: {paired['words']}."
    return (
        f"{name} {phrase} {first} on {paired['words']}: {paired['value']} logMAR "
        f"({level} {paired['ci']}; {paired['letters']} letters)."
    )


def paired_difference(first: Evaluated, other: Evaluated) -> dict[str, Any]:
    """Error of one evaluation minus that of the first, on the eyes that both predicted.

    Returns:
        `words` on the eyes, `identical` predictions or not, and, where the eyes allow it, `figure`
        and `key` of the difference with its texts and `finding`.
    """
    tables = [_known(one.predictions) for one in (first, other)]
    common = tables[0].index.intersection(tables[1].index)
    if common.empty:
        return {"words": "no eyes in common: no paired difference", "identical": False}
    truths = [table.loc[common, "postop_logmar"].to_numpy(float) for table in tables]
    patients = [table.loc[common, "patient_id"] for table in tables]
    if (np.abs(truths[0] - truths[1]) > 1e-6).any() or not patients[0].equals(patients[1]):
        words = (
            f"{count_of(len(common), 'eye')} of the same name, but with other measured acuities "
            "or patients: no paired difference"
        )
        return {"words": words, "identical": False}
    every = len(common) == len(tables[0]) == len(tables[1])
    words = f"the same {count_of(len(common), 'eye')}"
    if not every:
        words = (
            f"the {count_of(len(common), 'eye')} that both predicted; the first has "
            f"{len(tables[0]) - len(common):,} others, this one {len(tables[1]) - len(common):,}"
        )
    predicted = [table.loc[common, "predicted_logmar"].to_numpy(float) for table in tables]
    identical = every and bool((predicted[0] == predicted[1]).all())
    if patients[0].nunique() < TOO_FEW_PATIENTS:
        return {"words": f"{words}: too few patients", "identical": identical}
    # One truth for both, or files that were rounded differently would be told apart.
    same = [table.loc[common].assign(postop_logmar=truths[0]).reset_index() for table in tables]
    settings = first.metrics["settings"]
    outcome = (*first.facts.outcomes, *DEFAULT_OUTCOMES)[0]
    figures = side_by_side(
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
        "identical": identical,
        "figure": figure,
        "key": key,
        "value": signed_text(figure["value"]),
        "ci": span_text(low, high),
        "letters": signed_text(figure["value"] * 50, digits=1),
        "finding": FINDINGS[paired_finding(low, high, patients[0].nunique())],
    }


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
    """One row a figure, one cell an evaluation."""
    wanted = [(label, ("regression", *path), share) for label, path, share in REGRESSION_ROWS]
    wanted += EXTRA_ROWS
    outcomes = {one.name: one for evaluated in all_of for one in evaluated.facts.outcomes}
    for outcome in outcomes.values():
        wanted += [
            (f"{label}: {outcome.in_words()}", ("recovery", outcome.name, figure), share)
            for label, figure, share in RECOVERY_ROWS
            if figure in ("auroc", "brier")
        ]
    rows = []
    for label, path, share in wanted:
        found = [figure_at(one.metrics, path) for one in all_of]
        if any(figure is not None and figure["value"] is not None for figure in found):
            cells = [figure_cell(figure, key, share) for figure in found]
            rows.append({"label": label, "cells": cells})
    return rows


def _forest(all_of: Sequence[Evaluated], names: Sequence[str], key: str) -> Drawing:
    figures = [one.metrics["regression"]["mae"] for one in all_of]
    return _bars(
        "mae",
        "Mean absolute error of each",
        "Bars are confidence intervals, each of its own eyes; a difference is told by the paired "
        "figure alone.",
        names,
        figures,
        key,
        "Mean absolute error, logMAR",
    )


def _differences(
    paired: Sequence[Mapping[str, Any] | None], names: Sequence[str]
) -> Drawing | None:
    told = [(n, one) for n, one in zip(names, paired, strict=True) if one and "figure" in one]
    if not told:
        return None
    return _bars(
        "mae_difference",
        f"Mean absolute error minus that of {names[0]}",
        "On the eyes that both predicted, with paired confidence interval. Left of zero: better "
        "than the first.",
        [name for name, _ in told],
        [one["figure"] for _, one in told],
        told[0][1]["key"],
        "Difference, logMAR",
    )


def _bars(
    name: str,
    title: str,
    caption: str,
    labels: Sequence[str],
    figures: Sequence[Mapping[str, Any]],
    key: str,
    axis: str,
) -> Drawing:
    def draw(axes: Axes) -> None:
        axes.axvline(0, color=FURTHER_COLOURS[-1], lw=1)
        for place, figure in enumerate(reversed(figures)):
            colour = FURTHER_COLOURS[(len(figures) - 1 - place) % len(FURTHER_COLOURS)]
            if figure[key][0] is not None:
                axes.plot(figure[key], [place, place], color=colour, lw=2)
            axes.plot(figure["value"], place, "o", color=colour, ms=6)
        axes.set_yticks(range(len(labels)), list(reversed(labels)))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(ylim=(-0.6, len(labels) - 0.4))
        axes.grid(axis="x", color=GRID)
        axes.set_xlabel(axis)

    table = pd.DataFrame(
        {
            "name": list(labels),
            "value": [figure["value"] for figure in figures],
            "lower": [figure[key][0] for figure in figures],
            "upper": [figure[key][1] for figure in figures],
        }
    )
    return Drawing(name, title, caption, draw, table, height=1.2 + 0.35 * len(labels))
