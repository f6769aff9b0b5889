r"""Recorded outcomes that are probably wrong, by predictions that have not seen them.

A recorded outcome r follows a mixture: by a share 1 - e it is right and lies around the prediction,
by a share e it is wrong, by a known slip or somewhere on the chart:

    p(r) = (1 - e) f(r) + e (h u(r) + (1 - h) mean_k s_k(r)),  h = 1/2, or 1 where no slip can be

f is a Student t distribution of one width for all eyes. Its tails are heavy, since some eyes see
poorly for a cause that no scan shows; and the network's own scale is left out, since a network that
has learned from wrong outcomes is often sure where they are (docs/experiments.md). u is even over
the chart. s_k is the density of what was meant if slip k was made; in every notation charts are
read to a line, so that a line stands for a line and no derivative comes in.
Share, shift and width are fitted to all eyes by expectation and maximisation (Dempster et al. 1977,
doi 10.1111/j.2517-6161.1977.tb01600.x).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ctt_net.acuity.convert import CHART_SPAN_LOGMAR
from ctt_net.cohort.predictions import has_flag

Floats = NDArray[np.float64]

FELLOW_EYE, OTHER_NOTATION = "fellow_eye", "other_notation"
FACTOR_OF_TEN, PREOP_AGAIN = "factor_of_ten", "preop_again"

# From here on an outcome is rather wrong than right.
PROBABLY_WRONG = 0.5
# Fewer exactly known outcomes do not tell the width of right ones from the share of wrong ones.
FEWEST_EYES = 50

DEGREES_OF_FREEDOM = 4
# Of the wrong ones; the rest is shared by the slips that are possible in an eye.
UNEXPLAINED_SHARE = 0.5
# Before any eye was seen: as if of ten, half an outcome were wrong.
_PRIOR_WRONG, _PRIOR_EYES = 0.5, 10.0
_NARROWEST_LOGMAR, _SAME_LOGMAR, _LINE_LOGMAR = 0.02, 0.005, 0.1
_ROUNDS, _CONVERGED = 500, 1e-6


class _Right(NamedTuple):
    """Where right outcomes lie: Student t around the prediction, logMAR."""

    shift: float
    width: float

    def density(self, outcome: Floats, predicted: Floats) -> Floats:
        away = (outcome - predicted - self.shift) / self.width
        return np.asarray(stats.t.pdf(away, DEGREES_OF_FREEDOM) / self.width)


def outcomes_to_check(predictions: pd.DataFrame, notation: str) -> pd.DataFrame | None:
    """How probable it is of each recorded outcome that it is wrong, and by which slip.

    Args:
        predictions: Checked, of eyes that the models have not seen. Outcomes that are known within
            bounds only are left out.
        notation: That outcomes are recorded in, one of `ctt_net.acuity.NOTATIONS`.

    Returns:
        `eye_id`, `patient_id`, `recorded_logmar`, `predicted_logmar`, its interval, `p_wrong` and
        `likely_slip` (empty = none explains it better than chance; several, separated by `;`, where
        the others are at least half as probable); most probable first. None of fewer eyes than
        `FEWEST_EYES`.
    """
    known = predictions[predictions["postop_logmar"].notna()].reset_index(drop=True)
    if len(known) < FEWEST_EYES:
        return None
    recorded, predicted = (
        known[f"{name}_logmar"].to_numpy(np.float64) for name in ("postop", "predicted")
    )
    fellow = _fellow(known["patient_id"])
    error = recorded - predicted
    spread = stats.median_abs_deviation(error, scale="normal")
    right = _Right(float(np.median(error)), float(spread))
    share = _PRIOR_WRONG / _PRIOR_EYES
    for _ in range(_ROUNDS):
        right = right._replace(width=max(right.width, _NARROWEST_LOGMAR))
        clean = (1 - share) * right.density(recorded, predicted)
        slips = _slips(known, notation, fellow, right, share)
        possible = np.sum(np.isfinite(list(slips.values())), axis=0)
        unexplained = np.where(possible > 0, UNEXPLAINED_SHARE, 1.0)
        each = share * (1 - unexplained) / np.maximum(possible, 1)
        wrong = {name: each * np.nan_to_num(density) for name, density in slips.items()}
        wrong[""] = share * unexplained / CHART_SPAN_LOGMAR
        p_wrong = 1 - clean / (clean + sum(wrong.values()))
        before, share = share, (p_wrong.sum() + _PRIOR_WRONG) / (len(known) + _PRIOR_EYES)
        right = _fitted(right, error, 1 - p_wrong)
        if abs(share - before) < _CONVERGED:
            break
    table = known[["eye_id", "patient_id"]].assign(
        recorded_logmar=recorded,
        **{name: known[name] for name in ("predicted_logmar", "lower_logmar", "upper_logmar")},
        p_wrong=p_wrong,
        likely_slip=_likely(wrong),
    )
    return table.sort_values(["p_wrong", "eye_id"], ascending=[False, True], ignore_index=True)


def _likely(wrong: Mapping[str, Floats]) -> list[str]:
    """Slips by which each record may have come about, none where chance is likelier."""
    names, parts = np.array(list(wrong)), np.array(list(wrong.values()))
    near = parts >= parts.max(axis=0) / 2
    chance = names[parts.argmax(axis=0)] == ""
    return [
        "" if by_chance else ";".join(name for name in names[which] if name)
        for by_chance, which in zip(chance, near.T, strict=True)
    ]


def _fellow(patients: pd.Series) -> NDArray[np.intp]:
    """Row of the patient's other eye, the own row where there is none."""
    rows = np.arange(len(patients))
    sums = pd.Series(rows).groupby(patients.to_numpy(), sort=False).transform("sum")
    sizes = patients.groupby(patients, sort=False).transform("size")
    return np.where(sizes == 2, sums - rows, rows)


def _slips(
    known: pd.DataFrame, notation: str, fellow: NDArray[np.intp], right: _Right, share: float
) -> Mapping[str, Floats]:
    """Density of each record under each slip, NaN where an eye cannot have it."""
    recorded, predicted, preop = (
        known[f"{name}_logmar"].to_numpy(np.float64) for name in ("postop", "predicted", "preop")
    )
    # Two exchanged outcomes must both fit the other eye better. The divisor is what is said of the
    # fellow eye without the slip.
    apart = fellow != np.arange(len(fellow))
    at_fellow = (1 - share) * right.density(recorded, predicted) + share / CHART_SPAN_LOGMAR
    exchanged = right.density(recorded[fellow], predicted) * right.density(
        recorded, predicted[fellow]
    )
    slips = {
        FELLOW_EYE: np.where(apart, exchanged / at_fellow[fellow], np.nan),
        # The very value has a density of one line, since charts are read to one.
        PREOP_AGAIN: np.where(
            np.isfinite(preop), (np.abs(recorded - preop) < _SAME_LOGMAR) / _LINE_LOGMAR, np.nan
        ),
    }
    number = np.where(has_flag(known, "off_chart_postop"), np.nan, recorded)
    for name, every in _meant(number, notation).items():
        slips[name] = np.mean([right.density(meant, predicted) for meant in every], axis=0)
    return slips


def _meant(recorded: Floats, notation: str) -> Mapping[str, list[Floats]]:
    """What may have been meant by a number, logMAR, NaN = nothing, by slip."""
    if notation == "snellen":
        return {FACTOR_OF_TEN: [recorded - 1, recorded + 1]}
    if notation == "decimal":
        return {OTHER_NOTATION: [10.0**-recorded], FACTOR_OF_TEN: [recorded - 1, recorded + 1]}
    if notation == "logmar":
        number = np.where(np.abs(recorded) < _SAME_LOGMAR, np.nan, recorded)  # ten times 0 is 0
        return {
            OTHER_NOTATION: [-np.log10(np.where(number > 0, number, np.nan))],
            FACTOR_OF_TEN: [number / 10, number * 10],
        }
    return {}


def _fitted(right: _Right, error: Floats, weight: Floats) -> _Right:
    """One step towards the likeliest shift and width (Lange et al. 1989, doi 10.2307/2290063)."""
    away = (error - right.shift) / right.width
    weight_t = weight * (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + away**2)
    shift = float(weight_t @ error / weight_t.sum())
    return _Right(shift, float(np.sqrt(weight_t @ (error - shift) ** 2 / weight.sum())))
