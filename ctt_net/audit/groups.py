"""Device and site: can a model recognise them, and do errors or outcomes differ between them?"""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import CohortUnderAudit
from ctt_net.audit.metadata import one_hot
from ctt_net.audit.partial_r2 import partial_r2, residuals
from ctt_net.audit.resampling import FOLDS, mean_figure, patient_folds, ratio_figure
from ctt_net.audit.result import AuditResult, AuditTest, Row
from ctt_net.report.comparison import signed_text

Floats = NDArray[np.float64]

_FIX = (
    "find out why the groups have other outcomes; balance them, or train on one and test on the "
    "other"
)
SHORTCUTS = {
    name: AuditTest(
        f"{name}-as-shortcut",
        f"{name.capitalize()} as shortcut",
        f"Can the {name} be predicted from {{}}, and does it explain the outcome beyond "
        f"preoperative acuity and age?",
        _FIX,
    )
    for name in ("device", "site")
}
SITES = AuditTest(
    "errors-by-site",
    "Errors differ by site",
    "Does the model's error, or its absolute value, differ at some site?",
    "review that site's acuities, units and scans first; report it separately",
)

LEAST_R2 = 0.05
# Recognisable: as far above chance as half of the distance from chance to certainty.
_RECOGNISABLE = 0.5


def shortcut_tests(audited: CohortUnderAudit, features: Floats | None = None) -> list[AuditResult]:
    """One result for the device, one for the site.

    That a group can be recognised is no fault: two makes differ in appearance. That it explains the
    outcome is no fault of the model. Both together are a shortcut that a network can take.

    Args:
        audited: Whose eyes.
        features: (E, D) embedding of each eye; statistics of the grey levels where there is none.
    """
    what = "the model's embedding" if features is not None else "the grey levels of the scans"
    seen = grey_levels(audited) if features is None else features
    return [_shortcut(audited, name, seen, what) for name in SHORTCUTS]


def grey_levels(audited: CohortUnderAudit) -> Floats:
    """(E, 5 V) statistics of the grey levels, the view's mean where a scan is absent."""
    files = audited.read.files
    columns = []
    for view in range(files.shape[1]):
        there = np.array([file is not None for file in files[:, view]])
        if there.any():
            facts = np.zeros((len(files), len(files[there][0, view].grey_levels)))
            facts[there] = np.stack([file.grey_levels for file in files[there, view]])
            facts[~there] = facts[there].mean(axis=0)
            columns.append(facts)
    return np.column_stack(columns) if columns else np.zeros((len(files), 0))


def _shortcut(audited: CohortUnderAudit, name: str, seen: Floats, what: str) -> AuditResult:
    test = SHORTCUTS[name]
    test = AuditTest(test.code, test.title, test.question.format(what), test.fix)
    if name not in audited.table:
        return test.not_tested(f"the cohort names no {name}")
    groups = one_hot(audited.table[name], audited.patients)
    if groups.shape[1] < 2:
        return test.not_tested(f"the cohort has fewer than two groups by {name}")
    label = groups.argmax(axis=1)
    right = recognised(seen, groups, audited.patients)
    share = np.bincount(label) / len(label)
    # Balanced accuracy: always naming the largest group is chance.
    weight = 1.0 / (share[label] * len(share))
    accuracy = ratio_figure(right * weight, weight, audited.patients)
    chance = 1.0 / len(share)
    recognisable = accuracy["value"] - chance >= _RECOGNISABLE * (1 - chance)
    given = (audited.given, audited.patients)
    outcome = partial_r2(groups, audited.truth, *given, LEAST_R2)
    predictions = partial_r2(groups, audited.predicted, *given, np.inf)
    return test.done(
        f"Balanced accuracy {accuracy['value']:.0%} (chance {chance:.0%}); partial R2 for the "
        f"outcome {outcome.text()}, for the predictions {predictions.text()}.",
        recognisable and outcome.value >= LEAST_R2,
        p_value=outcome.p_value if recognisable else 1.0,
        figures={
            "balanced_accuracy": accuracy,
            "partial_r2_outcome": outcome.figure,
            "partial_r2_predictions": predictions.figure,
        },
    )


def recognised(seen: Floats, groups: Floats, patients: NDArray) -> Floats:
    """(E,) 1 where ridge regression on other patients names the right group, else 0."""
    fold = patient_folds(patients)
    spread = seen.std(axis=0)
    x = residuals(seen[:, spread > 0] / spread[spread > 0], np.zeros((len(seen), 0)))
    score = np.zeros_like(groups)
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        mean = groups[train].mean(axis=0)
        inner = x[train].T @ x[train] + 0.1 * train.sum() * np.eye(x.shape[1])
        score[test] = x[test] @ np.linalg.solve(inner, x[train].T @ (groups[train] - mean))
    return (score.argmax(axis=1) == groups.argmax(axis=1)).astype(float)


def site_test(audited: CohortUnderAudit) -> AuditResult:
    """Bias and mean absolute error by site, beyond preoperative acuity and age."""
    if "site" not in audited.table:
        return SITES.not_tested("the cohort names no site")
    groups = one_hot(audited.table["site"], audited.patients)
    if groups.shape[1] < 2:
        return SITES.not_tested("the cohort has fewer than two sites")
    error = audited.predicted - audited.truth
    absolute = np.abs(error)
    r2 = [
        partial_r2(groups, values, audited.given, audited.patients, LEAST_R2, seed)
        for seed, values in enumerate((error, absolute))
    ]
    sites = audited.table["site"].astype(str).to_numpy()
    of = {str(name): sites == name for name in np.unique(sites) if name}
    bias = {name: mean_figure(error[eyes], audited.patients[eyes]) for name, eyes in of.items()}
    mae = {name: mean_figure(absolute[eyes], audited.patients[eyes]) for name, eyes in of.items()}
    best = min(r2, key=lambda one: (one.p_value, -one.value))
    text = "; ".join(
        f"{name} bias {signed_text(bias[name]['value'])}, MAE {mae[name]['value']:.3f}"
        for name in of
    )
    large = best.value >= LEAST_R2
    rows: tuple[Row, ...] = ()
    if large:
        distance = {
            name: sum(abs(float(v[eyes].mean() - v[~eyes].mean())) for v in (error, absolute))
            for name, eyes in of.items()
        }
        outlier = max(distance, key=distance.__getitem__)
        text += f". The site that differs most is {outlier}"
        rows = audited.rows_of(of[outlier], f"site {outlier}")
    return SITES.done(
        f"{text}.",
        large,
        p_value=min(1.0, len(r2) * best.p_value),
        figures={
            "partial_r2_error": r2[0].figure,
            "partial_r2_absolute_error": r2[1].figure,
            **{f"bias_{name}": figure for name, figure in bias.items()},
            **{f"mae_{name}": figure for name, figure in mae.items()},
        },
        rows=rows,
    )
