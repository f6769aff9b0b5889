"""The `scans` section: patterns of file names, tried with the engine's own search."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort.scan_names import IMAGE_SUFFIXES
from ctt_net.devices import is_device_file
from ctt_net.errors import InputError
from ctt_net.prepare.draft.guess_names import Vocabulary, believable, group, pattern_of, visit_of
from ctt_net.prepare.mapping.scan_rule import read_scans
from ctt_net.prepare.scans.find_scans import double_files, find_scans
from ctt_net.prepare.tables.eyes import Eyes

_MOST_PATTERNS = 6
# Fits nothing, so that the engine hands back every scan file of the folder.
_NOTHING = "\x00"


@dataclass(frozen=True)
class TriedPattern:
    """A pattern, and what it joins.

    Args:
        text: As in the mapping.
        files: Files built like this.
        joined: Of them, files that find an eye.
        eyes: Eyes they find.
    """

    text: str
    files: int
    joined: int
    eyes: int


@dataclass
class ScansGuess:
    """What is in a folder.

    Args:
        kinds: Suffix to the number of files.
        n_scans: Files that can be scans.
        device_files: Raw device files among them.
        patterns: Those that join files to eyes, best first.
        words: `laterality` and `view`: meaning to the words seen.
        visits: `preop` and `postop` to the words seen, with counts.
        views: Names of the views that the files show.
        eyes: Eyes that the patterns find together.
        doubles: Eyes that would have several files for one view.
        left: Files that find no eye.
        lost_zeros: Whether ids agree but for zeros in front.
    """

    kinds: Counter[str]
    n_scans: int = 0
    device_files: int = 0
    patterns: list[TriedPattern] = field(default_factory=list)
    words: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    visits: dict[str, Counter[str]] = field(default_factory=dict)
    views: tuple[str, ...] = ()
    eyes: int = 0
    doubles: int = 0
    left: int = 0
    lost_zeros: bool = False


def guess_scans(
    folder: Path,
    eyes: Eyes,
    id_fields: Iterable[str],
    table_words: Mapping[str, Iterable[str]],
) -> ScansGuess:
    """Align the names of files with the ids and words of a table.

    Args:
        folder: Of the scans.
        eyes: `patient_id`, and `laterality` where the table says it; the table's own cells.
        id_fields: Columns that may stand in file names, the likeliest first.
        table_words: `OD` and `OS` to the table's own words.

    Raises:
        InputError: If the folder is not there.
    """
    guess = ScansGuess(_kinds(folder))
    nothing = read_scans({"folder": ".", "names": [_NOTHING]}, ("horizontal",), "draft")
    files = find_scans(eyes, nothing, folder, ("horizontal",)).unused
    guess.n_scans = guess.left = len(files)
    guess.device_files = sum(_is_device(folder / file) for file in files)
    best = guess
    for name in id_fields:
        ids = (eyes.table if name in eyes.table else eyes.cells)[name]
        for which in (0, -1):
            tried = _try(guess, files, folder, eyes, name, ids, table_words, which)
            if (tried.eyes, tried.n_scans - tried.left) > (best.eyes, best.n_scans - best.left):
                best = tried
            if best.patterns and not best.left:
                return best  # nothing can join more
        if best.eyes and name == "patient_id" and best.left < 0.5 * len(files):
            break  # the engine's own id joins most of it: no other column has to
    if not best.patterns and files:
        best.lost_zeros = _agree_without_zeros(files, eyes.table["patient_id"])
    return best


def _try(
    start: ScansGuess,
    files: list[str],
    folder: Path,
    eyes: Eyes,
    id_field: str,
    ids: Iterable[str],
    table_words: Mapping[str, Iterable[str]],
    which: int,
) -> ScansGuess:
    known = Vocabulary.of(ids, table_words)
    shapes = group(files, known, which)
    sides = {word for shape in shapes for word in shape.words.get("laterality", ())}
    kept = believable(sides, table_words)
    if kept != sides:
        known.sides = {word: side for word, side in known.sides.items() if word in kept}
        shapes = group(files, known, which)
    shapes = [shape for shape in shapes if any(part.role == "id" for part in shape.parts)]
    if not shapes:
        return start
    seen = {
        role: sorted({w for shape in shapes for w in shape.words.get(role, ())})
        for role in ("laterality", "view")
    }
    words = {
        "laterality": _by_meaning(seen["laterality"], known.sides),
        "view": _by_meaning(seen["view"], known.views),
    }
    visits: dict[str, Counter[str]] = {"preop": Counter(), "postop": Counter()}
    for shape in shapes:
        for word, n in shape.words.get("visit", Counter()).items():
            visits[visit_of(word)][word] += n
    guess = replace(start, words={k: v for k, v in words.items() if v}, visits=visits, patterns=[])
    has_view = bool(words["view"])
    pictures = start.device_files < start.n_scans
    if has_view:
        shapes = [s for s in shapes if "view" in s.words or _all_device(s.files, folder)]
    guess.views = (
        tuple(sorted(words["view"]))
        if has_view
        else ("scan",)
        if pictures
        else ("horizontal", "vertical")
    )
    for shape in shapes[: 4 * _MOST_PATTERNS]:
        text = pattern_of(shape, id_field)
        joined, n_eyes, _ = _count(guess, [text], folder, eyes)
        if n_eyes and len(guess.patterns) < _MOST_PATTERNS and text not in _texts(guess):
            guess.patterns.append(TriedPattern(text, len(shape.files), joined, n_eyes))
    if not guess.patterns:
        return start
    joined, guess.eyes, guess.doubles = _count(guess, _texts(guess), folder, eyes)
    guess.left = guess.n_scans - joined
    return guess


def scans_section(guess: ScansGuess, names: list[str], folder: str) -> dict[str, object]:
    """The `scans` section of a mapping, as the engine reads it."""
    section: dict[str, object] = {"folder": folder, "names": names}
    section |= {role: words for role, words in guess.words.items() if words}
    if any("{visit}" in name for name in names):
        # Without a word for before, a person has to say which of the others it is.
        section["visit"] = {"preop": sorted(guess.visits["preop"] or guess.visits["postop"])}
    return section


def _count(guess: ScansGuess, names: list[str], folder: Path, eyes: Eyes) -> tuple[int, int, int]:
    """Files joined, eyes found, eyes with several files for a view; by the engine."""
    try:
        rule = read_scans(scans_section(guess, names, "."), guess.views, "draft")
        found = find_scans(eyes, rule, folder, guess.views)
    except InputError:  # a name that cannot stand in a pattern, such as one with braces
        return 0, 0, 0
    files = {path for paths in found.files.values() for path in paths}
    return len(files), len({at for at, _ in found.files}), len(double_files(found, eyes))


def _texts(guess: ScansGuess) -> list[str]:
    return [pattern.text for pattern in guess.patterns]


def _by_meaning(seen: list[str], meanings: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in seen:
        found.setdefault(meanings[word], []).append(word)
    return dict(sorted(found.items()))


def _kinds(folder: Path) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        kinds.update(Path(n).suffix.lower() or "no suffix" for n in names if n[0] != ".")
    return kinds


def _is_device(path: Path) -> bool:
    return path.suffix.lower() not in IMAGE_SUFFIXES and is_device_file(path)


def _all_device(files: list[str], folder: Path) -> bool:
    return all(_is_device(folder / file) for file in files)


def _agree_without_zeros(files: list[str], ids: pd.Series) -> bool:
    numbers = {str(int(text)) for text in ids if text.isdecimal()}
    seen = {str(int(run)) for file in files for run in re.findall("[0-9]+", file)}
    shared = len(numbers & seen)
    return bool(numbers) and shared >= max(1, 0.5 * len(numbers))


def eyes_of(ids: pd.Series, sides: pd.Series | None, cells: pd.DataFrame) -> Eyes:
    """Rows as eyes, each once, to try patterns on.

    Args:
        ids: Of patients.
        sides: `OD` or `OS`, None if the table does not say it.
        cells: The table.
    """
    table = pd.DataFrame({"patient_id": ids})
    if sides is not None:
        table["laterality"] = sides
    first = (~table.duplicated()).to_numpy()
    part = table[first].reset_index(drop=True)
    rows = np.asarray(cells.index)[first]
    return Eyes(part, cells[first].reset_index(drop=True), rows)
