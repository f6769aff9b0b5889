"""Whether what was read from a file has the types that its dataclass declares."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def check_field_types(record: Any) -> None:
    """Refuse a record whose fields are not what they are declared to be.

    Args:
        record: Dataclass; those inside of it are looked at, too. Numbers must be finite.

    Raises:
        ValueError: Naming the field.
    """
    for name, hint in _hints(record.__class__).items():
        value = getattr(record, name)
        if not _fits(value, hint):
            raise ValueError(f"{name} cannot be {value!r:.80}")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _fits(value: Any, hint: Any) -> bool:
    origin, args = get_origin(hint) or hint, get_args(hint)
    if origin is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in args)
    if origin is Literal:
        return value in args
    if origin is float or origin is int:
        kinds = int if origin is int else (int, float)
        number = isinstance(value, kinds) and not isinstance(value, bool)
        return number and math.isfinite(value)
    if not isinstance(value, origin):
        return False
    if is_dataclass(value):
        check_field_types(value)
    elif isinstance(value, Mapping) and args:
        return all(_fits(key, args[0]) and _fits(one, args[1]) for key, one in value.items())
    elif isinstance(value, tuple) and args:
        kinds = (args[0],) * len(value) if args[-1] is Ellipsis else args
        return len(kinds) == len(value) and all(map(_fits, value, kinds))
    return True
