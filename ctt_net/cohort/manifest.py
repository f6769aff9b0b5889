"""`manifest.csv`: one row = one operated eye, read and checked whole before anything uses it."""

from collections.abc import Hashable
from pathlib import Path

import pandas as pd

from ctt_net.cohort.columns import add_acuities, read_covariate, read_numbers, says_missing
from ctt_net.cohort.dates import add_dates
from ctt_net.cohort.ids import id_fault, one_spelling, spelled_alike
from ctt_net.cohort.problem import Problem
from ctt_net.cohort.scan_paths import view_problems
from ctt_net.cohort.schema import IDENTITY_COLUMNS, OWN_MEANING, VA_COLUMNS, CohortSpec
from ctt_net.errors import close_name
from ctt_net.types import EYES

SPLITS = ("train", "val", "test")

# Fewer known pairs than this say nothing about the direction of a unit.
PAIRS_FOR_DIRECTION = 10


# A table that lists more rows than this for one eye has another mistake.
SHOWN_REPEATS = 5


def required_columns(spec: CohortSpec) -> tuple[str, ...]:
    """Columns without which a manifest cannot be interpreted."""
    return (*IDENTITY_COLUMNS, *VA_COLUMNS, *spec.views, *spec.covariates)


def undeclared_columns(table: pd.DataFrame, spec: CohortSpec) -> list[str]:
    """Columns of a manifest that nothing reads."""
    known = {*OWN_MEANING, "site", "device", *spec.views, *spec.covariates} - {"fold"}
    return [str(name) for name in table if name not in known]


def interpret_manifest(
    text: pd.DataFrame, spec: CohortSpec, root: Path
) -> tuple[pd.DataFrame, list[Problem]]:
    """Turn text columns into what `cohort.yaml` declares, and collect all that is wrong.

    Args:
        text: Manifest as text, indexed by its row numbers in a spreadsheet.
        spec: The cohort's declarations.
        root: Cohort folder; view paths are relative to it.

    Returns:
        The typed table (as text still, if a column is missing), and the problems.
    """
    table = text.copy()
    absent = [name for name in required_columns(spec) if name not in table]
    if absent:
        return table, [_absent_column(name, list(table.columns), spec) for name in absent]
    problems = _identity_problems(table)
    table, found = add_acuities(table, spec)
    problems += found
    for column, covariate in spec.covariates.items():
        table[column], found = read_covariate(table[column], column, covariate)
        problems += found
    problems += _followup_problems(table)
    problems += add_dates(table)
    problems += view_problems(table, spec, root)
    problems += _split_problems(table)
    problems += _direction_problems(table, spec)
    return table, problems


def _absent_column(name: str, present: list[str], spec: CohortSpec) -> Problem:
    close = close_name(name, present, taken=(*required_columns(spec), *OWN_MEANING))
    hint = f"is it {close!r}? Rename that" if close else f"there are: {', '.join(present)}"
    if name in VA_COLUMNS:
        hint += "; if it was never recorded, add the column with empty cells"
    return Problem(f"the column is missing; {hint}", column=name, code="column-missing")


def _identity_problems(table: pd.DataFrame) -> list[Problem]:
    problems = []
    unknown = {}
    for column in ("eye_id", "patient_id"):
        ids = table[column].astype(str).str.strip().astype(object)
        table[column] = ids
        unknown[column] = says_missing(ids)
        fix = (
            "every split and every statistic goes by patient; give the patient's id"
            if column == "patient_id"
            else "give each eye an id of its own"
        )
        for row, value in ids[unknown[column]].items():
            what = f"{value!r} is no id" if value else "empty"
            problems.append(Problem(f"{what}; {fix}", row=row, column=column))
        known = ids[~unknown[column]]
        faults = {text: fault for text in known.unique() if (fault := id_fault(text))}
        problems += [
            Problem(faults[text], row=row, column=column)
            for row, text in known[known.isin(list(faults))].items()
        ]
    sides = table["laterality"].astype(str).str.strip()
    table["laterality"] = sides
    problems += [
        Problem(
            f"must be OD (right) or OS (left), got {side!r}; map it in the recipe",
            row=row,
            column="laterality",
        )
        for row, side in sides[~sides.isin(EYES)].items()
    ]
    problems += _repeated(table[~unknown["eye_id"]], ["eye_id"])
    other_ids = ~table["eye_id"].duplicated(keep=False) & ~unknown["patient_id"]
    problems += _repeated(table[other_ids], ["patient_id", "laterality"])
    patients = table["patient_id"][~unknown["patient_id"]]
    rows = patients.drop_duplicates()
    row_of = dict(zip(rows, rows.index, strict=True))
    return problems + [
        Problem(
            alike_message(text, other, row_of[other]),
            *("warning", row_of[text], "patient_id", "patient-ids-alike", (row_of[other],)),
        )
        for text, other in spelled_alike(patients).items()
    ]


def alike_message(text: str, other: str, row: Hashable) -> str:
    """What is wrong with two ids that one person may have, and the fix."""
    return (
        f"{text!r} and {other!r} in row {row} may be one patient under two spellings: they differ "
        f"only by capitals, blanks, zeros in front or look-alike signs. Write one person's id the "
        f"same in every row; no split parts the two"
    )


def _repeated(table: pd.DataFrame, columns: list[str]) -> list[Problem]:
    """Two rows for one eye: an eye counted twice, or straddling a split."""
    twice = table[table.duplicated(columns, keep=False)]
    same: dict[str, list[Hashable]] = {}
    for row, *words in twice[columns].itertuples(name=None):
        same.setdefault(" ".join(words), []).append(row)
    problems = []
    for eye, rows in same.items():
        others = ", ".join(str(row) for row in rows[1 : 1 + SHOWN_REPEATS])
        more = f" and {len(rows) - 1 - SHOWN_REPEATS} more" if len(rows) > 1 + SHOWN_REPEATS else ""
        problems.append(
            Problem(
                f"two rows for one eye: {eye} stands again in row {others}{more}; one row = one "
                f"operated eye, so keep one visit",
                row=rows[0],
                column=columns[0],
                code="eye-twice",
                other_rows=tuple(rows[1 : 1 + SHOWN_REPEATS]),
            )
        )
    return problems


def _followup_problems(table: pd.DataFrame) -> list[Problem]:
    if "followup_days" not in table:
        return []
    days, problems = read_numbers(table["followup_days"], "followup_days")
    table["followup_days"] = days
    return problems + [
        Problem(
            f"{number:g} days after surgery is not after it; correct it, or leave it empty if "
            f"unknown",
            row=row,
            column="followup_days",
        )
        for row, number in days[days <= 0].items()
    ]


def _split_problems(table: pd.DataFrame) -> list[Problem]:
    if "split" not in table:
        return []
    split = table["split"].astype(str).str.strip()
    table["split"] = split
    problems = [
        Problem(
            f"must be train, val, test or empty, got {value!r}; correct it",
            row=row,
            column="split",
        )
        for row, value in split[~split.isin(["", *SPLITS])].items()
    ]
    first: dict[str, tuple[Hashable, str]] = {}
    patients = one_spelling(table["patient_id"])
    for row, patient, part in zip(table.index, patients, split, strict=True):
        other_row, other = first.setdefault(patient, (row, part))
        # An empty cell means train: such an eye is assigned to a fold like the others.
        if other != part and {part, other} & {"test", "val"}:
            problems.append(
                Problem(
                    f"patient {patient!r} is in {part or 'none'} here and in {other or 'none'} in "
                    f"row {other_row}; keep both eyes on one side",
                    row=row,
                    column="split",
                    code="patient-in-two-splits",
                    other_rows=(other_row,),
                )
            )
    return problems


def _direction_problems(table: pd.DataFrame, spec: CohortSpec) -> list[Problem]:
    """After surgery most eyes see better; if most see worse, a unit is upside down."""
    gain = (table["preop_logmar"] - table["postop_logmar"]).dropna()
    if not spec.acuity.expect_improvement or len(gain) < PAIRS_FOR_DIRECTION or gain.median() >= 0:
        return []
    declared = ", ".join(f"{column} as {notation}" for column, notation in spec.notation.items())
    return [
        Problem(
            f"the unit may be inverted: read {declared}, the median eye is worse after surgery "
            f"(by {-gain.median():.2f} logMAR over {len(gain)} eyes). Correct the notation in "
            f"cohort.yaml; if these eyes really got worse, set acuity.expect_improvement: false",
            code="unit-inverted",
        )
    ]
