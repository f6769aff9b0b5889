"""The cohort folder: `cohort.yaml` + `manifest.csv` + `folds.csv` + scans, read and written."""

import datetime
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from ctt_net.cohort.columns import read_numbers
from ctt_net.cohort.folds import FOLDS_FILE, make_folds, most_folds, read_folds, write_folds
from ctt_net.cohort.manifest import interpret_manifest
from ctt_net.cohort.manifest_text import parse_manifest_text, read_manifest_text
from ctt_net.cohort.problem import HEADER_ROW, CohortError, Problem
from ctt_net.cohort.schema import (
    ACUITY_COLUMNS,
    BOUND_COLUMNS,
    IDENTITY_COLUMNS,
    CohortSpec,
)
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.formula import escape_formula
from ctt_net.io.read_text import read_text
from ctt_net.io.yaml_file import dump_yaml

SPEC_FILE = "cohort.yaml"
MANIFEST_FILE = "manifest.csv"
TRUTH_FILE = "truth.csv"
READABLE_COLUMN = "readable_logmar"  # of the truth


@dataclass(frozen=True)
class Cohort:
    """A checked cohort.

    Args:
        root: Its folder.
        spec: What `cohort.yaml` declares.
        table: One row per eye, in the manifest's order. `<time>_logmar` are floats (NaN = unknown);
            `postop_lower_logmar` and `postop_upper_logmar` are there if an outcome is known within
            bounds only (NaN = open; `ctt_net.cohort.outcomes`). View columns hold a path relative
            to `root` or an empty text, covariates are floats (numeric, binary) or level names, NaN
            = unknown, dates are yyyy-mm-dd or an empty text (`ctt_net.cohort.dates.read_dates`
            makes days of them); other columns are text.
        rows: Line of each eye in the manifest, as a spreadsheet counts them.
        warnings: Findings that do not stop anything.
    """

    root: Path
    spec: CohortSpec
    table: pd.DataFrame
    rows: tuple[int, ...]
    warnings: tuple[Problem, ...] = ()

    def where(self, chosen: pd.Series) -> Self:
        """The same cohort with the chosen eyes only.

        Args:
            chosen: bool, one per row of `table`.
        """
        rows = tuple(row for row, keep in zip(self.rows, chosen, strict=True) if keep)
        return replace(self, table=self.table[chosen].reset_index(drop=True), rows=rows)

    def to_test_on(self) -> tuple[Self, str]:
        """The rows of `split` test where there are any, else all; and which these are, in words."""
        if "split" in self.table and (self.table["split"] == "test").any():
            return self.where(self.table["split"] == "test"), "split test"
        return self, "all rows"

    def scan_path(self, row: Any, view: str) -> Path | None:
        """File of one view of one row, None if that view is missing."""
        return self.root / row[view] if row[view] else None

    def folds(self, n_folds: int = 5, seed: int = 0) -> pd.Series:
        """The folds that stand in the folder; without any, the same ones that would be written."""
        path = self.root / FOLDS_FILE
        if path.exists():
            return read_folds(path, self.table)
        try:
            return make_folds(self.table, n_folds, seed)
        except InputError as error:
            raise InputError(f"{self.root}: {error}") from None

    def potential(self) -> pd.Series | None:
        """True retinal potential of simulated eyes, logMAR by eye_id; None for real eyes."""
        return self._truth("potential_logmar")

    def readable_potential(self) -> pd.Series | None:
        """Prediction of a reader who knows all but what no scan shows, logMAR by eye_id.

        None for real eyes, and for simulated ones whose `truth.csv` has no such column.
        """
        return self._truth(READABLE_COLUMN, optional=True)

    def _truth(self, column: str, optional: bool = False) -> pd.Series | None:
        path = self.root / TRUTH_FILE
        if not path.exists():
            return None
        truth = read_manifest_text(path, by_program=True)
        if optional and column not in truth:
            return None
        for name in ("eye_id", column):
            if name not in truth:
                raise InputError(f"{path}: the column {name!r} is missing; simulate anew")
        numbers, problems = read_numbers(truth[column], column)
        if problems:
            raise CohortError(path, problems)
        return numbers.set_axis(pd.Index(truth["eye_id"], name="eye_id"))


def inspect_cohort(root: Path | str) -> tuple[Cohort, list[Problem]]:
    """Read a cohort folder and list all that is wrong with its tables, errors too.

    Raises:
        InputError: If `cohort.yaml` or the shape of `manifest.csv` cannot be read at all.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(
            f"{root}: no such folder; give a cohort folder (cohort.yaml + manifest.csv)"
        )
    spec = CohortSpec.read(root / SPEC_FILE)
    belongs = "a cohort folder holds cohort.yaml, manifest.csv and the scans"
    return _interpreted(read_text(root / MANIFEST_FILE, belongs=belongs), spec, root)


def read_cohort(root: Path | str) -> Cohort:
    """Read a cohort folder.

    Raises:
        CohortError: Naming every row and column that is wrong.
        InputError: If a file is missing or cannot be read at all.
    """
    cohort, problems = inspect_cohort(root)
    _check_no_errors(problems, cohort.root)
    return cohort


def write_cohort(
    root: Path | str,
    spec: CohortSpec,
    rows: pd.DataFrame | Sequence[Mapping[str, Any]],
    n_folds: int = 5,
    seed: int = 0,
) -> Cohort:
    """Write `cohort.yaml`, `manifest.csv` and `folds.csv` of a folder that holds the scans already.

    Args:
        root: Cohort folder.
        spec: Its declarations.
        rows: One mapping or row per eye: at least the identity columns, `preop_va`, `postop_va`,
            the views and the covariates. logMAR and off-chart columns are filled from the texts.
        n_folds: Number of folds, at most one per patient; a cohort without two patients to train on
            (all of `split` test, say) gets no `folds.csv`.
        seed: Of the folds.

    Returns:
        The cohort as it reads back.

    Raises:
        InputError: If a declaration is wrong; nothing is written then.
        CohortError: If a row is wrong; nothing is written then.
    """
    root = Path(root)
    declared = spec.to_dict()
    spec = CohortSpec.parse(declared, str(root / SPEC_FILE))
    raw = _as_text(rows, root / MANIFEST_FILE)
    raw.index = pd.RangeIndex(HEADER_ROW + 1, HEADER_ROW + 1 + len(raw))
    table, problems = interpret_manifest(raw, spec, root)
    _check_no_errors(problems, root)
    if not len(raw):
        raise InputError(f"{root / MANIFEST_FILE}: no rows; a cohort has at least one eye")
    bounds = [name for name in BOUND_COLUMNS if name in table]
    raw = raw.drop(columns=list(BOUND_COLUMNS), errors="ignore")
    for column in ("preop_logmar", "postop_logmar", *bounds):
        raw[column] = ["" if pd.isna(x) else f"{x:.6g}" for x in table[column]]
    for column in ("preop_off_chart", "postop_off_chart"):
        raw[column] = table[column]
    first = [*IDENTITY_COLUMNS, *ACUITY_COLUMNS, *bounds, *spec.views]
    ordered = raw[[*first, *(name for name in raw.columns if name not in first)]]
    text = _as_csv(ordered)
    cohort, problems = _interpreted(text, spec, root)
    _check_no_errors(problems, root)
    most = most_folds(table, n_folds)
    folds = make_folds(table, most, seed) if most > 1 else None
    atomic_write(root / SPEC_FILE, dump_yaml(declared))
    atomic_write(root / MANIFEST_FILE, text)
    if folds is None:
        (root / FOLDS_FILE).unlink(missing_ok=True)
    else:
        write_folds(folds, root / FOLDS_FILE)
    return cohort


def _check_no_errors(problems: Sequence[Problem], root: Path) -> None:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise CohortError(root / MANIFEST_FILE, errors)


def _interpreted(text: str, spec: CohortSpec, root: Path) -> tuple[Cohort, list[Problem]]:
    """A cohort from the text of its manifest."""
    table, problems = interpret_manifest(
        parse_manifest_text(text, root / MANIFEST_FILE), spec, root
    )
    warnings = tuple(problem for problem in problems if problem.severity == "warning")
    rows = tuple(int(row) for row in table.index)
    return Cohort(root, spec, table.reset_index(drop=True), rows, warnings), problems


def _as_csv(table: pd.DataFrame) -> str:
    """Comma-separated text in which no spreadsheet finds a formula."""
    text = io.StringIO()
    safe = {
        # Nearly every cell is blank or begins with a letter or a digit, which saves the call.
        escape_formula(str(name)): [
            c if not c or c[:1].isalnum() else escape_formula(c) for c in table[name].astype(object)
        ]
        for name in table
    }
    pd.DataFrame(safe, dtype=object).to_csv(text, index=False, lineterminator="\n")
    return text.getvalue()


def _as_text(rows: pd.DataFrame | Sequence[Mapping[str, Any]], path: Path) -> pd.DataFrame:
    """Every cell as text, unknown = empty."""
    try:
        raw = pd.DataFrame(rows).astype(object)
        "".join(str(name) for name in raw.columns).encode("utf-8")
        # Python's own texts: going through pandas' strings one by one takes five times as long.
        cells = {
            name: list(map(_cell, column)) for name, column in raw.where(raw.notna(), "").items()
        }
        return pd.DataFrame(cells, columns=raw.columns, index=raw.index, dtype=object)
    except UnicodeEncodeError as error:
        bad = ascii(error.object[error.start : error.end])
        raise InputError(
            f"{path}: a cell holds {bad}, which is no letter; read the source in its own encoding"
        ) from None


def _cell(value: Any) -> str:
    """A cell as text: numbers in full, so that an id is never rounded."""
    if type(value) is str and value.isascii() and "\r" not in value:
        return value
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # pandas makes floats of whole numbers beside a gap
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()  # a spreadsheet's reader gives midnight to a bare date
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")  # else a row would end there
    text.encode("utf-8")  # half a surrogate pair is not to be found when half is written
    return text
