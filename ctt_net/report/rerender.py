"""A report re-rendered from the files of an evaluation; nothing is computed anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import UndefinedError

from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.cohort.predictions import read_predictions
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.metrics.summary import METRICS_FILE, read_metrics
from ctt_net.report.evaluation_page import BASELINES_FILE, REPORT_FILE, page_files
from ctt_net.report.facts import Facts, read_facts, stale_figures
from ctt_net.report.largest_errors import Pictures
from ctt_net.report.outcomes_to_check import read_outcomes_to_check

NEEDED = (
    "n_eyes", "n_patients", "n_missing_truth", "n_off_chart", "settings", "regression", "recovery",
    "interval", "baselines", "versus", "warnings",
)  # fmt: skip

# Rounding of a file; a larger difference means that the two files belong to two evaluations.
SAME_LOGMAR = 1e-6


@dataclass(frozen=True)
class Evaluated:
    """Contents of a run folder, or of what `ctt-net evaluate` wrote.

    Args:
        folder: The folder.
        metrics: Contents of metrics.json.
        predictions: Contents of predictions.csv.
        baselines: logMAR, indexed by eye; None if the folder has none.
        facts: Of its report.
        to_check: Contents of outcomes_to_check.csv; None if the folder has none.
    """

    folder: Path
    metrics: Mapping[str, Any]
    predictions: pd.DataFrame
    baselines: pd.DataFrame | None
    facts: Facts
    to_check: pd.DataFrame | None = None


def read_evaluated(folder: Path | str) -> Evaluated:
    """Read metrics, predictions and what a report left beside them.

    Args:
        folder: Run folder, or what `ctt-net evaluate` wrote.

    Raises:
        InputError: If a file is missing, cannot be read, or belongs to another evaluation.
    """
    folder = Path(folder)
    metrics = read_metrics(folder)
    lacking = [name for name in NEEDED if name not in metrics]
    if lacking:
        raise InputError(f"{folder / METRICS_FILE}: {lacking[0]!r} is missing; evaluate again")
    predictions = read_predictions(folder / "predictions.csv")
    known = predictions[predictions["postop_logmar"].notna()]
    mae = float(np.abs(known["predicted_logmar"] - known["postop_logmar"]).mean())
    expected = metrics["regression"]["mae"]["value"]
    if len(known) != metrics["n_eyes"] or abs(mae - expected) > SAME_LOGMAR:
        raise InputError(
            f"{folder}: metrics.json has {metrics['n_eyes']} eyes and an error of {expected:.4f} "
            f"logMAR, predictions.csv {len(known)} and {mae:.4f}; one of them is of another "
            "evaluation, so evaluate again"
        )
    file = folder / BASELINES_FILE
    baselines = _baselines(file, metrics) if file.is_file() else None
    facts, to_check = read_facts(folder, metrics), read_outcomes_to_check(folder)
    return Evaluated(folder, metrics, predictions, baselines, facts, to_check)


def render_again(evaluated: Evaluated, out: Path | str, pictures: Pictures | None = None) -> Path:
    """Write `report.html` and `figures/` from one evaluation.

    Args:
        evaluated: As `read_evaluated` gives it.
        out: Folder; that of the evaluation itself may be named, that of another one may not.
        pictures: Of the eyes among the largest errors, if wanted.

    Returns:
        The page.

    Raises:
        InputError: If metrics.json lacks what a report needs, or `out` cannot be written.
    """
    out = Path(out)
    if out.resolve() != evaluated.folder.resolve():
        check_same_evaluation(out)
    parts = (evaluated.metrics, evaluated.predictions, evaluated.baselines, evaluated.facts)
    try:
        files = page_files(*parts, evaluated.to_check, pictures)
    except (LookupError, TypeError, AttributeError, ValueError, UndefinedError) as error:
        raise InputError(
            f"{evaluated.folder / METRICS_FILE}: not as ctt-net writes it ({error!r}); evaluate "
            "again"
        ) from error
    atomic_write_all(out, files, stale_figures(out))
    return out / REPORT_FILE


def check_same_evaluation(out: Path) -> None:
    """A page beside the figures of another evaluation would be taken for its own.

    Raises:
        InputError: If the folder holds an evaluation.
    """
    if (out / METRICS_FILE).exists():
        raise InputError(f"--out {out}: holds an evaluation and its report; name another folder")


def _baselines(path: Path, metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Those that the metrics know, indexed by eye."""
    try:
        table = read_manifest_text(path, by_program=True).set_index("eye_id")
        return table[list(metrics["baselines"])].replace("", np.nan).astype(np.float64)
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{path}: not the baselines of this metrics.json ({error}); remove it, and the report "
            "is written without their curves"
        ) from None
