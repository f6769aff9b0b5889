"""Ids of eyes and patients: short, visible, and nothing that a program would act on."""

import re

from ctt_net.formula import is_formula

MAX_CHARACTERS = 200

_PLAIN = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
# Control signs and line ends, the marks that turn the direction of writing, and those of no width:
# they hide what an id says or make two ids look alike. Half surrogates are in no UTF-8 file.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def id_fault(text: str) -> str | None:
    """What is wrong with an id, with the cure; None if nothing is.

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
