"""Find names in text whatever stands between their parts: `Li, Wei` is in `li_wei_OD.png`."""

import re
from collections.abc import Iterable, Mapping

# Runs of Latin letters and digits; any other letter or sign of a script is a word by itself.
_WORD = re.compile(r"[0-9a-z]+|[^\W_]")
SHORTEST = 4  # signs; anything shorter is found by chance in any text
_SHORTEST_NUMBER = 5  # digits


def words_of(text: str) -> tuple[str, ...]:
    """Words without case and separators.

    >>> words_of("Li, Wei"), words_of("li_wei_OD.png"), words_of("李伟")
    (('li', 'wei'), ('li', 'wei', 'od', 'png'), ('李', '伟'))
    """
    return tuple(_WORD.findall(text.casefold()))


def is_short(text: str) -> bool:
    """Whether a name is too short to be looked for outside the cells that hold names."""
    words = words_of(text)
    # A sign of Chinese says as much as a syllable, in UTF-8 it has three bytes.
    if "".join(words).isdigit() and len(words) == 1:
        return len(words[0]) < _SHORTEST_NUMBER
    return len("".join(words).encode()) < SHORTEST


class Names:
    """Names to look for.

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
