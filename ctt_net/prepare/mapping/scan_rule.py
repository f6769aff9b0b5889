"""Where a mapping finds the scans: patterns of names below a folder, or columns of the table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ctt_net.cohort.scan_names import EYE_WORDS, VIEW_WORDS
from ctt_net.cohort.yaml_value import read_choice, read_section, read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys
from ctt_net.prepare.mapping.name_pattern import NamePattern, compile_pattern, read_vocabulary
from ctt_net.prepare.mapping.rule import SIDES, Rule, read_rule

# A section of a raster.
_LINE = re.compile(r"line ([1-9]\d?) of ([1-9]\d?)")


@dataclass(frozen=True)
class ScanRule:
    """The `scans` section of a mapping.

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
    columns: Mapping[str, Rule] = field(default_factory=dict)
    leave_out_unreadable: bool = False


def read_scans(section: Mapping[str, Any], views: tuple[str, ...], where: str) -> ScanRule:
    """Check and build the `scans` section.

    Args:
        section: From the YAML.
        views: Names of the views the mapping declares.
        where: Its place, for errors.

    Raises:
        InputError: Naming key, value and cure.
    """
    kinds = ("laterality", "view", "visit", "device")
    check_known_keys(section, ("folder", "names", "columns", "unreadable", *kinds), where)
    folder = section.get("folder")
    if not isinstance(folder, str) or not folder:
        raise InputError(f"{where}.folder is missing; name the folder of the scans")
    words = {
        "laterality": read_vocabulary(
            section.get("laterality") or EYE_WORDS, SIDES, f"{where}.laterality"
        ),
        "view": read_vocabulary(
            section.get("view") or {view: [view, *VIEW_WORDS.get(view, ())] for view in views},
            views,
            f"{where}.view",
        ),
        "visit": read_vocabulary(section.get("visit") or {}, ("preop",), f"{where}.visit"),
        "device": read_vocabulary(section.get("device") or {}, None, f"{where}.device"),
    }
    texts = read_words(section.get("names"), f"{where}.names")
    names = [compile_pattern(text, words, where) for text in texts]
    columns = {}
    for view, given in read_section(section, "columns", where).items():
        if view not in views:
            raise InputError(f"{where}.columns.{view}: no view of that name; declare it in views")
        columns[view] = read_rule(given, f"{where}.columns.{view}")[0]
    if bool(names) == bool(columns):
        raise InputError(f"{where}: say either names (patterns) or columns of the table")
    unreadable = read_choice(
        section.get("unreadable", "stop"), ("stop", "leave_out"), f"{where}.unreadable"
    )
    return ScanRule(folder, tuple(names), words, columns, unreadable == "leave_out")


def read_section_names(
    views: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Take the key `section` out of each view.

    Returns:
        The views as `cohort.yaml` knows them, and view to section: `horizontal`, `vertical` or
        `line 2 of 5`; by default the direction of the view.

    Raises:
        InputError: If a section is none of these.
    """
    plain: dict[str, Any] = {}
    sections: dict[str, str] = {}
    for name, facts in views.items():
        if not isinstance(facts, Mapping):
            plain[str(name)] = facts
            continue
        plain[str(name)] = {key: value for key, value in facts.items() if key != "section"}
        section = facts.get("section", facts.get("direction", "horizontal"))
        # A direction is checked where cohort.yaml is, in words that name it.
        if "section" in facts and section not in ("horizontal", "vertical", "oblique"):
            line_of(str(section), f"{where}.{name}.section")
        sections[str(name)] = str(section)
    return plain, sections


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
