"""Which eye: words in cells, words in the names of columns, words inside a longer text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from ctt_net.cohort.scan_names import SIDE_WORDS
from ctt_net.prepare.draft.guess_facts import Facts
from ctt_net.prepare.draft.guess_words import tokens

_SIDE_OF = {word: side for side, words in SIDE_WORDS.items() for word in words}
_BOTH = ("ou", "both", "b", "both eyes", "beide", "bilateral", "双", "双眼")
# Where a longer text holds the side: the pattern must fit every cell.
_INSIDE = (
    r"(?:^|[^A-Za-z])(OD|OS|od|os)(?:[^A-Za-z]|$)",
    r"(?:^|[^A-Za-z])([Rr]ight|[Ll]eft|RIGHT|LEFT)(?:[^A-Za-z]|$)",
    r"(?:^|[^A-Za-z])([RLrl])(?:[^A-Za-z]|$)",
    r"[0-9]([LRlr])$",
    r"([左右])",
)


@dataclass(frozen=True)
class SideGuess:
    """How a column says the side.

    Args:
        words: `OD` and `OS` to the cells that mean it, as written.
        both: Cells that mean both eyes.
        unknown: Cells nobody can tell the meaning of, such as 1 and 2.
        extract: Pattern that takes the word out of a longer text.
    """

    words: dict[str, list[str]]
    both: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    extract: str | None = None


def guess_sides(facts: Facts) -> SideGuess | None:
    """Read the cells of a column as sides; None if they cannot be."""
    if not 0 < len(facts.counts) <= 8:
        return None
    words: dict[str, list[str]] = {"OD": [], "OS": []}
    both, unknown = [], []
    for text in facts.levels():
        side = _SIDE_OF.get(text.lower())
        if side is not None:
            words[side].append(text)
        elif text.lower() in _BOTH:
            both.append(text)
        else:
            unknown.append(text)
    said = sum(facts.counts[text] for known in words.values() for text in known)
    return SideGuess(words, tuple(both), tuple(unknown)) if said > 0.5 * facts.known else None


def sides_inside(cells: pd.Series) -> SideGuess | None:
    """A pattern that finds one side in every cell of a longer text.

    Args:
        cells: Text, blank = unknown.
    """
    known = cells[cells != ""]
    if not len(known):
        return None
    for pattern in _INSIDE:
        found = known.str.extract(pattern, expand=False)
        several = known.head(200).str.count(pattern) > 1
        if found.notna().all() and len(set(found)) > 1 and not several.any():
            words: dict[str, list[str]] = {"OD": [], "OS": []}
            for text in sorted(found.unique()):
                words[_SIDE_OF[text.lower()]].append(text)
            if words["OD"] and words["OS"]:
                return SideGuess(words, extract=pattern)
    return None


def side_of_name(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Side in the name of a column, and the rest of the name.

    >>> side_of_name("VA_OD_pre"), side_of_name("VA")
    (('OD', ('va', 'pre')), None)
    """
    rest, said = [], []
    for token in tokens(name):
        if token.isascii():
            said.append(_SIDE_OF[token]) if token in _SIDE_OF else rest.append(token)
            continue
        match = re.search("右眼|左眼|右|左", token)
        if match:
            said.append(_SIDE_OF[match[0]])
            rest += [part for part in (token[: match.start()], token[match.end() :]) if part]
        else:
            rest.append(token)
    return (said[0], tuple(rest)) if len(said) == 1 else None


def pairs_of(names: Iterable[str]) -> list[dict[str, str]]:
    """Columns that are the same but for the side: `OD` and `OS` to their names."""
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name in names:
        said = side_of_name(name)
        if said is not None:
            found.setdefault(said[1], {}).setdefault(said[0], []).append(name)
    return [
        {side: columns[0] for side, columns in sorted(sides.items())}
        for sides in found.values()
        if len(sides) == 2 and all(len(columns) == 1 for columns in sides.values())
    ]
