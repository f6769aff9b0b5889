"""Binary recovery outcomes of a postoperative acuity."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctt_net.errors import InputError

OutcomeKind = Literal["reach", "gain", "decimal_gain"]

# Half a letter (0.02 logMAR a letter). 20/40 is 0.30103 logMAR and must count as "0.30 or better",
# and 0.3 -> 0.1 must count as a gain of 0.2 although 0.3 - 0.1 < 0.2 in floating point.
TOLERANCE_LOGMAR = 0.005

# Half the finest step that decimals are recorded in. In float32, 5 of 10 exact steps of 0.2 fail a
# naive comparison; the published code tolerates that for the truth and not for the prediction.
TOLERANCE_DECIMAL = 0.005


@dataclass(frozen=True)
class Outcome:
    """A recovery outcome, defined by one rule for truth and prediction.

    Args:
        name: Key in tables and reports, such as `reaches_0.30`.
        kind: `reach`: postoperative acuity is `threshold_logmar` or better (smaller).
            `gain`: preop minus postop is `threshold_logmar` or more.
            `decimal_gain`: postop minus preop is `threshold_decimal` or more, both as decimals; the
            outcome of the published CTT-Net. A step of 0.2 is 7 lines from 0.05 and one from 0.8.
        threshold_logmar: The cut, logMAR; of `reach` and `gain`.
        threshold_decimal: The cut as a difference of decimals; of `decimal_gain`.

    Raises:
        InputError: If kind and thresholds do not fit.
    """

    name: str
    kind: OutcomeKind
    threshold_logmar: float | None = None
    threshold_decimal: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(OutcomeKind):
            raise InputError(
                f"outcome {self.name!r}: kind must be one of {', '.join(get_args(OutcomeKind))}, "
                f"got {self.kind!r}"
            )
        unit, other, low, high = "logmar", "decimal", -0.3, 3.0
        if self.kind == "decimal_gain":
            unit, other, low, high = "decimal", "logmar", 0.01, 2.0
        threshold = getattr(self, f"threshold_{unit}")
        if not isinstance(threshold, int | float) or not low <= threshold <= high:
            raise InputError(
                f"outcome {self.name!r}: threshold_{unit} must be a number in {low}..{high}, "
                f"got {threshold!r}"
            )
        if getattr(self, f"threshold_{other}") is not None:
            raise InputError(
                f"outcome {self.name!r}: kind {self.kind!r} has no threshold_{other}; take it out"
            )

    @property
    def needs_preop(self) -> bool:
        """Whether it depends on the preoperative acuity."""
        return self.kind != "reach"

    def margin(self, preop_logmar: Any, postop_logmar: Any) -> Any:
        """How far beyond the cut an eye lies, logMAR; positive = recovered.

        Arrays and tensors alike: what comes in goes out.
        """
        if self.kind == "decimal_gain":
            wanted = 10.0**-preop_logmar + self.threshold_decimal
            # numpy's own function would take a tensor out of its graph.
            logarithm = wanted.log10() if hasattr(wanted, "log10") else np.log10(wanted)
            return -logarithm - postop_logmar
        cut = self.threshold_logmar or 0.0
        best = cut if self.kind == "reach" else preop_logmar - cut
        return best - postop_logmar

    def decided_yes(self, preop_logmar: Any, postop_logmar: Any) -> Any:
        """Which eyes recovered, tolerance included; False where an acuity it needs is unknown.

        Arrays and tensors alike.
        """
        if self.kind == "decimal_gain":
            gain = 10.0**-postop_logmar - 10.0**-preop_logmar
            return gain >= (self.threshold_decimal or 0.0) - TOLERANCE_DECIMAL
        return self.margin(preop_logmar, postop_logmar) >= -TOLERANCE_LOGMAR

    def label(self, preop_logmar: ArrayLike, postop_logmar: ArrayLike) -> NDArray[np.float64]:
        """1.0 where the eye recovered, 0.0 where not, NaN where an acuity it needs is unknown."""
        preop, postop = np.asarray(preop_logmar, float), np.asarray(postop_logmar, float)
        label = np.where(self.decided_yes(preop, postop), 1.0, 0.0)
        return np.where(np.isnan(self.margin(preop, postop)), np.nan, label)

    def in_words(self) -> str:
        """The outcome as a clause for reports."""
        if self.kind == "reach":
            return f"postoperative acuity of {self.threshold_logmar:.2f} logMAR or better"
        if self.kind == "gain":
            return f"gain of {self.threshold_logmar:.2f} logMAR or more"
        return f"gain of {self.threshold_decimal:.2f} decimal or more"

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping for YAML and JSON, without the threshold that does not apply."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> "Outcome":
        """Inverse of `to_dict`."""
        return cls(**mapping)


DEFAULT_OUTCOMES = (
    Outcome("reaches_0.30", "reach", 0.30),
    Outcome("gains_0.20", "gain", 0.20),
)


def probability_text(probability: float) -> str:
    """A predicted probability as text; never 0% or 100%, which would be read as certainty.

    >>> probability_text(0.9999), probability_text(0.754), probability_text(0.001)
    ('more than 99%', '75%', 'less than 1%')
    """
    text = f"{probability:.0%}"
    return {"100%": "more than 99%", "0%": "less than 1%"}.get(text, text)
