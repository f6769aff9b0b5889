"""Read a file that a person may have edited: whatever is wrong with it names it."""

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from ctt_net.errors import InputError

# Of a table or a JSON file; a model folder of ten thousand eyes has a few.
MAX_BYTES = 512_000_000

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # Windows has none, and no named pipes in folders


def read_text(path: Path, max_bytes: int = MAX_BYTES, belongs: str = "") -> str:
    """The text of a regular file; arguments and errors as of `read_bytes`.

    Raises:
        InputError: Also if it is not UTF-8.
    """
    try:
        return read_bytes(path, max_bytes, belongs).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; save it as UTF-8 ('CSV UTF-8')") from None


def read_bytes(path: Path, max_bytes: int = MAX_BYTES, belongs: str = "") -> bytes:
    """The contents of a regular file.

    Args:
        path: File.
        max_bytes: What is larger is another kind of file, and could fill the memory.
        belongs: What to say where there is no such file, such as what its folder holds.

    Raises:
        InputError: If there is none, it is no file, too large or unreadable.
    """
    try:
        # Opening a named pipe would wait for somebody to write into it.
        with open(path, "rb", opener=lambda name, how: os.open(name, how | _NO_WAIT)) as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise InputError(f"{path}: cannot be read: it is no file")
            if facts.st_size > max_bytes:
                raise InputError(
                    f"{path}: {facts.st_size / 1e6:.0f} MB, at most {max_bytes / 1e6:.0f} MB are "
                    f"read, so this is another kind of file"
                )
            return file.read()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{belongs and f'; {belongs}'}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def parse_json(text: str) -> Any:
    """Plain data: numbers are finite, no key stands twice.

    Raises:
        ValueError: If the text is something else.
    """
    try:
        return json.loads(
            text,
            parse_float=_finite,
            parse_int=_finite_whole,
            parse_constant=_finite,
            object_pairs_hook=_once,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("a key stands twice")
    return data


def _finite(typed: str) -> float:
    number = float(typed)
    if not math.isfinite(number):
        raise ValueError(f"{typed[:20]} is no finite number")
    return number


def _finite_whole(typed: str) -> int:
    _finite(typed)
    return int(typed)
