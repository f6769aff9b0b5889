"""Scans, acuities and labels permuted between patients: which input carries the prediction?"""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import CohortUnderAudit
from ctt_net.audit.masks import r2_of_predictions
from ctt_net.audit.resampling import mean_figure, permutations, ratio_figure
from ctt_net.audit.result import AuditResult, AuditTest
from ctt_net.metrics.regression import r2
from ctt_net.report.comparison import number_text, signed_text, span_text

SCANS = AuditTest(
    "scans-permuted",
    "Scans permuted between patients",
    "Does the error rise when scans are permuted within bands of preoperative acuity?",
    "the model's gain does not come from the scans: review its covariates first, and whether one "
    "of them is known only after surgery",
)
ACUITY = AuditTest(
    "acuity-permuted",
    "Preoperative acuity permuted between patients",
    "How much of the prediction depends on the preoperative acuity?",
    "nothing; for information",
)
LABELS = AuditTest(
    "labels-permuted",
    "Label permutation",
    "Does R2 fall to zero when the outcomes are permuted between patients?",
    "the evaluation is broken: do not use any metric before the cause is known",
)

LEAST_R2 = 0.05  # partial R2 that the intact model must have
_LEAST_SHARE = 0.5  # of the gain that the scans must carry
_TIMES = 3
_LABELLINGS = 99
_BROKEN_R2 = 0.02


def scans_test(audited: CohortUnderAudit) -> AuditResult:
    """Permute scans within bands, leaving acuity and covariates with their eye."""
    error = np.abs(audited.predicted - audited.truth)
    rises = []
    for seed in range(1, _TIMES + 1):
        source = partners(audited.band, audited.patients, seed)
        predicted = audited.predict(audited.pixels[source], audited.present[source])
        rises.append(np.abs(predicted - audited.truth) - error)
    risen = np.mean(rises, axis=0)
    gain = np.abs(audited.preop_only - audited.truth) - error
    carried = ratio_figure(risen, gain, audited.patients)
    rise, gained = mean_figure(risen, audited.patients), mean_figure(gain, audited.patients)
    r2 = r2_of_predictions(audited, audited.predicted, LEAST_R2)
    figures = {"mae_rise": rise, "gain_over_preop_only": gained}
    real = gained["ci95"][0] is not None and gained["ci95"][0] > 0
    if not real or r2.value < LEAST_R2:
        text = (
            f"MAE rises by {signed_text(rise['value'])} logMAR; but the model has no measurable "
            f"gain over preoperative acuity alone ({signed_text(gained['value'])})."
        )
        return SCANS.done(text, False, p_value=1.0, figures=figures)
    high = carried["ci95"][1]
    few = high is not None and high < _LEAST_SHARE
    share = "all" if carried["value"] >= 1 else f"{max(carried['value'], 0):.0%}"
    return SCANS.done(
        f"MAE rises by {signed_text(rise['value'])} logMAR; the gain over preoperative acuity "
        f"alone is {gained['value']:.3f}, so the scans carry {share} of it.",
        few,
        p_value=r2.p_value if few else 1.0,
        figures={**figures, "share_carried": carried},
    )


def acuity_test(audited: CohortUnderAudit) -> AuditResult:
    """Permute preoperative acuities between patients."""
    error = np.abs(audited.predicted - audited.truth)
    risen = [
        np.abs(audited.predict(audited.pixels, preop=audited.preop[drawn]) - audited.truth) - error
        for drawn in permutations(audited.patients, _TIMES, seed=1)
    ]
    rise = mean_figure(np.mean(risen, axis=0), audited.patients)
    text = f"With the acuity of another patient MAE changes by {signed_text(rise['value'])} logMAR."
    return ACUITY.done(text, False, figures={"mae_rise": rise})


def labels_test(audited: CohortUnderAudit) -> AuditResult:
    """R2 of the predictions against permuted outcomes, by the function that reports use."""
    shuffled = permutations(audited.patients, _LABELLINGS, seed=2)
    null = [r2(audited.predicted, audited.truth[drawn]) for drawn in shuffled]
    mean, (low, high) = float(np.mean(null)), np.quantile(null, (0.025, 0.975))
    observed = float(r2(audited.predicted, audited.truth))
    return LABELS.done(
        f"R2 is {number_text(observed, 2)} with the true outcomes and {number_text(mean, 2)} with "
        f"permuted ones (95% of {_LABELLINGS} permutations: {span_text(low, high, 2)}).",
        mean > _BROKEN_R2,
        figures={
            "r2": {"value": observed, "ci95": [None, None]},
            "r2_permuted": {"value": mean, "ci95": [float(low), float(high)]},
        },
    )


def partners(band: NDArray[np.str_], patients: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """(E,) an eye of another patient in the same band; itself where there is no other patient."""
    rng = np.random.default_rng(seed)
    codes = np.unique(patients, return_inverse=True)[1]
    source = np.arange(len(codes))
    for name in np.unique(band):
        inside = np.flatnonzero(band == name)
        rank = rng.permutation(codes.max() + 1)[codes[inside]]
        ring = inside[np.argsort(rank, kind="stable")]  # fellow eyes next to each other
        most = int(np.bincount(codes[inside]).max())
        if len(ring) >= 2 * most:
            source[ring] = np.roll(ring, most)
    return source
