"""Devices or sites whose eyes differ in outcome: a shortcut for a network."""

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import pandas as pd

from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort

DEVICE = Check(
    "device-predicts-outcome",
    "Outcome differs by device",
    "a network can recognise the device from the picture, and would then predict from it instead "
    "of from the eye",
    "find out why the devices have other eyes; balance them, or test on each device apart",
)
SITE = Check(
    "site-predicts-outcome",
    "Outcome differs by site",
    "whatever marks the scans of a site then predicts the outcome without the eye",
    "find out why the sites have other eyes; balance them, or test on each site apart",
)

# At 60 to 3,000 simulated eyes no clean cohort of 20 seeds reaches both (docs/reference/check.md).
LEAST_EFFECT = 0.06
ALPHA = 0.001
_FEWEST_PATIENTS = 3
_SHOWN_GROUPS = 4


@dataclass(frozen=True)
class Association:
    """How far groups of eyes differ in a value.

    Args:
        omega_squared: Share of the variance between groups, corrected for their number (Hays
            1963); 0 is none, 1 is all.
        p_value: By permuting patients over the groups; 1 below the least effect.
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
    least_effect: float = LEAST_EFFECT,
    n_permutations: int = 1999,
) -> Association | None:
    """Compare groups by the mean value of each patient.

    Fellow eyes resemble each other, so patients are permuted; one who stands in several groups
    counts in the first.

    Args:
        groups: Label of each eye, empty or NaN = unknown.
        values: Value of each eye, NaN = unknown.
        patients: Patient of each eye.
        least_effect: Omega squared below which nothing is permuted.
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
    sizes = sizes[sizes >= _FEWEST_PATIENTS]
    people = people[people["group"].isin(sizes.index)]
    codes, names = pd.factorize(people["group"])
    value = people["value"].to_numpy(float)
    n, k = len(value), len(names)
    if k < 2 or np.ptp(value) == 0:
        return None
    value = value - value.mean()
    count, total = np.bincount(codes), float((value**2).sum())

    def between(shuffled: np.ndarray) -> float:
        return float((np.bincount(codes, shuffled, minlength=k) ** 2 / count).sum())

    observed = between(value)
    within = (total - observed) / (n - k)
    omega = (observed - (k - 1) * within) / (total + within)
    p_value = 1.0
    if omega >= least_effect:
        rng = np.random.default_rng(0)
        limit = observed * (1 - 1e-9)  # a permutation within groups rounds a little differently
        reached = sum(between(rng.permutation(value)) >= limit for _ in range(n_permutations))
        p_value = (1 + reached) / (1 + n_permutations)
    medians = eyes.groupby("group")["value"].median()
    return Association(omega, p_value, {str(g): float(medians[g]) for g in sizes.index}, n)


def shortcut_findings(cohort: Cohort) -> list[Finding]:
    """Groups whose outcome differs by more than chance and by more than a little."""
    found = []
    table = cohort.table
    for column, check in (("device", DEVICE), ("site", SITE)):
        if column in table:
            link = association(table[column], table["postop_logmar"], table["patient_id"])
            if is_strong(link):
                found.append(check.found("warning", description(column, link), column=column))
    return found


def is_strong(link: Association | None) -> TypeGuard[Association]:
    """Whether groups differ beyond chance, and enough to be learned."""
    return link is not None and link.omega_squared >= LEAST_EFFECT and link.p_value <= ALPHA


def description(what: str, link: Association) -> str:
    """One sentence with the share of variance, the medians and the p-value."""
    shown = list(link.medians.items())[:_SHOWN_GROUPS]
    medians = ", ".join(f"{name} {median:.2f}" for name, median in shown)
    more = f", ... ({len(link.medians)} groups)" if len(link.medians) > _SHOWN_GROUPS else ""
    return (
        f"{what} alone explains {link.omega_squared:.0%} of the variance of the postoperative "
        f"acuity (median logMAR {medians}{more}; permutation of {link.n_patients} patients, "
        f"p = {link.p_value:.2g})"
    )
