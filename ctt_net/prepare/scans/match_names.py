"""One pattern of file names against the eyes of a table."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import pandas as pd

from ctt_net.cohort.folder import SPEC_FILE
from ctt_net.cohort.scan_names import IMAGE_SUFFIXES
from ctt_net.cohort.words import matched
from ctt_net.devices import is_device_file
from ctt_net.errors import InputError
from ctt_net.prepare.mapping.name_pattern import NamePattern, folded
from ctt_net.prepare.mapping.scan_rule import ScanRule
from ctt_net.prepare.tables.eyes import Eyes

ROLES = ("laterality", "view", "visit", "device")


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


class Matcher:
    """One pattern, and the eyes by the cells it asks for."""

    def __init__(
        self, pattern: NamePattern, rule: ScanRule, eyes: Eyes, views: tuple[str, ...]
    ) -> None:
        self.pattern, self.rule, self.views = pattern, rule, views
        self.joined = [group for group, name in pattern.fields.items() if name not in ROLES]
        columns = [
            _folded_cells(eyes, pattern.fields[group], pattern.text) for group in self.joined
        ]
        keys = zip(*columns, strict=True) if columns else [()] * len(eyes.table)
        self.eyes: dict[tuple[str, ...], list[int]] = {}
        for position, key in enumerate(keys):
            if all(key):
                self.eyes.setdefault(tuple(key), []).append(position)
        table = eyes.table
        self.side = table["laterality"].to_list() if "laterality" in table else None
        self.device = None
        if "device" in table:
            self.device = matched(table["device"], rule.words["device"]).to_list()

    def take(self, name: str, path: Path, found: FoundScans) -> bool:
        """Give a file to its eye; False if the pattern does not fit it or no eye is meant.

        Args:
            name: Path below the folder, as `folded` writes it.
            path: The file.
            found: Receives it.

        Raises:
            InputError: If the name can be read in two ways, or does not say the view.
        """
        short = self._read(self.pattern.regex.fullmatch(name))
        if short is None:
            return False
        long = self._read(self.pattern.greedy.fullmatch(name))
        if short[0] and long is not None and long[0] and short != long:
            raise InputError(
                f"{path.name}: the pattern {self.pattern.text!r} fits it in two ways "
                f"({_ways(short[1])}, or {_ways(long[1])}); make the pattern stricter"
            )
        positions, said = short if short[0] or long is None else long
        views = [said["view"]] if "view" in said else []
        if positions and not views:
            views = self._views_of(path)
        for at in positions:
            for view in views:
                found.files.setdefault((at, view), []).append(path)
            if "laterality" in said:
                found.sides.setdefault(at, set()).add(said["laterality"])
            if "device" in said:
                found.devices.setdefault(at, set()).add(said["device"])
        return bool(positions)

    def _read(self, match: re.Match[str] | None) -> tuple[list[int], dict[str, str]] | None:
        """Eyes that are meant, and what the name says."""
        if match is None:
            return None
        said = {
            name: self._meaning(name, match[group])
            for group, name in self.pattern.fields.items()
            if name in ROLES
        }
        positions = self.eyes.get(tuple(match[group].strip() for group in self.joined), [])
        if "laterality" in said and self.side is not None:
            positions = [at for at in positions if self.side[at] == said["laterality"]]
        if "device" in said and self.device is not None:
            positions = [at for at in positions if self.device[at] == said["device"]]
        return positions, said

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


def _ways(said: Mapping[str, str]) -> str:
    return " ".join(said.values()) or "another id"


def _folded_cells(eyes: Eyes, name: str, pattern: str) -> list[str]:
    """Cells a field must equal: of the manifest, else of the user's table."""
    for table in (eyes.table, eyes.cells):
        if name in table:
            return [folded(cell).strip() for cell in table[name]]
    raise InputError(
        f"scans.names: {pattern!r} asks for {{{name}}}, which is neither a column of the table nor "
        f"one of patient_id, eye_id, laterality, view, visit, device"
    )


def scan_files(folder: Path) -> Iterator[str]:
    """Scan files below a folder, in order of their paths; links are not followed, cohorts left out.

    Raises:
        InputError: If a folder in it may not be read.
    """
    for place, folders, names in os.walk(folder, onerror=_stop):
        if SPEC_FILE in names and Path(place) != folder:
            folders.clear()  # a cohort that was made here before is no raw data
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(place).relative_to(folder)
        for name in sorted(names):
            path = Path(place) / name
            if name.startswith(".") or path.is_symlink():
                continue
            if path.suffix.lower() in IMAGE_SUFFIXES or is_device_file(path):
                yield (below / name).as_posix()


def _stop(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from None
