"""Recovery: the yes-or-no questions asked of a postoperative acuity."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctt_net.errors import InputError

OutcomeKind = Literal["reach", "gain"]

# Half a letter (0.02 logMAR a letter). 20/40 is 0.30103 logMAR and must count as "0.30 or better",
# and 0.3 -> 0.1 must count as a gain of 0.2 although 0.3 - 0.1 < 0.2 in floating point.
TOLERANCE_LOGMAR = 0.005


@dataclass(frozen=True)
class Outcome:
    """A recovery question, asked of truth and prediction by one and the same rule.

    Args:
        name: Key in tables and reports, such as `reaches_0.30`.
        kind: `reach`: postoperative acuity is `threshold_logmar` or better (smaller).
            `gain`: preop minus postop is `threshold_logmar` or more.
        threshold_logmar: The cut, logMAR.

    Raises:
        InputError: If kind or threshold make no question.
    """

    name: str
    kind: OutcomeKind
    threshold_logmar: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(OutcomeKind):
            raise InputError(
                f"outcome {self.name!r}: kind must be 'reach' or 'gain', got {self.kind!r}"
            )
        number = isinstance(self.threshold_logmar, int | float)
        if not number or not -0.3 <= self.threshold_logmar <= 3.0:
            raise InputError(
                f"outcome {self.name!r}: threshold_logmar must be a number in -0.3..3.0, "
                f"got {self.threshold_logmar!r}"
            )

    def margin(self, preop_logmar: Any, postop_logmar: Any) -> Any:
        """How far beyond the cut an eye lies, logMAR; positive = recovered.

        Arrays and tensors alike: what comes in goes out.
        """
        if self.kind == "reach":
            return self.threshold_logmar - postop_logmar
        return preop_logmar - postop_logmar - self.threshold_logmar

    def label(self, preop_logmar: ArrayLike, postop_logmar: ArrayLike) -> NDArray[np.float64]:
        """1.0 where the eye recovered, 0.0 where not, NaN where an acuity it needs is unknown."""
        margin = self.margin(np.asarray(preop_logmar, float), np.asarray(postop_logmar, float))
        label = np.where(margin >= -TOLERANCE_LOGMAR, 1.0, 0.0)
        return np.where(np.isnan(margin), np.nan, label)

    def in_words(self) -> str:
        """The question as a clause for reports."""
        if self.kind == "reach":
            return f"postoperative acuity of {self.threshold_logmar:.2f} logMAR or better"
        return f"gain of {self.threshold_logmar:.2f} logMAR or more"

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping for YAML and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> "Outcome":
        """Inverse of `to_dict`."""
        return cls(**mapping)


DEFAULT_OUTCOMES = (
    Outcome("reaches_0.30", "reach", 0.30),
    Outcome("gains_0.20", "gain", 0.20),
)
