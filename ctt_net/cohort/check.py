"""The doctor's look at the tables: what is in a cohort, and what is wrong with it."""

from dataclasses import dataclass
from pathlib import Path

from ctt_net.cohort.folder import Cohort, inspect_cohort
from ctt_net.cohort.folds import FOLDS_FILE
from ctt_net.cohort.manifest import required_columns
from ctt_net.cohort.problem import Problem
from ctt_net.cohort.schema import ACUITY_COLUMNS, IDENTITY_COLUMNS
from ctt_net.errors import InputError

# An outcome measured before the eye is quiet, or years later, is another outcome.
USUAL_FOLLOWUP_DAYS = (14, 120)

OPTIONAL_COLUMNS = ("split", "site", "device", "followup_days")


@dataclass(frozen=True)
class CheckReport:
    """Facts and findings of one cohort.

    Args:
        cohort: The cohort as read.
        facts: Name and value, in the order to be shown.
        problems: All findings, errors first.
    """

    cohort: Cohort
    facts: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        """Whether anything stops a training."""
        return any(problem.severity == "error" for problem in self.problems)


def check_cohort(root: Path | str) -> CheckReport:
    """Read a cohort's tables, count what is there, and list what is wrong.

    Raises:
        InputError: If a file is missing or cannot be read at all.
    """
    cohort, problems = inspect_cohort(root)
    facts: list[tuple[str, str]] = []
    if all(column in cohort.table for column in required_columns(cohort.spec)):
        problems += _soft_findings(cohort)
        for part in (_people, _views, _acuities, _covariates, _unused):
            facts += part(cohort)
        if not any(problem.severity == "error" for problem in problems):
            facts += _folds(cohort, problems)
    problems.sort(key=lambda problem: problem.severity != "error")
    return CheckReport(cohort, tuple(facts), tuple(problems))


def _people(cohort: Cohort) -> list[tuple[str, str]]:
    table = cohort.table
    eyes_each = table["patient_id"].value_counts()
    facts = [
        ("eyes", f"{len(table)}"),
        ("patients", f"{len(eyes_each)} ({(eyes_each > 1).sum()} with both eyes)"),
        (
            "right / left eyes",
            " / ".join(str((table["laterality"] == s).sum()) for s in ("OD", "OS")),
        ),
    ]
    for column in ("device", "site", "split"):
        if column in table:
            counts = table[column].replace("", "not said").value_counts().sort_index()
            facts.append((column, ", ".join(f"{name} {n}" for name, n in counts.items())))
    return facts


def _views(cohort: Cohort) -> list[tuple[str, str]]:
    facts = []
    for name, view in cohort.spec.views.items():
        present = int((cohort.table[name] != "").sum())
        facts.append(
            (
                f"view {name}",
                f"{present} scans, {len(cohort.table) - present} missing "
                f"({view.direction}, {view.angle_deg:g} degrees)",
            )
        )
    return facts


def _acuities(cohort: Cohort) -> list[tuple[str, str]]:
    facts = []
    for time in ("preop", "postop"):
        logmar = cohort.table[f"{time}_logmar"]
        words = cohort.table[f"{time}_off_chart"]
        off = ", ".join(f"{word} {n}" for word, n in words[words != ""].value_counts().items())
        span = "none known"
        if logmar.notna().any():
            span = (
                f"{logmar.min():.2f} to {logmar.max():.2f}, median {logmar.median():.2f} logMAR "
                f"({logmar.isna().sum()} missing)"
            )
        facts.append((f"{time} acuity ({cohort.spec.notation[f'{time}_va']})", span))
        facts.append((f"{time} off-chart ({cohort.spec.off_chart_policy})", off or "none"))
    return facts


def _covariates(cohort: Cohort) -> list[tuple[str, str]]:
    facts = []
    for name, covariate in cohort.spec.covariates.items():
        column = cohort.table[name]
        unit = f" {covariate.unit}" if covariate.unit else ""
        if covariate.kind == "categorical":
            what = ", ".join(f"{level} {n}" for level, n in column.value_counts().items())
        elif column.notna().any():
            what = f"{column.min():g} to {column.max():g}, median {column.median():g}{unit}"
        else:
            what = "none known"
        facts.append((f"covariate {name}", f"{what} ({column.isna().sum()} missing)"))
    return facts


def _unused(cohort: Cohort) -> list[tuple[str, str]]:
    spec = cohort.spec
    known = {*IDENTITY_COLUMNS, *ACUITY_COLUMNS, *OPTIONAL_COLUMNS, *spec.views, *spec.covariates}
    others = [str(name) for name in cohort.table if name not in known]
    return [("columns not declared, so not used", ", ".join(others))] if others else []


def _folds(cohort: Cohort, problems: list[Problem]) -> list[tuple[str, str]]:
    """Fold sizes; folds that stand there and do not fit are an error, none at all a warning."""
    written = (cohort.root / FOLDS_FILE).exists()
    try:
        sizes = cohort.folds().value_counts().sort_index()
    except InputError as error:
        problems.append(Problem(str(error), "error" if written else "warning"))
        return []
    name = "eyes per fold" + ("" if written else " (as they would be dealt)")
    return [(name, ", ".join(str(n) for n in sizes))]


def _soft_findings(cohort: Cohort) -> list[Problem]:
    """Things that are allowed and still worth a look."""
    table = cohort.table
    found = []
    if not cohort.spec.expect_improvement:
        found.append(Problem("the inverted-unit alarm is switched off in cohort.yaml", "warning"))
    unknown = int(table["postop_logmar"].isna().sum())
    if unknown:
        found.append(Problem(f"{unknown} eyes have no postop_va: not used for training", "warning"))
    if "followup_days" in table:
        days = table["followup_days"]
        low, high = USUAL_FOLLOWUP_DAYS
        outside = int(((days < low) | (days > high)).sum())
        if outside:
            found.append(
                Problem(
                    f"{outside} eyes measured outside {low}-{high} days after surgery; the time of "
                    f"measurement is part of what is predicted",
                    "warning",
                    column="followup_days",
                )
            )
    return found
