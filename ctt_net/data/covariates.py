"""Columns of a cohort as the numbers a network takes; no torch here."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort import Covariate
from ctt_net.errors import InputError

# Which of a cohort's covariates a network takes: all that it declares, or these.
Chosen = Literal["all"] | list[str]


def choose_covariates(
    declared: Mapping[str, Covariate], chosen: Chosen, where: str
) -> dict[str, Covariate]:
    """The covariates a network takes, in its order.

    Args:
        declared: Of the cohort.
        chosen: `all`, or names of some.
        where: What to call the cohort in errors.

    Raises:
        InputError: If a name is not declared, or given twice.
    """
    if chosen == "all":
        return dict(declared)
    for name in chosen:
        if name not in declared:
            raise InputError(
                f"data.covariates: {name!r} is no covariate of {where}, which declares "
                f"{', '.join(declared) or 'none'}; choose of these, or declare it in cohort.yaml"
            )
        if chosen.count(name) > 1:
            raise InputError(f"data.covariates: {name!r} is named twice; name each once")
    return {name: declared[name] for name in chosen}


def covariate_levels(covariates: Mapping[str, Covariate]) -> list[int]:
    """Number of levels of each: 0 for a number, 2 for a binary one."""
    return [len(_levels(covariate)) for covariate in covariates.values()]


def covariate_values(
    table: pd.DataFrame, covariates: Mapping[str, Covariate]
) -> NDArray[np.float32]:
    """Covariates as a network takes them.

    Args:
        table: Rows of a cohort; a column that it lacks is unknown for all of them.
        covariates: In the network's order.

    Returns:
        (E, F): a number in its own unit or the index of a level, NaN = unknown or no such level.
    """
    values = np.full((len(table), len(covariates)), np.nan, dtype=np.float32)
    for f, (name, covariate) in enumerate(covariates.items()):
        if name not in table:
            continue
        if covariate.kind == "categorical":
            index = {level: float(i) for i, level in enumerate(covariate.levels)}
            values[:, f] = [index.get(cell, np.nan) for cell in table[name]]
        else:
            values[:, f] = table[name].to_numpy(dtype=np.float32)
    return values


def covariate_table(
    values: NDArray[np.float32], covariates: Mapping[str, Covariate]
) -> pd.DataFrame:
    """Inverse of `covariate_values`: one column per covariate, NaN = unknown.

    Args:
        values: (E, F).
        covariates: In the network's order.
    """
    columns: dict[str, list[float | str]] = {}
    for f, (name, covariate) in enumerate(covariates.items()):
        numbers = values[:, f].astype(float).tolist()
        columns[name] = [
            covariate.levels[int(number)]
            if covariate.kind == "categorical" and number == number
            else number
            for number in numbers
        ]
    return pd.DataFrame(columns, index=pd.RangeIndex(len(values)))


def covariate_ranges(
    table: pd.DataFrame, covariates: Mapping[str, Covariate]
) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each numeric covariate that any eye has.

    Rounded outwards by a tenth of their distance at most, so that no eye's own value is disclosed.

    Args:
        table: Rows of a cohort.
        covariates: Of the network.
    """
    ranges = {}
    for name, covariate in covariates.items():
        if covariate.kind != "numeric" or name not in table or table[name].isna().all():
            continue
        low, high = float(table[name].min()), float(table[name].max())
        digits = 1 - math.floor(math.log10((high - low) or abs(high) or 1.0))
        step = 10.0**-digits
        ends = math.floor(low / step) * step, math.ceil(high / step) * step
        ranges[name] = round(ends[0], digits), round(ends[1], digits)
    return ranges


def _levels(covariate: Covariate) -> Sequence[str]:
    return {"numeric": (), "binary": ("0", "1")}.get(covariate.kind, covariate.levels)
