"""Scans, acuities and labels exchanged between patients: what of the model is what?"""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.chance import mean_figure, permutations, ratio_figure
from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.masks import told_by
from ctt_net.audit.probe import Probe, Question
from ctt_net.metrics.regression import r2
from ctt_net.report.comparison import number_text, signed_text, span_text

SCANS = Question(
    "scans-exchanged",
    "Does the error rise when the eyes of a band of preoperative acuity exchange their scans?",
    "what the model gains comes from elsewhere: look at its covariates first, and whether one of "
    "them is known only after surgery",
)
ACUITY = Question(
    "acuity-exchanged",
    "How much of the model is the preoperative acuity?",
    "nothing; this is for the reader",
)
LABELS = Question(
    "labels-permuted",
    "Do the figures fall to nothing when the outcomes are dealt to other patients?",
    "the way of measuring is broken: do not use any figure before the cause is known",
)

FLOOR = 0.05  # share of the remaining variance that the intact model must tell
_MUCH = 0.5  # of the gain that the scans must carry
_TIMES = 3
_LABELLINGS = 99
_BROKEN_R2 = 0.02


def scans_probe(subject: Subject) -> Probe:
    """Exchange scans within bands, leaving acuity and covariates with their eye."""
    error = np.abs(subject.predicted - subject.truth)
    risen = np.mean(
        [np.abs(_with_others(subject, k) - subject.truth) - error for k in range(1, _TIMES + 1)],
        axis=0,
    )
    gain = np.abs(subject.preop_only - subject.truth) - error
    carried = ratio_figure(risen, gain, subject.patients)
    rise, gained = mean_figure(risen, subject.patients), mean_figure(gain, subject.patients)
    told = told_by(subject, subject.predicted, FLOOR)
    figures = {"mae_rise": rise, "gain_over_preop_only": gained}
    real = gained["ci95"][0] is not None and gained["ci95"][0] > 0
    if not real or told.share < FLOOR:
        answer = (
            f"By {signed_text(rise['value'])} logMAR; but the model gains nothing measurable over "
            f"preoperative acuity alone ({signed_text(gained['value'])}), so there is nothing to "
            "carry."
        )
        return SCANS.answered(answer, False, p_value=1.0, figures=figures)
    high = carried["ci95"][1]
    few = high is not None and high < _MUCH
    share = "all" if carried["value"] >= 1 else f"{max(carried['value'], 0):.0%}"
    return SCANS.answered(
        f"By {signed_text(rise['value'])} logMAR, beside a gain over preoperative acuity alone of "
        f"{gained['value']:.3f}: the scans carry {share} of it.",
        few,
        p_value=told.p_value if few else 1.0,
        figures={**figures, "share_carried": carried},
    )


def acuity_probe(subject: Subject) -> Probe:
    """Exchange preoperative acuities between patients."""
    error = np.abs(subject.predicted - subject.truth)
    risen = [
        np.abs(subject.predict(subject.pixels, preop=subject.preop[drawn]) - subject.truth) - error
        for drawn in permutations(subject.patients, _TIMES, seed=1)
    ]
    rise = mean_figure(np.mean(risen, axis=0), subject.patients)
    return ACUITY.answered(
        f"With the acuity of another patient the mean absolute error changes by "
        f"{signed_text(rise['value'])} logMAR.",
        False,
        figures={"mae_rise": rise},
    )


def labels_probe(subject: Subject) -> Probe:
    """R2 of the predictions against permuted outcomes, by the function that reports use."""
    shuffled = permutations(subject.patients, _LABELLINGS, seed=2)
    null = [r2(subject.predicted, subject.truth[drawn]) for drawn in shuffled]
    mean, (low, high) = float(np.mean(null)), np.quantile(null, (0.025, 0.975))
    observed = float(r2(subject.predicted, subject.truth))
    return LABELS.answered(
        f"R2 is {number_text(observed, 2)} with the true outcomes and {number_text(mean, 2)} with "
        f"permuted ones (95% of {_LABELLINGS} permutations: {span_text(low, high, 2)}).",
        mean > _BROKEN_R2,
        figures={
            "r2": {"value": observed, "ci95": [None, None]},
            "r2_permuted": {"value": mean, "ci95": [float(low), float(high)]},
        },
    )


def _with_others(subject: Subject, seed: int) -> NDArray[np.float64]:
    """Predictions with the scans of another patient of the same band."""
    source = partners(subject.band, subject.patients, seed)
    return subject.predict(subject.pixels[source], subject.present[source])


def partners(band: NDArray[np.str_], patients: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """(E,) an eye of another patient in the same band; itself where there is no other patient."""
    rng = np.random.default_rng(seed)
    codes = np.unique(patients, return_inverse=True)[1]
    source = np.arange(len(codes))
    for name in np.unique(band):
        inside = np.flatnonzero(band == name)
        rank = rng.permutation(codes.max() + 1)[codes[inside]]
        ring = inside[np.argsort(rank, kind="stable")]  # fellow eyes side by side
        most = int(np.bincount(codes[inside]).max())
        if len(ring) >= 2 * most:
            source[ring] = np.roll(ring, most)
    return source
