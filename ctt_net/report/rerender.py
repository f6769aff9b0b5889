"""A report written again from what an evaluation left behind; nothing is computed anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.cohort.predictions import read_predictions
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.metrics.summary import METRICS_FILE, read_metrics
from ctt_net.report.evaluation_page import BASELINES_FILE, REPORT_FILE, page_files
from ctt_net.report.facts import Facts, read_facts, stale_figures
from ctt_net.report.largest_errors import Pictures

NEEDED = (
    "n_eyes", "n_patients", "n_missing_truth", "n_off_chart", "settings", "regression", "recovery",
    "interval", "baselines", "versus", "warnings",
)  # fmt: skip

# Between what metrics.json says and what its table gives: rounding of a file, not another table.
SAME_LOGMAR = 1e-6


@dataclass(frozen=True)
class Evaluated:
    """What one folder holds.

    Args:
        folder: Run, or what an evaluation wrote.
        metrics: Contents of metrics.json.
        predictions: Table of door 3.
        baselines: logMAR, indexed by eye; None if nobody kept them.
        facts: Words of its report.
    """

    folder: Path
    metrics: Mapping[str, Any]
    predictions: pd.DataFrame
    baselines: pd.DataFrame | None
    facts: Facts


def read_evaluated(folder: Path | str) -> Evaluated:
    """Read metrics, predictions and what else a report left there.

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
    told = metrics["regression"]["mae"]["value"]
    if len(known) != metrics["n_eyes"] or abs(mae - told) > SAME_LOGMAR:
        raise InputError(
            f"{folder}: metrics.json tells of {metrics['n_eyes']} eyes and an error of {told:.4f} "
            f"logMAR, predictions.csv of {len(known)} and {mae:.4f}; one of them is of another "
            "evaluation, so evaluate again"
        )
    file = folder / BASELINES_FILE
    baselines = _baselines(file, metrics) if file.is_file() else None
    return Evaluated(folder, metrics, predictions, baselines, read_facts(folder, metrics))


def render_again(evaluated: Evaluated, out: Path | str, pictures: Pictures | None = None) -> Path:
    """Write `report.html` and `figures/` from one evaluation.

    Args:
        evaluated: As `read_evaluated` gives it.
        out: Folder; that of the evaluation itself may be named, that of another one may not.
        pictures: Of the eyes in the gallery, if wanted.

    Returns:
        The page.

    Raises:
        InputError: If metrics.json lacks what a report needs, or `out` cannot be written.
    """
    out = Path(out)
    if out.resolve() != evaluated.folder.resolve():
        check_same_evaluation(out)
    try:
        files = page_files(
            evaluated.metrics,
            evaluated.predictions,
            evaluated.baselines,
            evaluated.facts,
            pictures,
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{evaluated.folder / METRICS_FILE}: not as ctt-net writes it ({error!r}); evaluate "
            "again"
        ) from error
    atomic_write_all(out, files, stale_figures(out))
    return out / REPORT_FILE


def check_same_evaluation(out: Path) -> None:
    """A page beside figures of other eyes would be taken for theirs.

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
