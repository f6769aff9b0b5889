"""How one column of the manifest comes out of the user's table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ctt_net.cohort.words import check_words
from ctt_net.cohort.yaml_value import read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys

SIDES = ("OD", "OS")


@dataclass(frozen=True)
class Rule:
    """Where a value stands and how it is read.

    Args:
        column: Of the table; None where `value` or `sides` say it.
        sides: Column for either eye, in a table of one row per patient.
        value: The same for all.
        missing: Cells that mean unknown here, beside the table's.
        strip: Texts that are taken out of a cell.
        recode: Cell to value.
        extract: Pattern with one group; the cell becomes what the group holds, or blank.
        numbers_as: Notation of plain numbers among the fractions of an acuity column.
    """

    column: str | None = None
    sides: Mapping[str, str] = field(default_factory=dict)
    value: str | None = None
    missing: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    recode: Mapping[str, str] = field(default_factory=dict)
    extract: re.Pattern[str] | None = None
    numbers_as: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns it reads."""
        return (self.column,) if self.column else tuple(self.sides.values())

    def place(self, side: str | None = None) -> str:
        """Column of one side, for an error message."""
        return (self.sides.get(side or "") if self.sides else self.column) or "the mapping"


_KEYS = ("column", "value", "missing", "strip", "recode", "extract")


def read_rule(
    given: Any, where: str, further: tuple[str, ...] = (), per_side: bool = False
) -> tuple[Rule, dict[str, Any]]:
    """A rule of the mapping: a bare column name, or keys.

    Args:
        given: From the YAML.
        where: Its place, for errors.
        further: Keys beside those of every rule, which are handed back as they stand.
        per_side: Whether `OD` and `OS` name columns here.

    Raises:
        InputError: If it names no column, or says two things.
    """
    if isinstance(given, str | int) and not isinstance(given, bool):
        return Rule(column=str(given)), {}
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must be a column name or 'key: value' lines, got {given!r}")
    check_known_keys(given, (*_KEYS, *further, *(SIDES if per_side else ())), where)
    sides = {side: str(given[side]) for side in SIDES if per_side and side in given}
    column = None if given.get("column") is None else str(given["column"])
    value = None if given.get("value") is None else _text(given["value"], f"{where}.value")
    said = [name for name, told in (("column", column), ("value", value), ("OD/OS", sides)) if told]
    if len(said) > 1:
        raise InputError(f"{where}: {' and '.join(said)} cannot both be said; keep one")
    rule = Rule(
        column=column,
        sides=sides,
        value=value,
        missing=read_words(given.get("missing"), f"{where}.missing"),
        strip=tuple(filter(None, read_words(given.get("strip"), f"{where}.strip"))),
        recode=_recode(given.get("recode"), f"{where}.recode"),
        extract=_pattern(given.get("extract"), f"{where}.extract"),
    )
    return rule, {key: given[key] for key in further if key in given}


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{where}: put quotes around the text, YAML reads it as {value!r}")
    return str(value)


def _recode(given: Any, where: str) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must hold 'cell: value' lines, got {given!r}")
    recode = {
        _text(cell, where).strip(): "" if value is None else _text(value, where).strip()
        for cell, value in given.items()
    }
    check_words(recode, where)
    return recode


def _pattern(given: Any, where: str) -> re.Pattern[str] | None:
    if given is None:
        return None
    try:
        pattern = re.compile(str(given))
    except re.error as error:
        raise InputError(f"{where}: {given!r} is no regular expression: {error}") from None
    if pattern.groups != 1:
        raise InputError(f"{where}: {given!r} needs exactly one group (...), has {pattern.groups}")
    return pattern
