"""Where a mapping finds the scans: patterns of names below a folder, or columns of the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ctt_net.cohort.scan_names import EYE_WORDS, VIEW_WORDS
from ctt_net.cohort.yaml_value import read_choice, read_section, read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys
from ctt_net.prepare.mapping.name_pattern import NamePattern, compile_pattern, read_vocabulary
from ctt_net.prepare.mapping.rule import SIDES, Rule, read_rule


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
