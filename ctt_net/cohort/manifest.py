"""`manifest.csv`: one row = one operated eye, read and checked whole before anything uses it."""

import csv
import io
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from ctt_net.acuity import is_missing
from ctt_net.cohort.columns import HEADER_ROW, add_acuities, read_covariate, read_numbers, sheet_row
from ctt_net.cohort.problem import CohortError, Problem
from ctt_net.cohort.schema import CohortSpec
from ctt_net.errors import InputError

IDENTITY_COLUMNS = ("eye_id", "patient_id", "laterality")
ACUITY_COLUMNS = (
    "preop_va",
    "postop_va",
    "preop_logmar",
    "postop_logmar",
    "preop_off_chart",
    "postop_off_chart",
)
SPLITS = ("train", "val", "test")

# Fewer known pairs than this say nothing about the direction of a unit.
PAIRS_FOR_DIRECTION = 10


def read_manifest_text(path: Path) -> pd.DataFrame:
    """Read the CSV as text, nothing interpreted.

    Raises:
        InputError: If the file is missing, not UTF-8, empty, or its rows are ragged.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; a cohort folder holds cohort.yaml, manifest.csv and the scans"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; export it as 'CSV UTF-8'") from None
    if "\x00" in text:
        raise InputError(f"{path}: holds NUL bytes, so it is no CSV text; export it as 'CSV UTF-8'")
    lines = list(csv.reader(io.StringIO(text)))
    if not lines:
        raise InputError(f"{path}: empty; expected a header line")
    header = [name.strip() for name in lines[0]]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise InputError(f"{path}: column {repeated[0]!r} stands twice; keep one")
    rows = [(number, line) for number, line in enumerate(lines[1:], HEADER_ROW + 1) if any(line)]
    ragged = [
        Problem(f"{len(line)} cells where the header has {len(header)}", row=number)
        for number, line in rows
        if len(line) != len(header)
    ]
    if ragged:
        raise CohortError(path, ragged)
    if not rows:
        raise InputError(f"{path}: no rows below the header")
    return pd.DataFrame([line for _, line in rows], columns=header, dtype=object)


def interpret_manifest(
    table: pd.DataFrame, spec: CohortSpec, root: Path
) -> tuple[pd.DataFrame, list[Problem]]:
    """Turn text columns into what `cohort.yaml` declares, and collect all that is wrong.

    Args:
        table: Manifest as text.
        spec: The cohort's declarations.
        root: Cohort folder; view paths are relative to it.

    Returns:
        The typed table, and the problems.
    """
    required = (*IDENTITY_COLUMNS, "preop_va", "postop_va", *spec.views, *spec.covariates)
    absent = [name for name in required if name not in table]
    if absent:
        present = ", ".join(table.columns)
        return table, [
            Problem(f"the column is missing (there are: {present})", column=name) for name in absent
        ]
    problems = _identity_problems(table)
    table, found = add_acuities(table, spec)
    problems += found
    for column, covariate in spec.covariates.items():
        table[column], found = read_covariate(table[column], column, covariate)
        problems += found
    if "followup_days" in table:
        table["followup_days"], found = read_numbers(table["followup_days"], "followup_days")
        problems += found
    problems += _view_problems(table, spec, root)
    problems += _split_problems(table)
    problems += _direction_problems(table, spec)
    return table, problems


def _identity_problems(table: pd.DataFrame) -> list[Problem]:
    problems = []
    for column in ("eye_id", "patient_id"):
        table[column] = table[column].astype(str).str.strip()
        cure = (
            "every split and every statistic goes by patient; give the patient's id"
            if column == "patient_id"
            else "give each eye an id of its own"
        )
        for position in np.flatnonzero(table[column].map(is_missing)):
            problems.append(Problem(f"empty; {cure}", row=sheet_row(int(position)), column=column))
    sides = table["laterality"].astype(str).str.strip()
    table["laterality"] = sides
    for position in np.flatnonzero(~sides.isin(["OD", "OS"])):
        problems.append(
            Problem(
                f"must be OD or OS, got {sides.iloc[position]!r}; map it in the recipe",
                row=sheet_row(int(position)),
                column="laterality",
            )
        )
    problems += _repeated(table, ["eye_id"], "eye_id")
    problems += _repeated(table, ["patient_id", "laterality"], "patient_id")
    return problems


def _repeated(table: pd.DataFrame, columns: list[str], column: str) -> list[Problem]:
    """Two rows for one eye: an eye counted twice, or straddling a split."""
    problems = []
    for key, rows in table.groupby(columns, sort=False).indices.items():
        if len(rows) > 1:
            words = " ".join(key) if isinstance(key, tuple) else str(key)
            others = ", ".join(str(sheet_row(int(i))) for i in rows[1:])
            problems.append(
                Problem(
                    f"two rows for one eye: {words} stands again in row {others}; one row = one "
                    f"operated eye, so keep one visit",
                    row=sheet_row(int(rows[0])),
                    column=column,
                )
            )
    return problems


def _view_problems(table: pd.DataFrame, spec: CohortSpec, root: Path) -> list[Problem]:
    problems = []
    base = root.resolve()
    for column in spec.views:
        table[column] = table[column].astype(str).str.strip()
        for position, text in enumerate(table[column]):
            if text:
                message = _path_problem(text, root, base)
                if message:
                    problems.append(Problem(message, row=sheet_row(position), column=column))
    empty = (table[list(spec.views)] == "").all(axis=1).to_numpy(bool)
    for position in np.flatnonzero(empty):
        problems.append(
            Problem(
                "no view at all; such an eye is predicted from its acuity alone",
                "warning",
                row=sheet_row(int(position)),
            )
        )
    return problems


def _path_problem(text: str, root: Path, base: Path) -> str | None:
    path = PurePosixPath(text)
    windows = PureWindowsPath(text)
    if path.is_absolute() or windows.drive or windows.root or ".." in (*path.parts, *windows.parts):
        return f"{text!r} leaves the cohort folder; give a path relative to it"
    file = root / path
    if not file.is_file():
        return f"{text!r}: no such file in {root}"
    if not file.resolve().is_relative_to(base):
        return f"{text!r} is a link out of the cohort folder; copy the scan into it"
    return None


def _split_problems(table: pd.DataFrame) -> list[Problem]:
    if "split" not in table:
        return []
    table["split"] = table["split"].astype(str).str.strip()
    problems = [
        Problem(
            f"must be train, val, test or empty, got {value!r}",
            row=sheet_row(position),
            column="split",
        )
        for position, value in enumerate(table["split"])
        if value and value not in SPLITS
    ]
    held_out = table["split"] == "test"
    both = set(table["patient_id"][held_out]) & set(table["patient_id"][~held_out])
    return problems + [
        Problem(f"patient {patient} is in test and outside it; keep both eyes on one side")
        for patient in sorted(both)
    ]


def _direction_problems(table: pd.DataFrame, spec: CohortSpec) -> list[Problem]:
    """After surgery most eyes see better; if most see worse, a unit is upside down."""
    gain = (table["preop_logmar"] - table["postop_logmar"]).dropna()
    if not spec.expect_improvement or len(gain) < PAIRS_FOR_DIRECTION or gain.median() >= 0:
        return []
    declared = ", ".join(f"{column} as {notation}" for column, notation in spec.notation.items())
    return [
        Problem(
            f"the unit may be inverted: read {declared}, the median eye is worse after surgery "
            f"(by {-gain.median():.2f} logMAR over {len(gain)} eyes). Correct the notation in "
            f"cohort.yaml; if these eyes really got worse, set acuity.expect_improvement: false"
        )
    ]
