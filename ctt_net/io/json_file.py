"""The JSON files of a model folder, written whole and read with one clear error."""

import json
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.field_types import check_field_types
from ctt_net.io.read_text import parse_json, read_text

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
        build: Constructor; whatever it refuses means that the file is damaged.

    Raises:
        InputError: If the file is missing or damaged.
    """
    try:
        record = build(parse_json(read_text(path)))
        if is_dataclass(record):
            check_field_types(record)
        return record
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: damaged ({error}); export the model again") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({error}); export the model again") from None
