"""Where the scans lie: inside the cohort folder, each in one place of the manifest only."""

import os
from collections.abc import Hashable
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from ctt_net.acuity import is_missing
from ctt_net.cohort.problem import Problem
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
    folder = _ScanFolder(root)
    first_place: dict[str, tuple[Hashable, str]] = {}
    for column in spec.views:
        texts = table[column].astype(str).str.strip()
        paths = []
        for row, text in zip(texts.index, texts, strict=True):
            path, message = folder.locate(text) if text else ("", None)
            paths.append(path)
            if path and path in first_place:
                other_row, other_column = first_place[path]
                message = message or (
                    f"{text!r} stands in row {other_row}, column {other_column} already; each scan "
                    f"belongs to one eye and one view, so correct one of them"
                )
            first_place.setdefault(path, (row, column))
            if message:
                problems.append(Problem(message, row=row, column=column))
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
        Problem(f"{what}; such an eye is predicted from its acuity alone", "warning", row=rows[0])
    ]


class _ScanFolder:
    """Answers whether a path names a file inside the cohort folder.

    Each folder is listed once: a hundred thousand questions to a hospital's file server take
    minutes.

    Args:
        root: Cohort folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.real_root = root.resolve()
        self._listed: dict[str, tuple[str, frozenset[str]]] = {}

    def locate(self, text: str) -> tuple[str, str | None]:
        """The relative POSIX path (empty = view missing), and what is wrong with it."""
        folder, _, name = text.rpartition("/")
        if folder not in self._listed:
            self._listed[folder] = self._list(folder)
        prefix, plain_files = self._listed[folder]
        if name in plain_files and "\\" not in name and ":" not in name:
            return prefix + name, None
        message = self._problem(text)
        if message and is_missing(text):
            return "", None
        return PurePosixPath(text).as_posix(), message

    def _list(self, folder: str) -> tuple[str, frozenset[str]]:
        """Prefix and plain files of a folder; of one that may not be used, none."""
        path = PurePosixPath(folder)
        try:
            if _leaves(folder) or not (self.root / path).resolve().is_relative_to(self.real_root):
                return "", frozenset()
            with os.scandir(self.root / path) as entries:
                names = frozenset(e.name for e in entries if e.is_file(follow_symlinks=False))
        except (OSError, RuntimeError):  # RuntimeError: a link that leads to itself
            return "", frozenset()
        return ("" if path == PurePosixPath() else f"{path}/"), names

    def _problem(self, text: str) -> str | None:
        if _leaves(text):
            return f"{text!r} leaves the cohort folder; give a path relative to it"
        file = self.root / PurePosixPath(text)
        try:
            if not file.is_file():
                cure = (
                    "write '/' between folder and file, not '\\'"
                    if "\\" in text
                    else "correct the path, or leave the cell empty if the view is missing"
                )
                return f"{text!r}: no such file in {self.root}; {cure}"
            inside = file.resolve().is_relative_to(self.real_root)
        except OSError as error:
            return f"{text!r}: cannot be read: {error.strerror}"
        return None if inside else f"{text!r} links out of the cohort folder; copy the scan into it"


def _leaves(text: str) -> bool:
    """Whether a path is absolute or climbs, on this system or on Windows."""
    path, windows = PurePosixPath(text), PureWindowsPath(text)
    climbs = ".." in (*path.parts, *windows.parts)
    return path.is_absolute() or bool(windows.drive or windows.root) or climbs
