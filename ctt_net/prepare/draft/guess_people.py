"""Columns that tell who somebody is; a mapping never needs them."""

import re

from ctt_net.prepare.draft.guess_facts import Facts
from ctt_net.prepare.draft.guess_words import NAME_WORDS, PERSON_WORDS, THING_WORDS, mentions

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_CHINESE_MOBILE = re.compile(r"(?:\+?86[- ]?)?1[3-9][0-9]{9}")
_CHINESE_ID = re.compile(r"[0-9]{17}[0-9xX]")
_DIGIT = re.compile(r"[0-9]")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_CELLS_FOR_FREE_TEXT = 5


def identifies(name: str, facts: Facts) -> str | None:
    """What of a person a column tells, None if nothing that can be seen.

    >>> from collections import Counter
    >>> identifies("姓名", Facts(Counter(["a"]), 0)), identifies("File name", Facts(Counter(), 0))
    ('name', None)
    """
    is_thing = mentions(name, THING_WORDS)
    if mentions(name, NAME_WORDS) and not is_thing:
        return "name"
    for what, words in PERSON_WORDS.items():
        if mentions(name, words) and not (what == "address" and is_thing):
            return what
    cells = list(facts.counts)
    if not cells:
        return None
    for pattern, what in (
        (_MAIL, "mail"),
        (_CHINESE_MOBILE, "phone"),
        (_CHINESE_ID, "number of a person"),
    ):
        if sum(pattern.fullmatch(text) is not None for text in cells) > 0.5 * len(cells):
            return what
    distinct = len(cells) > 0.8 * facts.known and facts.known >= _CELLS_FOR_FREE_TEXT
    texts = [text for text in cells if _LETTERS.search(text) and not _DIGIT.search(text)]
    if distinct and len(texts) > 0.8 * len(cells):
        return "free text, different in nearly every row"
    return None
