"""`CHOOSE`: what a draft leaves to a person, and the refusal of a mapping that still has one."""

from collections.abc import Iterator
from typing import Any

from ctt_net.errors import InputError

CHOOSE = "CHOOSE"


def check_decided(given: Any, where: str) -> None:
    """Stop at a mapping in which something is still to be decided.

    Args:
        given: The parsed YAML.
        where: What to call the file.

    Raises:
        InputError: Naming every place at once.
    """
    places = undecided(given)
    if places:
        raise InputError(
            f"{where}: still to be decided: {', '.join(places)}; replace each CHOOSE by one of the "
            f"answers that the comment beside it offers"
        )


def undecided(given: Any) -> list[str]:
    """Every place of a mapping that says `CHOOSE`.

    >>> undecided({"columns": {"preop_va": {"notation": "CHOOSE"}, "patient_id": "MRN"}})
    ['columns.preop_va.notation']
    """
    return list(_undecided(given, ""))


def _undecided(given: Any, place: str) -> Iterator[str]:
    if isinstance(given, dict):
        for key, value in given.items():
            yield from _undecided(value, f"{place}.{key}" if place else str(key))
    elif isinstance(given, list):
        for value in given:
            yield from _undecided(value, place)
    elif given == CHOOSE:
        yield place
