"""Normalising recorded text: full-width characters, words for missing, spreadsheet dates."""

import re
import unicodedata

# Longer than any acuity a person types; keeps free text and broken CSV quoting out of the patterns.
MAX_CHARACTERS = 120

_SIGNS = str.maketrans(
    {"−": "-", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "﹣": "-", "⁻": "-"}
    | {"﹢": "+", "⁺": "+", "⁄": "/", "∕": "/", "·": "."}
    | {"‘": "'", "’": "'", "′": "'", "“": '"', "”": '"', "″": '"'}
)
_SIGNED_SUPERSCRIPT = re.compile("([⁺⁻])([⁰¹²³⁴⁵⁶⁷⁸⁹])")

# Not here: "nil" and 无, which may mean that the eye saw nothing; they are errors, not gaps.
_MISSING_SIGNS = ("-", "--", "---", ".", "..", "...", "/", "?")
_MISSING_WORDS = (
    *("na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "nat", "none", "null"),
    *("missing", "unknown", "not recorded", "not done", "not tested", "not available"),
    *("未测", "未查", "未记录", "不详", "缺失"),
)
_MISSING = frozenset(("", *_MISSING_SIGNS, *_MISSING_WORDS))
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    r"(?<![0-9])[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}(?![0-9])"
    r"|(?<![0-9])[0-9]{1,2}([-/.])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})(?![0-9])"
    rf"|(?<![0-9.,])[0-9]{{1,2}}[- /.]*{_MONTH}\b"
    rf"|\b{_MONTH}[- /.]*[0-9]{{1,4}}"
    r"|[0-9]+ ?月|[0-9]+:[0-9]{2}"
)


def normalised(text: str) -> str:
    """The same reading in plain signs: half-width, lower case, single blanks.

    Deliberately not NFKC, which would turn `20/40²` into `20/402`; only the signs that mean the
    same thing are exchanged, a superscript stays a loud error unless it carries its own sign.

    >>> normalised(" ２０／４０ − 2 ")
    '20/40 - 2'
    >>> normalised("20/40⁻²")
    '20/40-2'
    """
    text = _SIGNED_SUPERSCRIPT.sub(lambda m: m[1] + unicodedata.normalize("NFKC", m[2]), text)
    plain = []
    for sign in text.translate(_SIGNS):
        if sign.isspace():
            plain.append(" ")
        elif unicodedata.category(sign) == "Cf":  # zero-width joiners, byte order mark
            continue
        elif unicodedata.decomposition(sign).startswith(("<wide>", "<narrow>")):
            plain.append(unicodedata.normalize("NFKC", sign))
        else:
            plain.append(sign)
    return " ".join("".join(plain).lower().split())


def is_missing(value: object) -> bool:
    """Whether a cell says that the acuity was not measured or not recorded; never taken for 0.

    The list begins with the one of the R package `eye` (Heeren): empty, `NA`, `.`, `-`.

    >>> is_missing(" N/A "), is_missing(float("nan")), is_missing(0), is_missing("NLP")
    (True, True, False, False)
    """
    text = str(value) if value is not None else ""
    return len(text) <= MAX_CHARACTERS and normalised(text) in _MISSING


def looks_like_date(plain: str) -> bool:
    """Whether a spreadsheet has turned a fraction into a date.

    >>> looks_like_date("6-sep"), looks_like_date("2024-06-09"), looks_like_date("6/9")
    (True, True, False)
    """
    return _DATE.search(plain) is not None
