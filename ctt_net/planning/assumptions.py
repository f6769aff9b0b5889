"""Assumptions of a plan: metrics that are expected, by guess or from a run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ctt_net.cohort.predictions import read_predictions
from ctt_net.errors import InputError
from ctt_net.metrics.summary import METRICS_FILE, read_metrics
from ctt_net.planning.precision import (
    CAUTIOUS_CORRELATION,
    Z95,
    HalfWidth,
    auroc_half_width,
    design_effect,
    fellow_correlation,
    mean_half_width,
    share_half_width,
)
from ctt_net.report.results import PREDICTIONS_FILE

# Of |error| in published predictions of acuity after cataract surgery, about.
SD_ABSOLUTE_ERROR = 0.13

# SD of a normal error over that of its absolute value.
_NORMAL_RATIO = 1 / math.sqrt(1 - 2 / math.pi)

FEWEST_EYES = 10


@dataclass(frozen=True)
class Planned:
    """One figure whose interval is planned.

    Args:
        name: Of the figure.
        unit: `logMAR` or `share`.
        basis: What is assumed of it, as text.
        half_width: Of its 95% interval.
        correlation: Between fellow eyes, of what is averaged; None = not known.
        measured_whole: Whether the half width has fellow eyes in it already.
    """

    name: str
    unit: str
    basis: str
    half_width: HalfWidth
    correlation: float | None = None
    measured_whole: bool = False

    def design_effect(self, eyes_per_patient: float) -> float:
        """Of fellow eyes; a correlation that is not known counts them as one."""
        if self.measured_whole:
            return 1.0
        known = CAUTIOUS_CORRELATION if self.correlation is None else self.correlation
        return design_effect(eyes_per_patient, known)


@dataclass(frozen=True)
class Assumptions:
    """What is expected.

    Args:
        figures: Whose intervals are planned.
        eyes_per_patient: Mean, 1 to 2.
        r2: Of the predictions; None = not known.
        sd_outcome: SD of postoperative acuity, logMAR; None = not known.
        source: Where it comes from, as text.
    """

    figures: tuple[Planned, ...]
    eyes_per_patient: float = 1.0
    r2: float | None = None
    sd_outcome: float | None = None
    source: str = "guesses"

    def with_correlation(self, correlation: float) -> "Assumptions":
        """The same with one correlation between fellow eyes for every figure."""
        design_effect(1.0, correlation)  # validates it
        figures = tuple(replace(one, correlation=correlation) for one in self.figures)
        return replace(self, figures=figures)


def guessed(
    sd_absolute_error: float = SD_ABSOLUTE_ERROR,
    sd_error: float | None = None,
    coverage: float = 0.9,
    sd_difference: float | None = None,
    auroc: float | None = None,
    share_recovered: float | None = None,
) -> tuple[Planned, ...]:
    """Figures planned from guesses.

    Args:
        sd_absolute_error: SD of |error|, logMAR.
        sd_error: SD of the error; None = that of a normal error with this SD of |error|.
        coverage: Of the intervals.
        sd_difference: SD of the paired difference |error| of the model - |error| of a baseline;
            None leaves it out.
        auroc: Of a recovery outcome; None leaves it out.
        share_recovered: Share of eyes with that outcome.

    Raises:
        InputError: If a value is impossible, or the AUROC lacks its share.
    """
    if sd_error is None:
        sd_error = sd_absolute_error * _NORMAL_RATIO
    figures = [
        Planned(
            "MAE", "logMAR", f"SD(|e|) {sd_absolute_error:.3g}", mean_half_width(sd_absolute_error)
        ),
        Planned("bias", "logMAR", f"SD(e) {sd_error:.3g}", mean_half_width(sd_error)),
        Planned("coverage", "share", f"{coverage:.0%}", share_half_width(coverage)),
    ]
    if sd_difference is not None:
        half = mean_half_width(sd_difference)
        figures.append(Planned("MAE difference, paired", "logMAR", f"SD {sd_difference:.3g}", half))
    if (auroc is None) != (share_recovered is None):
        raise InputError("an AUROC is planned from its value and the share of eyes that recover")
    if auroc is not None and share_recovered is not None:
        basis = f"{auroc:g}, {share_recovered:.0%} recover"
        figures.append(Planned("AUROC", "share", basis, auroc_half_width(auroc, share_recovered)))
    return tuple(figures)


def from_run(run: Path | str) -> Assumptions:
    """Assumptions from the results of a run or an evaluation.

    SDs and correlations of fellow eyes come from its predictions. The intervals of the
    AUROC and of the difference from the strongest baseline are taken from `metrics.json` and scaled
    with the root of the number of eyes; fellow eyes are included in them.

    Args:
        run: Folder with `predictions.csv` and `metrics.json`.

    Raises:
        InputError: If one is missing or damaged, or there are too few eyes to plan from.
    """
    run = Path(run)
    metrics = read_metrics(run)
    table = read_predictions(run / PREDICTIONS_FILE)
    table = table[table["postop_logmar"].notna()].reset_index(drop=True)
    if len(table) < FEWEST_EYES:
        raise InputError(f"{run}: {len(table)} eyes of known outcome; planning takes {FEWEST_EYES}")
    truth, error = table["postop_logmar"], table["predicted_logmar"] - table["postop_logmar"]
    inside = ((truth >= table["lower_logmar"]) & (truth <= table["upper_logmar"])).to_numpy(float)
    coverage = float(inside.mean()) if table["lower_logmar"].notna().all() else float("nan")
    absolute, signed = np.abs(error.to_numpy()), error.to_numpy()
    if not (absolute.std() > 0 and truth.std() > 0):
        raise InputError(
            f"{run}: every eye has the same error or outcome; there is nothing to plan"
        )
    patients = table["patient_id"]
    measured = {"MAE": absolute, "bias": signed, "coverage": inside}
    # Where every interval held, or none, a Wilson interval still has a width: of one eye less.
    least = 1 / (len(table) + 1)
    guess = guessed(
        float(absolute.std(ddof=1)),
        float(signed.std(ddof=1)),
        float(np.clip(coverage, least, 1 - least)) if np.isfinite(coverage) else 0.9,
    )
    figures = [
        replace(one, correlation=fellow_correlation(measured[one.name], patients)) for one in guess
    ]
    try:
        figures += _scaled(metrics, len(table))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{run / METRICS_FILE}: damaged ({error!r}); evaluate again") from None
    return Assumptions(
        tuple(figures),
        eyes_per_patient=min(2.0, len(table) / patients.nunique()),
        r2=_between(1 - float((signed**2).mean() / truth.var(ddof=0)), 0, 1),
        sd_outcome=float(truth.std(ddof=1)),
        source=f"{len(table)} eyes of {patients.nunique()} patients in {run.name}",
    )


def _scaled(metrics: Mapping[str, Any], n_eyes: int) -> list[Planned]:
    """AUROC of the first outcome and the difference from the strongest baseline, if measured."""
    out = []
    strongest = metrics.get("versus", {}).get("strongest", {})
    first: Mapping[str, Any] = next(iter(metrics.get("recovery", {}).values()), {})
    for name, unit, figure in (
        ("MAE difference, paired", "logMAR", strongest.get("mae_difference")),
        ("AUROC", "share", first.get("auroc")),
    ):
        if figure is None or None in (figure["value"], *figure["ci95"]):
            continue
        half = (figure["ci95"][1] - figure["ci95"][0]) / 2
        if half > 0:
            sd = half * math.sqrt(n_eyes) / Z95
            basis = f"{figure['value']:.3f} ± {half:.3f} with {n_eyes} eyes"
            out.append(Planned(name, unit, basis, mean_half_width(sd), measured_whole=True))
    return out


def _between(value: float, low: float, high: float) -> float | None:
    """The value if it lies strictly between."""
    return value if low < value < high else None
