"""The model on scans without their retina: what is left of its gain it did not read there."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.partial_r2 import Explained, explained
from ctt_net.audit.probe import Probe, Question
from ctt_net.imaging.retina import outline_retina

Pixels = NDArray[np.uint8]

_CURE = "look at the scans for marks, frames and writing; remove them and train again"
PAINTED = Question(
    "retina-painted-out",
    "Does the model still tell the outcome where the retina is painted out?",
    _CURE,
)
BORDERS = Question(
    "borders-only",
    "Does the model still tell the outcome where only the borders of the scans are left?",
    _CURE,
)

# Share of the remaining variance, and share of what the intact scans tell.
FLOOR = 0.05
MUCH = 0.5
_MARGIN = 0.1  # of height and width, at each side
_ABOVE, _BELOW = 0.04, 0.10  # of the height, around the retina
_OUTLINED = 40  # scans that tell where the retina lies
_WIDEST = 0.9  # of the height, so that something is left


def mask_probes(subject: Subject) -> list[Probe]:
    """Both, beside the intact scans.

    Predictions on masked scans may all be shifted or shrunk, as no such scan was trained on; what
    counts is whether they still go with the outcome, so they are fitted anew.
    """
    intact = told_by(subject, subject.predicted, np.inf)
    probes = []
    for question, pixels in zip((PAINTED, BORDERS), masked_scans(subject), strict=True):
        masked = told_by(subject, subject.predict(pixels), FLOOR)
        kept = masked.share / intact.share if intact.share > 0 else np.inf
        answer = (
            f"Intact scans tell {max(intact.share, 0):.0%} of the variance that preoperative "
            f"acuity and age leave; these still tell {max(masked.share, 0):.0%}."
        )
        probes.append(
            question.answered(
                answer,
                masked.share >= FLOOR and kept >= MUCH,
                p_value=masked.p_value if kept >= MUCH else 1.0,
                figures={"intact": intact.figure, "masked": masked.figure},
            )
        )
    return probes


def told_by(subject: Subject, predicted: NDArray[np.float64], floor: float) -> Explained:
    """What predictions tell of the outcome beyond preoperative acuity and age."""
    return explained(predicted[:, None], subject.truth, subject.given, subject.patients, floor)


def masked_scans(subject: Subject) -> tuple[Pixels, Pixels]:
    """Scans whose retina is painted over, and scans of which only the borders are left.

    The same rows and the same grey in every scan of a view: painting along each retina would leave
    its thickness to be seen, and in its own grey how dense the cataract is.

    Returns:
        Twice (E, V, H, W); the borders hold no retina either.
    """
    painted = subject.pixels.copy()
    borders = subject.pixels.copy()
    high, wide = (round(_MARGIN * side) for side in painted.shape[2:])
    for view in range(painted.shape[1]):
        there = np.flatnonzero(subject.present[:, view])
        if len(there):
            scans = subject.pixels[there, view]
            top, bottom = retina_rows(scans)
            # Every fourth pixel is enough for a percentile.
            dark = np.percentile(scans[:, ::2, ::2], 20, axis=(1, 2))
            painted[there, view, top:bottom] = int(np.median(dark))
            borders[there, view] = painted[there, view]
            borders[there, view, high:-high, wide:-wide] = int(np.median(dark))
    return painted, borders


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
