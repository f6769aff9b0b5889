"""When a prediction should not be used, and what a clinician is told then."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctt_net.data.scans import Scans
from ctt_net.imaging import DOUBTS
from ctt_net.uncertainty.abstention_limits import FEWEST_SEEN, Abstention
from ctt_net.uncertainty.flags import LOW_QUALITY
from ctt_net.uncertainty.model_output import ModelOutput
from ctt_net.uncertainty.scan_features import features_of

ABSTAIN = "abstain"

# In the order of what to mend first. Those that are no flag of their own yet become one.
BECAUSE = {
    "no_view": "There is no OCT scan of this eye: the prediction rests on the acuity alone.",
    "unusable_scan": (
        "A scan of this eye does not look like an upright B-scan of the macula. Give the B-scan as "
        "the device exports it."
    ),
    "other_view": (
        "The mark that the device burnt into a scan names another view than it is given as. "
        "Exchange the scans or correct their names."
    ),
    "other_eye": (
        "The mark that the device burnt into a scan names the other eye. Look at the scan in the "
        "device's software, and check whose acuity was given."
    ),
    "low_quality": "Every scan of this eye is too faint or too noisy to be read.",
    "far_from_training": (
        "This eye or its scans are unlike those the model has learned from. Check that they are "
        "OCT scans of the macula, upright and of this eye."
    ),
    "no_preop_va": (
        "The acuity before surgery is unknown, and the model has learned from too few such eyes."
    ),
    "off_chart_preop": (
        "The acuity before surgery is counting fingers or less, and the model has learned from "
        "too few such eyes."
    ),
    "wide_interval": "The model is too unsure of this eye for its answer to be of use.",
}


def abstain_because(
    rules: Sequence[Abstention | None],
    raws: Sequence[ModelOutput],
    scans: Scans,
    preop_logmar: NDArray[np.float64],
    preop_off_chart: NDArray[np.bool_],
) -> list[list[str]]:
    """Why each of E eyes should not be answered, as keys of BECAUSE; empty = it may be.

    Limits are those of the members, averaged as what they are compared with is. A member of an
    older version has none and has no say.

    Args:
        rules: Of each member.
        raws: What each member said of the eyes.
        scans: Of the eyes, as the members saw them.
        preop_logmar: (E,), NaN = unknown.
        preop_off_chart: (E,) whether it was counting fingers or less.
    """
    present = scans.present
    any_scan = np.asarray(present.any(axis=1))
    readable = np.asarray((present & ~(scans.quality < LOW_QUALITY)).any(axis=1))
    found = {
        "no_view": ~any_scan,
        **{name: scans.doubted(name) for name in DOUBTS if name in BECAUSE},
        "low_quality": any_scan & ~readable,
        "far_from_training": any_scan & _far(rules, raws, scans),
        "no_preop_va": np.isnan(preop_logmar) & _unlearned("no_preop_va", rules),
        "off_chart_preop": preop_off_chart & _unlearned("off_chart_preop", rules),
        "wide_interval": _unsure(rules, raws),
    }
    return [[name for name in BECAUSE if found[name][i]] for i in range(len(preop_logmar))]


def with_abstention(flags: list[str], because: list[str]) -> list[str]:
    """The flags of an eye, those that abstaining adds, and `abstain` itself.

    Args:
        flags: Of one eye.
        because: From `abstain_because`.
    """
    added = [name for name in because if name not in flags]
    return [*flags, *added, *([ABSTAIN] if because else [])]


def _far(
    rules: Sequence[Abstention | None], raws: Sequence[ModelOutput], scans: Scans
) -> NDArray[np.bool_]:
    """Whether embedding or scans lie beyond the limit, on average over the members."""
    far = np.zeros(len(scans.present), dtype=bool)
    if not any(rules):
        return far
    looks = features_of(scans.pixels, scans.present)
    for name in ("embedding", "scan"):
        ratios = []
        for rule, raw in zip(rules, raws, strict=True):
            points = looks if name == "scan" else raw.embedding
            ratio = None if rule is None or points is None else rule.remoteness(name, points)
            if ratio is not None:
                ratios.append(ratio)
        if ratios:
            far |= np.mean(ratios, axis=0) > 1
    return far


def _unsure(rules: Sequence[Abstention | None], raws: Sequence[ModelOutput]) -> NDArray[np.bool_]:
    known = [
        (raw.scale_logmar, rule.scale_limit_logmar)
        for rule, raw in zip(rules, raws, strict=True)
        if rule is not None and rule.scale_limit_logmar is not None
    ]
    if not known:
        return np.zeros(len(raws[0].scale_logmar), dtype=bool)
    return np.mean([scale for scale, _ in known], axis=0) >= np.mean([limit for _, limit in known])


def _unlearned(state: str, rules: Sequence[Abstention | None]) -> bool:
    """Whether the members have, on average, learned from too few eyes in a state."""
    counts = [rule.seen[state] for rule in rules if rule is not None and state in rule.seen]
    return bool(counts) and float(np.mean(counts)) < FEWEST_SEEN
