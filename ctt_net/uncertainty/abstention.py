"""When the model abstains, and the reason in words for a clinician."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctt_net.data.scans import Scans
from ctt_net.imaging import DOUBTS
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.abstention_limits import Abstention
from ctt_net.uncertainty.flags import LOW_QUALITY
from ctt_net.uncertainty.reference_embeddings import features_of

ABSTAIN = "abstain"

# A flag that fewer training eyes had is one that the network has not learned.
MIN_TRAINING_EYES = 20

# In the order of what to correct first. Those that are no flag of their own yet become one.
ABSTENTION_REASONS = {
    "no_view": (
        "No OCT scan of this eye was given, so the prediction would rest on the preoperative "
        "acuity alone."
    ),
    "unusable_scan": (
        "A scan of this eye is not an upright OCT B-scan of the macula. Please provide the B-scan "
        "as exported by the device."
    ),
    "other_view": (
        "The mark burnt into a scan names another view than the one it was given as, for example "
        "horizontal and vertical exchanged. Please check the file names."
    ),
    "other_eye": (
        "The mark burnt into a scan names the other eye. Please check the laterality of the scan "
        "and of the acuity."
    ),
    "low_quality": "The signal quality of all scans of this eye is too low.",
    "out_of_distribution": (
        "This eye or its scans differ from those the model was trained on. Please check that the "
        "scans are upright OCT B-scans of the macula of this eye."
    ),
    "no_preop_va": (
        "The preoperative acuity is not known, and the model was trained on too few such eyes."
    ),
    "off_chart_preop": (
        "The preoperative acuity is counting fingers or worse, and the model was trained on too "
        "few such eyes."
    ),
    "wide_interval": (
        "The uncertainty of the model for this eye is too large for a useful prediction."
    ),
}


def abstention_reasons(
    limits: Sequence[Abstention | None],
    outputs: Sequence[ModelOutput],
    scans: Scans,
    preop_logmar: NDArray[np.float64],
    preop_off_chart: NDArray[np.bool_],
) -> list[list[str]]:
    """Why the model abstains on each of E eyes, as keys of `ABSTENTION_REASONS`; empty = not.

    Limits are those of the members, averaged as what they are compared with is. A member of an
    older version has none and does not count.

    Args:
        limits: Of each member.
        outputs: Of each member for these eyes.
        scans: Of the eyes, as the network takes them.
        preop_logmar: (E,), NaN = unknown.
        preop_off_chart: (E,) whether it was counting fingers or less.
    """
    present = scans.present
    any_scan = np.asarray(present.any(axis=1))
    readable = np.asarray((present & ~(scans.quality < LOW_QUALITY)).any(axis=1))
    found = {
        "no_view": ~any_scan,
        **{name: scans.doubted(name) for name in DOUBTS if name in ABSTENTION_REASONS},
        "low_quality": any_scan & ~readable,
        "out_of_distribution": any_scan & _out_of_distribution(limits, outputs, scans),
        "no_preop_va": np.isnan(preop_logmar) & _rare_in_training("no_preop_va", limits),
        "off_chart_preop": preop_off_chart & _rare_in_training("off_chart_preop", limits),
        "wide_interval": _unsure(limits, outputs),
    }
    return [
        [name for name in ABSTENTION_REASONS if found[name][i]] for i in range(len(preop_logmar))
    ]


def with_abstention(flags: list[str], reasons: list[str]) -> list[str]:
    """The flags of an eye, those that abstaining adds, and `abstain` itself.

    Example:
        >>> with_abstention(["missing_view:vertical"], ["wide_interval"])
        ['missing_view:vertical', 'wide_interval', 'abstain']
    """
    added = [name for name in reasons if name not in flags]
    return [*flags, *added, *([ABSTAIN] if reasons else [])]


def _out_of_distribution(
    limits: Sequence[Abstention | None], outputs: Sequence[ModelOutput], scans: Scans
) -> NDArray[np.bool_]:
    """Whether embedding or scans lie beyond the limit, on average over the members."""
    beyond = np.zeros(len(scans.present), dtype=bool)
    if not any(limits):
        return beyond
    of_scans = features_of(scans.pixels, scans.present)
    for name in ("embedding", "scan"):
        ratios = []
        for limit, output in zip(limits, outputs, strict=True):
            features = of_scans if name == "scan" else output.embedding
            if limit is not None and features is not None:
                ratios.append(limit.relative_distance(name, features))
        if known := [ratio for ratio in ratios if ratio is not None]:
            beyond |= np.mean(known, axis=0) > 1
    return beyond


def _unsure(
    limits: Sequence[Abstention | None], outputs: Sequence[ModelOutput]
) -> NDArray[np.bool_]:
    known = [
        (output.scale_logmar, limit.scale_limit_logmar)
        for limit, output in zip(limits, outputs, strict=True)
        if limit is not None and limit.scale_limit_logmar is not None
    ]
    if not known:
        return np.zeros(len(outputs[0].scale_logmar), dtype=bool)
    return np.mean([scale for scale, _ in known], axis=0) >= np.mean([limit for _, limit in known])


def _rare_in_training(flag: str, limits: Sequence[Abstention | None]) -> bool:
    """Whether the members were trained, on average, on too few eyes with a flag."""
    every = [limit.training_counts for limit in limits if limit is not None]
    counts = [counted[flag] for counted in every if flag in counted]
    return bool(counts) and float(np.mean(counts)) < MIN_TRAINING_EYES
