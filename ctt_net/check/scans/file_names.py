"""Eye and view named by a path; the nearest word counts, the file's before its folders'."""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ctt_net.cohort.scan_names import EYE_WORDS

# A word ends where letters change to digits or signs, or, as in RightEye, where a capital begins.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ALONE = re.compile(r"[^\s\-_.]+")


def meaning_of_path(path: str, vocabulary: Mapping[str, Iterable[str]]) -> str | None:
    """The one meaning that the nearest part of a path names; None if none does, or two.

    Args:
        path: Relative POSIX path.
        vocabulary: Meaning to its words, in lower case.

    Example:
        >>> meaning_of_path("left/scan_0017.png", EYE_WORDS)
        'OS'
        >>> meaning_of_path("OD/posterior.png", EYE_WORDS)
        'OD'
    """
    whole = PurePosixPath(path)
    for part in (whole.stem, *reversed(whole.parent.parts)):
        found = {
            meaning
            for meaning, words in vocabulary.items()
            if any(_holds(part, word) for word in words)
        }
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def eye_in_path(path: str) -> str | None:
    """`OD` or `OS`, where a path names one of them."""
    return meaning_of_path(path, EYE_WORDS)


def _holds(part: str, word: str) -> bool:
    """Latin words must stand alone, single letters between signs; Chinese ones stand anywhere."""
    if not word.isascii():
        return word in part
    if len(word) == 1 or not word.isalpha():
        return word in {text.lower() for text in _ALONE.findall(part)} or word == part.lower()
    return word in {text.lower() for text in _WORDS.findall(part)}
