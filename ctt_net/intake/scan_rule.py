"""Where a mapping finds the scans: patterns of names below a folder, or columns of the table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ctt_net.cohort.yaml_value import read_choice, read_words
from ctt_net.errors import InputError
from ctt_net.intake.rule import SIDES, Rule, read_rule
from ctt_net.scan_names import EYE_WORDS, VIEW_WORDS
from ctt_net.yaml_file import refuse_unknown_keys

_FIELD = re.compile(r"\{([^{}]*)\}|(\*\*?)")


@dataclass(frozen=True)
class NamePattern:
    """One pattern of file names.

    Args:
        text: As written.
        regex: Over the path below the folder, in small letters.
        fields: Group name to the field it holds.
    """

    text: str
    regex: re.Pattern[str]
    fields: Mapping[str, str]


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
    refuse_unknown_keys(section, ("folder", "names", "columns", "unreadable", *kinds), where)
    folder = section.get("folder")
    if not isinstance(folder, str) or not folder:
        raise InputError(f"{where}.folder is missing; name the folder of the scans")
    words = {
        "laterality": _words(section.get("laterality") or EYE_WORDS, SIDES, f"{where}.laterality"),
        "view": _words(
            section.get("view") or {view: [view, *VIEW_WORDS.get(view, ())] for view in views},
            views,
            f"{where}.view",
        ),
        "visit": _words(section.get("visit") or {}, ("preop",), f"{where}.visit"),
        "device": _words(section.get("device") or {}, None, f"{where}.device"),
    }
    names = [_compile(text, words, where) for text in read_words(section.get("names"), where)]
    columns = {}
    for view, given in (section.get("columns") or {}).items():
        if view not in views:
            raise InputError(f"{where}.columns.{view}: no view of that name; declare it in views")
        columns[view] = read_rule(given, f"{where}.columns.{view}")[0]
    if bool(names) == bool(columns):
        raise InputError(f"{where}: say either names (patterns) or columns of the table")
    unreadable = read_choice(
        section.get("unreadable", "stop"), ("stop", "leave_out"), f"{where}.unreadable"
    )
    return ScanRule(folder, tuple(names), words, columns, unreadable == "leave_out")


def _words(given: Any, meanings: tuple[str, ...] | None, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must hold 'meaning: [words]' lines, got {given!r}")
    read: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    for meaning, words in given.items():
        if meanings is not None and meaning not in meanings:
            raise InputError(f"{where}.{meaning}: expected one of {', '.join(meanings)}")
        listed = list(words) if isinstance(words, tuple) else words
        read[str(meaning)] = tuple(w.lower() for w in read_words(listed, f"{where}.{meaning}"))
        for word in read[str(meaning)]:
            if taken.setdefault(word, str(meaning)) != str(meaning):
                raise InputError(f"{where}: {word!r} means {taken[word]} and {meaning}; keep one")
    return read


def _compile(
    text: str, words: Mapping[str, Mapping[str, tuple[str, ...]]], where: str
) -> NamePattern:
    """A pattern as a regular expression; `/` is never crossed except by `**`."""
    fields: dict[str, str] = {}
    parts, end = [], 0
    for match in _FIELD.finditer(text):
        parts.append(re.escape(text[end : match.start()].lower()))
        end = match.end()
        name = (match[1] or "").strip()
        if match[2] == "**":
            parts.append(".*?")
        elif match[2] == "*" or name == "*":
            parts.append("[^/]*?")
        elif not name:
            raise InputError(f"{where}.names: {text!r} has empty braces; name a field, or write *")
        else:
            group = f"f{len(fields)}"
            known = words.get(name)
            if known is not None and not known:
                raise InputError(
                    f"{where}.names: {text!r} asks for {{{name}}}, but {where}.{name} has no words"
                )
            if name in fields.values():
                raise InputError(f"{where}.names: {text!r} has {{{name}}} twice")
            fields[group] = name
            parts.append(f"(?P<{group}>{_alternatives(known) if known else '[^/]+?'})")
    parts.append(re.escape(text[end:].lower()))
    return NamePattern(text, re.compile("".join(parts)), fields)


def _alternatives(words: Mapping[str, tuple[str, ...]]) -> str:
    known = {word for meanings in words.values() for word in meanings}
    return "|".join(re.escape(word) for word in sorted(known, key=lambda word: (-len(word), word)))
