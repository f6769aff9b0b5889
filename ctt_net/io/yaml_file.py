"""Read YAML a person wrote: what was typed stays text, but for plain decimal numbers.

Other readers take 0042 for 34, 12:30 for 750, 1_234 for 1234 and `no` for false. Here only plain
decimal numbers, `true`, `false` and `null` are more than text, and a number keeps how it was typed.
Duplicate keys are refused, keys are text, mappings know their lines, errors name file and line.
"""

import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter
from ruamel.yaml.resolver import VersionedResolver, implicit_resolvers
from ruamel.yaml.tag import Tag

from ctt_net.errors import InputError, close_name
from ctt_net.io.read_text import read_text

# A page of declarations has some hundred values and some kilobytes. Ten lines of aliases of aliases
# would stand for more values than a memory holds, as soon as anything wrote them out.
MAX_VALUES = 100_000
MAX_BYTES = 1_000_000
MAX_DEPTH = 50

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, dict[str, bool | None]] = {
    f"{_TAG}bool": {"true": True, "false": False},
    f"{_TAG}null": {"null": None, "~": None, "": None},
}
_NUMBERS = (f"{_TAG}float", f"{_TAG}int")
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


class YamlMapping(dict[str, Any]):
    """A mapping of a YAML file: keys are text.

    Attributes:
        line: Where it begins.
        lines: Line of each key, counted from 1.
    """

    line: int = 0
    lines: Mapping[str, int] = {}


def line_of(data: Any, place: Sequence[str | int]) -> int | None:
    r"""Line of a value, or of the nearest part around it; None where no line is known.

    Args:
        data: As parsed.
        place: Keys and list positions that lead to it, such as `("views", "h", "direction")`.

    >>> line_of(parse_yaml("a: 1\nb:\n  c: [2]", "here"), ("b", "c", 0))
    3
    """
    line = None
    for key in place:
        if isinstance(data, YamlMapping):
            line = data.lines.get(str(key), line)
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(key, int) and isinstance(data, YamlMapping):
            line = data.line
    return line


class _Resolver(VersionedResolver):
    """Of plain scalars only numbers, true, false, null and merge keys are more than text."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Tag:
        """The tag of a node that is written without one."""
        plain = kind is ScalarNode and implicit[0]
        return Tag(suffix=_tag_of(value)) if plain else super().resolve(kind, value, (False, False))


class _QuotingResolver(_Resolver):
    """For writing: text is quoted that any reader of YAML 1.1 or 1.2 takes for something else."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Tag:
        """The tag of a node that is written without one."""
        tag = super().resolve(kind, value, implicit)
        if kind is ScalarNode and implicit[0] and tag == self.DEFAULT_SCALAR_TAG:
            others = (other for _, other, pattern, _ in implicit_resolvers if pattern.match(value))
            return Tag(suffix=next(others, str(tag)))
        return tag


def _tag_of(plain: str) -> str:
    """What a scalar without quotes and tag is."""
    for tag, words in _WORDS.items():
        if plain in words:
            return tag
    if plain == "<<":
        return f"{_TAG}merge"
    return _NUMBERS[plain.lstrip("-").isdigit()] if _NUMBER.match(plain) else f"{_TAG}str"


class _Representer(SafeRepresenter):
    """Writes numbers as they were typed."""


_Representer.add_representer(YamlMapping, SafeRepresenter.represent_dict)
for _kind in (TypedInt, TypedFloat):
    _Representer.add_representer(
        _kind,
        lambda self, number: self.represent_scalar(
            _NUMBERS[number.typed.lstrip("-").isdigit()], number.typed
        ),
    )


class _Builder:
    """Plain data from the nodes of a document.

    Args:
        plain: As of `parse_yaml`.
    """

    def __init__(self, plain: bool) -> None:
        self._plain = plain
        self._built: dict[int, tuple[Any, int]] = {}  # with the number of values it stands for
        self._above: set[int] = set()

    def build(self, node: Node) -> tuple[Any, int]:
        """The data of a node, and how many values it has with its aliases written out.

        Raises:
            MarkedYAMLError: If a key is given twice or is no text, or text cannot be written.
        """
        if isinstance(node, ScalarNode):
            return self._scalar(node), 1
        if node.tag != f"{_TAG}{'map' if isinstance(node, MappingNode) else 'seq'}":
            raise _error(f"the tag {node.tag} has no meaning here", node)
        if id(node) in self._above:
            raise _error("an alias that contains itself", node)
        if id(node) not in self._built:
            self._above.add(id(node))
            parts = self._mapping(node) if isinstance(node, MappingNode) else self._list(node)
            self._built[id(node)] = parts
            self._above.remove(id(node))
        data, size = self._built[id(node)]
        if size > MAX_VALUES:
            raise _error(f"aliases that stand for over {MAX_VALUES} values", node)
        return data, size

    def _list(self, node: Node) -> tuple[list[Any], int]:
        parts = [self.build(part) for part in node.value]
        return [data for data, _ in parts], 1 + sum(size for _, size in parts)

    def _mapping(self, node: Node) -> tuple[dict[str, Any], int]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str, int] = {}
        total = 1
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise _error("a key must be a plain word", key)
            if _NO_TEXT.search(key.value):
                raise _error("text with signs that no file can hold", key)
            if key.value in own:
                raise _error(f"key {key.value!r} stands here twice; keep one", key)
            data, size = self.build(value)
            total += 1 + size
            if key.tag != f"{_TAG}merge":
                own[key.value], lines[key.value] = data, key.start_mark.line + 1
                continue
            sources = data if isinstance(data, list) else [data]
            for source in reversed(sources):  # the first one that has a key wins
                if not isinstance(source, dict):
                    raise _error("expected 'key: value' lines", value)
                merged.update(source)
        if self._plain:
            return {**merged, **own}, total
        mapping = YamlMapping({**merged, **own})
        mapping.line, mapping.lines = node.start_mark.line + 1, lines
        return mapping, total

    def _scalar(self, node: ScalarNode) -> Any:
        if _NO_TEXT.search(node.value):
            raise _error("text with signs that no file can hold", node)
        if node.tag in (f"{_TAG}str", f"{_TAG}merge"):
            return node.value
        if node.tag in _WORDS:
            words = _WORDS[node.tag]
            if node.value not in words:
                raise _error(f"expected {' or '.join(filter(None, words))}", node)
            return words[node.value]
        if node.tag not in _NUMBERS:
            raise _error(f"the tag {node.tag} has no meaning here", node)
        if not _NUMBER.match(node.value):
            raise _error("expected a decimal number", node)
        if not math.isfinite(float(node.value)):
            return node.value  # hundreds of digits are no quantity
        if node.value.lstrip("-").isdigit():
            return int(node.value) if self._plain else TypedInt(node.value)
        return float(node.value) if self._plain else TypedFloat(node.value)


def _error(problem: str, node: Node) -> MarkedYAMLError:
    return MarkedYAMLError(None, None, problem, node.start_mark)


def parse_yaml(text: str, where: str, plain: bool = False) -> Any:
    """Parse strictly.

    Args:
        text: YAML text.
        where: What to call it in an error, usually the file's path.
        plain: For other libraries: numbers and mappings are those of Python.

    Raises:
        InputError: If the text is no YAML, holds a key twice, or aliases that fill a memory.
    """
    reader = YAML(typ="safe", pure=True)
    reader.Resolver, reader.max_depth = _Resolver, MAX_DEPTH
    reader.composer.warn_double_anchors = False
    try:
        node = reader.compose(text)
        return None if node is None else _Builder(plain).build(node)[0]
    except MaxDepthExceededError:
        raise InputError(f"{where}: not valid YAML: nested too deeply") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}: not valid YAML: {error.problem}") from None
    except ReaderError as error:
        place = text.count("\n", 0, error.position) + 1
        raise InputError(f"{where}, line {place}: not valid YAML: {error.reason}") from None
    except (YAMLError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: not valid YAML: {error}") from None


def read_yaml_mapping(path: Path) -> YamlMapping:
    """Read a YAML file that must hold a mapping.

    Raises:
        InputError: If the file is missing, unreadable, not UTF-8, not YAML or not a mapping.
    """
    data = parse_yaml(read_text(path, MAX_BYTES), str(path))
    if not isinstance(data, YamlMapping):
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
            raise InputError(f"{where}: {unknown_key(str(key), allowed, mapping)}")


def unknown_key(key: str, known: Sequence[str], given: Mapping[str, Any]) -> str:
    """What to say of a misspelt key.

    Args:
        key: As written.
        known: Keys there are.
        given: The mapping it stands in.
    """
    close = close_name(key, known)
    hint = f"did you mean {close!r}?" if close else f"known keys: {', '.join(known)}"
    if close and close in given:
        unused = [name for name in known if name not in given]
        others = f" (others: {', '.join(unused)})" if unused else ""
        hint = f"{close!r} is given already; take this out{others}"
    return f"unknown key {key!r}; {hint}"


def dump_yaml(data: Any) -> str:
    """Plain YAML, keys in the order given, Unicode kept."""
    writer = YAML(typ="safe", pure=True)
    writer.Resolver, writer.Representer = _QuotingResolver, _Representer
    writer.default_flow_style, writer.width = False, 4096  # no text is broken over two lines
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = io.StringIO()
    writer.dump(data, text)
    return text.getvalue()
