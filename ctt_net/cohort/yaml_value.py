"""One value out of `cohort.yaml`, of the right kind or an error that names its place."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ctt_net.errors import InputError
from ctt_net.io.yaml_file import as_typed


def read_section(mapping: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """A group of `key: value` lines; an absent one is empty."""
    section = mapping.get(key)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise InputError(f"{where}: {key!r} must hold 'key: value' lines, got {section!r}")
    return section


def read_flag(mapping: Mapping[str, Any], key: str, default: bool, where: str) -> bool:
    """A `true` or `false`, as Python or YAML 1.1 may spell it."""
    value = mapping.get(key, default)
    flag = {"true": True, "yes": True, "false": False, "no": False}.get(as_typed(value).lower())
    if flag is None:
        raise InputError(f"{where}: {key!r} must be true or false, got {value!r}")
    return flag


def read_text(value: Any, where: str) -> str:
    """A text, word or number as it was typed; never blank."""
    if not isinstance(value, str | int | float) or not as_typed(value).strip():
        raise InputError(f"{where} is missing; give it as text, got {value!r}")
    return as_typed(value).strip()


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


def read_bounds(value: Any, where: str) -> tuple[float, float]:
    """The lowest and the highest of something."""
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{where} must be two numbers such as [14, 120], got {value!r}")
    low, high = (read_number(end, where) for end in value)
    if low > high:
        raise InputError(f"{where}: {low:g} is above {high:g}; exchange them")
    return low, high


def read_words(value: Any, where: str) -> tuple[str, ...]:
    """A list of texts or numbers, as they were typed; absent = none."""
    if value is None:
        return ()
    if not isinstance(value, list):
        # A pattern such as {patient_id}.png would be a mapping to YAML.
        quoted = isinstance(value, str) and not re.fullmatch(r"[\w .+-]*", value)
        shown = json.dumps(value, ensure_ascii=False) if quoted else value
        raise InputError(f"{where} must be a list such as [{shown}], got {value!r}")
    for word in value:
        if not isinstance(word, str | int | float):
            raise InputError(f"{where}: put quotes around each text, YAML reads one as {word!r}")
    return tuple(as_typed(word).strip() for word in value)
