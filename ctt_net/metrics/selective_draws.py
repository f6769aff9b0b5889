"""All that the selective figures need of each resample of patients, gathered in one pass."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap_intervals import plain_float
from ctt_net.metrics.selective_ranking import table_correlations
from ctt_net.metrics.selective_sums import Cells, Numbers, like_confidence, resampled_sums
from ctt_net.metrics.selective_usable import PARTS, deal


class SelectiveDraws:
    """Sums and correlations of the eyes themselves, then of each resample of patients.

    Args:
        width: (eyes,) of the interval, NaN where there is none.
        error: (eyes,) absolute.
        hit: (eyes,) 1 where the error is small enough, else 0.
        abstained: (eyes,).
        patients: (eyes,).
        blocks: Blocks of like confidence, at the most.
        table: Rows and columns of the table that the correlations of resamples are read from.
        resamples: Of patients.
        seed: Of resamples and parts.
    """

    def __init__(
        self,
        width: Numbers,
        error: Numbers,
        hit: Numbers,
        abstained: NDArray[np.bool_],
        patients: NDArray[np.str_],
        *,
        blocks: int,
        table: int,
        resamples: int,
        seed: int,
    ) -> None:
        E, given = len(error), np.isfinite(width)
        block, by_width, by_error = (np.full(E, -1), np.full(E, -1), np.full(E, -1))
        block[given] = like_confidence(width[given], blocks)  # the narrowest first
        by_width[given] = like_confidence(-width[given], table)
        by_error[given] = like_confidence(-error[given], table)
        ordered = np.full(E, -1)
        ordered[given] = like_confidence(error[given], blocks)
        part = np.where(given, deal(patients, seed), -1)
        B, one = block.max() + 1, np.ones(E)
        W, S, T = by_width.max() + 1, ordered.max() + 1, by_error.max() + 1
        place = np.where(given, part * B + block, -1)
        cells = {
            "table": Cells(np.where(given, by_width * T + by_error, -1), one, (W, T)),
            "count": Cells(place, one, (PARTS, B)),
            "error": Cells(place, error, (PARTS, B)),
            "hit": Cells(place, hit, (PARTS, B)),
            "ordered_count": Cells(ordered, one, (S,)),
            "ordered_error": Cells(ordered, error, (S,)),
            "eyes": Cells(abstained.astype(np.int64), one, (2,)),
            "eyes_error": Cells(abstained.astype(np.int64), error, (2,)),
            "eyes_hit": Cells(abstained.astype(np.int64), hit, (2,)),
        }
        whole = {name: cell.total() for name, cell in cells.items()}
        kept: dict[str, list[Numbers]] = {name: [] for name in ("rho", "tau", *cells)}
        for sums in (whole, *resampled_sums(patients.tolist(), cells, resamples, seed)):
            # The table of each resample is large, and only two numbers of it are needed.
            rho, tau = table_correlations(sums.pop("table"))
            for name, values in {"rho": rho, "tau": tau, **sums}.items():
                kept[name].append(values)
        self.widest = np.zeros(B)
        np.maximum.at(self.widest, block[given], width[given])
        self.sums = {name: np.concatenate(parts) for name, parts in kept.items() if parts}

    def by_block(self, name: str) -> Numbers:
        """Of all parts: (draws, B)."""
        return self.sums[name].sum(axis=1)

    def threshold(self, blocks: NDArray[np.int64]) -> float | None:
        """Width that most parts take for usable; None where most take none."""
        return plain_float(np.median(np.concatenate([[-np.inf], self.widest])[blocks]))
