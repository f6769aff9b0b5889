"""Lines of YAML with comments beside them, in which any text of a table may stand."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ctt_net.io.yaml_file import parse_yaml

MAX_SHOWN = 60
_COMMENT_WIDTH = 96
_PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w \u4e00-\u9fff.%/\-]*(?<![ .])")


def scalar(value: Any) -> str:
    """One value as YAML on one line; text that YAML would read as anything else is quoted.

    >>> scalar("VA before"), scalar("null"), scalar("-9"), scalar(90)
    ('VA before', '"null"', '"-9"', '90')
    """
    if not isinstance(value, str):
        return str(value)
    if _may_stand_plain(value):
        return value
    return '"' + "".join(_escaped(sign) for sign in value) + '"'


def flow(value: Any) -> str:
    """A mapping, list or value on one line.

    >>> flow({"column": "Eye", "OD": ["R", "1"]})
    '{column: Eye, OD: [R, "1"]}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    return scalar(value)


def shown(name: str) -> str:
    """The name of a column, for a comment: one line, not endless."""
    name = "".join(sign if sign.isprintable() else " " for sign in name)
    return f"'{name if len(name) <= MAX_SHOWN else name[: MAX_SHOWN - 3] + '...'}'"


def several(names: Iterable[str]) -> str:
    """Names of columns, for a comment."""
    return ", ".join(shown(name) for name in names)


class Page:
    """Lines on their way to a mapping file."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, text: str, indent: int = 0) -> None:
        """A comment on lines of its own."""
        start = " " * indent + "# "
        line = ""
        for word in "".join(s if s.isprintable() else " " for s in text).split(" "):
            if line and len(start) + len(line) + 1 + len(word) > _COMMENT_WIDTH:
                self._lines.append(start + line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        self._lines.append((start + line).rstrip())

    def off(self, key: str, value: Any, note: str = "", indent: int = 0) -> None:
        """A line that takes effect once its sign is taken away."""
        plain = "".join(sign if sign.isprintable() else " " for sign in note)
        line = " " * indent + f"# {scalar(key)}: {flow(value)}"
        self._lines.append(f"{line}   # {plain}" if plain else line)

    def put(self, key: str, value: Any = None, note: str = "", indent: int = 0) -> None:
        """A key with its value, or the head of a section; a long note goes above."""
        line = " " * indent + f"{scalar(key)}:" + ("" if value is None else f" {flow(value)}")
        if note and len(line) + len(note) + 4 > _COMMENT_WIDTH:
            self.say(note, indent)
            note = ""
        plain = "".join(sign if sign.isprintable() else " " for sign in note)
        self._lines.append(f"{line}  # {plain}" if note else line)

    def item(self, value: Any, indent: int = 0) -> None:
        """A line of a list."""
        self._lines.append(" " * indent + f"- {flow(value)}")

    def skip(self) -> None:
        """An empty line."""
        self._lines.append("")

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines) + "\n"


@lru_cache(maxsize=4096)  # the same names come again and again, and YAML is slow to read
def _may_stand_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and text.isprintable()
        and parse_yaml(text, "draft") == text
    )


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign.isprintable():
        return sign
    code = ord(sign)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else (f"\\U{code:08x}")
    )
