"""The secret of a hospital: who holds it can link the codes, so it stays out of exports."""

import os
import re
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctt_net.errors import InputError

KEY_BYTES = 32
_HEX = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES},}}", re.IGNORECASE)


@dataclass(frozen=True)
class Key:
    """A secret as read from its file.

    Args:
        secret: 32 bytes or more; never shown.
        made: Whether the file was made just now.
        warning: What is wrong with how the file is kept, empty if nothing is.
    """

    secret: bytes = field(repr=False)
    made: bool = False
    warning: str = ""


def read_or_make_key(path: Path, apart_from: Sequence[Path]) -> Key:
    """Read the key file; where there is none, make one that only its owner may read.

    Args:
        path: Text file of at least 64 hexadecimal digits.
        apart_from: Folders in which the key must not lie, since they are passed on or shared.

    Raises:
        InputError: If the file lies in one of these folders, is a link, is no key or too short, or
            can neither be read nor made.
    """
    place = path.parent.resolve() / path.name
    for folder in apart_from:
        if place.is_relative_to(folder.resolve()):
            raise InputError(
                f"{path}: the key lies inside {folder}; keep it elsewhere, since whoever has both "
                f"can link the codes to the patients"
            )
    if path.is_symlink():
        raise InputError(f"{path}: the key is a link; name the file itself")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        there = path.parent.is_dir()
        cure = "name another place" if there else f"make the folder {path.parent} first"
        raise InputError(f"{path}: the key cannot be made: {error.strerror}; {cure}") from None
    secret = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
    return Key(secret, made=True)


def _read(path: Path) -> Key:
    try:
        if not path.is_file():
            raise InputError(f"{path}: the key is no file; name a text file")
        text = path.read_text(encoding="ascii").strip()
        mode = path.stat().st_mode
    except UnicodeDecodeError:
        text, mode = "", 0
    except OSError as error:
        raise InputError(f"{path}: the key cannot be read: {error.strerror}") from None
    if not _HEX.fullmatch(text) or len(text) % 2:
        raise InputError(
            f"{path}: no key: expected {2 * KEY_BYTES} or more hexadecimal digits, found "
            f"{len(text)} characters; name the key of your earlier exports, or a new file, which "
            f"is then made"
        )
    shared = os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO)
    warning = f"{path} may be read by others; 'chmod 600' it" if shared else ""
    return Key(bytes.fromhex(text), warning=warning)
