"""The JSON files of a model folder, written whole and read with one clear error."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ctt_net.errors import InputError
from ctt_net.whole_file import write_whole

Record = TypeVar("Record")


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write plain data."""
    write_whole(path, json_text(data))


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
        return build(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a model folder holds one") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({error}); export the model again") from None
