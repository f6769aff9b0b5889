"""Half widths of prediction intervals, from the scores of eyes that a network was not trained on.

The score of an eye is |error| / scale (normalised conformal prediction: Lei et al. 2018, doi
10.1080/01621459.2017.1307116), and there is one of each patient.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.acuity import BANDS

# As many give a band a quantile of its own.
MIN_BAND_PATIENTS = 100

# Of such bands so many hold their level for the patients to come. The usual quantile holds it on
# average over calibrations: one of 250 patients is off by 2 points (SD), and half are too narrow.
BAND_CONFIDENCE = 0.8

# As many, or more, can show that a band needs more than all bands together, and no less.
FEW_BAND_PATIENTS = 30

# Fewer say nothing certain on how alike two networks err.
MIN_PAIRED_PATIENTS = 30

# Products of score and scale held at once, 8 bytes each.
BLOCK_CELLS = 4_000_000


@dataclass(frozen=True)
class Scores:
    """Scores by band of preoperative acuity; no id, and no order that would tell of one.

    Args:
        by_band: Name of a band to its scores, one of each patient.

    Raises:
        ValueError: If there is none, one is negative or endless, or a band is unknown.
    """

    by_band: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        unknown = set(self.by_band) - set(BANDS)
        if unknown:
            raise ValueError(f"there is no band {sorted(unknown)[0]!r}")
        if not len(self.all) or not np.isfinite(self.all).all() or (self.all < 0).any():
            raise ValueError("scores must be there, finite and not negative")

    @classmethod
    def of_eyes(cls, score: NDArray[np.float64], band: NDArray[np.str_]) -> "Scores":
        """Sort scores into their bands, rounded to what a file keeps of them: both (E,)."""
        rounded = np.array([float(f"{one:.6g}") for one in score])
        return cls(
            {
                name: tuple(np.sort(rounded[band == name]).tolist())
                for name in BANDS
                if (band == name).any()
            }
        )

    @cached_property
    def all(self) -> NDArray[np.float64]:
        """Those of every band."""
        return np.concatenate([np.zeros(0), *self.by_band.values()])

    def of(self, band: str) -> NDArray[np.float64]:
        """Those of one band."""
        return np.array(self.by_band.get(band, ()), dtype=np.float64)


def half_widths(
    scores: Sequence[Scores],
    scale_logmar: NDArray[np.float64],
    band: NDArray[np.str_],
    level: float,
    band_confidence: float | None = BAND_CONFIDENCE,
) -> NDArray[np.float64]:
    """Half width of each eye's interval: the corrected quantile of score * scale.

    Each score is multiplied by the scale that its own network gives the new eye, as in CV+ (Barber
    et al. 2021, doi 10.1214/20-AOS1965), so that networks with another idea of their error do not
    disturb each other. Bands with enough patients take a quantile of their own (Mondrian) that
    holds the level with the given confidence (Vovk 2012, arXiv 1209.2673), those with a few the
    wider of their own and that of all, the others that of all. With too few patients for the level,
    the largest product is doubled, since no quantile of so few can guarantee it.

    Args:
        scores: Of M networks.
        scale_logmar: (M, E) scale that each of them gives each eye.
        band: (E,) names of bands.
        level: Nominal coverage.
        band_confidence: Of a band's own quantile; None = that which holds the level on average.

    Returns:
        (E,), logMAR.
    """
    half = np.full(len(band), np.nan)
    for name in np.unique(band):
        here = band == name
        scale, own = scale_logmar[:, here], [one.of(str(name)) for one in scores]
        n = sum(map(len, own))
        widths = []
        if n >= MIN_BAND_PATIENTS and band_confidence is not None:
            from scipy.special import bdtr  # here, since a prediction of few patients does without

            # The k-th of n scores covers Beta(k, n + 1 - k): level or more if fewer than k of n
            # eyes that are each covered with this probability are.
            fewer = int(np.argmax(bdtr(np.arange(n + 1), n, level) >= band_confidence))
            widths.append(_quantiles(own, scale, 1 + fewer))
        elif n >= FEW_BAND_PATIENTS:
            widths.append(_quantiles(own, scale, _rank(n, level)))
        if n < MIN_BAND_PATIENTS:
            every = [one.all for one in scores]
            widths.append(_quantiles(every, scale, _rank(sum(map(len, every)), level)))
        half[here] = np.max(widths, axis=0)
    return half


def enough(n_patients: int, level: float) -> bool:
    """Whether so many scores can guarantee a level at all."""
    return _rank(n_patients, level) <= n_patients


def _rank(n_patients: int, level: float) -> int:
    """Which of the sorted scores; n * level is a whole number more often than floats know."""
    return math.ceil((n_patients + 1) * level - 1e-9)


def _quantiles(
    scores: Sequence[NDArray[np.float64]], scale: NDArray[np.float64], rank: int
) -> NDArray[np.float64]:
    """The rank-th of all scores, each times its network's scale, for every eye: (E,)."""
    n = sum(map(len, scores))
    if len(scores) == 1:
        ordered = np.sort(scores[0])
        return scale[0] * (ordered[rank - 1] if rank <= n else 2 * ordered[-1])
    owner = np.repeat(np.arange(len(scores)), [len(one) for one in scores])
    every = np.concatenate(scores)
    out = np.empty(scale.shape[1])
    block = max(1, BLOCK_CELLS // n)
    for start in range(0, len(out), block):
        piece = slice(start, start + block)
        products = scale[owner, piece] * every[:, None]  # (n, eyes of the block)
        if rank <= n:
            out[piece] = np.partition(products, rank - 1, axis=0)[rank - 1]
        else:
            out[piece] = 2 * products.max(axis=0)
    return out


def error_correlation(unseen: pd.Series, selected: Sequence[pd.Series]) -> float:
    """How alike two networks of a run err on an eye that neither was fitted to.

    An eye of one network's own fold may lie in the validation split of another: there, and there
    only, a run has two honest errors of one eye (the second network's checkpoint was chosen by it
    among many others, which hardly matters).

    Args:
        unseen: Error / scale of each eye by the network of its fold, indexed by eye.
        selected: The same for each network's validation split.

    Returns:
        Uncentred correlation, 0..1; 1 where too few eyes have both, so that nothing is gained from
        averaging that was not measured.
    """
    pairs = [(unseen.reindex(one.index), one) for one in selected]
    first = np.concatenate([np.zeros(0), *(a.to_numpy(float) for a, _ in pairs)])
    second = np.concatenate([np.zeros(0), *(b.to_numpy(float) for _, b in pairs)])
    both = np.isfinite(first) & np.isfinite(second)
    names = np.concatenate([np.zeros(0, str), *(b.index.to_numpy(str) for _, b in pairs)])
    spread = np.sqrt(np.sum(first[both] ** 2) * np.sum(second[both] ** 2))
    if len(np.unique(names[both])) < MIN_PAIRED_PATIENTS or spread == 0:
        return 1.0
    return float(np.clip(np.sum(first[both] * second[both]) / spread, 0, 1))


def shrinkage(members: int, correlation: float) -> float:
    """By how much the error of the mean is smaller than that of one of its members.

    sqrt(1/M + (1 - 1/M) * correlation): exact for the root mean square of errors of equal size, and
    taken for their quantiles, too.

    >>> round(shrinkage(5, 0.8), 4), shrinkage(1, 0.5)
    (0.9165, 1.0)
    """
    return math.sqrt(1 / members + (1 - 1 / members) * correlation)
