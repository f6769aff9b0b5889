"""What the audit asks, and what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ctt_net.audit.chance import holm

# All questions of one audit together err this seldom on a cohort without fault.
ALPHA = 0.01


@dataclass(frozen=True)
class Row:
    """One eye that a finding names.

    Args:
        row: Of the manifest, as a spreadsheet counts it.
        eye_id: Of the cohort.
        what: What is the matter with it.
    """

    row: int
    eye_id: str
    what: str


@dataclass(frozen=True)
class Probe:
    """One question and its answer.

    Args:
        name: Stable name.
        asked: The question, in words.
        answer: What was measured, in words.
        cure: What to do about a finding.
        large: Whether what was measured is enough to matter; None = it could not be asked, and
            `answer` says why.
        p_value: Of the test, before it is corrected for the number of questions; None = the
            answer is a fact, not a test.
        figures: Name to `{"value", "ci95"}`.
        rows: Eyes it concerns.
        p_corrected: After correction.
        finding: Large, and beyond chance; None = it could not be asked.
    """

    name: str
    asked: str
    answer: str
    cure: str
    large: bool | None
    p_value: float | None = None
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    p_corrected: float | None = None
    finding: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping, as audit.json holds it."""
        plain = asdict(self)
        del plain["large"]
        return plain


@dataclass(frozen=True)
class Question:
    """What stays the same of a probe, whatever the cohort.

    Args:
        name: Stable name.
        asked: The question, in words.
        cure: What to do about a finding.
    """

    name: str
    asked: str
    cure: str

    def answered(self, answer: str, large: bool, **further: Any) -> Probe:
        """A probe with its answer; see `Probe`."""
        return Probe(self.name, self.asked, answer, self.cure, large, **further)

    def impossible(self, why: str) -> Probe:
        """A probe that could not be asked."""
        return Probe(self.name, self.asked, f"not asked: {why}", self.cure, None)


def judge(probes: Sequence[Probe]) -> list[Probe]:
    """Decide which are findings, corrected for the number of tests among them."""
    tested = [i for i, probe in enumerate(probes) if probe.p_value is not None]
    corrected = dict(zip(tested, holm([probes[i].p_value or 0.0 for i in tested]), strict=True))
    judged = []
    for i, probe in enumerate(probes):
        p = corrected.get(i)
        large = None if probe.large is None else bool(probe.large)
        finding = large if p is None or not large else p <= ALPHA
        judged.append(replace(probe, p_corrected=p, finding=finding))
    return judged
