"""Predictions on scans with the retina masked: what is left of their R2 did not come from it."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import CohortUnderAudit
from ctt_net.audit.partial_r2 import PartialR2, partial_r2
from ctt_net.audit.result import AuditResult, AuditTest
from ctt_net.imaging.retina import outline_retina

Pixels = NDArray[np.uint8]

_FIX = "inspect the scans for marks, frames and text; remove them and train again"
MASKED = AuditTest(
    "retina-masked",
    "Predictions with the retina masked",
    "Are the predictions still associated with the outcome where the retina is masked?",
    _FIX,
)
BORDERS = AuditTest(
    "borders-only",
    "Predictions from the borders only",
    "Are they still associated with it where only the borders of the scans are left?",
    _FIX,
)

# Partial R2 on masked scans, and its share of that on intact scans.
LEAST_R2 = 0.05
LEAST_SHARE = 0.5
_MARGIN = 0.1  # of height and width, at each side
_ABOVE, _BELOW = 0.04, 0.10  # of the height, around the retina
_OUTLINED = 40  # scans from which the rows of the retina are taken
_WIDEST = 0.9  # of the height, so that something is left


def mask_tests(audited: CohortUnderAudit) -> list[AuditResult]:
    """Both, compared with the intact scans.

    Predictions on masked scans may all be shifted or shrunk, as no such scan was trained on; what
    counts is whether they still correlate with the outcome, so a regression is fitted on them.
    """
    intact = r2_of_predictions(audited, audited.predicted, np.inf)
    results = []
    for test, pixels in zip((MASKED, BORDERS), masked_scans(audited), strict=True):
        masked = r2_of_predictions(audited, audited.predict(pixels), LEAST_R2)
        kept = masked.value / intact.value if intact.value > 0 else np.inf
        text = (
            f"Partial R2 beyond preoperative acuity and age: {intact.text()} with intact scans, "
            f"{masked.text()} with these."
        )
        results.append(
            test.done(
                text,
                masked.value >= LEAST_R2 and kept >= LEAST_SHARE,
                p_value=masked.p_value if kept >= LEAST_SHARE else 1.0,
                figures={"intact": intact.figure, "masked": masked.figure},
            )
        )
    return results


def r2_of_predictions(
    audited: CohortUnderAudit, predicted: NDArray[np.float64], threshold: float
) -> PartialR2:
    """Partial R2 of predictions beyond preoperative acuity and age."""
    return partial_r2(predicted[:, None], audited.truth, audited.given, audited.patients, threshold)


def masked_scans(audited: CohortUnderAudit) -> tuple[Pixels, Pixels]:
    """Scans whose retina is masked, and scans of which only the borders are left.

    The same rows and the same grey in every scan of a view: masking along each retina would leave
    its thickness visible, and its own grey how dense the cataract is.

    Returns:
        Twice (E, V, H, W); the borders hold no retina either.
    """
    masked = audited.pixels.copy()
    borders = audited.pixels.copy()
    high, wide = (round(_MARGIN * side) for side in masked.shape[2:])
    for view in range(masked.shape[1]):
        there = np.flatnonzero(audited.present[:, view])
        if len(there):
            scans = audited.pixels[there, view]
            top, bottom = retina_rows(scans)
            # Every fourth pixel is enough for a percentile.
            dark = np.percentile(scans[:, ::2, ::2], 20, axis=(1, 2))
            masked[there, view, top:bottom] = int(np.median(dark))
            borders[there, view] = masked[there, view]
            borders[there, view, high:-high, wide:-wide] = int(np.median(dark))
    return masked, borders


def retina_rows(pixels: Pixels) -> tuple[int, int]:
    """First row and end row that hold the retina of nearly all of (N, H, W) scans."""
    height = pixels.shape[1]
    chosen = pixels[np.linspace(0, len(pixels) - 1, min(_OUTLINED, len(pixels))).astype(int)]
    outlines = [outline for outline in map(outline_retina, chosen) if outline is not None]
    if not outlines:
        return round(_MARGIN * height), height - round(_MARGIN * height)
    scale = height / outlines[0].rows
    tops = [np.percentile(outline.inner, 3) for outline in outlines]
    bottoms = [np.percentile(outline.path, 98) for outline in outlines]
    top = np.percentile(tops, 2) * scale - _ABOVE * height
    bottom = np.percentile(bottoms, 98) * scale + _BELOW * height
    spare = (1 - _WIDEST) / 2 * height
    return round(max(top, spare)), round(min(bottom, height - spare))
