"""The interval of a difference that was measured on overlapping training sets.

Folds share most of their training eyes, and repeats share all their eyes, so the differences of two
models from fold to fold are not independent and the usual t interval is far too narrow. The
corrected resampled t interval (Nadeau and Bengio 2003, doi 10.1023/A:1024068626366; for repeated
folds Bouckaert and Frank 2004, doi 10.1007/978-3-540-24775-3_3) puts back what they share: the
variance of the mean of J differences is taken as (1/J + n_test/n_train) times their variance
instead of 1/J times.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from ctt_net.cohort.predictions import FOLD_COLUMN
from ctt_net.metrics.bootstrap_intervals import plain_float


def corrected_interval(
    differences: Sequence[float], test_to_train: float, level: float = 0.95
) -> list[float | None]:
    """Interval of the expected difference between two ways of training.

    Args:
        differences: One per fold and repeat: figure of the one minus figure of the other, on the
            same tested eyes, both trained on the same others.
        test_to_train: Tested eyes over training eyes of a fold; 1 / (k - 1) for k whole folds.
        level: Confidence level, 0..1.

    Returns:
        Lower and upper end; two None for fewer than two differences.

    Raises:
        ValueError: If `test_to_train` is not positive; 0 would be the uncorrected interval.

    Example:
        >>> [round(end, 3) for end in corrected_interval([-0.02, -0.01, -0.03, 0.0, -0.02], 0.25)]
        [-0.037, 0.005]
    """
    if not test_to_train > 0:
        raise ValueError(f"test_to_train must be above 0, got {test_to_train!r}")
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 2 or not np.isfinite(values).all():
        return [None, None]
    error = np.sqrt((1 / len(values) + test_to_train) * values.var(ddof=1))
    reach = stats.t.ppf((1 + level) / 2, df=len(values) - 1) * error
    return [plain_float(values.mean() - reach), plain_float(values.mean() + reach)]


def fold_differences(
    one: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame], same_folds: bool
) -> tuple[list[float], float]:
    """MAE of one predictor minus that of the other, for each fold of each repeat.

    Args:
        one: Out-of-fold tables by repeat.
        other: The same of its reference.
        same_folds: Whether the repeats share their folds; a fold's differences are then averaged
            over the repeats, since tested on the same eyes they are no further evidence.

    Returns:
        The differences, and the mean number of tested eyes of a fold.
    """
    rows = []
    for repeat in one:
        left = one[repeat][one[repeat]["postop_logmar"].notna()].set_index("eye_id").sort_index()
        right = other[repeat].set_index("eye_id").loc[left.index]
        gap = _absolute_error(left) - _absolute_error(right)
        by_fold = gap.groupby(left[FOLD_COLUMN]).agg(["mean", "size"])
        rows.append(by_fold.assign(repeat=repeat))
    table = pd.concat(rows).rename_axis("fold").reset_index()
    tested = float(table["size"].mean())
    if same_folds:
        return table.groupby("fold")["mean"].mean().tolist(), tested
    return table["mean"].tolist(), tested


def _absolute_error(table: pd.DataFrame) -> pd.Series:
    return (table["predicted_logmar"] - table["postop_logmar"]).abs()
