"""Lines of YAML with comments beside them, in which any text of a table may stand."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

MAX_SHOWN = 60
_WIDTH = 96
# Text that no YAML reader takes for anything else, but for the three words below.
_PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w \u4e00-\u9fff.%/\-]*(?<![ .])")
_NO_TEXT = ("true", "false", "null")


def flow(value: Any) -> str:
    """A mapping, list or value on one line; text that is not plain is quoted.

    >>> flow({"column": "Eye", "OD": ["R", "1"], "n": 90})
    '{column: Eye, OD: [R, "1"], n: 90}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    if not isinstance(value, str) or (_PLAIN.fullmatch(value) and value not in _NO_TEXT):
        return str(value)
    signs = (
        f"\\{sign}" if sign in '"\\' else sign if sign.isprintable() else f"\\U{ord(sign):08x}"
        for sign in value
    )
    return '"' + "".join(signs) + '"'


def shown(names: str | Iterable[str]) -> str:
    """Names of columns for a comment, none of them endless."""
    names = [names] if isinstance(names, str) else names
    return ", ".join(f"'{textwrap.shorten(_one_line(n), MAX_SHOWN) or n[:9]}'" for n in names)


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


class YamlLines:
    """Lines on their way to a mapping file."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def comment(self, text: str, indent: int = 0) -> None:
        """A comment on lines of its own."""
        start = " " * indent + "# "
        self.lines += textwrap.wrap(
            _one_line(text), _WIDTH, initial_indent=start, subsequent_indent=start,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    def key(self, key: str, value: Any = None, note: str = "", indent: int = 0) -> None:
        """A key with its value, or the head of a section; a long note goes above."""
        line = " " * indent + f"{flow(key)}:" + ("" if value is None else f" {flow(value)}")
        if note and len(line) + len(note) + 4 > _WIDTH:
            self.comment(note, indent)
            note = ""
        self.lines.append(f"{line}  # {_one_line(note)}" if note else line)

    def suggestion(self, key: str, value: Any, note: str = "", indent: int = 0) -> None:
        """A line that takes effect once its sign is taken away."""
        line = " " * indent + f"# {flow(key)}: {flow(value)}"
        self.lines.append(f"{line}   # {_one_line(note)}" if note else line)
