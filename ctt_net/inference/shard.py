"""A part of many patients, for several machines that predict them together."""

import zlib
from dataclasses import dataclass

from ctt_net.errors import InputError


@dataclass(frozen=True)
class Shard:
    """One of some parts of about equal size; a patient is in the same one whoever else is there.

    Args:
        number: From 1.
        of: Parts in all.

    Raises:
        InputError: If there is no such part.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(f"--shard {self}: give a part from 1 to their number, such as 1/8")

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """From `2/8`.

        Example:
            >>> Shard.parse("2/8").folder
            'shard_2_of_8'
        """
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal()):
            raise InputError(f"--shard {text}: give part and number of parts, such as 2/8")
        return cls(int(number), int(of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def folder(self) -> str:
        """Name of its folder among those of the others."""
        return f"shard_{self.number}_of_{self.of}"

    def has(self, name: str) -> bool:
        """Whether a patient is in it, by the name in the input."""
        return zlib.crc32(name.encode()) % self.of == self.number - 1
