"""Is the model as good for every group of eyes? Figures of each group and its gap to the rest."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from ctt_net.acuity.bands import BANDS
from ctt_net.cohort.predictions import has_flag
from ctt_net.metrics.bootstrap import Draws, FigurePath, Totals, interval_key
from ctt_net.metrics.bootstrap_intervals import newcombe_interval, with_width
from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.metrics.subgroup_columns import AGE_BANDS, UNKNOWN

SUPPRESSED_BELOW = 10
FEW_BELOW = 50

# Their labels are free text: a rare one may point at a person.
FREE_TEXT = ("pathology", "diagnosis")
OTHER = "other"

# Poor acuity is read with more noise (Leinonen 2005), so a gap is expected here; in one family with
# the others it would only make them seem surer.
EXPECTED_GAPS = ("preop_band",)
GAPS = ("mae_gap", "coverage_gap")

_SUMMED = 7
_GIVEN, _INSIDE = 3, 4  # columns of `_summed`


class Subgroups:
    """Groups of the evaluated eyes that are large enough to be told about.

    Args:
        eyes: Evaluated eyes.
        columns: (eyes,) rows in their order, a text per grouping.
    """

    def __init__(self, eyes: EvaluatedEyes, columns: pd.DataFrame) -> None:
        self._patient = eyes.table["patient_id"].to_numpy(str)
        self._members: dict[str, dict[str, NDArray[np.bool_]]] = {}
        self._suppressed: dict[str, dict[str, int]] = {}
        for grouping in map(str, columns):
            labels = columns[grouping].astype(str)
            if grouping in FREE_TEXT:
                rare = labels.map(labels.value_counts()) < SUPPRESSED_BELOW
                labels = labels.where(~rare, OTHER)
            counts = labels.value_counts()
            counts = counts.reindex(sorted(counts.index, key=_place))
            if len(counts) < 2:
                continue
            hidden = suppressed_groups(counts)
            self._suppressed[grouping] = {name: int(counts[name]) for name in hidden}
            self._members[grouping] = {
                str(name): (labels == name).to_numpy()
                for name in counts.index
                if name not in hidden
            }
        self._summed = _summed(eyes)

    def totals(self) -> Iterator[Totals]:
        """Figures of all groups, one bundle per grouping."""
        for grouping, members in self._members.items():
            own = [self._summed * inside[:, None] for inside in members.values()]
            yield Totals(np.hstack([self._summed, *own]), _figures_of(grouping, list(members)))

    def described(self, branch: Mapping[str, Any], draws: Draws, level: float) -> dict[str, Any]:
        """The `subgroups` section: counts, figures, gaps with p-values, and what is suppressed.

        Args:
            branch: Figures by grouping and group, as `metrics.json` shows them.
            draws: Of the bootstrap, for the p-values.
            level: Confidence level of the intervals.
        """
        raw = self._p_values(draws)
        out: dict[str, Any] = {}
        for grouping, members in self._members.items():
            out[grouping] = {}
            for name, inside in members.items():
                n = int(inside.sum())
                figures = {key: dict(value) for key, value in branch[grouping][name].items()}
                held, elsewhere = self._held(inside), self._held(~inside)
                if held and elsewhere:
                    key = interval_key(level)
                    figures["coverage_gap"][key] = newcombe_interval(held, elsewhere, level)
                    figures["coverage"] = with_width(figures["coverage"], key, held[1], level)
                for gap in GAPS:
                    p, adjusted = raw.get(("subgroups", grouping, name, gap), (None, None))
                    figures[gap].update(p=p, p_adjusted=adjusted)
                out[grouping][name] = {
                    "n_eyes": n,
                    "n_patients": len(np.unique(self._patient[inside])),
                    "few": n < FEW_BELOW,
                    **figures,
                }
            for name, n in self._suppressed[grouping].items():
                out[grouping][name] = {"n_eyes": n, "suppressed": True}
        return out

    def _p_values(self, draws: Draws) -> dict[FigurePath, tuple[float, float]]:
        """Raw and adjusted p-value of every gap whose spread is known.

        Adjusted after Benjamini and Hochberg: of the gaps called real, one in twenty may be chance.
        To miss a group that the model fails costs more here than to look into one for nothing,
        which Holm's stricter correction would spare.
        """
        # Here and not above: it would slow the start of a prediction, which needs none of it.
        from scipy.stats import false_discovery_control

        out: dict[FigurePath, tuple[float, float]] = {}
        for gap in GAPS:
            families: dict[bool, dict[FigurePath, float]] = {True: {}, False: {}}
            twins: dict[FigurePath, FigurePath] = {}
            for grouping, members in self._members.items():
                paths = [("subgroups", grouping, name, gap) for name in members]
                if len(members) == 2 and not self._suppressed[grouping]:
                    twins[paths.pop()] = paths[0]  # the same test with the other sign
                for path in paths:
                    p = self._p_value(draws[path], members[path[2]], gap)
                    if p is not None:
                        families[grouping in EXPECTED_GAPS][path] = p
            for family in families.values():
                if family:
                    adjusted = false_discovery_control(list(family.values()))
                    both = zip(family.values(), map(float, adjusted), strict=True)
                    out.update(zip(family, both, strict=True))
            out.update({twin: out[path] for twin, path in twins.items() if path in out})
        return out

    def _held(self, inside: NDArray[np.bool_]) -> tuple[float, int] | None:
        """Share of some eyes inside their interval, and their patients; None without intervals."""
        given = inside & (self._summed[:, _GIVEN] > 0)
        if not given.any():
            return None
        return float(self._summed[given, _INSIDE].mean()), len(np.unique(self._patient[given]))

    def _p_value(
        self, draws: NDArray[np.float64], inside: NDArray[np.bool_], gap: str
    ) -> float | None:
        """Two-sided.

        Of shares by Fisher's exact test on patients, since resamples of a group without a miss do
        not differ; of errors from the bootstrap's standard error and the smaller side's patients:
        the share of resamples beyond 0 could not fall below one over their number, which an
        adjustment for many groups would then multiply.
        """
        if gap == "coverage_gap":
            from scipy.stats import fisher_exact

            sides = self._held(inside), self._held(~inside)
            counts = [(round(side[0] * side[1]), side[1]) for side in sides if side is not None]
            if len(counts) < 2:
                return None
            return float(fisher_exact([[held, n - held] for held, n in counts]).pvalue)
        patients = [len(np.unique(self._patient[side])) for side in (inside, ~inside)]
        defined = draws[1:][np.isfinite(draws[1:])]
        sd = defined.std(ddof=1) if len(defined) > 1 else 0.0
        if not (np.isfinite(draws[0]) and sd > 0 and min(patients) > 1):
            return None
        return float(2 * stdtr(min(patients) - 1, -abs(draws[0]) / sd))


def suppressed_groups(counts: pd.Series) -> list[str]:
    """Groups whose figures are not told: those of fewer than 10 eyes.

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


def _place(name: str) -> tuple[int, str]:
    """Bands in their order, then other groups by name, unknown last."""
    ordered = (*AGE_BANDS, *BANDS)
    if name == UNKNOWN:
        return len(ordered) + 1, name
    return (ordered.index(name) if name in ordered else len(ordered)), name


def _summed(eyes: EvaluatedEyes) -> NDArray[np.float64]:
    """What the figures of a group sum over eyes: (eyes, 7)."""
    error = eyes.predicted - eyes.truth
    lower = eyes.table["lower_logmar"].to_numpy(np.float64)
    upper = eyes.table["upper_logmar"].to_numpy(np.float64)
    given = np.isfinite(lower)
    inside = (eyes.truth >= lower) & (eyes.truth <= upper)
    width = np.where(given, upper - lower, 0.0)
    abstained = has_flag(eyes.table, "abstain").to_numpy()
    columns = (np.ones(len(error)), np.abs(error), error, given, inside, width, abstained)
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])


def _figures_of(grouping: str, names: list[str]) -> Callable[[NDArray[np.float64]], Draws]:
    """Figures of one grouping from the totals of all its eyes and of each shown group."""

    def figures(totals: NDArray[np.float64]) -> Draws:
        whole = totals[:, :_SUMMED]
        out: Draws = {}
        for number, name in enumerate(names, start=1):
            own = totals[:, number * _SUMMED : (number + 1) * _SUMMED]
            rest = whole - own
            here, beside = _means(own), _means(rest)
            for key, values in here.items():
                out[("subgroups", grouping, name, key)] = values
            for key in ("mae", "coverage"):
                gap = here[key] - beside[key]
                out[("subgroups", grouping, name, f"{key}_gap")] = gap
        return out

    return figures


def _means(totals: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Mean figures of a group, NaN where it holds no eye."""
    n, absolute, error, given, inside, width, abstained = totals.T
    some = np.where(n > 0.5, n, np.nan)
    with_interval = np.where(given > 0.5, given, np.nan)
    return {
        "mae": absolute / some,
        "bias": error / some,
        "coverage": inside / with_interval,
        "mean_width": width / with_interval,
        "abstention_rate": abstained / some,
    }
