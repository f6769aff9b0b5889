"""Learning curve: an inverse power law through the errors of smaller trainings.

    MAE(n) = a + b n^-c        a: error that no number of eyes goes below, c: how fast it is reached

Usual since Cortes and others 1993; fitted and extrapolated so by Figueroa and others 2012, doi
10.1186/1472-6947-12-8. Few points leave much open: a curve that is still falling fits many
asymptotes. So no standard error around the best fit is given, but the range of all curves that the
points do not reject (profile likelihood).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2
from scipy.stats import f as fisher

from ctt_net.cohort import CohortError
from ctt_net.cohort.columns import read_numbers
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.errors import InputError
from ctt_net.planning.precision import Z95

# From as slow as can be distinguished from a straight line to faster than any published curve.
EXPONENTS = (0.05, 3.0)
GRID = 81
ZOOMS = 3

FEWEST_POINTS = 3
FEWEST_WITHOUT_SE = 5

# Larger numbers of eyes count as infinite: no collection of operated eyes has as many.
MOST_EYES = 1e7

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimated:
    """A figure with the range that the points leave open.

    Args:
        value: Of the best curve.
        low: Of the range.
        high: Of the range; infinite if the points set no upper end.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, object]:
        """As figures stand in JSON, `null` for no end."""
        value, low, high = (
            float(x) if np.isfinite(x) else None for x in (self.value, self.low, self.high)
        )
        return {"value": value, "ci95": [low, high]}


@dataclass(frozen=True)
class LearningCurve:
    """A fitted curve, and all others that the points do not reject.

    Args:
        eyes: (points,) training eyes.
        mae: (points,) error there, logMAR.
        se: (points,) its standard error; None = unknown.
        best: (3,) a, b, c.
        open_curves: (curves, 3) a, b, c within the 95% profile.
        scatter: Root of chi-square per degree of freedom: above 1 the points scatter more than
            their standard errors say, which then were enlarged; NaN where it is unknown.
    """

    eyes: Values
    mae: Values
    se: Values | None
    best: Values
    open_curves: Values
    scatter: float

    def mae_at(self, eyes: float) -> Estimated:
        """Error with so many training eyes."""
        return self._estimated(lambda a, b, c: a + b * eyes**-c)

    @property
    def asymptote(self) -> Estimated:
        """Error that no number of eyes goes below."""
        return self._estimated(lambda a, b, c: a)

    def eyes_within(self, margin: float) -> Estimated:
        """Training eyes from which on the error is within a margin of its asymptote.

        Args:
            margin: logMAR, above 0.
        """
        if not margin > 0:
            raise InputError(f"the margin must be above 0, got {margin:g}")

        def eyes(a: Values, b: Values, c: Values) -> Values:
            with np.errstate(over="ignore", divide="ignore"):
                needed = np.exp(np.log(b / margin) / c)
            return np.where(needed > MOST_EYES, np.inf, np.maximum(needed, 1.0))

        return self._estimated(eyes)

    def band(self, eyes: Values) -> tuple[Values, Values, Values]:
        """Best curve, and lowest and highest open one, at each number of eyes."""
        a, b, c = (column[:, None] for column in self.open_curves.T)
        open_mae = a + b * eyes**-c
        best = self.best[0] + self.best[1] * eyes ** -self.best[2]
        return best, open_mae.min(axis=0), open_mae.max(axis=0)

    def _estimated(self, figure: Callable[[Values, Values, Values], Values]) -> Estimated:
        value = np.ravel(figure(*self.best[:, None]))[0]
        open_values = figure(*self.open_curves.T)
        return Estimated(float(value), float(open_values.min()), float(open_values.max()))


def fit_learning_curve(eyes: Values, mae: Values, se: Values | None = None) -> LearningCurve:
    """Fit the curve.

    Args:
        eyes: (points,) training eyes, at least three different numbers.
        mae: (points,) error, logMAR.
        se: (points,) standard error of each; None = estimated from the scatter about the curve,
            which takes five points.

    Raises:
        InputError: If points are too few or impossible.
    """
    eyes, mae = np.asarray(eyes, float), np.asarray(mae, float)
    se = None if se is None else np.asarray(se, float)
    _check_points(eyes, mae, se)
    weight = np.ones_like(mae) if se is None else 1 / se**2
    freedom = len(eyes) - 3
    a_range, c_range = (0.0, float(mae.min())), EXPONENTS
    for _ in range(ZOOMS):
        curves, misfit = _curves(eyes, mae, weight, a_range, c_range)
        limit, scatter = _limit(float(misfit.min()), freedom, known=se is not None)
        kept = misfit <= limit
        a_range, c_range = _around(curves[:, 0], kept), _around(curves[:, 2], kept, EXPONENTS)
    best = _polished(curves[int(misfit.argmin())], eyes, mae, weight)
    return LearningCurve(eyes, mae, se, best, np.vstack([best, curves[kept]]), scatter)


def _polished(start: Values, eyes: Values, mae: Values, weight: Values) -> Values:
    """The best curve, from the best of the grid."""
    bounds = [0.0, 0.0, EXPONENTS[0]], [float(mae.max()), np.inf, EXPONENTS[1]]

    def misfits(curve: Values) -> Values:
        residual = mae - curve[0] - curve[1] * eyes ** -curve[2]
        return np.asarray(np.sqrt(weight) * residual)

    found = least_squares(misfits, np.clip(start, *bounds), bounds=bounds, x_scale="jac").x
    return np.asarray(min(start, found, key=lambda curve: float((misfits(curve) ** 2).sum())))


def _limit(least: float, freedom: int, known: bool) -> tuple[float, float]:
    """Largest misfit that does not reject a curve, and the scatter of the points."""
    if not known:
        return least * (1 + float(fisher.ppf(0.95, 1, freedom)) / freedom), float("nan")
    if freedom == 0:
        return least + float(chi2.ppf(0.95, 1)), float("nan")
    scatter = float(np.sqrt(least / freedom))
    return least + float(chi2.ppf(0.95, 1)) * max(scatter, 1.0) ** 2, scatter


def _curves(
    eyes: Values,
    mae: Values,
    weight: Values,
    a_range: tuple[float, float],
    c_range: tuple[float, float],
) -> tuple[Values, Values]:
    """Curves on a grid of asymptotes and exponents, b fitted to each: (curves, 3), misfit."""
    a = np.linspace(*a_range, GRID)[:, None, None]
    power = eyes ** -np.geomspace(*c_range, GRID)[:, None]
    b = ((mae - a) * power * weight).sum(-1) / (power**2 * weight).sum(-1)
    b = np.maximum(b, 0.0)  # more eyes never raise the error
    misfit = (weight * (mae - a - b[..., None] * power) ** 2).sum(-1)
    c = np.broadcast_to(np.geomspace(*c_range, GRID), b.shape)
    a = np.broadcast_to(a[..., 0], b.shape)
    return np.stack([a.ravel(), b.ravel(), c.ravel()], axis=1), misfit.ravel()


def _around(
    values: Values, kept: NDArray[np.bool_], limits: tuple[float, float] = (0.0, np.inf)
) -> tuple[float, float]:
    """The range of what was kept and one step of the grid beyond, for a finer grid."""
    steps = np.unique(values)
    chosen = np.flatnonzero(np.isin(steps, values[kept]))
    low, high = steps[max(chosen[0] - 1, 0)], steps[min(chosen[-1] + 1, len(steps) - 1)]
    return max(float(low), limits[0]), min(float(high), limits[1])


def _check_points(eyes: Values, mae: Values, se: Values | None) -> None:
    least = FEWEST_POINTS if se is not None else FEWEST_WITHOUT_SE
    if len(np.unique(eyes)) < least:
        how = "with" if se is not None else "without"
        raise InputError(
            f"a learning curve {how} standard errors takes {least} different numbers of training "
            f"eyes, got {len(np.unique(eyes))}; train on more subsets"
        )
    if not (np.isfinite(eyes).all() and (eyes >= 1).all()):
        raise InputError("training eyes must be numbers of 1 or more")
    if not (np.isfinite(mae).all() and (mae > 0).all()):
        raise InputError("every MAE of a learning curve must be above 0")
    if se is not None and not (np.isfinite(se).all() and (se > 0).all()):
        raise InputError("every standard error of a learning curve must be above 0")


EYES, MAE, LOW, HIGH = "training_eyes", "mae", "mae_lo", "mae_hi"


def read_learning_curve(
    path: Path | str, row: str | None = None, evaluated: str | None = None
) -> LearningCurve:
    """Read a table and fit the curve of one row of it.

    Args:
        path: CSV with `training_eyes` and `mae`; `mae_lo` and `mae_hi`, a 95% interval, give the
            standard errors. Lines of `comparison.csv` also have `row` (`ctt_net@300`, the part
            before the `@` is its name) and `evaluated`.
        row: Name of the row; needed if there are several.
        evaluated: Start of what it was evaluated on; the table's first by default.

    Raises:
        InputError: If the table is wrong, or several rows are meant.
    """
    path = Path(path)
    table = _read(path)
    if "evaluated" in table:
        wanted = evaluated or str(table["evaluated"].iloc[0])
        table = _chosen(table, table["evaluated"].str.startswith(wanted), path, "evaluated", wanted)
    if "row" in table:
        table = table.assign(row=table["row"].str.split("@").str[0])
        names = list(dict.fromkeys(table["row"]))
        if row is None and len(names) > 1:
            raise InputError(f"{path}: has the rows {', '.join(names)}; say which with --row")
        wanted = row or names[0]
        table = _chosen(table, table["row"] == wanted, path, "row", wanted)
    table = table.sort_values(EYES, kind="stable")
    se = None
    if LOW in table and HIGH in table and table[[LOW, HIGH]].notna().all(axis=None):
        se = ((table[HIGH] - table[LOW]) / (2 * Z95)).to_numpy(float)
    try:
        return fit_learning_curve(table[EYES].to_numpy(float), table[MAE].to_numpy(float), se)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read(path: Path) -> pd.DataFrame:
    """Lines with a number of training eyes; an oracle has none."""
    table = read_manifest_text(path)
    for column in (EYES, MAE):
        if column not in table:
            raise InputError(
                f"{path}: column {column!r} is missing; give the comparison.csv of "
                f"benchmarks/compare.py, or a table with {EYES} and {MAE}"
            )
    for column in (name for name in (EYES, MAE, LOW, HIGH) if name in table):
        table[column], problems = read_numbers(table[column], column)
        if problems:
            raise CohortError(path, problems)
    table = table[table[EYES].notna() & table[MAE].notna()]
    if table.empty:
        raise InputError(f"{path}: no line has both {EYES} and {MAE}")
    return table


def _chosen(
    table: pd.DataFrame, which: pd.Series, path: Path, column: str, wanted: str
) -> pd.DataFrame:
    if not which.any():
        known = ", ".join(dict.fromkeys(table[column]))
        raise InputError(f"{path}: no {column} {wanted!r}; there are {known}")
    return table[which]
