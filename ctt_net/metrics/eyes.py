"""Eyes with a known truth, in one order, beside all that predicts them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort.predictions import (
    FOLD_COLUMN,
    check_predictions,
    has_flag,
    outcome_probability,
)
from ctt_net.errors import InputError
from ctt_net.outcome import Outcome

MODEL = "model"
ORACLE = "oracle"
READER = "reader"
# Of simulated eyes; no model can be asked to be better.
PERFECT = (ORACLE, READER)
STRONGEST = "strongest"

# The mean or median of the training eyes says the same of every eye of a fold; ordering eyes by it,
# or drawing a line through it, reflects the folds (see `EvaluatedEyes.margin`).
CONSTANT_BASELINES = ("mean", "median")
# The same machine without and with the measures of scans.
SVM, SVM_MEASURES = "svm", "svm_measures"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EvaluatedEyes:
    """What `evaluate` measures: arrays (n,), one value an eye.

    Args:
        table: Checked predictions, sorted by eye.
        predictors: Name to predicted logMAR: the baselines, and of simulated eyes the
            perfect ones.
        outcomes: Recovery outcomes.
        preop: Preoperative acuity, logMAR, NaN where unknown.
        truth: Postoperative acuity, logMAR.
        predicted: The model's prediction, logMAR.
        lower: Lower end of its interval, NaN where there is none.
        upper: Upper end.
        patients: Number of each eye's patient, patients sorted.
        abstained: Whether the model abstained.
        on_chart: Read on the chart before and after.
        labels: Outcome name to 1.0, 0.0 or NaN.
        probabilities: Outcome name to the model's probability or NaN.
    """

    table: pd.DataFrame
    predictors: dict[str, Floats]
    outcomes: Sequence[Outcome]
    preop: Floats
    truth: Floats
    predicted: Floats
    lower: Floats
    upper: Floats
    patients: NDArray[np.intp]
    abstained: NDArray[np.bool_]
    on_chart: NDArray[np.bool_]
    labels: dict[str, Floats]
    probabilities: dict[str, Floats]

    @property
    def baselines(self) -> dict[str, Floats]:
        """The predictors but for the perfect ones."""
        return {name: one for name, one in self.predictors.items() if name not in PERFECT}

    @property
    def fold(self) -> NDArray[np.int64] | None:
        """Fold of each eye (n,), where predictions are out of fold."""
        if FOLD_COLUMN not in self.table or self.table[FOLD_COLUMN].nunique() < 2:
            return None
        return self.table[FOLD_COLUMN].to_numpy(np.int64)

    def decided(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Eyes for which truth and probability of an outcome are known: (n,)."""
        known = np.isfinite(self.labels[outcome.name])
        return known & np.isfinite(self.probabilities[outcome.name])

    def margin(self, predictor: str, outcome: Outcome) -> Floats:
        """How far beyond an outcome's cut a predictor sees each eye: (n,).

        Out of fold, the mean differs a little from fold to fold and always away from the fold it
        is tested on, so that its AUROC would fall far below one half (Parker 2007, doi
        10.1186/1471-2105-8-326). It says the same of every eye, hence one value is used.
        """
        predicted = self.predictors[predictor]
        if predictor in CONSTANT_BASELINES:
            predicted = np.full_like(predicted, predicted.mean())
        return np.asarray(outcome.margin(self.preop, predicted), dtype=np.float64)


def evaluated_eyes(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    oracle: pd.Series | None,
    outcomes: Sequence[Outcome],
    where: str = "predictions",
    reader: pd.Series | None = None,
) -> EvaluatedEyes:
    """Check, sort by eye and keep the eyes whose postoperative acuity is known.

    Args:
        predictions: As in `predictions.csv`.
        baselines: logMAR, indexed by eye, one column each.
        oracle: logMAR, indexed by eye.
        outcomes: Recovery outcomes.
        where: What to call the predictions in errors.
        reader: logMAR, indexed by eye.

    Raises:
        InputError: If the table is broken, no truth is known, or a baseline lacks an eye.
    """
    table = check_predictions(predictions, where)
    table = table.sort_values("eye_id", kind="stable", ignore_index=True)
    known = table[table["postop_logmar"].notna()].reset_index(drop=True)
    if known.empty:
        raise InputError(
            f"{where}: no eye has a postop_logmar, so nothing can be compared; "
            "evaluate on a cohort with postoperative acuity"
        )
    columns = {} if baselines is None else {str(name): baselines[name] for name in baselines}
    reserved = {MODEL, *PERFECT, STRONGEST} & set(columns)
    if reserved:
        raise ValueError(f"a baseline may not be called {sorted(reserved)[0]!r}")
    if oracle is not None:
        columns[ORACLE] = oracle
    if reader is not None:
        columns[READER] = reader
    preop, truth, predicted, lower, upper = (
        known[f"{name}_logmar"].to_numpy(np.float64)
        for name in ("preop", "postop", "predicted", "lower", "upper")
    )
    off_chart = has_flag(known, "off_chart_preop") | has_flag(known, "off_chart_postop")
    return EvaluatedEyes(
        table=known,
        predictors={name: _aligned(name, one, known["eye_id"]) for name, one in columns.items()},
        outcomes=outcomes,
        preop=preop,
        truth=truth,
        predicted=predicted,
        lower=lower,
        upper=upper,
        patients=np.unique(known["patient_id"].to_numpy(str), return_inverse=True)[1],
        abstained=has_flag(known, "abstain").to_numpy(bool),
        on_chart=~off_chart.to_numpy(bool),
        labels={one.name: one.label(preop, truth) for one in outcomes},
        probabilities={
            one.name: outcome_probability(known, one.name, first=i == 0).to_numpy(np.float64)
            for i, one in enumerate(outcomes)
        },
    )


def _aligned(name: str, column: pd.Series, eye_ids: pd.Series) -> Floats:
    """A predictor in the order of the eyes."""
    column = column.set_axis(column.index.map(str))
    if column.index.has_duplicates:
        eye = column.index[column.index.duplicated()][0]
        raise InputError(f"baseline {name!r}: eye {eye!r} stands there twice")
    values = column.reindex(eye_ids).to_numpy(np.float64)
    if not np.isfinite(values).all():
        eye = eye_ids[~np.isfinite(values)].iloc[0]
        raise InputError(
            f"baseline {name!r}: no prediction for eye {eye!r}; index it by eye_id and "
            "predict every eye that the model predicted"
        )
    return values
