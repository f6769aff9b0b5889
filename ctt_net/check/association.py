"""How far a label of the eye tells its outcome: effect size, and chance by permuting patients."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_SEED = 0


@dataclass(frozen=True)
class Association:
    """How far groups of eyes differ in a value.

    Args:
        omega_squared: Share of the variance between groups, corrected for their number (Hays
            1963); 0 is none, 1 is all.
        p_value: Chance of as much by permuting patients over the groups.
        medians: Median of each group, largest group first.
        n_patients: Patients it rests on.
    """

    omega_squared: float
    p_value: float
    medians: dict[str, float]
    n_patients: int


def association(
    groups: pd.Series,
    values: pd.Series,
    patients: pd.Series,
    floor: float,
    n_permutations: int = 1999,
) -> Association | None:
    """Compare groups by the mean value of each patient.

    Fellow eyes resemble each other, so the patient is what is permuted; one who stands in several
    groups counts in the first.

    Args:
        groups: Label of each eye, empty or NaN = unknown.
        values: Value of each eye, NaN = unknown.
        patients: Patient of each eye.
        floor: Omega squared below which nothing is permuted and the p-value is 1.
        n_permutations: How many.

    Returns:
        None where there are fewer than two groups of three patients.
    """
    known = groups.notna() & (groups.astype(str) != "") & values.notna()
    eyes = pd.DataFrame(
        {"group": groups[known].astype(str), "value": values[known], "patient": patients[known]}
    )
    people = eyes.groupby("patient", sort=False).agg(
        group=("group", "first"), value=("value", "mean")
    )
    sizes = people["group"].value_counts()
    people = people[people["group"].isin(sizes.index[sizes >= 3])]
    codes, names = pd.factorize(people["group"])
    if len(names) < 2:
        return None
    value = people["value"].to_numpy(float)
    value = value - value.mean()
    total = float((value**2).sum())
    if total <= 0:
        return None
    count = np.bincount(codes).astype(float)
    n, k = len(value), len(names)

    def between(shuffled: np.ndarray) -> float:
        return float((np.bincount(codes, shuffled, minlength=k) ** 2 / count).sum())

    observed = between(value)
    within_mean = (total - observed) / max(n - k, 1)
    omega = (observed - (k - 1) * within_mean) / (total + within_mean)
    p_value = 1.0
    if omega >= floor:
        rng = np.random.default_rng(_SEED)
        as_much = observed * (1 - 1e-9)  # a permutation within groups rounds a little differently
        more = sum(between(rng.permutation(value)) >= as_much for _ in range(n_permutations))
        p_value = (1 + more) / (1 + n_permutations)
    medians = eyes.groupby("group")["value"].median()
    in_order = {str(name): float(medians[name]) for name in sizes.index if name in set(names)}
    return Association(float(omega), p_value, in_order, n)
