"""Read YAML a person wrote: what was typed stays text, but for plain decimal numbers.

YAML 1.1 reads 0042 as 34, 12:30 as 750, 1_234 as 1234 and `no` as false. Here only plain decimal
numbers, `true`, `false` and `null` are more than text, and a number keeps how it was typed.
Duplicate keys are refused, keys are text, errors name file and line.
"""

import math
import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ctt_net.errors import InputError, close_name
from ctt_net.io.read_text import read_text

# A page of declarations has some hundred values and some kilobytes. Ten lines of aliases of aliases
# would stand for more values than a memory holds, as soon as anything wrote them out.
MAX_VALUES = 100_000
MAX_BYTES = 1_000_000

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, dict[str, bool | None]] = {
    f"{_TAG}bool": {"true": True, "false": False},
    f"{_TAG}null": {"null": None, "~": None, "": None},
}
# An exponent needs a point or a sign: 12e4 is somebody's pseudonym.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)?\Z")
# A NUL ends a path, and half a surrogate pair cannot be written to a file.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class _Typed:
    """A number that prints as it was typed: 1.50 is not 1.5 where it names a person."""

    typed: str

    def __new__(cls, typed: Any) -> "_Typed":
        number = super().__new__(cls, typed)  # type: ignore[call-arg]
        number.typed = str(typed)
        return number

    def __repr__(self) -> str:
        return self.typed

    __str__ = __repr__


class TypedInt(_Typed, int):
    """A whole number."""


class TypedFloat(_Typed, float):
    """A number with a point or an exponent."""


def as_typed(value: Any) -> str:
    """The text of a scalar as it stands in the file; of a missing one, none.

    >>> [as_typed(value) for value in parse_yaml("[0042, 1.50, no, true]", "here")]
    ['0042', '1.50', 'no', 'true']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class _StrictLoader(yaml.SafeLoader):
    """Plain data only, and of scalars no more than numbers, true, false and null."""

    def construct_document(self, node: yaml.Node) -> Any:
        if _written_out(node, {}, set()) > MAX_VALUES:
            raise _error(f"aliases that stand for over {MAX_VALUES} values", node)
        return self.construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise _error("expected 'key: value' lines", node)
        own, merged = {}, {}
        for key, value in node.value:
            if key.tag != f"{_TAG}merge":
                own[key.value] = self.construct_object(value, deep=deep)
                continue
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in reversed(sources):  # the first one that has a key wins
                merged.update(self.construct_mapping(source, deep=deep))
        return {**merged, **own}


_StrictLoader.yaml_implicit_resolvers = {}
_StrictLoader.yaml_constructors = {}


def _error(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _word(loader: _StrictLoader, node: yaml.Node) -> bool | None:
    """Whatever tag says so, `true` is true and `maybe` is neither."""
    words = _WORDS[node.tag]
    if not isinstance(node, yaml.ScalarNode) or node.value not in words:
        raise _error(f"expected {' or '.join(filter(None, words))}", node)
    return words[node.value]


def _number(loader: _StrictLoader, node: yaml.Node) -> TypedInt | TypedFloat | str:
    if not isinstance(node, yaml.ScalarNode) or not _NUMBER.match(node.value):
        raise _error("expected a decimal number", node)
    typed = node.value
    if not math.isfinite(float(typed)):
        return typed  # hundreds of digits are no quantity
    return TypedInt(typed) if typed.lstrip("-").isdigit() else TypedFloat(typed)


for _kind, _pattern, _first in (
    ("bool", re.compile(r"(true|false)\Z"), ["t", "f"]),
    ("null", re.compile(r"(null|~|)\Z"), ["n", "~", ""]),
    ("float", _NUMBER, list("-0123456789")),
    ("merge", re.compile(r"<<\Z"), ["<"]),
):
    _StrictLoader.add_implicit_resolver(f"{_TAG}{_kind}", _pattern, _first)
for _kind, _construct in (
    ("bool", _word),
    ("null", _word),
    ("int", _number),
    ("float", _number),
    ("str", yaml.SafeLoader.construct_yaml_str),
    ("seq", yaml.SafeLoader.construct_yaml_seq),
    ("map", yaml.SafeLoader.construct_yaml_map),
):
    _StrictLoader.add_constructor(f"{_TAG}{_kind}", _construct)
_StrictLoader.add_constructor(None, yaml.SafeLoader.construct_undefined)  # type: ignore[type-var]


class _Dumper(yaml.SafeDumper):
    """Quotes text that this reader, or one of YAML 1.1, would read as something else."""


_Dumper.add_implicit_resolver(f"{_TAG}float", _NUMBER, list("-0123456789"))
_Dumper.add_representer(
    TypedInt, lambda dumper, number: dumper.represent_scalar(f"{_TAG}int", str(number))
)
_Dumper.add_representer(
    TypedFloat, lambda dumper, number: dumper.represent_scalar(f"{_TAG}float", str(number))
)


def _written_out(node: yaml.Node, sizes: dict[int, int], above: set[int]) -> int:
    """How many values a node has with its aliases written out.

    Args:
        node: Composed, not constructed.
        sizes: Of the nodes counted so far, by identity.
        above: The nodes that this one is part of.

    Raises:
        yaml.MarkedYAMLError: If a key is given twice or is no text, or text cannot be written.
    """
    if isinstance(node, yaml.ScalarNode):
        if _NO_TEXT.search(node.value):
            raise _error("text with signs that no file can hold", node)
        return 1
    if id(node) in above:
        raise _error("an alias that contains itself", node)
    if id(node) not in sizes:
        above.add(id(node))
        parts = node.value
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
            seen = set()
            for key in parts[::2]:
                if not isinstance(key, yaml.ScalarNode):
                    raise _error("a key must be a plain word", key)
                # YAML itself keeps the last one silently.
                if key.value in seen:
                    raise _error(f"key {key.value!r} stands here twice; keep one", key)
                seen.add(key.value)
        sizes[id(node)] = 1 + sum(_written_out(part, sizes, above) for part in parts)
        above.remove(id(node))
    return sizes[id(node)]


def parse_yaml(text: str, where: str) -> Any:
    """Parse strictly.

    Args:
        text: YAML text.
        where: What to call it in an error, usually the file's path.

    Raises:
        InputError: If the text is no YAML, holds a key twice, or aliases that fill a memory.
    """
    try:
        # A subclass of SafeLoader: it builds plain data only.
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}: not valid YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        number = text.count("\n", 0, error.position) + 1
        raise InputError(f"{where}, line {number}: not valid YAML: {error.reason}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: not valid YAML: {error}") from None
    except RecursionError:
        raise InputError(f"{where}: not valid YAML: nested too deeply") from None


def read_yaml_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that must hold a mapping.

    Raises:
        InputError: If the file is missing, unreadable, not UTF-8, not YAML or not a mapping.
    """
    data = parse_yaml(read_text(path, MAX_BYTES), str(path))
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected 'key: value' lines, got {type(data).__name__}")
    return data


def check_known_keys(mapping: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse a misspelt key, with the likely spelling.

    Raises:
        InputError: If `mapping` has a key that is not in `known`.
    """
    allowed = sorted(known)
    for key in mapping:
        if key not in allowed:
            close = close_name(str(key), allowed)
            hint = f"did you mean {close!r}?" if close else f"known keys: {', '.join(allowed)}"
            if close in mapping:
                unused = [name for name in allowed if name not in mapping]
                hint = f"{close!r} is given already; take this out (others: {', '.join(unused)})"
            raise InputError(f"{where}: unknown key {key!r}; {hint}")


def dump_yaml(data: Any) -> str:
    """Plain YAML, keys in the order given, Unicode kept."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
