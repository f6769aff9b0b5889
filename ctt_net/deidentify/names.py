"""Search for thousands of names at once, in text and in bytes."""

import re
from collections.abc import Iterable, Mapping

import numpy as np

# Runs of Latin letters and digits; any other letter or sign of a script is a word by itself.
_WORD = re.compile(r"[0-9a-z]+|[^\W_]")
SHORTEST = 4  # characters; anything shorter is found by chance in any text
_SHORTEST_NUMBER = 5  # digits


def words_of(text: str) -> tuple[str, ...]:
    """Words without case and separators.

    >>> words_of("Li, Wei"), words_of("li_wei_OD.png"), words_of("李伟")
    (('li', 'wei'), ('li', 'wei', 'od', 'png'), ('李', '伟'))
    """
    return tuple(_WORD.findall(text.casefold()))


def is_short(text: str) -> bool:
    """Whether a name is too short to be searched for outside the cells that hold names."""
    words = words_of(text)
    # A Chinese character carries as much as a syllable, in UTF-8 it has three bytes.
    if "".join(words).isdigit() and len(words) == 1:
        return len(words[0]) < _SHORTEST_NUMBER
    return len("".join(words).encode()) < SHORTEST


class Names:
    """Names to search for in text, whatever separates their parts.

    `Li, Wei` is in `li_wei_OD.png`.

    Args:
        origins: Name to where it stood, for the message.
    """

    def __init__(self, origins: Mapping[str, str]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for name, origin in origins.items():
            words = words_of(name)
            if words:
                self._by_first.setdefault(words[0], []).append((words, origin))

    def found_in(self, text: str) -> str | None:
        """Where the first name found in a text came from, None if there is none."""
        return next(iter(self.all_in(text)), None)

    def all_in(self, text: str) -> Iterable[str]:
        """Where all names found in a text came from."""
        words = words_of(text)
        for place, word in enumerate(words):
            for name, origin in self._by_first.get(word, ()):
                if words[place : place + len(name)] == name:
                    yield origin


# Eight bytes meet by chance once in 10^19 places; a large cohort's scans have 10^10.
SHORTEST_BYTES = 8


class ByteNames:
    """Names to search for in bytes, as UTF-8 and as UTF-16; those below eight bytes are left out.

    Args:
        origins: Name to where it stood, for the message.
    """

    def __init__(self, origins: Mapping[str, str]) -> None:
        self._by_head: dict[int, list[tuple[bytes, str]]] = {}
        for name, origin in origins.items():
            for spelling in {name.encode(enc) for enc in ("utf-8", "utf-16-le", "utf-16-be")}:
                if len(spelling) >= SHORTEST_BYTES:
                    head = int.from_bytes(spelling[:SHORTEST_BYTES], "little")
                    self._by_head.setdefault(head, []).append((spelling, origin))
        self._heads = np.array(sorted(self._by_head), dtype=np.uint64)

    def found_in(self, data: bytes) -> str | None:
        """Where the first name found came from, None if there is none."""
        if not len(self._heads):
            return None
        for start in range(SHORTEST_BYTES):
            count = (len(data) - start) // SHORTEST_BYTES
            if count <= 0:
                break
            windows = np.frombuffer(data, dtype="<u8", count=count, offset=start)
            near = np.minimum(np.searchsorted(self._heads, windows), len(self._heads) - 1)
            for hit in np.flatnonzero(self._heads[near] == windows):
                place = start + int(hit) * SHORTEST_BYTES
                for spelling, origin in self._by_head[int(windows[hit])]:
                    if data.startswith(spelling, place):
                        return origin
        return None
