"""Device and site: can they be read off what the model sees, and do they then tell the outcome?"""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.chance import ratio_figure
from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.metadata import one_hot
from ctt_net.audit.partial_r2 import beyond, explained
from ctt_net.audit.probe import Probe, Question

Floats = NDArray[np.float64]

_CURE = (
    "find out why the groups have other outcomes; balance them, or train on one and test on the "
    "other"
)
QUESTIONS = {
    name: Question(
        f"{name}-as-shortcut",
        f"Can the {name} be read off {{}}, and does it tell the outcome beyond preoperative acuity "
        f"and age?",
        _CURE,
    )
    for name in ("device", "site")
}

FLOOR = 0.05
# Readable: as far above chance as half of what is missing from it to certainty.
_READABLE = 0.5
_FOLDS = 5


def device_probes(subject: Subject, features: Floats | None = None) -> list[Probe]:
    """One probe for the device, one for the site.

    Being readable is no fault by itself: two makes look different. Telling the outcome is no fault
    of the model's. Both together are the shortcut that a network takes.

    Args:
        subject: Whose eyes.
        features: (E, D) what the model makes of each eye; statistics of the grey levels where
            there is none.
    """
    what = "the model's embedding" if features is not None else "the look of the scans"
    seen = look(subject) if features is None else features
    return [_probe(subject, name, seen, what) for name in QUESTIONS]


def look(subject: Subject) -> Floats:
    """(E, 5 V) statistics of the grey levels, the view's mean where a scan is absent."""
    files = subject.read.files
    columns = []
    for view in range(files.shape[1]):
        there = np.array([file is not None for file in files[:, view]])
        if there.any():
            facts = np.zeros((len(files), len(files[there][0, view].look)))
            facts[there] = np.stack([file.look for file in files[there, view]])
            facts[~there] = facts[there].mean(axis=0)
            columns.append(facts)
    return np.column_stack(columns) if columns else np.zeros((len(files), 0))


def _probe(subject: Subject, name: str, seen: Floats, what: str) -> Probe:
    question = QUESTIONS[name]
    question = Question(question.name, question.asked.format(what), question.cure)
    if name not in subject.table:
        return question.impossible(f"the cohort names no {name}")
    groups = one_hot(subject.table[name], subject.patients)
    if groups.shape[1] < 2:
        return question.impossible(f"the cohort has fewer than two groups by {name}")
    label = groups.argmax(axis=1)
    right = recognised(seen, groups, subject.patients)
    share = np.bincount(label) / len(label)
    # Each group counts alike, so that always naming the largest one is chance.
    weight = 1.0 / (share[label] * len(share))
    accuracy = ratio_figure(right * weight, weight, subject.patients)
    chance = 1.0 / len(share)
    readable = accuracy["value"] - chance >= _READABLE * (1 - chance)
    outcome = explained(groups, subject.truth, subject.given, subject.patients, FLOOR)
    used = explained(groups, subject.predicted, subject.given, subject.patients, np.inf)
    return question.answered(
        f"It is named rightly in {accuracy['value']:.0%} of the eyes (chance {chance:.0%}); it "
        f"tells {max(outcome.share, 0):.0%} of the variance that is left of the outcome, and "
        f"{max(used.share, 0):.0%} of that of the predictions.",
        readable and outcome.share >= FLOOR,
        p_value=outcome.p_value if readable else 1.0,
        figures={
            "balanced_accuracy": accuracy,
            "share_of_outcome": outcome.figure,
            "share_of_predictions": used.figure,
        },
    )


def recognised(seen: Floats, groups: Floats, patients: NDArray) -> Floats:
    """(E,) 1 where ridge regression on other patients names the right group, else 0."""
    names, codes = np.unique(patients, return_inverse=True)
    fold = (np.random.default_rng(0).permutation(len(names)) % _FOLDS)[codes]
    spread = seen.std(axis=0)
    x = beyond(seen[:, spread > 0] / spread[spread > 0], np.zeros((len(seen), 0)))
    score = np.zeros_like(groups)
    for k in range(_FOLDS):
        train, test = fold != k, fold == k
        mean = groups[train].mean(axis=0)
        inner = x[train].T @ x[train] + 0.1 * train.sum() * np.eye(x.shape[1])
        score[test] = x[test] @ np.linalg.solve(inner, x[train].T @ (groups[train] - mean))
    return (score.argmax(axis=1) == groups.argmax(axis=1)).astype(float)
