"""All figures of `metrics.json` as what the bootstrap resamples: totals, and figures by rank."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ctt_net.cohort.predictions import FOLD_COLUMN
from ctt_net.metrics.bootstrap import Draws, FigurePath, Statistics, Totals, Weights
from ctt_net.metrics.calibration import calibration_bins, logistic_calibration
from ctt_net.metrics.decision_curve import (
    MODEL,
    decision_outcome,
    decision_totals,
    risk_of_acuity,
)
from ctt_net.metrics.eyes import ORACLE, EvaluatedEyes
from ctt_net.metrics.interval_coverage import figures_of_totals, interval_columns
from ctt_net.metrics.recovery import (
    FIGURES,
    ProbabilityCuts,
    auroc,
    cut_of_eyes,
    recovery_figures,
)
from ctt_net.metrics.regression import regression_ranks, regression_totals, worst_third
from ctt_net.outcome import Outcome

ACUITY = "acuity"
WORST_BIAS = ("worst_third", "bias")

Floats = NDArray[np.float64]

# The mean or median of the training eyes says the same of every eye of a fold; ordering eyes by it,
# or drawing a line through it, tells of the folds (see `EvaluatedEyes.margin`).
SAME_FOR_ALL = ("mean", "median")
_NEEDS_SPREAD = ("spearman", "calibration_slope", "calibration_intercept")


class Measured:
    """What is measured of the evaluated eyes.

    Args:
        eyes: Evaluated eyes.
        cuts: Probability from which an eye is called recovered.
    """

    def __init__(self, eyes: EvaluatedEyes, cuts: ProbabilityCuts) -> None:
        self._eyes, self._cuts = eyes, cuts
        self._baselines = [name for name in eyes.predictors if name != ORACLE]

    def totals(self) -> Iterator[Totals]:
        """Figures made of totals over eyes."""
        eyes = self._eyes
        patients = list(eyes.table["patient_id"])
        predicted, truth, chart = eyes.predicted, eyes.truth, eyes.on_chart
        every = np.ones(len(truth), dtype=bool)
        yield _under(("regression",), regression_totals(predicted, truth, patients))
        yield _under(("regression_on_chart",), regression_totals(predicted, truth, patients, chart))
        yield _under(("calibration", ACUITY), calibration_bins(predicted, truth, every))
        worst = worst_third(truth)
        if worst is not None:
            columns = np.column_stack([worst, worst * (predicted - truth)])
            yield Totals(columns, lambda sums: {WORST_BIAS: sums[:, 1] / sums[:, 0]})
        interval = Totals(interval_columns(eyes), partial(figures_of_totals, eyes))
        yield _under(("interval",), interval)
        for name, other in eyes.predictors.items():
            yield _under(self._place(name), regression_totals(other, truth, patients))
        for outcome in eyes.outcomes:
            bins = calibration_bins(
                eyes.probabilities[outcome.name], eyes.labels[outcome.name], eyes.decided(outcome)
            )
            yield _under(("calibration", outcome.name), bins)
        acted_on = decision_outcome(eyes.outcomes)
        if acted_on is not None and eyes.decided(acted_on).any():
            event = 1 - eyes.labels[acted_on.name]
            decision = decision_totals(self._risks(acted_on), event, eyes.decided(acted_on))
            yield _under(("decision",), decision)

    def ranked(self) -> list[Statistics]:
        """Figures for which every resample has to look at every eye in order."""
        eyes = self._eyes
        truth = eyes.truth
        out = [
            _placed(("regression",), regression_ranks(eyes.predicted, truth)),
            _placed(
                ("regression_on_chart",), regression_ranks(eyes.predicted, truth, eyes.on_chart)
            ),
        ]
        for name, other in eyes.predictors.items():
            out.append(_placed(self._place(name), regression_ranks(other, truth)))
        return [*out, *chain.from_iterable(map(self._recovery, eyes.outcomes))]

    def differences(self, draws: Draws) -> Draws:
        """Model minus each other predictor by resample, and what has no meaning as NaN."""
        model = draws[("regression", "mae")]
        out: Draws = {}
        for name in self._eyes.predictors:
            place = self._place(name)
            beside = (*(("versus", name) if name != ORACLE else place), "mae_difference")
            own = (*place, "mae")
            out[beside] = model - draws[own]
        for name in self._baselines:
            for outcome in self._eyes.outcomes:
                area = draws[("baselines", name, "recovery", outcome.name, "auroc")]
                difference = draws[("recovery", outcome.name, FIGURES[0])] - area
                out[("versus", name, "auroc_difference", outcome.name)] = difference
        for name in set(SAME_FOR_ALL).intersection(self._baselines):
            for figure in _NEEDS_SPREAD:
                path = ("baselines", name, figure)
                out[path] = np.full_like(draws[path], np.nan)
        return out

    def strongest(self) -> str | None:
        """The baseline with the smallest mean absolute error."""
        errors = {
            name: float(np.abs(self._eyes.predictors[name] - self._eyes.truth).mean())
            for name in self._baselines
        }
        return min(errors, key=errors.__getitem__, default=None)

    def without_risk(self) -> list[str]:
        """Baselines that are left out of the decision curve."""
        return [] if self._fold() is not None else list(self._baselines)

    def _recovery(self, outcome: Outcome) -> list[Statistics]:
        """Discrimination and calibration of one outcome, and its baselines' discrimination."""
        eyes = self._eyes
        decided = eyes.decided(outcome)
        label = eyes.labels[outcome.name]
        chance = eyes.probabilities[outcome.name]
        cut = cut_of_eyes(eyes.table, outcome.name, self._cuts)
        own = ("recovery", outcome.name), ("calibration", outcome.name)
        figures = partial(_of_probability, *own, cut[decided])
        out = [_scored(chance, label, decided, figures)]
        for name in self._baselines:
            path = ("baselines", name, "recovery", outcome.name, "auroc")
            area = partial(_of_score, path)
            out.append(_scored(eyes.margin(name, outcome), label, decided, area))
        return out

    def _risks(self, outcome: Outcome) -> dict[str, NDArray[np.float64]]:
        """Probability of missing an acuity, by the model and, out of fold, by each baseline."""
        eyes, fold = self._eyes, self._fold()
        risks = {MODEL: 1 - eyes.probabilities[outcome.name]}
        if fold is not None:
            for name in self._baselines:
                risks[name] = risk_of_acuity(eyes.predictors[name], eyes.truth, fold, outcome)
        return risks

    def _fold(self) -> NDArray[np.int64] | None:
        """Fold of each eye, where predictions are out of fold."""
        table = self._eyes.table
        if FOLD_COLUMN not in table or table[FOLD_COLUMN].nunique() < 2:
            return None
        return table[FOLD_COLUMN].to_numpy(np.int64)

    def _place(self, name: str) -> FigurePath:
        return (ORACLE,) if name == ORACLE else ("baselines", name)


def _scored(
    score: Floats,
    label: Floats,
    decided: NDArray[np.bool_],
    figures: Callable[[Floats, Floats, Weights], Draws],
) -> Statistics:
    """Figures of a score and a label on the eyes where both are known."""
    own = score[decided], label[decided]
    return lambda weights: figures(*own, weights if decided.all() else weights[:, decided])


def _of_probability(
    discrimination: FigurePath,
    calibration: FigurePath,
    cut: Floats,
    chance: Floats,
    label: Floats,
    weights: Weights,
) -> Draws:
    """All that is told of a probability."""
    found = {
        discrimination: recovery_figures(chance, label, weights, cut),
        calibration: logistic_calibration(chance, label, weights),
    }
    return {
        (*place, *path): values for place, part in found.items() for path, values in part.items()
    }


def _of_score(path: FigurePath, score: Floats, label: Floats, weights: Weights) -> Draws:
    """AUROC of a score that is no probability."""
    both = len(np.unique(label)) == 2
    return {path: auroc(score, label, weights) if both else np.full(len(weights), np.nan)}


def _under(place: FigurePath, totals: Totals) -> Totals:
    return Totals(totals.columns, _placed(place, totals.figures))


def _placed(
    place: FigurePath, figures: Callable[[NDArray[np.float64]], Draws]
) -> Callable[[NDArray[np.float64]], Draws]:
    """The same figures with their place put before their paths."""
    return lambda given: {(*place, *path): values for path, values in figures(given).items()}
