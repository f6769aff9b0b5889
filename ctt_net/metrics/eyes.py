"""Eyes with a known truth, in one order, beside all that predicts them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort.predictions import check_predictions, has_flag, outcome_probability
from ctt_net.errors import InputError
from ctt_net.outcome import Outcome

MODEL = "model"
ORACLE = "oracle"
STRONGEST = "strongest"


@dataclass(frozen=True)
class EvaluatedEyes:
    """What `evaluate` measures.

    Args:
        table: Checked predictions, sorted by eye.
        predictors: Name to predicted logMAR (eyes,): the baselines, and the oracle if known.
        outcomes: Recovery questions.
        labels: Outcome name to 1.0, 0.0 or NaN (eyes,).
        probabilities: Outcome name to the model's probability or NaN (eyes,).
    """

    table: pd.DataFrame
    predictors: dict[str, NDArray[np.float64]]
    outcomes: Sequence[Outcome]
    labels: dict[str, NDArray[np.float64]] = field(init=False)
    probabilities: dict[str, NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        """Ask the outcomes of truth and prediction."""
        labels = {o.name: o.label(self.preop, self.truth) for o in self.outcomes}
        chances = {
            o.name: outcome_probability(self.table, o.name, first=i == 0).to_numpy(np.float64)
            for i, o in enumerate(self.outcomes)
        }
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "probabilities", chances)

    @property
    def preop(self) -> NDArray[np.float64]:
        """Preoperative acuity, logMAR, NaN where unknown: (eyes,)."""
        return self.table["preop_logmar"].to_numpy(np.float64)

    @property
    def truth(self) -> NDArray[np.float64]:
        """Postoperative acuity, logMAR: (eyes,)."""
        return self.table["postop_logmar"].to_numpy(np.float64)

    @property
    def predicted(self) -> NDArray[np.float64]:
        """The model's prediction, logMAR: (eyes,)."""
        return self.table["predicted_logmar"].to_numpy(np.float64)

    @property
    def on_chart(self) -> NDArray[np.bool_]:
        """Eyes read on the chart before and after: (eyes,)."""
        off = has_flag(self.table, "off_chart_preop") | has_flag(self.table, "off_chart_postop")
        return ~off.to_numpy()

    def decided(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Eyes for which truth and probability of an outcome are known: (eyes,)."""
        known = np.isfinite(self.labels[outcome.name])
        return known & np.isfinite(self.probabilities[outcome.name])

    def margin(self, predictor: str, outcome: Outcome) -> NDArray[np.float64]:
        """How far beyond an outcome's cut a predictor sees each eye: (eyes,).

        Out of fold, the mean differs a little from fold to fold and always away from the fold it
        is tested on, so that its AUROC would fall far below one half (Parker 2007, doi
        10.1186/1471-2105-8-326). It says the same of every eye, hence one value is used.
        """
        predicted = self.predictors[predictor]
        if predictor in ("mean", "median"):
            predicted = np.full_like(predicted, predicted.mean())
        return outcome.margin(self.preop, predicted)


def evaluated_eyes(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    oracle: pd.Series | None,
    outcomes: Sequence[Outcome],
) -> EvaluatedEyes:
    """Check, sort by eye and keep the eyes whose postoperative acuity is known.

    Args:
        predictions: Table of door 3.
        baselines: logMAR, indexed by eye, one column each.
        oracle: logMAR, indexed by eye.
        outcomes: Recovery questions.

    Raises:
        InputError: If the table is broken, no truth is known, or a baseline lacks an eye.
    """
    table = check_predictions(predictions, "predictions")
    table = table.sort_values("eye_id", kind="stable", ignore_index=True)
    known = table[table["postop_logmar"].notna()].reset_index(drop=True)
    if known.empty:
        raise InputError(
            "predictions: no eye has a postop_logmar, so nothing can be compared; "
            "evaluate on a cohort with postoperative acuity"
        )
    return EvaluatedEyes(known, align_predictors(known["eye_id"], baselines, oracle), outcomes)


def align_predictors(
    eye_ids: pd.Series, baselines: pd.DataFrame | None, oracle: pd.Series | None
) -> dict[str, NDArray[np.float64]]:
    """Baselines and oracle in the order of the eyes.

    Args:
        eye_ids: Of the evaluated eyes.
        baselines: logMAR, indexed by eye, one column each.
        oracle: logMAR, indexed by eye.

    Raises:
        InputError: If one of them lacks an eye or holds it twice.
    """
    columns = {} if baselines is None else {str(name): baselines[name] for name in baselines}
    reserved = {MODEL, ORACLE, STRONGEST} & set(columns)
    if reserved:
        raise ValueError(f"a baseline may not be called {sorted(reserved)[0]!r}")
    if oracle is not None:
        columns[ORACLE] = oracle
    aligned = {}
    for name, column in columns.items():
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
        aligned[name] = values
    return aligned
