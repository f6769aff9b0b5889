"""Does a model know which of its predictions are good: rank correlations and error at coverage.

Confidence is minus the width of the interval and correctness minus the absolute error, after the
Correctness-Confidence Rank Correlation of Zhang et al. 2022, arXiv 2207.00156, carried over from
classification to regression. Risk and coverage: El-Yaniv and Wiener 2010, JMLR 11:1605-1641.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Numbers = NDArray[np.float64]

# Cells of one batch of simulated errors: 32 MB.
_BATCH_CELLS = 4_000_000


def rank_correlations(confidence: Numbers, correctness: Numbers) -> tuple[float, float]:
    """Spearman's rho and Kendall's tau-b; 0 where one of the two is constant and ranks nothing."""
    if np.ptp(confidence) == 0 or np.ptp(correctness) == 0:
        return 0.0, 0.0
    rho = stats.spearmanr(confidence, correctness).statistic
    return float(rho), float(stats.kendalltau(confidence, correctness, variant="b").statistic)


def table_correlations(table: Numbers) -> tuple[Numbers, Numbers]:
    """The same of counted pairs.

    Args:
        table: (resamples, C, E) how many eyes fall into each block of confidence and correctness,
            both ascending.

    Returns:
        Rho and tau-b: (resamples,).
    """
    rows, columns = table.sum(axis=2), table.sum(axis=1)
    total = rows.sum(axis=1)
    x, y = _centred_ranks(rows), _centred_ranks(columns)
    together = np.einsum("rce,rc,re->r", table, x, y, optimize=True)
    spread = np.sqrt((rows * x**2).sum(axis=1) * (columns * y**2).sum(axis=1))
    pairs = total * (total - 1) / 2
    # Sum over cells of what lies beyond in both, less what lies beyond in one and before in one.
    beyond = np.cumsum(table[:, ::-1], axis=1)[:, ::-1] - table
    left = np.cumsum(beyond, axis=2)
    right = left[:, :, -1:] - left
    ordered = (table * (right - (left - beyond))).sum(axis=(1, 2))
    tied = [(one * (one - 1) / 2).sum(axis=1) for one in (rows, columns)]
    untied = np.sqrt((pairs - tied[0]) * (pairs - tied[1]))
    return _ratio(together, spread), _ratio(ordered, untied)


def ceiling_draws(width: Numbers, draws: int, seed: int) -> Numbers:
    """Rank correlation that a model would reach whose every interval is exactly right: (draws,).

    Its errors are normal with a standard deviation in proportion to the width. Even so a narrow
    interval may miss by more than a wide one, hence the correlation lies far below 1.

    Args:
        width: (eyes,).
        draws: Simulations.
        seed: Of the errors.
    """
    rank = stats.rankdata(width)
    rank -= rank.mean()
    n = len(width)
    if not rank.any():
        return np.zeros(draws)
    generator = np.random.default_rng(seed)
    spread = np.sqrt((rank**2).sum() * n * (n * n - 1) / 12)
    found = []
    batch = max(1, _BATCH_CELLS // n)
    for start in range(0, draws, batch):
        error = np.abs(generator.standard_normal((min(batch, draws - start), n))) * width
        # The k-th smallest error has rank k, so the sum of products needs no ranks of its own.
        ordered = rank[np.argsort(error, axis=1)]
        found.append(ordered @ np.arange(1.0, n + 1) / spread)
    return np.concatenate(found)


def area_under_risk(count: Numbers, error: Numbers) -> Numbers:
    """Mean over all coverages of the mean error among the most confident eyes: (resamples,).

    Within a block any order is as good as another, so its eyes come in with their mean.

    Args:
        count: (resamples, B) eyes in each block, the most confident first.
        error: (resamples, B) their absolute errors summed.
    """
    before, sum_before = np.cumsum(count, axis=1) - count, np.cumsum(error, axis=1) - error
    mean = _ratio(error, count)
    # Sum over the eyes of a block of (errors so far) / (eyes so far), as harmonic numbers.
    harmonic = special.digamma(before + count + 1) - special.digamma(before + 1)
    area = (count * mean + (sum_before - mean * before) * harmonic).sum(axis=1)
    return area / count.sum(axis=1)


def risk_at(count: Numbers, error: Numbers, coverage: Numbers) -> Numbers:
    """Mean error of the most confident share of the eyes: (resamples, coverages).

    Args:
        count: (resamples, B) eyes in each block, the most confident first.
        error: (resamples, B) what is averaged, summed over the block.
        coverage: Shares above 0.
    """
    taken = coverage[None] * count.sum(axis=1)[:, None]
    out = np.empty(taken.shape)
    for r, k in enumerate(taken):
        ends = np.concatenate([[0.0], np.cumsum(count[r])])
        sums = np.concatenate([[0.0], np.cumsum(error[r])])
        out[r] = np.interp(k, ends, sums) / k
    return out


def _centred_ranks(counts: Numbers) -> Numbers:
    """Mean rank of each block, less the mean of all: (resamples, blocks)."""
    return np.cumsum(counts, axis=1) - counts / 2 - counts.sum(axis=1, keepdims=True) / 2


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    """Quotient, 0 where nothing stands below."""
    return np.divide(above, below, out=np.zeros_like(above, dtype=np.float64), where=below > 0)
