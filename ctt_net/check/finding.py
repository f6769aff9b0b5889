"""A check, and what it found in a cohort."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ctt_net import INTENDED_USE, __version__
from ctt_net.cohort import Cohort
from ctt_net.cohort.problem import Severity
from ctt_net.errors import count_of

# Rows shown in one line; the count of all stands beside them.
SHOWN_ROWS = 5
_WEIGHT: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Check:
    """One check of a cohort.

    Args:
        code: Stable name for programs, such as `laterality-vs-file-name`.
        title: The same for people.
        why: Why a finding matters, one sentence.
        fix: What to do about it.
    """

    code: str
    title: str
    why: str
    fix: str

    def found(
        self,
        severity: Severity,
        message: str,
        rows: Iterable[Hashable] = (),
        column: str | None = None,
        scans: Iterable[str] = (),
    ) -> "Finding":
        """A finding of this check; rows are sorted and each named once."""
        numbers = tuple(sorted({int(str(row)) for row in rows}))
        return Finding(self, severity, message, numbers, column, tuple(dict.fromkeys(scans)))


@dataclass(frozen=True)
class Finding:
    """One kind of fault in one place of a cohort, with every row it concerns.

    Args:
        check: What was checked.
        severity: `error` stops a training or leaks the outcome; `warning` must be reviewed;
            `note` is for information.
        message: What was found, with its numbers.
        rows: Rows of the manifest, as a spreadsheet counts them; empty = the whole cohort.
        column: Column of the manifest, None = no single column.
        scans: Files it concerns, relative to the cohort folder.
    """

    check: Check
    severity: Severity
    message: str
    rows: tuple[int, ...] = ()
    column: str | None = None
    scans: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """Stable name of the check."""
        return self.check.code

    @property
    def title(self) -> str:
        """Name of the check for people."""
        return self.check.title

    def place(self) -> str:
        """Rows and column as text, the first rows only; empty for the whole cohort."""
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

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping, as `findings.json` holds it."""
        return {
            "check": self.code,
            "title": self.title,
            "severity": self.severity,
            "message": self.message,
            "rows": list(self.rows),
            "column": self.column,
            "why": self.check.why,
            "fix": self.check.fix,
            "scans": list(self.scans),
        }


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
        """Number of findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def tally(self) -> str:
        """Number of findings of each severity, as text."""
        return ", ".join(count_of(self.count(severity), severity) for severity in _WEIGHT)

    def verdict(self) -> str:
        """Whether this cohort can be trained on, in one sentence."""
        warned = {f.code for f in self.findings if f.severity == "warning"}
        if self.has_errors:
            return (
                f"Not ready to train: {count_of(self.count('error'), 'error')} to be fixed first."
            )
        if any(finding.code == "only-test-eyes" for finding in self.findings):
            return "Not to be trained on: all eyes are held out for evaluation."
        if warned & {"folds-impossible", "patients-few"}:
            return "Not ready to train: too few patients with an outcome."
        if warned:
            return f"Ready to train; {count_of(self.count('warning'), 'warning')} to review first."
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
            "findings": [finding.to_dict() for finding in self.findings],
        }


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first; otherwise in the order found."""
    return tuple(sorted(findings, key=lambda finding: _WEIGHT[finding.severity]))


def rows_where(cohort: Cohort, chosen: Any) -> list[int]:
    """Rows of the manifest at which an (E,) mask is true."""
    return [cohort.rows[position] for position in np.flatnonzero(np.asarray(chosen, bool))]
