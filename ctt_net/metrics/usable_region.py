"""How many eyes, most confident first, meet a stated requirement.

Usable Region Estimate of Zhang et al. 2022, arXiv 2207.00156, carried over to regression, with what
it takes to be trusted (docs/concepts/abstention.md):

- nothing is usable until something passes: the threshold starts at infinite confidence;
- whole patients are resampled, a thousand times, by a fixed seed;
- a region holds 30 eyes or more, since a handful of hits passes any requirement by luck;
- eyes of equal confidence come in together or not at all;
- the last passing region of many is a lucky one, so the eyes that choose the threshold do not
  measure it: patients are divided into five parts, the threshold for each is chosen on the other
  four, and what is reported is measured on the part that did not choose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap import Tree
from ctt_net.metrics.bootstrap_intervals import plain_float
from ctt_net.metrics.weighted import Floats, ratio

PARTS = 5
FEWEST_EYES = 30
HEADLINE = 0.9  # of the eyes within HIT_LOGMAR
HIT_LOGMAR = 0.2  # two lines
HIT_RATES = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
ERRORS_LOGMAR = tuple(round(0.05 + 0.025 * i, 3) for i in range(11))

# One-sided: the lower end of a 95% interval, as in the paper.
TAIL = 0.025

# Thresholds that are tried; finer ones change no digit that is printed.
BLOCKS = 250


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

    share: Floats
    achieved: Floats
    blocks: NDArray[np.int64]


def parts_of_patients(patients: NDArray[np.intp], seed: int) -> NDArray[np.int64]:
    """Part of each eye, 0 to 4; both eyes of a patient in one: (n,)."""
    names, patient = np.unique(patients, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return (order % PARTS)[patient].astype(np.int64)


def like_confidence(values: Floats, most: int = BLOCKS) -> NDArray[np.int64]:
    """Blocks of ascending values of about equal size: (n,) from 0; equal values share one.

    Example:
        >>> like_confidence(np.array([3.0, 1.0, 1.0, 2.0]), 2)
        array([1, 0, 0, 1])
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(counts) > most:
        before = np.cumsum(counts) - counts
        _, block = np.unique(before * most // len(values), return_inverse=True)
        place = block[place]
    return place.astype(np.int64)


def usable_region(
    count: Floats, sums: Floats, bounds: Floats, requirement: float, high: bool = False
) -> Region:
    """Choose a threshold for each part on the others, and measure it there.

    Args:
        count: (draws, parts, 1 + blocks) eyes in the most confident blocks; of the eyes themselves
            first, then of each resample.
        sums: What is averaged, summed, likewise.
        bounds: From `prefix_bounds`.
        requirement: That the bound has to reach, or to stay below if `high`.
        high: Whether smaller is better.
    """
    with np.errstate(invalid="ignore"):
        passes = bounds <= requirement if high else bounds >= requirement
    parts, B = passes.shape
    blocks = np.where(passes.any(axis=1), B - 1 - passes[:, ::-1].argmax(axis=1), 0)
    eyes, total = (one[:, np.arange(parts), blocks].sum(axis=1) for one in (count, sums))
    achieved, share = ratio(total, eyes), ratio(eyes, count[:, :, -1].sum(axis=1))
    with np.errstate(invalid="ignore"):
        # Sums of floats: a hit rate of exactly the requirement meets it.
        kept = achieved <= requirement + 1e-12 if high else achieved >= requirement - 1e-12
    return Region(np.where(kept, share, 0.0), achieved, blocks)


def prefix_bounds(count: Floats, sums: Floats, high: bool) -> Floats:
    """Bound for the mean over the most confident blocks of the parts that choose: (parts, 1 + B).

    Arguments as in `usable_region`; `high` gives the upper bound in place of the lower one. NaN
    where a region is too small to be judged.
    """
    bounds = []
    all_eyes, all_sums = count.sum(axis=1), sums.sum(axis=1)
    for part in range(count.shape[1]):
        eyes = all_eyes - count[:, part]
        judged = eyes[0] >= FEWEST_EYES
        means = ratio((all_sums - sums[:, part])[1:, judged], eyes[1:, judged])
        bound = np.full(len(judged), np.nan)
        bound[judged] = np.quantile(means, 1 - TAIL if high else TAIL, axis=0)
        bounds.append(bound)
    return np.array(bounds)


def cell_sums(
    part: NDArray[np.int64], block: NDArray[np.int64], values: Floats, weights: Floats
) -> Floats:
    """Weighted sums over the eyes of each part and block: (resamples, parts, blocks)."""
    # Here and not above: it would slow the start of a prediction, which needs none of it.
    from scipy import sparse

    blocks = int(block.max()) + 1
    place = (np.arange(len(part)), part * blocks + block)
    indicator = sparse.csr_array((values, place), shape=(len(part), PARTS * blocks))
    return np.asarray(weights @ indicator).reshape(len(weights), PARTS, blocks)


def usable_figures(count: Floats, hits: Floats, errors: Floats, widest: Floats) -> Tree:
    """`ure`, `ure_region`, `ure_curve` and `ure_area` of metrics.json, as draws.

    Args:
        count: (draws, parts, blocks) eyes, from `cell_sums`.
        hits: Those within HIT_LOGMAR.
        errors: Their absolute errors, summed.
        widest: (blocks,) widest interval of each block, logMAR.
    """
    count, hits, errors = (
        np.cumsum(np.pad(sums, [(0, 0), (0, 0), (1, 0)]), axis=2) for sums in (count, hits, errors)
    )
    curves: Tree = {}
    areas: Tree = {}
    for name, sums, grid, high in (
        ("hit_rate", hits, HIT_RATES, False),
        ("mae", errors, ERRORS_LOGMAR, True),
    ):
        bounds = prefix_bounds(count, sums, high)
        found = [usable_region(count, sums, bounds, requirement, high) for requirement in grid]
        curves[name] = [
            {"requirement": r, "share": one.share, "achieved": plain_float(one.achieved[0])}
            for r, one in zip(grid, found, strict=True)
        ]
        shares = np.stack([one.share for one in found])
        # By trapezoids, all of one width.
        areas[name] = (shares[1:] + shares[:-1]).mean(axis=0) / 2
        if name == "hit_rate":
            headline = found[HIT_RATES.index(HEADLINE)]
    threshold = np.median(np.concatenate([[-np.inf], widest])[headline.blocks])
    return {
        "ure": headline.share,
        "ure_region": {
            "within_logmar": HIT_LOGMAR,
            "requirement": HEADLINE,
            "hit_rate": headline.achieved,
            "max_width_logmar": plain_float(threshold),
            "fewest_eyes": FEWEST_EYES,
            "parts": PARTS,
        },
        "ure_curve": curves,
        "ure_area": areas,
    }
