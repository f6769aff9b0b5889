"""Where the scans lie: inside the cohort folder, each in one place of the manifest only."""

from collections.abc import Hashable
from pathlib import Path

import pandas as pd

from ctt_net.cohort.problem import Problem
from ctt_net.cohort.scan_folder import ScanFolder
from ctt_net.cohort.schema import CohortSpec

# Rows named of a finding that many rows share.
SHOWN_ROWS = 5


def view_problems(table: pd.DataFrame, spec: CohortSpec, root: Path) -> list[Problem]:
    """Normalise the view columns of `table` in place, and list what is wrong with them.

    Args:
        table: Manifest, indexed by row number.
        spec: Names the view columns.
        root: Cohort folder.
    """
    problems = []
    folder = ScanFolder(root)
    first_place: dict[str, tuple[Hashable, str]] = {}
    for column in spec.views:
        texts = table[column].astype(str).str.strip()
        paths = []
        for row, text in zip(texts.index, texts.astype(object), strict=True):
            if not text:  # a large cohort without scans has little else
                paths.append("")
                continue
            place = folder.locate(text)
            paths.append(place.path)
            fault = place.fault
            others: tuple[Hashable, ...] = ()
            if place.real:
                other_row, other_column = first_place.setdefault(place.real, (row, column))
                if fault is None and (other_row, other_column) != (row, column):
                    fault = (
                        f"{text!r} stands in row {other_row}, column {other_column} already; each "
                        f"scan belongs to one eye and one view, so correct one of them"
                    )
                    others = (other_row,)
            if fault:
                code = "scan-named-twice" if others else ""
                problems.append(Problem(fault, "error", row, column, code, others))
        table[column] = pd.Series(paths, index=table.index, dtype=object)
    return problems + _without_views(table, spec)


def _without_views(table: pd.DataFrame, spec: CohortSpec) -> list[Problem]:
    """One warning for all eyes that have no scan at all."""
    empty = (table[list(spec.views)] == "").all(axis=1)
    rows = table.index[empty]
    if not len(rows):
        return []
    named = ", ".join(str(row) for row in rows[:SHOWN_ROWS])
    more = f" and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
    which = f"{len(rows)} eyes have no view at all (rows {named}{more})"
    what = "no view at all" if len(rows) == 1 else which
    return [
        Problem(
            f"{what}; such an eye is predicted from its acuity alone",
            "warning",
            row=rows[0],
            code="no-view",
        )
    ]
