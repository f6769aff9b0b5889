"""The JSON files of a model folder, written whole and read with one clear error."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import create_model

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.read_text import parse_json, read_text
from ctt_net.io.schema import Schema

Record = TypeVar("Record")


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write plain data."""
    atomic_write(path, json_text(data))


def json_text(data: dict[str, Any]) -> str:
    """Plain data as the files of a model folder have it."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path, build: Callable[[dict[str, Any]], Record]) -> Record:
    """Read plain data and build what it describes.

    Args:
        path: File of a model folder.
        build: Constructor; whatever it refuses means that the file is damaged. The fields of a
            dataclass must have the types they are declared with.

    Raises:
        InputError: If the file is missing or damaged.
    """
    text = read_text(path)
    try:
        record = build(parse_json(text))
        if is_dataclass(record):
            _fields_of(record.__class__).parse(vars(record), "")
        return record
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        message = str(error).removeprefix(": ")
        raise InputError(f"{path}: damaged ({message}); export the model again") from None


@cache
def _fields_of(kind: type) -> type[Schema]:
    """A schema with the fields of a dataclass."""
    hints = get_type_hints(kind)
    types: dict[str, Any] = {
        name: (hint, None if hint is Any or NoneType in get_args(hint) else ...)
        for name, hint in ((one.name, hints[one.name]) for one in fields(kind))
    }
    # Arrays, which a record may hold beside what its file has, are only checked for being arrays.
    options = {"revalidate_instances": "always", "arbitrary_types_allowed": True}
    return create_model(kind.__name__, __base__=Schema, __cls_kwargs__=options, **types)
