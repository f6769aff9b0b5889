"""Is the model as good for every group of eyes? Figures of each group and its gap to the rest."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from ctt_net.acuity.bands import BANDS
from ctt_net.metrics.bootstrap import Tree, interval_key
from ctt_net.metrics.bootstrap_intervals import newcombe_interval, wilson_interval
from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.metrics.prediction_intervals import coverage
from ctt_net.metrics.subgroup_columns import AGE_BANDS, UNKNOWN
from ctt_net.metrics.weighted import Floats, ratio

SUPPRESSED_BELOW = 10
FEW_BELOW = 50

# Their labels are free text: a rare one may point at a person.
FREE_TEXT = ("pathology", "diagnosis")
OTHER = "other"

# Poor acuity is read with more noise (Leinonen 2005), so a gap is expected here; in one family with
# the others it would only make them seem surer. No gap of it is warned of: coverage is
# judged by band against its level.
EXPECTED_GAPS = ("preop_band",)

Groups = dict[str, dict[str, NDArray[np.bool_]]]
"""Grouping to group to its eyes (n,)."""

Held = tuple[float, int]
"""Share of eyes inside their interval, and the patients that it is of."""


def members(columns: pd.DataFrame) -> Groups:
    """The groups of each grouping in the order of a report; groupings of one group are none.

    Args:
        columns: (n,) rows in the order of the eyes, a text per grouping.
    """
    groups: Groups = {}
    for grouping in map(str, columns):
        labels = columns[grouping].astype(str)
        if grouping in FREE_TEXT:
            rare = labels.map(labels.value_counts()) < SUPPRESSED_BELOW
            labels = labels.where(~rare, OTHER)
        names = sorted(labels.unique(), key=_place)
        if len(names) > 1:
            groups[grouping] = {str(name): (labels == name).to_numpy() for name in names}
    return groups


def suppressed_groups(counts: pd.Series) -> list[str]:
    """Groups whose figures are suppressed: those of fewer than 10 eyes.

    Where they hold fewer than 10 eyes together, the next smallest group goes with them: otherwise
    theirs would be all eyes minus the groups that are shown.

    Args:
        counts: Eyes of each group of one grouping.

    Example:
        >>> suppressed_groups(pd.Series({"a": 60, "b": 4, "c": 20}))
        ['b', 'c']
    """
    ordered = counts.sort_values(kind="stable")
    n_hidden = int((ordered < SUPPRESSED_BELOW).sum())
    while 0 < int(ordered.iloc[:n_hidden].sum()) < SUPPRESSED_BELOW and n_hidden < len(ordered):
        n_hidden += 1
    return [str(name) for name in ordered.index[:n_hidden]]


def subgroup_figures(eyes: EvaluatedEyes, groups: Groups, weights: Floats) -> Tree:
    """The `subgroups` section for each row of weights, without tests."""
    error = eyes.predicted - eyes.truth
    given = np.isfinite(eyes.lower)
    inside = (eyes.lower <= eyes.truth) & (eyes.truth <= eyes.upper)
    width = np.where(given, eyes.upper - eyes.lower, 0.0)
    summed = np.column_stack(
        [np.ones(len(error)), np.abs(error), error, given, inside, width, eyes.abstained]
    )
    whole = weights @ summed
    out: dict[str, Any] = {}
    for grouping, shown, hidden in _shown(groups):
        out[grouping] = {}
        for name, group in shown.items():
            sums = weights @ (summed * group[:, None])
            here, rest = _means(sums), _means(whole - sums)
            gaps = {f"{key}_gap": here[key] - rest[key] for key in ("mae", "coverage")}
            n = int(group.sum())
            out[grouping][name] = {"n_eyes": n, "few": n < FEW_BELOW, **here, **gaps}
        for name, n in hidden.items():
            out[grouping][name] = {"n_eyes": n, "suppressed": True}
    return out


def add_tests(
    section: dict[str, Any], draws: Tree, eyes: EvaluatedEyes, groups: Groups, level: float
) -> None:
    """Put patients, exact intervals of shares, and p-values of the gaps beside the figures.

    p-values are adjusted after Benjamini and Hochberg: of the gaps called real, one in twenty may
    be chance. To miss a group that the model fails costs more here than to look into one for
    nothing, which Holm's stricter correction would spare.

    Args:
        section: `subgroups` of metrics.json.
        draws: The same from the bootstrap, for the p-values.
        eyes: Evaluated eyes.
        groups: Theirs.
        level: Confidence level of the intervals.
    """
    # Here and not above: it would slow the start of a prediction, which needs none of it.
    from scipy.stats import false_discovery_control

    families: dict[tuple[str, bool], list[tuple[dict[str, Any], float]]] = {}
    twins: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for grouping, shown, hidden in _shown(groups):
        for name, group in shown.items():
            figures = section[grouping][name]
            figures["n_patients"] = len(np.unique(eyes.patients[group]))
            held, elsewhere = _held(eyes, group), _held(eyes, ~group)
            if held and elsewhere:
                key = interval_key(level)
                figures["coverage_gap"][key] = newcombe_interval(held, elsewhere, level)
                if held[0] in (0, 1):
                    figures["coverage"][key] = wilson_interval(*held, level)
            values = draws[grouping][name]["mae_gap"]
            by_gap = {
                "mae_gap": _p_of_error(values, eyes, group),
                "coverage_gap": _p_of_share(held, elsewhere),
            }
            for gap, p in by_gap.items():
                figures[gap].update(p=None, p_adjusted=None)
                if len(shown) == 2 and not hidden and group is list(shown.values())[1]:
                    # The same test with the other sign.
                    twins.append((figures[gap], section[grouping][next(iter(shown))][gap]))
                elif p is not None:
                    family = families.setdefault((gap, grouping in EXPECTED_GAPS), [])
                    family.append((figures[gap], p))
    for family in families.values():
        adjusted = false_discovery_control([p for _, p in family])
        for (figure, p), q in zip(family, adjusted, strict=True):
            figure.update(p=p, p_adjusted=float(q))
    for one, other in twins:
        one.update(p=other["p"], p_adjusted=other["p_adjusted"])


def _shown(
    groups: Groups,
) -> Iterator[tuple[str, dict[str, NDArray[np.bool_]], dict[str, int]]]:
    """Each grouping, its groups whose figures are shown, and the eyes of the suppressed ones."""
    for grouping, masks in groups.items():
        counts = pd.Series({name: int(mask.sum()) for name, mask in masks.items()})
        hidden = suppressed_groups(counts)
        shown = {name: mask for name, mask in masks.items() if name not in hidden}
        yield grouping, shown, {name: int(counts[name]) for name in hidden}


def _held(eyes: EvaluatedEyes, group: NDArray[np.bool_]) -> Held | None:
    """Share of some eyes inside their interval, and their patients; None without intervals."""
    given = group & np.isfinite(eyes.lower)
    if not given.any():
        return None
    share = coverage(eyes.lower[given], eyes.upper[given], eyes.truth[given])
    return float(share), len(np.unique(eyes.patients[given]))


def _p_of_share(held: Held | None, elsewhere: Held | None) -> float | None:
    """Fisher's exact test on patients: resamples of a group without a miss do not differ."""
    from scipy.stats import fisher_exact

    if held is None or elsewhere is None:
        return None
    counts = [(round(share * n), n) for share, n in (held, elsewhere)]
    return float(fisher_exact([[hits, n - hits] for hits, n in counts]).pvalue)


def _p_of_error(draws: Floats, eyes: EvaluatedEyes, group: NDArray[np.bool_]) -> float | None:
    """Two-sided, from the bootstrap's standard error and the smaller side's patients.

    The share of resamples beyond 0 could not fall below one over their number, which an adjustment
    for many groups would then multiply.
    """
    patients = min(len(np.unique(eyes.patients[side])) for side in (group, ~group))
    defined = draws[1:][np.isfinite(draws[1:])]
    sd = defined.std(ddof=1) if len(defined) > 1 else 0.0
    if not (np.isfinite(draws[0]) and sd > 0 and patients > 1):
        return None
    return float(2 * stdtr(patients - 1, -abs(draws[0]) / sd))


def _place(name: str) -> tuple[int, str]:
    """Bands in their order, then other groups by name, unknown last."""
    ordered = (*AGE_BANDS, *BANDS)
    if name == UNKNOWN:
        return len(ordered) + 1, name
    return (ordered.index(name) if name in ordered else len(ordered)), name


def _means(sums: Floats) -> dict[str, Floats]:
    """Mean figures of a group from its sums (resamples, 7), NaN where it holds no eye."""
    n, absolute, error, given, inside, width, abstained = sums.T
    return {
        "mae": ratio(absolute, n),
        "bias": ratio(error, n),
        "coverage": ratio(inside, given),
        "mean_width": ratio(width, given),
        "abstention_rate": ratio(abstained, n),
    }
