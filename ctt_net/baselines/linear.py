"""Clinical columns as numbers, fitted models kept as plain numbers, and a ridge line of them.

Only what scikit-learn documents is read of a fitted model, so that an update of it cannot break the
export of a trained fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort.words import plain_text
from ctt_net.errors import InputError

if TYPE_CHECKING:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

RIDGE_PENALTIES = tuple(float(penalty) for penalty in np.logspace(-2, 4, 13))


@dataclass(frozen=True)
class Feature:
    """One clinical column and how its cells are read.

    Args:
        column: Column of the table.
        levels: Values of a categorical column; empty for a number.
        missing: Sentinels that mean unknown, besides an empty cell.
        measured_in: View whose scan it was measured in, if it was.
    """

    column: str
    levels: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    measured_in: str | None = None

    def names(self) -> list[str]:
        """Names of the numbers it becomes: itself, or all levels but the first."""
        if not self.levels:
            return [self.column]
        return [f"{self.column}={level}" for level in self.levels[1:]]

    def numbers(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Read the column: (eyes, len(names())), NaN where unknown.

        Args:
            table: Any rows; a column that it lacks is unknown for all of them.

        Raises:
            InputError: If a numeric column holds a word.
        """
        if self.column not in table:
            return np.full((len(table), len(self.names())), np.nan)
        sentinels = {plain_text(sentinel) for sentinel in self.missing} | {""}
        texts = [plain_text(cell) for cell in table[self.column]]
        if self.levels:
            known = [plain_text(level) for level in self.levels]
            one_hot = [
                [float(text == level) for level in known[1:]]
                if text in known and text not in sentinels
                else [np.nan] * (len(known) - 1)
                for text in texts
            ]
            return np.asarray(one_hot, dtype=np.float64).reshape(len(texts), len(known) - 1)
        rows = [np.nan if text in sentinels else self._number(text) for text in texts]
        return np.asarray(rows, dtype=np.float64).reshape(-1, 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping, as JSON would give it back."""
        plain = {
            "column": self.column,
            "levels": list(self.levels),
            "missing": list(self.missing),
        }
        return plain | ({"measured_in": self.measured_in} if self.measured_in else {})

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> "Feature":
        """Inverse of `to_dict`."""
        levels, missing = tuple(mapping["levels"]), tuple(mapping["missing"])
        return cls(mapping["column"], levels, missing, mapping.get("measured_in"))

    def _number(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise InputError(
                f"covariate {self.column!r}: {text!r} is not a number; declare the column as "
                "categorical, or list this text among its `missing` sentinels"
            ) from None


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A fitted model as plain numbers: its fields are floats, tuples of floats, and arrays.

    Args:
        features: Columns read, in order.
    """

    features: tuple[Feature, ...]

    def __eq__(self, other: object) -> bool:
        """The same numbers on the same columns."""
        return type(other) is type(self) and self.to_dict() == other.to_dict()

    @property
    def width(self) -> int:
        """How many numbers the features become."""
        return sum(len(feature.names()) for feature in self.features)

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping for JSON; each row of an array is one text, or a file of 100,000 lines."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`.

        Raises:
            KeyError: If a field is missing.
            ValueError: If rows are no numbers or do not fit each other.
        """
        features = tuple(Feature.from_dict(part) for part in mapping["features"])
        others = {
            one.name: _restored(mapping[one.name], one.type)
            for one in fields(cls)
            if one.name != "features"
        }
        return cls(features, **others)


@dataclass(frozen=True, eq=False)
class LinearModel(FittedModel):
    """`intercept + sum(slope * value)`, with what an unknown value counts as.

    Args:
        features: Columns read, in order.
        intercept: logMAR.
        slopes: logMAR per unit of each number (see `Feature.names`).
        fills: What stands in for an unknown number: the training mean.
        missing_shifts: Added, logMAR, when a number is unknown.
        penalty: Ridge penalty on standardised numbers; 0 = least squares.

    Raises:
        ValueError: If there is not one slope, fill and shift for each number.
    """

    intercept: float
    slopes: tuple[float, ...]
    fills: tuple[float, ...]
    missing_shifts: tuple[float, ...]
    penalty: float

    def __post_init__(self) -> None:
        if {len(self.slopes), len(self.fills), len(self.missing_shifts)} != {self.width}:
            raise ValueError(f"{self.width} numbers need as many slopes, fills and shifts")

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        features: Sequence[Feature],
        target_logmar: NDArray[np.float64],
        groups: Sequence[object] | None,
    ) -> Self:
        """Fit with scikit-learn and read the numbers out.

        Args:
            table: Training rows.
            features: Columns to read.
            target_logmar: (eyes,), no NaN.
            groups: Patient of each row; the ridge penalty is chosen across patients. None = no
                penalty.
        """
        filling, scaler, line = fit_pipeline(design(table, features), target_logmar, groups)
        slopes, shifts, constant = per_unit(filling, scaler, line.coef_)
        return cls(
            features=tuple(features),
            intercept=float(line.intercept_ + constant),
            slopes=tuple(slopes.tolist()),
            fills=tuple(filling.statistics_.astype(float).tolist()),
            missing_shifts=tuple(shifts.tolist()),
            penalty=float(getattr(line, "alpha_", 0.0)),
        )

    def predict(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Predicted logMAR: (eyes,)."""
        numbers = design(table, self.features)
        unknown = np.isnan(numbers)
        filled = np.where(unknown, np.asarray(self.fills), numbers)
        shifts = unknown @ np.asarray(self.missing_shifts)
        return np.asarray(self.intercept + filled @ np.asarray(self.slopes) + shifts)


def design(table: pd.DataFrame, features: Sequence[Feature]) -> NDArray[np.float64]:
    """All features side by side: (eyes, numbers), NaN where unknown."""
    return np.hstack([feature.numbers(table) for feature in features])


def fit_pipeline(
    numbers: NDArray[np.float64],
    target_logmar: NDArray[np.float64],
    groups: Sequence[object] | None,
) -> "Pipeline":
    """Mean imputation with a missing indicator, standardisation, then the line."""
    # Here and not above: half of the start-up of a prediction, which fits nothing.
    from sklearn.linear_model import LinearRegression, RidgeCV
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    line: LinearRegression | RidgeCV = LinearRegression()
    n_groups = len(set(groups)) if groups is not None else 0
    if groups is not None and n_groups >= 2:
        splitter = GroupKFold(n_splits=min(5, n_groups))
        folds = list(splitter.split(numbers, target_logmar, groups))
        line = RidgeCV(RIDGE_PENALTIES, cv=folds, scoring="neg_mean_squared_error")
    return make_pipeline(imputer(), StandardScaler(), line).fit(numbers, target_logmar)


def imputer() -> "SimpleImputer":
    """The training mean for an unknown number, and a number more that says so."""
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="mean", add_indicator=True, keep_empty_features=True)


def per_unit(
    filling: "SimpleImputer", scaler: "StandardScaler", weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
    """Weights of standardised numbers as weights of the numbers themselves.

    Args:
        filling: Fitted `imputer`.
        scaler: Fitted on its numbers.
        weights: (numbers and indicators) or (numbers and indicators, outputs).

    Returns:
        Those of the numbers, what an unknown number adds, and the constant.
    """
    own = (np.asarray(weights, dtype=np.float64).T / scaler.scale_).T
    width = len(filling.statistics_)
    shifts = np.zeros_like(own[:width])
    shifts[filling.indicator_.features_] = own[width:]
    return own[:width], shifts, -scaler.mean_ @ own


def _plain(value: Any) -> Any:
    """A field for JSON, every digit kept."""
    if isinstance(value, np.ndarray):
        text = [" ".join(map(repr, row)) for row in np.atleast_2d(value).tolist()]
        return text if value.ndim == 2 else text[0]
    if isinstance(value, tuple):
        return [one.to_dict() if isinstance(one, Feature) else one for one in value]
    return value


def _restored(value: Any, kind: Any) -> Any:
    """A field of a kind from what `_plain` made of it."""
    if kind is float:
        return float(value)
    if kind == tuple[float, ...]:
        return tuple(map(float, value))
    dtype = np.int64 if kind == NDArray[np.int64] else np.float64
    rows = [np.array(row.split(), dtype) for row in ([value] if isinstance(value, str) else value)]
    return rows[0] if isinstance(value, str) else np.stack(rows)
