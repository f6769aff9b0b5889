"""How many eyes, most confident first, meet a stated requirement.

Usable Region Estimate of Zhang et al. 2022, arXiv 2207.00156, carried over to regression, with what
it takes to be trusted (docs/abstention.md):

- nothing is usable until something passes: the threshold starts at infinite confidence;
- whole patients are resampled, a thousand times, by a fixed seed;
- a region holds 30 eyes or more, since a handful of hits passes any requirement by luck;
- eyes of equal confidence come in together or not at all;
- the last passing region of many is a lucky one, so the eyes that choose the threshold do not
  measure it: patients are dealt into five parts, the threshold for each is chosen on the other
  four, and what is reported is measured on the part that did not choose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.selective_sums import Numbers

PARTS = 5
FEWEST_EYES = 30

# One-sided: the lower end of a 95% interval, as in the paper.
TAIL = 0.025


@dataclass(frozen=True)
class Region:
    """What a requirement leaves usable.

    Args:
        share: (draws,) of the eyes, of the eyes themselves first, then of each resample; 0 where
            the eyes that did not choose the threshold do not meet the requirement.
        achieved: (draws,) what is required, measured on the usable eyes that did not choose; NaN
            where there are none.
        blocks: (parts,) how many blocks are usable in each.
    """

    share: Numbers
    achieved: Numbers
    blocks: NDArray[np.int64]


def deal(patients: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """Part of each eye, 0 to 4; both eyes of a patient in one: (eyes,)."""
    names, patient = np.unique(patients, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return (order % PARTS)[patient].astype(np.int64)


def most_confident(cells: Numbers) -> Numbers:
    """Sums over the most confident blocks, of every length: (draws, parts, 1 + B), from none on."""
    return np.cumsum(np.pad(cells, [(0, 0), (0, 0), (1, 0)]), axis=2)


def prefix_bounds(count: Numbers, sums: Numbers, high: bool) -> Numbers:
    """Bound for the mean over the most confident blocks of the parts that choose: (parts, 1 + B).

    Args:
        count: Eyes, from `most_confident`; the first draw is the eyes themselves, the others are
            resamples.
        sums: What is averaged, summed, from `most_confident`.
        high: Upper bound in place of the lower one.

    Returns:
        NaN where a region is too small to be judged.
    """
    bounds = []
    all_eyes, all_sums = count.sum(axis=1), sums.sum(axis=1)
    for part in range(count.shape[1]):
        eyes = all_eyes - count[:, part]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (all_sums - sums[:, part])[1:] / eyes[1:]
        judged = eyes[0] >= FEWEST_EYES
        bound = np.full(len(judged), np.nan)
        bound[judged] = np.quantile(means[:, judged], 1 - TAIL if high else TAIL, axis=0)
        bounds.append(bound)
    return np.array(bounds)


def region(
    count: Numbers, sums: Numbers, bounds: Numbers, requirement: float, high: bool
) -> Region:
    """Choose a threshold for each part on the others, and measure it there.

    Args:
        count: As for `prefix_bounds`.
        sums: As for `prefix_bounds`.
        bounds: From `prefix_bounds`.
        requirement: That the bound has to reach, or to stay below if `high`.
        high: Whether smaller is better.
    """
    with np.errstate(invalid="ignore"):
        passes = bounds <= requirement if high else bounds >= requirement
    parts, B = passes.shape
    blocks = np.where(passes.any(axis=1), B - 1 - passes[:, ::-1].argmax(axis=1), 0)
    eyes, total = (one[:, np.arange(parts), blocks].sum(axis=1) for one in (count, sums))
    with np.errstate(invalid="ignore", divide="ignore"):
        achieved = total / eyes
        share = eyes / count[:, :, -1].sum(axis=1)
        # Sums of floats: a hit rate of exactly the requirement meets it.
        kept = achieved <= requirement + 1e-12 if high else achieved >= requirement - 1e-12
    return Region(np.where(kept, share, 0.0), achieved, blocks)
