"""Bounds of an outcome that stand in columns of their own become text of the outcome's column."""

import math

import numpy as np
import pandas as pd

from ctt_net.acuity import AcuityError, bound_logmar, is_missing, parse_va
from ctt_net.cohort.columns import AGREEMENT_LOGMAR


def with_bounds(
    cells: pd.Series, better: pd.Series, worse: pd.Series, notation: str
) -> tuple[pd.Series, list[tuple[int, str]]]:
    """The outcome's cell where there is one, else its bounds as `ctt_net.acuity` reads them.

    Args:
        cells: Outcomes as text, of one notation.
        better: The best that each may be; empty = open.
        worse: The worst; empty = open.
        notation: Of all three.

    Returns:
        The column, and (position, message) of every row that contradicts itself.
    """
    rows = list(zip(cells, better, worse, strict=True))
    read: dict[tuple[str, str, str], str] = {}
    wrong: dict[tuple[str, str, str], str] = {}
    for row in dict.fromkeys(rows):
        try:
            read[row] = _text(*row, notation)
        except AcuityError as error:
            read[row], wrong[row] = row[0], str(error)
    column = pd.Series([read[row] for row in rows], index=cells.index, dtype=object)
    return column, [(at, wrong[row]) for at, row in enumerate(rows) if row in wrong]


def _text(cell: str, better: str, worse: str, notation: str) -> str:
    if is_missing(better) and is_missing(worse):
        return cell
    best = -math.inf if is_missing(better) else bound_logmar(better, notation)
    worst = math.inf if is_missing(worse) else bound_logmar(worse, notation)
    if best > worst:
        raise AcuityError(
            f"no better than {better!r} and no worse than {worse!r} contradict each other; "
            f"exchange the two columns in the mapping, or correct one of the cells"
        )
    if not is_missing(cell):
        acuity = parse_va(cell, notation)
        within = best - AGREEMENT_LOGMAR <= acuity.logmar <= worst + AGREEMENT_LOGMAR
        if acuity.off_chart is None and not within:
            raise AcuityError(
                f"holds {cell!r}, which is not within its bounds (no better than {better!r}, no "
                f"worse than {worse!r}); correct one of the cells"
            )
        return cell
    if best == worst:
        return better
    if np.isinf(best):
        return f"{worse} or better"
    return f"{better} or worse" if np.isinf(worst) else f"{worse} to {better}"
