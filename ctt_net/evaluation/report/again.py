"""A report written again from what an evaluation left behind; nothing is computed anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.errors import InputError
from ctt_net.evaluation.predictions import read_predictions
from ctt_net.evaluation.report.facts import Facts, read_facts
from ctt_net.evaluation.report.failures import Pictures
from ctt_net.evaluation.report.written import BASELINES_FILE, REPORT_FILE, write_page
from ctt_net.read_file import parse_json, read_text

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
    for name in ("metrics.json", "predictions.csv"):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: no {name} there; give a run folder, or the --out of ctt-net evaluate"
            )
    metrics = _metrics(folder / "metrics.json")
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
        out: Folder; that of the evaluation itself may be named.
        pictures: Of the eyes in the gallery, if wanted.

    Returns:
        The page.

    Raises:
        InputError: If metrics.json lacks what a report needs.
    """
    path = Path(out) / REPORT_FILE
    try:
        write_page(
            evaluated.metrics,
            evaluated.predictions,
            evaluated.baselines,
            evaluated.facts,
            path,
            pictures,
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{evaluated.folder / 'metrics.json'}: not as ctt-net writes it ({error!r}); evaluate "
            "again"
        ) from error
    return path


def _metrics(path: Path) -> dict[str, Any]:
    try:
        metrics = parse_json(read_text(path))
        lacking = [name for name in NEEDED if name not in metrics]
        value = None if lacking else metrics["regression"]["mae"]["value"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; evaluate again") from None
    if lacking or not isinstance(value, float):
        what = f"{lacking[0]!r} is missing" if lacking else "its mae is no number"
        raise InputError(f"{path}: {what}; evaluate again")
    return dict(metrics)


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
