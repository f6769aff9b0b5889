"""The secret key of a hospital, and the codes and date shifts derived from it."""

import hashlib
import hmac
import os
import re
import secrets
import stat
from base64 import b32encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

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
        fix = "name another place" if there else f"make the folder {path.parent} first"
        raise InputError(f"{path}: the key cannot be made: {error.strerror}; {fix}") from None
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


Kind = Literal["patient", "eye", "site", "device"]

CODE_BITS = 80
LONGEST_SHIFT_DAYS = 365


class Codes:
    """Codes and date shifts that depend on the key and on the original name only.

    A code is HMAC-SHA256 (RFC 2104) of kind and name, cut to 80 bits, in base 32. The first
    letter stands for the kind, which also keeps spreadsheets from reading a code as a number.

    Args:
        secret: The key's bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def code(self, kind: Kind, name: str) -> str:
        """The code of one name, such as `p` and sixteen of a-z2-7."""
        digest = self._digest(kind, name)[: CODE_BITS // 8]
        return kind[0] + b32encode(digest).decode("ascii").lower()

    def table(self, kind: Kind, names: Iterable[str]) -> dict[str, str]:
        """The codes of many names.

        Raises:
            InputError: If two names get one code, which 80 bits make very unlikely.
        """
        codes = {name: self.code(kind, name) for name in names}
        if len(set(codes.values())) < len(codes):
            raise InputError(f"two names of kind {kind} get one code; use another key")
        return codes

    def days_back(self, patient_id: str) -> int:
        """Days, 1 to 365, by which all dates of a patient are moved back."""
        number = int.from_bytes(self._digest("shift", patient_id)[:8], "big")
        return 1 + number % LONGEST_SHIFT_DAYS

    def _digest(self, purpose: str, name: str) -> bytes:
        message = f"ctt-net 1 {purpose}\0{name}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).digest()
