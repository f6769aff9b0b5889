"""A test of the audit, and its result."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ctt_net.audit.resampling import holm

# Family-wise error rate: all tests of one audit together on a cohort without fault.
ALPHA = 0.01


@dataclass(frozen=True)
class Row:
    """One eye that a finding names.

    Args:
        row: Of the manifest, as a spreadsheet counts it.
        eye_id: Of the cohort.
        what: What is wrong with it.
    """

    row: int
    eye_id: str
    what: str


@dataclass(frozen=True)
class AuditTest:
    """One test of the audit, whatever the cohort.

    Args:
        code: Stable name.
        title: The same for people.
        question: What is tested.
        fix: What to do about a finding.
    """

    code: str
    title: str
    question: str
    fix: str

    def done(self, result: str, large: bool, **further: Any) -> "AuditResult":
        """The result; see `AuditResult`."""
        return AuditResult(**vars(self), result=result, large=large, **further)

    def not_tested(self, why: str) -> "AuditResult":
        """The result where the test cannot be done."""
        return AuditResult(**vars(self), result=f"not tested: {why}", large=None)


@dataclass(frozen=True)
class AuditResult(AuditTest):
    """A test with its result.

    Args:
        result: What was measured, as text.
        large: Whether the effect is large enough to matter; None = not tested, and `result` says
            why.
        p_value: Before correction for the number of tests; None = the result is a fact, not a
            statistical test.
        figures: Name to `{"value", "ci95"}`.
        rows: Eyes it concerns.
        p_corrected: After correction.
        finding: Large and statistically significant; None = not tested.
    """

    result: str
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


def corrected(results: Sequence[AuditResult]) -> list[AuditResult]:
    """Decide which are findings, corrected for the number of tests (Holm 1979)."""
    tested = [i for i, result in enumerate(results) if result.p_value is not None]
    p_values = dict(zip(tested, holm([results[i].p_value or 0.0 for i in tested]), strict=True))
    decided = []
    for i, result in enumerate(results):
        p = p_values.get(i)
        large = None if result.large is None else bool(result.large)
        finding = large if p is None or not large else p <= ALPHA
        decided.append(replace(result, p_corrected=p, finding=finding))
    return decided
