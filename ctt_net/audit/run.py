"""`audit`: every test of a model on a cohort, once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net import INTENDED_USE, __version__
from ctt_net.audit import groups, marks, masks, metadata, outcome_leaks, permutation
from ctt_net.audit import train_test_overlap as overlap
from ctt_net.audit.cohort_under_audit import ENOUGH_PATIENTS, CohortUnderAudit
from ctt_net.audit.result import ALPHA, AuditResult, AuditTest, corrected
from ctt_net.audit.scan_files import read_scans
from ctt_net.cohort import read_cohort
from ctt_net.data.scans import Progress
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import arrange_views, check_same_covariates

# More eyes than this give no more power that matters, and every test predicts all of them.
MOST_EYES = 2000
_STATISTICAL = AuditTest(
    "statistical-tests",
    "Statistical tests",
    "All that is measured: metadata, masks, marks, devices, sites, permutations",
    "collect more eyes with a known outcome",
)


@dataclass(frozen=True)
class Audit:
    """Results of all tests of a model on a cohort.

    Args:
        facts: What was audited, name to text.
        results: In the order tested.
        synthetic: Whether the eyes are simulated.
    """

    facts: dict[str, str]
    results: tuple[AuditResult, ...]
    synthetic: bool

    @property
    def findings(self) -> list[AuditResult]:
        """Results that are findings."""
        return [result for result in self.results if result.finding]

    def verdict(self) -> str:
        """One sentence."""
        tested = sum(result.finding is not None for result in self.results)
        left = len(self.results) - tested
        rest = f" {left} could not be done." if left else ""
        if not self.findings:
            return f"No shortcut and no leak was found by {tested} tests.{rest}"
        titles = "; ".join(result.title for result in self.findings)
        return f"{len(self.findings)} of {tested} tests are positive: {titles}.{rest}"

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
            "results": [result.to_dict() for result in self.results],
        }


def audit(
    model: Path | str | Predictor,
    cohort_folder: Path | str,
    *,
    progress: Progress | None = None,
    on_test: Progress | None = None,
) -> Audit:
    """Test a model on a cohort for shortcuts and leaks.

    Rows of `split` test are taken where there are any, else all rows. A run may be audited on the
    cohort it was trained on: each eye is then predicted by the members not trained on its patient.

    Args:
        model: Model folder, run folder, or a predictor.
        cohort_folder: The eyes.
        progress: Called for each scan read.
        on_test: Called for each test done.

    Raises:
        InputError: If something is wrong with model, cohort or scans.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    cohort, _ = read_cohort(cohort_folder).to_test_on()
    check_same_covariates(cohort, predictor.spec)
    read = read_scans(cohort, predictor.spec.preprocessing, progress)
    arranged = arrange_views(read.scans, cohort, predictor.spec)
    known = overlap.known_by(predictor, cohort.table["patient_id"].to_numpy(str))
    audited = CohortUnderAudit(
        predictor,
        cohort,
        read,
        arranged.pixels,
        arranged.present,
        overlap.out_of_fold_members(known),
    )
    measured = audited.where(_measured(audited))
    tests = _tests(audited, measured, known)
    results: list[AuditResult] = []
    for number, test in enumerate(tests, start=1):
        results += test()
        if on_test is not None:
            on_test(number, len(tests))
    count = len(predictor.members)
    facts = {
        "model": f"{predictor.spec.name} ({count} {'member' if count == 1 else 'members'})",
        "trained on": predictor.spec.cohort,
        "cohort": cohort.spec.name,
        "eyes": f"{len(audited.table)} of {audited.n_patients} patients",
        "eyes with known outcome that were measured": (
            f"{len(measured.table)} of {measured.n_patients} patients"
        ),
        "predicted": "out of fold (the run's own cohort)"
        if overlap.is_own_cohort(known)
        else "by all members",
    }
    return Audit(facts, tuple(corrected(results)), cohort.spec.synthetic)


def _tests(
    audited: CohortUnderAudit, measured: CohortUnderAudit, known: np.ndarray
) -> list[Callable[[], list[AuditResult]]]:
    """All tests, each with one or more results."""
    leaks: list[Callable[[], list[AuditResult]]] = [
        lambda: [overlap.patients_test(audited, known)],
        lambda: [overlap.scans_test(audited, known)],
        lambda: [overlap.copies_test(audited)],
        lambda: [outcome_leaks.after_test(audited)],
    ]
    if measured.n_patients < ENOUGH_PATIENTS:
        why = f"fewer than {ENOUGH_PATIENTS} patients with a known outcome"
        return [*leaks, lambda: [_STATISTICAL.not_tested(why)]]
    return [
        *leaks,
        lambda: [outcome_leaks.too_good_test(measured)],
        lambda: [outcome_leaks.covariate_test(measured)],
        lambda: [metadata.metadata_test(measured)],
        lambda: [metadata.quality_test(measured)],
        lambda: groups.shortcut_tests(measured, measured.embedding()),
        lambda: [groups.site_test(measured)],
        lambda: marks.present_tests(measured),
        lambda: [marks.added_test(measured)],
        lambda: masks.mask_tests(measured),
        lambda: [permutation.scans_test(measured)],
        lambda: [permutation.acuity_test(measured)],
        lambda: [permutation.labels_test(measured)],
    ]


def _measured(audited: CohortUnderAudit) -> np.ndarray:
    """(E,) bool: eyes of known outcome, whole patients by chance where there are too many."""
    known = np.isfinite(audited.truth)
    if known.sum() <= MOST_EYES:
        return known
    names = np.unique(audited.patients[known])
    order = pd.Series(np.random.default_rng(0).permutation(len(names)), index=names)
    rank = order.reindex(audited.patients).to_numpy(float)
    return np.asarray(known & (rank < len(names) * MOST_EYES / known.sum()))
