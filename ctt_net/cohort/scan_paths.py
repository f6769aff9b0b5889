"""Where the scans lie: inside the cohort folder, each in one place of the manifest only."""

import os
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from ctt_net.acuity import is_missing
from ctt_net.cohort.problem import Problem
from ctt_net.cohort.schema import CohortSpec

SHOWN_CHARACTERS = 200

# Rows named of a finding that many rows share.
SHOWN_ROWS = 5

# Windows opens a device under these names, in any folder and with any ending.
_PORTS = tuple(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")
_DEVICES = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", *_PORTS))


@dataclass(frozen=True)
class _Listing:
    """One folder as it is on the disk.

    Args:
        real: Its path below the cohort folder, links followed, with a slash behind.
        files: Names of its plain files.
        names: Names of all there is in it.
    """

    real: str = ""
    files: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """Where one cell of a view column points to.

    Args:
        path: Relative POSIX path, empty = view missing.
        real: The same with links followed, so that one scan has one name.
        fault: What is wrong with it, with the fix.
    """

    path: str = ""
    real: str = ""
    fault: str | None = None


class ScanFolder:
    """Looks paths up without asking twice.

    Each folder is listed once: a hundred thousand questions to a hospital's file server take
    minutes. No file is opened.

    Args:
        root: Cohort folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.real_root = root.resolve()
        self._listed: dict[str, _Listing] = {}

    def locate(self, text: str) -> Place:
        """Find what one cell names.

        Args:
            text: The cell, without surrounding blanks.
        """
        if not text:
            return Place()
        folder, _, name = text.rpartition("/")
        listing = self._listing(folder)
        if name in listing.files and not _is_odd(name):
            path = PurePosixPath(folder, name).as_posix() if folder else name
            return Place(path, listing.real + name)
        fault = self._fault(text)
        if fault and is_missing(text):
            return Place()
        path = PurePosixPath(text).as_posix()
        return Place(path, path if fault else self._real(path), fault)

    def _listing(self, folder: str) -> _Listing:
        if folder not in self._listed:
            self._listed[folder] = self._list(folder)
        return self._listed[folder]

    def _list(self, folder: str) -> _Listing:
        """What is in a folder; of one that may not be used, nothing."""
        path = PurePosixPath(folder)
        try:
            if _leaves(folder) or any(map(_is_odd, path.parts)) or self._other_case(path):
                return _Listing()
            real = (self.root / path).resolve()
            if not real.is_relative_to(self.real_root):
                return _Listing()
            with os.scandir(self.root / path) as entries:
                plain = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
        # RuntimeError: a link that leads to itself; ValueError: a NUL in the name.
        except (OSError, RuntimeError, ValueError):
            return _Listing()
        below = real.relative_to(self.real_root).as_posix()
        files = frozenset(name for name, is_plain in plain.items() if is_plain)
        return _Listing("" if below == "." else f"{below}/", files, frozenset(plain))

    def _real(self, path: str) -> str:
        return (self.root / path).resolve().relative_to(self.real_root).as_posix()

    def _fault(self, text: str) -> str | None:
        shown = repr(text[:SHOWN_CHARACTERS]) + ("..." if len(text) > SHOWN_CHARACTERS else "")
        if _leaves(text):
            return f"{shown} leaves the cohort folder; give a path relative to it"
        path = PurePosixPath(text)
        file = self.root / path
        try:
            other = self._other_case(path)
            if other:
                return f"{shown}: no such file; there is {other!r}, which is written another way"
            if not file.is_file():
                fix = (
                    "write '/' between folder and file, not '\\'"
                    if "\\" in text
                    else "correct the path, or leave the cell empty if the view is missing"
                )
                return f"{shown}: no such file in {self.root}; {fix}"
            if not file.resolve().is_relative_to(self.real_root):
                return f"{shown} links out of the cohort folder; copy the scan into it"
        except OSError as error:
            return f"{shown}: cannot be read: {error.strerror}"
        except (RuntimeError, ValueError):
            return f"{shown}: cannot be read; correct the path"
        if any(map(_is_odd, path.parts)):
            return f"{shown}: not every system can store a file of this name; rename it"
        return None

    def _other_case(self, path: PurePosixPath) -> str | None:
        """The last part as the folder spells it, where a Windows or a Mac would not mind."""
        if path == PurePosixPath():
            return None
        names = self._listing("" if str(path.parent) == "." else path.parent.as_posix()).names
        if path.name in names:
            return None
        alike = (name for name in sorted(names) if name.casefold() == path.name.casefold())
        return next(alike, None)


def _leaves(text: str) -> bool:
    """Whether a path is absolute or climbs, on this system or on Windows."""
    path, windows = PurePosixPath(text), PureWindowsPath(text)
    climbs = ".." in (*path.parts, *windows.parts)
    return path.is_absolute() or bool(windows.drive or windows.root) or climbs


def _is_odd(name: str) -> bool:
    """Whether Windows would take a name for something else: a device, a folder, another name."""
    device = name.split(".")[0].rstrip().casefold() in _DEVICES
    return device or "\\" in name or ":" in name or name != name.rstrip(". ")


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
