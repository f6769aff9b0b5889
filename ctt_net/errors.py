"""The error of wrong input, and words that messages share."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input: the message names file, row, value and fix, and is shown to the user as it is.

    Whatever reads a cohort folder, a model folder, a predictions table or the command line raises
    this or a subclass; the command line prints the message and exits with code 2.
    """


def install_extra(extra: str) -> str:
    """The command that installs an extra.

    From the checkout, not from an index: nobody has published this project there, so whoever
    takes its name could have their own code installed.
    """
    return f"pip install '.[{extra}]' in the checkout of ctt-net"


def count_of(n: float, noun: str) -> str:
    """A number with its noun, which takes an s where it is not one.

    >>> count_of(1, "scan"), count_of(1200, "eye")
    ('1 scan', '1,200 eyes')
    """
    return f"{n:,.0f} {noun}" if n == 1 else f"{n:,.0f} {noun}s"


def close_name(name: str, known: Iterable[str], taken: Iterable[str] = ()) -> str | None:
    """The one of `known` that was probably meant, whatever its capitals; None if none is close.

    Args:
        name: As written.
        known: All there are.
        taken: In use under their own name: to advise one of these would overwrite it.

    >>> close_name("preop_VA ", ["preop_va", "age"])
    'preop_va'
    >>> close_name("postop_va", ["preop_va", "age"], taken=["preop_va"]) is None
    True
    """
    used = set(taken)
    folded = {one.lower(): one for one in reversed(list(known)) if one not in used}
    close = get_close_matches(name.strip().lower(), folded, n=1)
    return folded[close[0]] if close else None
