"""Text that a spreadsheet would run: recognised, and written so that it stays text."""

import re

# Signs that begin a formula in Excel, LibreOffice and their East Asian full-width forms; a leading
# tab or line end makes some programs look at what follows it.
_BEGINS = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?\s*%?\s*")
_SIGNS_ONLY = re.compile(r"[ =+\-@＝＋－＠]*")

# Before a cell it makes text of it; some programs show it, none runs what follows.
GUARD = "'"


def is_formula(text: str) -> bool:
    """Whether a spreadsheet that opens a CSV may run this cell; plain numbers are harmless.

    >>> is_formula("=HYPERLINK(A1)"), is_formula("-0.10"), is_formula("-"), is_formula("-1+1")
    (True, False, False, True)
    """
    return (
        _BEGINS.match(text) is not None
        and _NUMBER.fullmatch(text) is None
        and _SIGNS_ONLY.fullmatch(text) is None
    )


def escape_formula(text: str) -> str:
    """The same text with an apostrophe before it where a spreadsheet would run it.

    >>> escape_formula("=1+1"), escape_formula("20/40")
    ("'=1+1", '20/40')
    >>> unescape_formula(escape_formula("'=1"))
    "'=1"
    """
    if text[:1].isalnum():  # nearly every cell of a large table
        return text
    # A text that has the apostrophe already gets another, which `unescape_formula` takes away.
    return GUARD + text if is_formula(text.lstrip(GUARD)) else text


def unescape_formula(text: str) -> str:
    """The text that `escape_formula` was given."""
    guarded = text.startswith(GUARD) and is_formula(text.lstrip(GUARD))
    return text[len(GUARD) :] if guarded else text
