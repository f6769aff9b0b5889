"""What the doctor can find, and what it found."""

from collections.abc import Hashable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ctt_net import INTENDED_USE, __version__
from ctt_net.cohort.problem import Severity
from ctt_net.errors import count_of

# More rows than this in one line help nobody; the count says how many there are in all.
SHOWN_ROWS = 5
_IN_WORDS = {"va": "VA", "id": "ID", "bscan": "B-scan", "vs": "against", "followup": "follow-up"}
_WEIGHT: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Finding:
    """One kind of fault in one place of a cohort, with every row it concerns.

    Args:
        check: Name of the check, stable, such as `laterality-vs-file-name`.
        severity: `error` stops a training or leaks the answer; `warning` needs a look; `note`
            is worth knowing.
        message: What was found, with its numbers.
        rows: Rows of the manifest, as a spreadsheet counts them; empty = the whole cohort.
        column: Column of the manifest, None = no one column.
        why: Why it matters.
        cure: What to do.
        scans: Files it concerns, relative to the cohort folder.
    """

    check: str
    severity: Severity
    message: str
    rows: tuple[int, ...]
    column: str | None
    why: str
    cure: str
    scans: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name of the check in words: `VA unreadable` for `va-unreadable`."""
        words = " ".join(_IN_WORDS.get(word, word) for word in self.check.split("-"))
        return words[:1].upper() + words[1:]

    def place(self) -> str:
        """Rows and column in words, the first rows only; empty for the whole cohort."""
        parts = []
        if len(self.rows) == 1:
            parts.append(f"row {self.rows[0]}")
        elif self.rows:
            shown = ", ".join(str(row) for row in self.rows[:SHOWN_ROWS])
            more = f", ... ({len(self.rows)} in all)" if len(self.rows) > SHOWN_ROWS else ""
            parts.append(f"rows {shown}{more}")
        if self.column is not None:
            parts.append(f"column {self.column}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Check:
    """One question the doctor asks of every cohort.

    Args:
        name: Stable name of its findings.
        why: Why a fault matters, one sentence.
        cure: What to do about it.
    """

    name: str
    why: str
    cure: str

    def found(
        self,
        severity: Severity,
        message: str,
        rows: Iterable[Hashable] = (),
        column: str | None = None,
        scans: Iterable[str] = (),
    ) -> Finding:
        """A finding of this check; rows are sorted and named once."""
        numbers = tuple(sorted({int(str(row)) for row in rows}))
        return Finding(
            *(self.name, severity, message, numbers, column, self.why, self.cure),
            scans=tuple(dict.fromkeys(scans)),
        )


@dataclass(frozen=True)
class Findings:
    """What is in a cohort and what is wrong with it.

    Args:
        root: Cohort folder.
        facts: Name and value, in the order to be shown.
        findings: Errors first, then warnings, then notes.
        synthetic: Simulated eyes.
    """

    root: Path
    facts: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    synthetic: bool = False

    @property
    def has_errors(self) -> bool:
        """Whether the cohort must not be trained on as it is."""
        return self.count("error") > 0

    def count(self, severity: Severity) -> int:
        """How many findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def tally(self) -> str:
        """How many of each severity, in words."""
        return ", ".join(count_of(self.count(severity), severity) for severity in _WEIGHT)

    def verdict(self) -> str:
        """Whether this cohort can be trained on, in one sentence."""
        warned = {f.check for f in self.findings if f.severity == "warning"}
        if self.has_errors:
            return (
                f"Not ready to train: {count_of(self.count('error'), 'error')} to be mended first."
            )
        if any(finding.check == "only-test-eyes" for finding in self.findings):
            return "Not to be trained on: all eyes are set aside to evaluate a model on."
        if warned & {"folds-impossible", "patients-few"}:
            return "Not ready to train: too few patients with an outcome."
        if warned:
            return f"Ready to train; {count_of(self.count('warning'), 'warning')} to look at first."
        return "Ready to train."

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping, as `findings.json` holds it."""
        return {
            "cohort": str(self.root),
            "synthetic": self.synthetic,
            "intended_use": INTENDED_USE,
            "ctt_net": __version__,
            "verdict": self.verdict(),
            **{f"{severity}s": self.count(severity) for severity in _WEIGHT},
            "facts": dict(self.facts),
            "findings": [asdict(finding) for finding in self.findings],
        }


def by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first; otherwise in the order found."""
    return tuple(sorted(findings, key=lambda finding: _WEIGHT[finding.severity]))
