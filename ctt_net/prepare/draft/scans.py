"""Names of scan files become patterns, tried with the search that `ctt-net prepare` uses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ctt_net.cohort.scan_names import EYE_WORDS, POSTOP_WORDS, SIDE_WORDS, VIEW_WORDS
from ctt_net.devices import is_device_file
from ctt_net.errors import InputError
from ctt_net.prepare.mapping.scan_rule import ScansSection
from ctt_net.prepare.scans.find_scans import double_files, find_scans
from ctt_net.prepare.scans.match_names import scan_files
from ctt_net.prepare.tables.eyes import Eyes

_PREOP = ("pre", "preop", "preoperative", "baseline", "bl", "before", "术前", "基线")
_VOCABULARY: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "visit": {"preop": _PREOP, "postop": (*POSTOP_WORDS, "fu", "final")},
    "view": VIEW_WORDS,
    "laterality": SIDE_WORDS,
}
_WEEK = re.compile(r"(?:w|wk|week|m|mo|mon|month)0*([0-9]{1,3})")
_CHINESE = sorted(
    {
        word
        for meanings in _VOCABULARY.values()
        for words in meanings.values()
        for word in words
        if not word.isascii()
    },
    key=lambda word: (-len(word), word),
)
_TOKEN = re.compile("|".join(_CHINESE) + r"|[A-Za-z]+|[0-9]+|[\u3400-\u9fff]|.", re.DOTALL)
_MOST_TOKENS_OF_AN_ID = 9
_PERSONS_FOR_CONSTANT = 3
_MOST_PATTERNS = 6
_FIELDS = ("laterality", "view", "visit")

# Word to its role (`id`, `laterality`, `view`, `visit`) and its meaning.
Words = dict[str, tuple[str, str]]


class Part(NamedTuple):
    """A piece of a file's name.

    Args:
        text: As it stands, in small letters where it is a word.
        role: `id`, `laterality`, `view`, `visit`, `sign`, `suffix` or `other`.
        meaning: Of a word.
    """

    text: str
    role: str
    meaning: str = ""


@dataclass
class NameGroup:
    """Files whose names are built alike.

    Args:
        parts: Roles, and the constant texts between them.
        files: Their paths.
        words: The words seen.
        ids: The ids seen.
    """

    parts: list[Part]
    files: list[str] = field(default_factory=list)
    words: set[Part] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)

    def pattern(self, id_field: str) -> str:
        """The pattern of a mapping that fits these files."""
        # What the files of one or two persons share may be the name of a person.
        public = len(self.ids) >= _PERSONS_FOR_CONSTANT
        texts = [
            f"{{{id_field if part.role == 'id' else part.role}}}"
            if part.role in ("id", *_FIELDS)
            else part.text
            if public or part.role != "other"
            else "{*}"
            for part in self.parts
        ]
        return re.sub(r"(?:\{\*\})+", "{*}", "".join(texts))


@dataclass
class ScansDraft:
    """The `scans` section, and what it finds.

    Args:
        n_files: Scan files in the folder.
        patterns: Each with the number of files it joins to eyes, best first.
        words: For `laterality`, `view` and `visit`: meaning to the words seen.
        views: Names of the views that the files show.
        eyes: Eyes that the patterns find together.
        joined: Files that find an eye.
        doubles: Eyes that would have several files for one view.
    """

    n_files: int = 0
    patterns: dict[str, int] = field(default_factory=dict)
    words: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    views: tuple[str, ...] = ("horizontal",)
    eyes: int = 0
    joined: int = 0
    doubles: int = 0

    def section(self, folder: str, names: Iterable[str] | None = None) -> dict[str, object]:
        """The `scans` section of a mapping."""
        names = list(self.patterns if names is None else names)
        known: dict[str, dict[str, list[str]]] = {
            role: {meaning: sorted(words) for meaning, words in sorted(meanings.items())}
            for role, meanings in self.words.items()
        }
        if any("{visit}" in name for name in names):
            visits = known["visit"]
            # Without a word for before, a person has to say which of the others it is.
            known["visit"] = {"preop": visits.get("preop") or visits["postop"]}
        else:
            known.pop("visit", None)
        return {"folder": folder, "names": names, **known}


def draft_scans(
    folder: Path,
    eyes: Eyes,
    id_fields: Iterable[str],
    side_words: Mapping[str, Iterable[str]],
) -> ScansDraft:
    """Align the names of files with the ids and words of a table.

    Args:
        folder: Of the scans.
        eyes: `patient_id`, and `laterality` where the table says it; the table's own cells.
        id_fields: Columns that may stand in file names, the likeliest first.
        side_words: `OD` and `OS` to the table's own words.

    Raises:
        InputError: If the folder cannot be read.
    """
    files = list(scan_files(folder))
    devices = {file for file in files if is_device_file(folder / file)}
    best = ScansDraft(len(files))
    for name in id_fields:
        ids = (eyes.table if name in eyes.table else eyes.cells)[name]
        for which in (0, -1):
            groups = _group(files, _believable(files, _words(ids, side_words), side_words), which)
            tried = ScansDraft(len(files))
            _try(tried, groups, name, folder, eyes, devices)
            best = max(best, tried, key=lambda draft: (draft.eyes, draft.joined))
            if best.joined == len(files):
                return best  # nothing can join more
        if best.eyes and name == "patient_id" and best.joined > 0.5 * len(files):
            break  # no other column has to
    return best


def _try(
    draft: ScansDraft,
    groups: list[NameGroup],
    id_field: str,
    folder: Path,
    eyes: Eyes,
    devices: set[str],
) -> None:
    """Fill in what the patterns of these groups find."""
    groups = [group for group in groups if group.ids]
    if any(part.role == "view" for group in groups for part in group.words):
        groups = [g for g in groups if "view" in {p.role for p in g.words} or devices >= {*g.files}]
    for group in groups:
        for part in group.words:
            draft.words.setdefault(part.role, {}).setdefault(part.meaning, set()).add(part.text)
    without = ("scan",) if len(devices) < draft.n_files else ("horizontal", "vertical")
    draft.views = tuple(sorted(draft.words.get("view", without)))

    def count(names: Iterable[str]) -> tuple[int, int, int]:
        try:
            rule = ScansSection.parse(draft.section(".", names), "draft").compiled(
                draft.views, "draft"
            )
            found = find_scans(eyes, rule, folder, draft.views)
        except InputError:  # a name that cannot stand in a pattern, such as one with braces
            return 0, 0, 0
        joined = {path for paths in found.files.values() for path in paths}
        return len({at for at, _ in found.files}), len(joined), len(double_files(found, eyes))

    for group in groups[: 4 * _MOST_PATTERNS]:
        pattern = group.pattern(id_field)
        n_eyes, joined, _ = count([pattern])
        if n_eyes and len(draft.patterns) < _MOST_PATTERNS:
            draft.patterns[pattern] = joined
    if draft.patterns:
        draft.eyes, draft.joined, draft.doubles = count(draft.patterns)


def _words(ids: Iterable[str], side_words: Mapping[str, Iterable[str]]) -> Words:
    """The project's own words, those of the table, and the table's ids."""
    known: Words = {
        word: (role, meaning)
        for role, meanings in _VOCABULARY.items()
        for meaning, words in meanings.items()
        for word in words
    }
    own = {w.lower(): ("laterality", side) for side, words in side_words.items() for w in words}
    return known | own | {text.lower(): ("id", "") for text in ids if text}


def _believable(files: list[str], known: Words, side_words: Mapping[str, Iterable[str]]) -> Words:
    """Without words such as `la`, which mean a side only where both sides are seen."""
    seen = {part for file in files for part in _parts(file, known) if part.role == "laterality"}
    if len({part.meaning for part in seen}) == 2:
        return known
    sure = {w.lower() for words in (EYE_WORDS, side_words) for ws in words.values() for w in ws}
    return {word: said for word, said in known.items() if said[0] != "laterality" or word in sure}


def _group(files: Iterable[str], known: Words, which_id: int = 0) -> list[NameGroup]:
    """Files by the build of their names, the largest group first.

    Args:
        files: Paths below the folder of the scans.
        known: What words mean.
        which_id: Which occurrence of an id in a name counts; -1 = the last one.
    """
    groups: dict[tuple[str, ...], NameGroup] = {}
    for file in files:
        stem, dot, suffix = file.rpartition(".")
        every = list(_parts(stem, known))
        ids = [at for at, part in enumerate(every) if part.role == "id"][which_id:][:1]
        parts = [
            part._replace(role="other") if part.role == "id" and at not in ids else part
            for at, part in enumerate(every)
        ]
        parts = [*_joined(parts), Part(dot + suffix.lower(), "suffix")]
        key = tuple(p.text if p.role in ("sign", "suffix") else p.role for p in parts)
        group = groups.setdefault(key, NameGroup(parts))
        group.files.append(file)
        group.parts = [
            Part("{*}", "other") if one.role == "other" and one.text != other.text else one
            for one, other in zip(group.parts, parts, strict=True)
        ]
        group.ids |= {part.text for part in parts if part.role == "id"}
        group.words |= {part for part in parts if part.role in _FIELDS}
    return sorted(groups.values(), key=lambda group: -len(group.files))


def _parts(path: str, known: Words) -> Iterator[Part]:
    """Cut a path below the folder into pieces with a meaning, the longest words first."""
    tokens = _TOKEN.findall(path)
    seen: set[str] = set()
    at = 0
    while at < len(tokens):
        for width in range(min(_MOST_TOKENS_OF_AN_ID, len(tokens) - at), 0, -1):
            text = "".join(tokens[at : at + width]).lower()
            week = _WEEK.fullmatch(text)
            role, meaning = known.get(text, ("visit", "") if week else ("", ""))
            if role:
                break
        if role == "visit" and week:  # week 0 is the visit before
            meaning = "preop" if int(week[1]) == 0 else "postop"
        if not role:
            role = "other" if text.isalnum() else "sign"
        if role in seen or role == "other":  # a second word for the side is part of a name
            yield Part("".join(tokens[at : at + width]), "other")
        else:
            yield Part(text, role, meaning)
        seen |= {role} & {*_FIELDS}
        at += width


def _joined(parts: list[Part]) -> list[Part]:
    """Pieces without a meaning, and the signs between them, as one; a folder ends them."""
    short: list[Part] = []
    for at, part in enumerate(parts):
        after = parts[at + 1].role if at + 1 < len(parts) else ""
        inside = part.role == "other" or (
            part.role == "sign" and part.text != "/" and after == "other"
        )
        if inside and short and short[-1].role == "other":
            short[-1] = Part(short[-1].text + part.text, "other")
        else:
            short.append(part)
    return short
