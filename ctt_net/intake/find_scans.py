"""Which file shows which view of which eye, by the patterns or the columns of a mapping."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from ctt_net.cohort import Problem
from ctt_net.devices import is_device_file
from ctt_net.errors import InputError
from ctt_net.intake.cells import resolved
from ctt_net.intake.eyes import Eyes
from ctt_net.intake.scan_rule import NamePattern, ScanRule
from ctt_net.scan_names import IMAGE_SUFFIXES

_ROLES = ("laterality", "view", "visit", "device")


@dataclass
class FoundScans:
    """Files by eye and view.

    Args:
        files: (position of the eye, view) to its files; more than one is a problem.
        sides: Position of an eye to the sides its file names say.
        devices: Position of an eye to the devices its file names say.
        unused: Files that belong to no eye, relative to the folder.
    """

    files: dict[tuple[int, str], list[Path]] = field(default_factory=dict)
    sides: dict[int, set[str]] = field(default_factory=dict)
    devices: dict[int, set[str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def shown_in(self, eyes: Eyes, views: tuple[str, ...]) -> Eyes:
        """The eyes with a column per view: `yes` where there is a file, blank elsewhere."""
        columns = {
            view: pd.Series(
                ["yes" if (at, view) in self.files else "" for at in range(len(eyes.table))],
                dtype=object,
            )
            for view in views
        }
        return replace(eyes, table=eyes.table.assign(**columns))

    def of(self, taken: Eyes, eyes: Eyes) -> "FoundScans":
        """The files of those eyes that were taken."""
        place = {eye: at for at, eye in enumerate(taken.table["eye_id"])}
        ids = eyes.table["eye_id"].to_list()
        files = {
            (place[ids[at]], view): paths
            for (at, view), paths in self.files.items()
            if ids[at] in place
        }
        return replace(self, files=files)


def find_scans(eyes: Eyes, rule: ScanRule, folder: Path, views: tuple[str, ...]) -> FoundScans:
    """Look for the scans of every eye.

    Args:
        eyes: With `laterality` unless the names of the files say it.
        rule: The `scans` section.
        folder: Where it lies.
        views: Names of the views.

    Raises:
        InputError: If the folder is not there, or a pattern asks for a column that is not.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; correct scans.folder in the mapping")
    if rule.columns:
        return _by_columns(eyes, rule, folder)
    found = FoundScans()
    matchers = [_Matcher(pattern, rule, eyes, views) for pattern in rule.names]
    for relative in _files(folder):
        lower = relative.lower()
        if not any(matcher.take(lower, folder / relative, found) for matcher in matchers):
            found.unused.append(relative)
    return found


def double_files(found: FoundScans, eyes: Eyes) -> list[Problem]:
    """Eyes with two files for one view."""
    return [
        Problem(
            f"{len(files)} files for view {view}, such as {files[0].name!r} and {files[1].name!r}; "
            f"make the pattern stricter (visit, date), or remove one",
            row=int(eyes.rows[position]),
        )
        for (position, view), files in sorted(found.files.items())
        if len(files) > 1
    ]


def without_paths(eyes: Eyes, views: tuple[str, ...]) -> Eyes:
    """The eyes as if every view were missing, to check the rest of the table alone."""
    return replace(eyes, table=eyes.table.assign(**dict.fromkeys(views, "")))


class _Matcher:
    """One pattern, and the eyes by the cells it asks for."""

    def __init__(
        self, pattern: NamePattern, rule: ScanRule, eyes: Eyes, views: tuple[str, ...]
    ) -> None:
        self.pattern, self.rule, self.views = pattern, rule, views
        self.joined = [group for group, name in pattern.fields.items() if name not in _ROLES]
        columns = [_lower(eyes, pattern.fields[group], pattern.text) for group in self.joined]
        keys = zip(*columns, strict=True) if columns else [()] * len(eyes.table)
        self.eyes: dict[tuple[str, ...], list[int]] = {}
        for position, key in enumerate(keys):
            if all(key):
                self.eyes.setdefault(tuple(key), []).append(position)
        table = eyes.table
        self.side = table["laterality"].to_list() if "laterality" in table else None
        self.device = table["device"].to_list() if "device" in table else None

    def take(self, lower: str, path: Path, found: FoundScans) -> bool:
        """Give a file to its eye; False if the pattern does not fit it or no eye is meant."""
        match = self.pattern.regex.fullmatch(lower)
        if match is None:
            return False
        said = {
            name: self._meaning(name, match[group])
            for group, name in self.pattern.fields.items()
            if name in _ROLES
        }
        positions = self.eyes.get(tuple(match[group].strip() for group in self.joined), [])
        if "laterality" in said and self.side is not None:
            positions = [at for at in positions if self.side[at] == said["laterality"]]
        if "device" in said and self.device is not None:
            positions = [at for at in positions if self.device[at] == said["device"]]
        views = [said["view"]] if "view" in said else self._views_of(path)
        for at in positions:
            for view in views:
                found.files.setdefault((at, view), []).append(path)
            if "laterality" in said:
                found.sides.setdefault(at, set()).add(said["laterality"])
            if "device" in said:
                found.devices.setdefault(at, set()).add(said["device"])
        return bool(positions)

    def _meaning(self, name: str, text: str) -> str:
        words = self.rule.words[name]
        return next(meaning for meaning, known in words.items() if text in known)

    def _views_of(self, path: Path) -> list[str]:
        if len(self.views) == 1 or is_device_file(path):
            return list(self.views)
        raise InputError(
            f"{path.name}: fits the pattern {self.pattern.text!r}, which does not say which of the "
            f"views {', '.join(self.views)} it is; add {{view}} to the pattern"
        )


def _by_columns(eyes: Eyes, rule: ScanRule, folder: Path) -> FoundScans:
    found = FoundScans()
    for view, column in rule.columns.items():
        for position, text in enumerate(resolved(column, eyes.cells)):
            if text:
                found.files[position, view] = [_inside(text, folder, int(eyes.rows[position]))]
    return found


def _inside(text: str, folder: Path, row: int) -> Path:
    path = PurePosixPath(text.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in text or "\x00" in text:
        raise InputError(
            f"row {row}: {text!r} leaves the folder of the scans; use 'extract' in the mapping to "
            f"take the part below it"
        )
    return folder / path


def _lower(eyes: Eyes, name: str, pattern: str) -> list[str]:
    """Cells a field must equal: of the manifest, else of the user's table."""
    for table in (eyes.table, eyes.cells):
        if name in table:
            return table[name].str.strip().str.lower().to_list()
    raise InputError(
        f"scans.names: {pattern!r} asks for {{{name}}}, which is neither a column of the table nor "
        f"one of patient_id, eye_id, laterality, view, visit, device"
    )


def _files(folder: Path) -> Iterator[str]:
    """Scan files below a folder, in natural order of their paths; links are not followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(place).relative_to(folder)
        for name in sorted(names):
            path = Path(place) / name
            if name.startswith(".") or path.is_symlink():
                continue
            if path.suffix.lower() in IMAGE_SUFFIXES or is_device_file(path):
                yield (below / name).as_posix()
