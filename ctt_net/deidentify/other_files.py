"""Folds and flow table of the new cohort, rewritten with codes and numbers only."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ctt_net.cohort import Cohort, write_folds
from ctt_net.cohort.folder import MANIFEST_FILE, SPEC_FILE, TRUTH_FILE
from ctt_net.cohort.folds import FOLDS_FILE, most_folds
from ctt_net.cohort.manifest_text import FLOW_FILE, read_manifest_text
from ctt_net.io.atomic_write import atomic_write

NUMBER = re.compile(r"-?[0-9]*\.?[0-9]*(?:e[-+]?[0-9]+)?")
FLOW_UNITS = ("rows", "eyes", "patients", "visits", "scans")
_FLOW_COLUMNS = ["step", "count", "unit"]
_LEFT_OUT = "left out"


def write_coded_folds(cohort: Cohort, eye_codes: Mapping[str, str], folder: Path) -> None:
    """The same folds under the new ids; new ones where none are stored."""
    most = most_folds(cohort.table)
    if most < 2:
        return
    write_folds(cohort.folds(most).rename(index=dict(eye_codes)).sort_index(), folder / FOLDS_FILE)


def write_flow(cohort: Cohort, folder: Path) -> bool:
    """The counts of a flow table; its steps become numbers, since their text is free.

    Returns:
        Whether there was one with the columns step, count and perhaps unit; ids are left out.
    """
    path = cohort.root / FLOW_FILE
    if not path.exists():
        return False
    flow = read_manifest_text(path)
    flow = flow.drop(columns="ids", errors="ignore")
    columns = list(flow.columns)
    if columns not in (_FLOW_COLUMNS[:2], _FLOW_COLUMNS) or not flow["count"].map(_is_number).all():
        return False
    out = flow["step"].str.startswith(_LEFT_OUT)
    flow["step"] = [f"{n} {_LEFT_OUT}" if gone else f"{n}" for n, gone in enumerate(out, start=1)]
    if "unit" in columns:
        flow["unit"] = flow["unit"].where(flow["unit"].isin(FLOW_UNITS), "")
    _write(flow, folder / FLOW_FILE)
    return True


def files_left_behind(cohort: Cohort) -> int:
    """How many files of the original folder are neither tables of a cohort nor scans it names."""
    views = list(cohort.spec.views)
    named = {str(path) for path in cohort.table[views].to_numpy().ravel() if path}
    named |= {SPEC_FILE, MANIFEST_FILE, FOLDS_FILE, TRUTH_FILE, FLOW_FILE}
    files = (path for path in cohort.root.rglob("*") if not path.is_dir())
    return sum(path.relative_to(cohort.root).as_posix() not in named for path in files)


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text.strip()) is not None


def _write(table: pd.DataFrame, path: Path) -> None:
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    atomic_write(path, text.getvalue())
