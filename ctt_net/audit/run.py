"""One audit: a model and a cohort, every question asked once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net import INTENDED_USE, __version__
from ctt_net.audit import (
    devices,
    marks_added,
    marks_searched,
    masks,
    metadata,
    outcome_leaks,
    sites,
)
from ctt_net.audit import permutation as exchange
from ctt_net.audit import train_test_overlap as seen
from ctt_net.audit.cohort_under_audit import ENOUGH_PATIENTS, Subject
from ctt_net.audit.probe import ALPHA, Probe, Question, judge
from ctt_net.audit.scan_files import read_scans
from ctt_net.cohort import read_cohort
from ctt_net.data.scans import Progress
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import arrange_views, check_same_covariates

# More eyes than this make nothing clearer, and every question sends all of them through the model.
MOST_EYES = 2000
_MEASURES = Question(
    "measurements",
    "Everything that is measured beside the outcome: metadata, masks, marks, devices, sites",
    "collect more eyes with a known outcome",
)


@dataclass(frozen=True)
class Audit:
    """What was asked of a model on a cohort, and what came out.

    Args:
        facts: What was audited, name to words.
        probes: In the order asked.
        synthetic: Whether the eyes are simulated.
    """

    facts: dict[str, str]
    probes: tuple[Probe, ...]
    synthetic: bool

    @property
    def findings(self) -> list[Probe]:
        """What was found."""
        return [probe for probe in self.probes if probe.finding]

    def verdict(self) -> str:
        """One sentence."""
        asked = sum(probe.finding is not None for probe in self.probes)
        left = len(self.probes) - asked
        rest = f" {left} could not be asked." if left else ""
        if not self.findings:
            return f"No shortcut and no leak was found by {asked} questions.{rest}"
        names = ", ".join(probe.name for probe in self.findings)
        return f"{len(self.findings)} of {asked} questions found something: {names}.{rest}"

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping, as audit.json holds it."""
        return {
            "ctt_net": __version__,
            "intended_use": INTENDED_USE,
            "synthetic": self.synthetic,
            "facts": self.facts,
            "alpha": ALPHA,
            "verdict": self.verdict(),
            "n_findings": len(self.findings),
            "probes": [probe.to_dict() for probe in self.probes],
        }


def audit(
    model: Path | str | Predictor,
    cohort_folder: Path | str,
    *,
    progress: Progress | None = None,
    on_probe: Progress | None = None,
) -> Audit:
    """Ask a model and a cohort everything.

    Rows of `split` test are taken where there are any, else all rows. A run may be audited on the
    cohort it was trained on: each eye is then predicted by the members that never saw its patient.

    Args:
        model: Model folder, run folder, or a predictor.
        cohort_folder: The eyes.
        progress: Told of each scan read.
        on_probe: Told of each question asked.

    Raises:
        InputError: If something is wrong with model, cohort or scans.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    cohort, _ = read_cohort(cohort_folder).to_test_on()
    check_same_covariates(cohort, predictor.spec)
    read = read_scans(cohort, predictor.spec.preprocessing, progress)
    arranged = arrange_views(read.scans, cohort, predictor.spec)
    known = seen.known_by(predictor, cohort.table["patient_id"].to_numpy(str))
    subject = Subject(
        predictor,
        cohort,
        read,
        arranged.pixels,
        arranged.present,
        seen.speaking_members(known),
    )
    measured = subject.where(_measured(subject))
    questions = _questions(subject, measured, known)
    probes: list[Probe] = []
    for number, question in enumerate(questions, start=1):
        probes += question()
        if on_probe is not None:
            on_probe(number, len(questions))
    count = len(predictor.members)
    facts = {
        "model": f"{predictor.spec.name} ({count} {'member' if count == 1 else 'members'})",
        "trained on": predictor.spec.cohort,
        "cohort": cohort.spec.name,
        "eyes": f"{len(subject.table)} of {subject.n_patients} patients",
        "eyes with known outcome that were measured": (
            f"{len(measured.table)} of {measured.n_patients} patients"
        ),
        "predicted": "out of fold (the run's own cohort)"
        if seen.is_own_cohort(known)
        else "by all members",
    }
    return Audit(facts, tuple(judge(probes)), cohort.spec.synthetic)


def _questions(
    subject: Subject, measured: Subject, known: np.ndarray
) -> list[Callable[[], list[Probe]]]:
    """What is asked, each giving one or more probes."""
    leaks: list[Callable[[], list[Probe]]] = [
        lambda: [seen.patients_probe(subject, known)],
        lambda: [seen.scans_probe(subject, known)],
        lambda: [seen.copies_probe(subject)],
        lambda: [outcome_leaks.after_probe(subject)],
    ]
    if measured.n_patients < ENOUGH_PATIENTS:
        why = f"fewer than {ENOUGH_PATIENTS} patients with a known outcome"
        return [*leaks, lambda: [_MEASURES.impossible(why)]]
    return [
        *leaks,
        lambda: [outcome_leaks.too_good_probe(measured)],
        lambda: [outcome_leaks.covariate_probe(measured)],
        lambda: [metadata.metadata_probe(measured)],
        lambda: [metadata.quality_probe(measured)],
        lambda: devices.device_probes(measured, measured.embedding()),
        lambda: [sites.site_probe(measured)],
        lambda: marks_searched.search_probes(measured),
        lambda: [marks_added.added_probe(measured)],
        lambda: masks.mask_probes(measured),
        lambda: [exchange.scans_probe(measured)],
        lambda: [exchange.acuity_probe(measured)],
        lambda: [exchange.labels_probe(measured)],
    ]


def _measured(subject: Subject) -> np.ndarray:
    """(E,) bool: eyes of known outcome, whole patients by chance where there are too many."""
    known = np.isfinite(subject.truth)
    if known.sum() <= MOST_EYES:
        return known
    names = np.unique(subject.patients[known])
    order = pd.Series(np.random.default_rng(0).permutation(len(names)), index=names)
    rank = order.reindex(subject.patients).to_numpy(float)
    return np.asarray(known & (rank < len(names) * MOST_EYES / known.sum()))
