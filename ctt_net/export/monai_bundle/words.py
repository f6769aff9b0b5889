"""Names that people chose, as they may stand in a file that other programs interpret."""

import re

# MONAI evaluates what begins with $, fetches what begins with % or @, and takes :: and # for paths;
# Markdown and HTML have their own.
_MEANT_ELSEWHERE = re.compile(r"[^\w .,;:/()+=-]|:(?=:)")
LONGEST = 80


def words(name: str) -> str:
    """A name without any sign that a configuration or a page could take for a command."""
    return _MEANT_ELSEWHERE.sub("_", " ".join(str(name).split()))[:LONGEST]


def sentence(text: str) -> str:
    """The same for a sentence of a page in which such a name stands: longer, and with percents."""
    return "%".join(
        _MEANT_ELSEWHERE.sub("_", part) for part in " ".join(str(text).split()).split("%")
    )
