"""Words a person wrote, in a cell and in a declaration: one comparison for all of them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

import pandas as pd

from ctt_net.acuity.text import normalised
from ctt_net.errors import InputError

# With zeros in front it is a code. A comma before three digits may part thousands.
_NUMBER = re.compile(r"([-+]?)(0|[1-9][0-9]*|(?=[.,]))(?:(?:\.|,(?![0-9]{3}$))([0-9]*))?")


def comparable(text: str) -> str:
    """A word as it is compared: capitals, blanks and full width do not count, numbers by value.

    >>> comparable(" Ｙes ") == comparable("YES"), comparable("2.50") == comparable("2,5")
    (True, True)
    >>> comparable("0042") == comparable("42"), comparable("7e1") == comparable("70")
    (False, False)
    """
    if text.isascii():
        plain = " ".join(text.lower().split())
    else:
        plain = normalised(unicodedata.normalize("NFKC", text).casefold())
    number = _NUMBER.fullmatch(plain)
    if number is None or not any(map(str.isdigit, plain)):
        return plain
    sign, whole, part = number[1].strip("+"), number[2] or "0", (number[3] or "").rstrip("0")
    value = f"{whole}.{part}" if part else whole
    return value if value == "0" else sign + value


def matched(cells: pd.Series, words: Iterable[str]) -> pd.Series:
    """Which of the words each cell is, as the list has it; None where it is none of them."""
    known = {comparable(word): word for word in words}
    read = {text: known.get(comparable(text)) for text in cells.unique()} if known else {}
    return cells.map(read).astype(object)


def check_words(meanings: Mapping[str, str], where: str) -> None:
    """Refuse two words that compare alike and mean different things.

    Args:
        meanings: Word to what it means.
        where: Their place, for the error.

    Raises:
        InputError: Naming both.
    """
    first: dict[str, str] = {}
    for word, meaning in meanings.items():
        other = first.setdefault(comparable(word), word)
        if meanings[other] != meaning:
            raise InputError(
                f"{where}: {other!r} and {word!r} are one word (capitals, blanks and ways to write "
                f"a number do not count), and mean {meanings[other]!r} and {meaning!r}; keep one"
            )


def plain_text(cell: object) -> str:
    """A cell as text; whole numbers alike whether read as `1`, `1.0` or 1.

    Example:
        >>> plain_text(1.0), plain_text(" 1 "), plain_text("F"), plain_text(None)
        ('1', '1', 'F', '')
    """
    if cell is None or cell is pd.NA or cell != cell:
        return ""
    text = str(cell).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return repr(int(number)) if number.is_integer() else repr(number)
