"""One value out of `cohort.yaml`, of the right kind or an error that names its place."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ctt_net.errors import InputError


def read_section(mapping: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """A group of `key: value` lines; an absent one is empty."""
    section = mapping.get(key)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise InputError(f"{where}: {key!r} must hold 'key: value' lines, got {section!r}")
    return section


def read_flag(mapping: Mapping[str, Any], key: str, default: bool, where: str) -> bool:
    """A `true` or `false`."""
    value = mapping.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{where}: {key!r} must be true or false, got {value!r}")
    return value


def read_choice(value: Any, choices: Iterable[str], where: str) -> Any:
    """One of the words allowed."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{where} must be one of {', '.join(choices)}; got {value!r}")
    return value


def read_number(value: Any, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where} must be a number, got {value!r}")
    return float(value)


def read_words(value: Any, where: str) -> tuple[str, ...]:
    """A list of texts or numbers, as texts; absent = none.

    YAML reads a bare `no`, `off` or `yes` as false or true, so these are refused, not guessed.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        # A pattern such as {patient_id}.png would be a mapping to YAML.
        quoted = isinstance(value, str) and not re.fullmatch(r"[\w .+-]*", value)
        shown = json.dumps(value, ensure_ascii=False) if quoted else value
        raise InputError(f"{where} must be a list such as [{shown}], got {value!r}")
    for word in value:
        if isinstance(word, bool) or not isinstance(word, str | int | float):
            raise InputError(f"{where}: put quotes around each text, YAML reads one as {word!r}")
    return tuple(str(word).strip() for word in value)
