"""Where a mapping finds the scans: patterns of names below a folder, or columns of the table."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import Field, model_validator

from ctt_net.cohort.scan_names import EYE_WORDS, VIEW_WORDS
from ctt_net.errors import InputError
from ctt_net.io.schema import Schema, Text, Words, schema_error
from ctt_net.prepare.mapping.column_rules import CellRule
from ctt_net.prepare.mapping.name_pattern import NamePattern, compile_pattern, folded
from ctt_net.types import EYES

# A section of a raster.
_LINE = re.compile(r"line ([1-9]\d?) of ([1-9]\d?)")


class ScansSection(Schema):
    """The `scans` section as a person writes it.

    Args:
        folder: Name the folder of the scans, relative to the mapping or the raw folder.
        names: Patterns, the first that fits a file counts.
        laterality: `OD` and `OS` to their words in names of files.
        view: View to its words.
        visit: `preop` to its words; files of other visits are left alone.
        device: Device to its words.
        columns: View to the column that names its file.
        unreadable: What becomes of a file that cannot be read: `stop`, or `leave_out`: its view is
            then missing.
    """

    folder: Text
    names: Words = ()
    laterality: dict[str, Words] = Field(default_factory=dict)
    view: dict[str, Words] = Field(default_factory=dict)
    visit: dict[str, Words] = Field(default_factory=dict)
    device: dict[str, Words] = Field(default_factory=dict)
    columns: dict[str, CellRule] = Field(default_factory=dict)
    unreadable: Literal["stop", "leave_out"] = "stop"

    @model_validator(mode="after")
    def _names_or_columns(self) -> Self:
        if bool(self.names) == bool(self.columns):
            raise schema_error(": say either names (patterns) or columns of the table")
        return self

    def compiled(self, views: Iterable[str], where: str) -> "ScanRule":
        """What to search for.

        Args:
            views: Names of the views the mapping declares.
            where: Place of the section, for errors.

        Raises:
            InputError: Naming key, value and fix.
        """
        views = list(views)
        of_views = {view: (view, *VIEW_WORDS.get(view, ())) for view in views}
        words = {
            "laterality": _vocabulary(self.laterality or EYE_WORDS, EYES, f"{where}.laterality"),
            "view": _vocabulary(self.view or of_views, views, f"{where}.view"),
            "visit": _vocabulary(self.visit, ("preop",), f"{where}.visit"),
            "device": _vocabulary(self.device, self.device, f"{where}.device"),
        }
        for view in self.columns:
            if view not in views:
                raise InputError(
                    f"{where}.columns.{view}: no view of that name; declare it in views"
                )
        return ScanRule(
            self.folder,
            tuple(compile_pattern(text, words, where) for text in self.names),
            words,
            self.columns,
            self.unreadable == "leave_out",
        )


@dataclass(frozen=True)
class ScanRule:
    """What to search scans by.

    Args:
        folder: Relative to the mapping or the raw folder.
        names: Patterns, the first that fits a file counts.
        words: For `laterality`, `view`, `visit` and `device`: meaning to its words.
        columns: View to the rule of the column that names its file.
        leave_out_unreadable: Treat a file that cannot be read as missing, and count it; else stop.
    """

    folder: str
    names: tuple[NamePattern, ...] = ()
    words: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    columns: Mapping[str, CellRule] = field(default_factory=dict)
    leave_out_unreadable: bool = False


def _vocabulary(
    given: Mapping[str, Iterable[str]], meanings: Iterable[str], where: str
) -> dict[str, tuple[str, ...]]:
    """Words of file names by what they mean, in small letters.

    Raises:
        InputError: If a meaning is unknown, has no words, or shares a word with another one.
    """
    read: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    for meaning, words in given.items():
        if meaning not in meanings:
            raise InputError(f"{where}.{meaning}: expected one of {', '.join(meanings)}")
        read[meaning] = tuple(folded(word) for word in words)
        if not all(read[meaning]) or not read[meaning]:
            raise InputError(
                f"{where}.{meaning} needs words, such as [{meaning}]; got {list(words)}"
            )
        for word in read[meaning]:
            if taken.setdefault(word, meaning) != meaning:
                raise InputError(f"{where}: {word!r} means {taken[word]} and {meaning}; keep one")
    return read


def line_of(section: str, where: str) -> tuple[int, int]:
    """Number and count of a section like `line 2 of 5`.

    Raises:
        InputError: If it is none.
    """
    match = _LINE.fullmatch(section)
    if match is None or int(match[1]) > int(match[2]):
        raise InputError(
            f"{where} must be horizontal, vertical or like 'line 2 of 5', got {section!r}"
        )
    return int(match[1]), int(match[2])
