"""What is known of an outcome: the acuity, bounds of it, or nothing."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort.schema import BOUND_COLUMNS

Floats = NDArray[np.float64]


def outcome_bounds(table: pd.DataFrame) -> tuple[Floats, Floats]:
    """Best and worst logMAR that each outcome may be: (E,) and (E,).

    Equal where it is known exactly, infinite where it is open, NaN where nothing is known.

    Args:
        table: Cohort rows, or predictions of them; without bounds only exact outcomes are known.
    """
    exact = table["postop_logmar"].to_numpy(float)
    if not set(BOUND_COLUMNS) <= set(table):
        return exact, exact
    lower, upper = (table[name].to_numpy(float) for name in BOUND_COLUMNS)
    known = np.isfinite(lower) | np.isfinite(upper)
    return (
        np.where(known & np.isnan(lower), -np.inf, lower),
        np.where(known & np.isnan(upper), np.inf, upper),
    )


def exactly_known(table: pd.DataFrame) -> pd.DataFrame:
    """Rows whose outcome is one acuity."""
    return table[table["postop_logmar"].notna()]


def is_censored(table: pd.DataFrame) -> pd.Series:
    """Which outcomes are known within bounds only."""
    lower, upper = outcome_bounds(table)
    return pd.Series(lower < upper, index=table.index)
