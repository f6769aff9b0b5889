"""Ids of eyes and patients: short, visible, and nothing that a program would act on."""

import re
import unicodedata

import pandas as pd

from ctt_net.io.formula import is_formula

MAX_CHARACTERS = 200

_PLAIN = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
# Control signs and line ends, the marks that turn the direction of writing, and those of no width:
# they hide what an id says or make two ids look alike. Half surrogates are in no UTF-8 file.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)

# Cyrillic and Greek letters that look like Latin ones, small or capital.
_LOOK_ALIKE = str.maketrans("авеѕіјкмнорстухαβεζηικμνορτυχ", "abesijkmhopctyxabezhikmnoptyx")
_ASCII_SIGN = re.compile("[^a-z0-9]")
_DASHES = re.compile("-+")
_SEPARATORS = re.compile("(?<![0-9])-|-(?![0-9])")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")


def spelling(text: str) -> str:
    """What two spellings of one id have in common.

    Capitals, blanks, zeros in front, the kind of dash, look-alike letters and the coding of accents
    do not count. Signs count only between two numbers: `1-23` is not `12-3`.

    >>> {spelling(text) for text in ("P-007", "p 7", "P–7", "Ｐ7")}
    {'p7'}
    """
    if text.isascii():  # nearly every id, and ten times as fast
        plain = _ASCII_SIGN.sub("-", "".join(text.lower().split()))
    else:
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        plain = "".join(
            sign if unicodedata.category(sign)[0] in "LMN" else "-"
            for sign in plain.translate(_LOOK_ALIKE)
            if not sign.isspace() and unicodedata.category(sign) != "Cf"
        )
    return _ZEROS.sub("", _SEPARATORS.sub("", _DASHES.sub("-", plain)))


def spelled_alike(ids: pd.Series) -> dict[str, str]:
    """Ids that another one differs from by spelling only, each to the first such id in order."""
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    for text in sorted(ids.unique()):
        other = first.setdefault(spelling(text), text)
        if other != text:
            found[text] = other
    return found


def one_spelling(ids: pd.Series) -> pd.Series:
    """Ids with every further spelling exchanged for the first: whom a split must keep together."""
    return ids.replace(spelled_alike(ids))


def id_fault(text: str) -> str | None:
    """What is wrong with an id, with the fix; None if nothing is.

    >>> id_fault("patient 7") is None
    True
    >>> id_fault("=A1")
    "'=A1': a spreadsheet would run it as a formula; rename it"
    """
    if _PLAIN.fullmatch(text):
        return None
    if len(text) > MAX_CHARACTERS:
        return (
            f"{text[:20]!r}...: {len(text)} characters, at most {MAX_CHARACTERS} make an id; "
            f"shorten it"
        )
    hidden = _HIDDEN.search(text)
    if hidden:
        return f"{text!a}: holds the invisible sign U+{ord(hidden.group()):04X}; type the id anew"
    if is_formula(text):
        return f"{text!r}: a spreadsheet would run it as a formula; rename it"
    return None
