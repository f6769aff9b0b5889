"""Names of scan files become patterns, by the ids of the table and by words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ctt_net.cohort.scan_names import EYE_WORDS, POSTOP_WORDS, SIDE_WORDS, VIEW_WORDS
from ctt_net.devices import is_device_file
from ctt_net.prepare.scans.match_names import scan_files

_PREOP = ("pre", "preop", "preoperative", "baseline", "bl", "before", "术前", "基线")
_VOCABULARY: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "visit": {"preop": _PREOP, "postop": (*POSTOP_WORDS, "fu", "final")},
    "view": VIEW_WORDS,
    "laterality": SIDE_WORDS,
}
# Word to its field (`id`, `laterality`, `view`, `visit`) and its meaning.
_Words = dict[str, tuple[str, str]]
_KNOWN: _Words = {
    word: (name, meaning)
    for name, meanings in _VOCABULARY.items()
    for meaning, words in meanings.items()
    for word in words
}
_WEEK = re.compile(r"(?:w|wk|week|m|mo|mon|month)0*([0-9]{1,3})")
_CHINESE = sorted((word for word in _KNOWN if not word.isascii()), key=len, reverse=True)
_TOKEN = re.compile("|".join(_CHINESE) + r"|[A-Za-z]+|[0-9]+|[\u3400-\u9fff]|.", re.DOTALL)
_MOST_TOKENS_OF_AN_ID = 9
_MOST_PATTERNS = 6
# Field (`other` and `sign` have no meaning), meaning, text.
_Part = tuple[str, str, str]


@dataclass
class ScansDraft:
    """The `scans` section, and what it finds.

    Args:
        n_files: Scan files in the folder.
        views: Names of the views that the files show.
        patterns: Each with the number of files it joins to eyes, best first.
        words: For `laterality`, `view` and `visit`: meaning to the words seen.
        eyes: Eyes that the patterns find together.
        joined: Files that find an eye.
    """

    n_files: int = 0
    views: tuple[str, ...] = ("horizontal",)
    patterns: dict[str, int] = field(default_factory=dict)
    words: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    eyes: int = 0
    joined: int = 0


def draft_scans(
    folder: Path, eyes: Mapping[str, set[str]], side_words: Mapping[str, Iterable[str]]
) -> ScansDraft:
    """Align the names of files with the ids and words of a table.

    Args:
        folder: Of the scans.
        eyes: Patient to the sides that the table says, `OD`, `OS` or "" where it does not.
        side_words: `OD` and `OS` to the table's own words.

    Raises:
        InputError: If the folder cannot be read.
    """
    files = list(scan_files(folder))
    own = {w.lower(): ("laterality", side) for side, words in side_words.items() for w in words}
    known = _KNOWN | own | {text.lower(): ("id", text) for text in eyes if text}
    # Words such as `la` mean a side only where both sides are seen.
    said = {part[:2] for file in files for part in _parts(file, known)}
    if not said >= {("laterality", "OD"), ("laterality", "OS")}:
        sure = {*own, *(word for words in EYE_WORDS.values() for word in words)}
        known = {w: to for w, to in known.items() if to[0] != "laterality" or w in sure}
    groups: dict[str, list[list[_Part]]] = {}
    for file in files:
        parts = [*_parts(file, known)]
        groups.setdefault(_pattern(parts), []).append(parts)
    groups = {pattern: names for pattern, names in groups.items() if "{patient_id}" in pattern}
    if any("{view}" in pattern for pattern in groups):  # the others do not say which view
        groups = {pattern: names for pattern, names in groups.items() if "{view}" in pattern}
    words: dict[str, dict[str, list[str]]] = {}
    for name, meaning, text in sorted({p for names in groups.values() for ps in names for p in ps}):
        if name in _VOCABULARY:
            words.setdefault(name, {}).setdefault(meaning, []).append(text)
    all_volumes = all(is_device_file(folder / file) for file in files)
    unnamed = ("horizontal", "vertical") if all_volumes else ("scan",)
    draft = ScansDraft(len(files), tuple(words.get("view", unnamed)), words=words)
    # Without a word for before, a person has to say which of the others it is.
    visit = "preop" if "preop" in words.get("visit", ()) else "postop"
    found: set[tuple[str, str]] = set()
    for pattern in sorted(groups, key=lambda pattern: -len(groups[pattern]))[:_MOST_PATTERNS]:
        joined = 0
        for parts in groups[pattern]:
            fields = {name: meaning for name, meaning, _ in parts}
            patient, side = fields["id"], fields.get("laterality", "")
            shown = {one or side for one in eyes[patient] if not one or side in ("", one)}
            if shown and fields.get("visit", visit) == visit:
                joined += 1
                found |= {(patient, one) for one in shown}
        if joined:
            draft.patterns[pattern] = joined
    draft.eyes, draft.joined = len(found), sum(draft.patterns.values())
    return draft


def _pattern(parts: list[_Part]) -> str:
    """A pattern for names built like this one: no text without a meaning stands in it.

    Such a text may be a person's name. Several, and the signs between them, are one `{*}`; a
    folder ends them.
    """
    letters = ("/" if text == "/" else name[0] for name, _, text in parts)
    pattern = ""
    for run in re.finditer(r"o(?:s?o)*|.", "".join(letters)):
        name, _, text = parts[run.start()]
        known = {"sign": text, "suffix": text, "other": "{*}", "id": "{patient_id}"}
        pattern += known.get(name, f"{{{name}}}")
    return pattern


def _parts(path: str, known: _Words) -> Iterator[_Part]:
    """Cut a path into parts, the longest words first."""
    stem, dot, suffix = path.rpartition(".")
    tokens = _TOKEN.findall(stem)
    seen: set[str] = set()
    at = 0
    while at < len(tokens):
        for width in range(min(_MOST_TOKENS_OF_AN_ID, len(tokens) - at), 0, -1):
            text = "".join(tokens[at : at + width])
            name, meaning = known.get(text.lower(), ("", ""))
            week = _WEEK.fullmatch(text.lower())
            if week and not name:  # week 0 is the visit before
                name, meaning = "visit", "postop" if int(week[1]) else "preop"
            if name:
                break
        if name in seen or not name:  # a second word for the side is part of a name
            # Braces and stars have a meaning in a pattern.
            yield "other" if name or text.isalnum() or text in "{}*" else "sign", "", text
        else:
            yield name, meaning, text.lower()
            seen.add(name)
        at += width
    yield "suffix", "", dot + suffix.lower()
