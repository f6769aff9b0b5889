"""Marks that lie in the scans: do they tell the outcome?"""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import ENOUGH_PATIENTS, Subject
from ctt_net.audit.metadata import one_hot
from ctt_net.audit.partial_r2 import Explained, explained_by_kernel
from ctt_net.audit.probe import Probe, Question

SEARCHED = Question(
    "marks-searched",
    "Does what lies outside the retina (corners, borders, faint patterns) tell the outcome?",
    "look at the outermost parts of the scans, best and worst outcomes beside each other; export "
    "them alike, and train again",
)
WITHIN_SITE = Question(
    "marks-within-a-site",
    "The same within each site: were the scans of one site marked by their outcome?",
    "ask that site how its scans were exported; leave it out until this is known",
)


FLOOR = 0.1  # share of the remaining variance
_MOST_EYES = 800


def search_probes(subject: Subject) -> list[Probe]:
    """Search for marks over the whole cohort, then within each site."""
    whole = search(subject, np.arange(len(subject.truth)))
    probes = [
        SEARCHED.answered(
            f"It tells {max(whole.share, 0):.0%} of the variance that is left beyond preoperative "
            f"acuity, age, quality and device.",
            whole.share >= FLOOR,
            p_value=whole.p_value,
            figures={"share_explained": whole.figure},
        )
    ]
    sites = subject.table["site"].astype(str).to_numpy() if "site" in subject.table else None
    groups = {} if sites is None else {name: np.flatnonzero(sites == name) for name in set(sites)}
    groups = {
        name: eyes
        for name, eyes in sorted(groups.items())
        if name and len(set(subject.patients[eyes])) >= ENOUGH_PATIENTS
    }
    if len(groups) < 2:
        why = f"the cohort has fewer than two sites of {ENOUGH_PATIENTS} patients"
        return [*probes, WITHIN_SITE.impossible(why)]
    told = {name: search(subject, eyes) for name, eyes in groups.items()}
    worst = min(told, key=lambda name: (told[name].p_value, -told[name].share))
    said = ", ".join(f"{name} {max(one.share, 0):.0%}" for name, one in told.items())
    probes.append(
        WITHIN_SITE.answered(
            f"Share told at each site: {said}.",
            told[worst].share >= FLOOR,
            p_value=min(1.0, told[worst].p_value * len(told)),
            figures={f"site_{name}": one.figure for name, one in told.items()},
        )
    )
    return probes


def search(subject: Subject, eyes: NDArray[np.int64]) -> Explained:
    """What the pictures outside the retina tell of the outcome of some eyes.

    Beyond quality and device too: noise goes with the cataract, and devices look different.
    """
    if len(eyes) > _MOST_EYES:
        people = np.unique(subject.patients[eyes])
        order = np.random.default_rng(0).permutation(len(people))
        chosen = people[order[: int(len(people) * _MOST_EYES / len(eyes))]]
        eyes = eyes[np.isin(subject.patients[eyes], chosen)]
    outside = subject.read.outside[eyes]
    flat = outside.reshape(len(eyes), -1).astype(np.float32)
    device = (
        one_hot(subject.table["device"].iloc[eyes], subject.patients[eyes])
        if "device" in subject.table
        else np.zeros((len(eyes), 0))
    )
    given = np.column_stack([subject.given[eyes], subject.quality[eyes], device])
    kernel = (flat @ flat.T).astype(np.float64)
    return explained_by_kernel(kernel, subject.truth[eyes], given, subject.patients[eyes], FLOOR)
