"""Single values of a plan, each refused with its key and the fix."""

from typing import Any, TypeVar

from ctt_net.errors import InputError

Choice = TypeVar("Choice")


def a_number(value: Any, where: str, lowest: int) -> int:
    """A whole number.

    Raises:
        InputError: If it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise InputError(f"{where}: expected a whole number from {lowest} on, got {value!r}")
    return value


def numbers(value: Any, where: str, lowest: int) -> tuple[int, ...]:
    """One whole number or several different ones."""
    listed = value if isinstance(value, list) else [value]
    found = tuple(a_number(one, where, lowest) for one in listed)
    if len(set(found)) < len(found):
        raise InputError(f"{where}: a number stands there twice: {value!r}; keep one")
    return found


def sizes(value: Any, where: str) -> tuple[int | None, ...]:
    """Numbers of training eyes; null = all of them."""
    listed = value if isinstance(value, list) else [value]
    found = tuple(None if one is None else a_number(one, where, lowest=2) for one in listed)
    if not found or len(set(found)) < len(found):
        raise InputError(f"{where}: give different numbers, such as [100, 300, null]")
    return found


def words(value: Any, where: str) -> tuple[str, ...]:
    """One text or several; nothing is none."""
    listed = [] if value is None else value if isinstance(value, list) else [value]
    for one in listed:
        if not isinstance(one, str) or not one:
            raise InputError(f"{where}: expected a path or a list of paths, got {one!r}")
    return tuple(listed)


def one_of(value: Any, allowed: tuple[Choice, ...], where: str) -> Choice:
    """A value that must be one of a few."""
    for choice in allowed:
        if value == choice and type(value) is type(choice):
            return choice
    raise InputError(f"{where}: {value!r} is none of {', '.join(map(str, allowed))}")
