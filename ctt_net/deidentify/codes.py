"""Codes in place of names: the same key gives the same code, without the key nobody can link."""

import hashlib
import hmac
from base64 import b32encode
from collections.abc import Iterable
from typing import Literal

from ctt_net.errors import InputError

Kind = Literal["patient", "eye", "site", "device"]

CODE_BITS = 80
LONGEST_SHIFT_DAYS = 365


class Codes:
    """Gives codes and date shifts that depend on the key and on the original name only.

    A code is HMAC-SHA256 (RFC 2104) of kind and name, cut to 80 bits, in base 32. The first
    letter says the kind, which also keeps spreadsheets from reading a code as a number.

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
        """By how many days, 1 to 365, all dates of a patient go back."""
        number = int.from_bytes(self._digest("shift", patient_id)[:8], "big")
        return 1 + number % LONGEST_SHIFT_DAYS

    def _digest(self, purpose: str, name: str) -> bytes:
        message = f"ctt-net 1 {purpose}\0{name}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).digest()
