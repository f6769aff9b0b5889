"""Read YAML a person wrote: safe, UTF-8, duplicate keys refused, errors with file and line."""

import stat
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ctt_net.errors import InputError
from ctt_net.wording import close_name

# A page of declarations has some hundred values and some kilobytes. Ten lines of aliases of aliases
# would stand for more values than a memory holds, as soon as anything wrote them out.
MAX_VALUES = 100_000
MAX_BYTES = 1_000_000


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice; YAML itself keeps the last one silently."""

    def construct_document(self, node: yaml.Node) -> Any:
        if _written_out(node, {}, set()) > MAX_VALUES:
            raise yaml.constructor.ConstructorError(
                None, None, f"aliases that stand for over {MAX_VALUES} values", node.start_mark
            )
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a plain word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} stands here twice; keep one", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _written_out(node: yaml.Node, sizes: dict[int, int], above: set[int]) -> int:
    """How many values a node has with its aliases written out.

    Args:
        node: Composed, not constructed.
        sizes: Of the nodes counted so far, by identity.
        above: The nodes that this one is part of.
    """
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in above:
        raise yaml.constructor.ConstructorError(
            None, None, "an alias that contains itself", node.start_mark
        )
    if id(node) not in sizes:
        above.add(id(node))
        parts = node.value
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
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
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{where}: not valid YAML: {error}") from None
    except RecursionError:
        raise InputError(f"{where}: not valid YAML: nested too deeply") from None


def read_yaml_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that must hold a mapping.

    Raises:
        InputError: If the file is missing, unreadable, not UTF-8, not YAML or not a mapping.
    """
    try:
        facts = path.stat()
        if facts.st_size > MAX_BYTES or stat.S_ISFIFO(facts.st_mode) or stat.S_ISCHR(facts.st_mode):
            raise InputError(f"{path}: not a page of declarations but something larger or endless")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    data = parse_yaml(text, str(path))
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected 'key: value' lines, got {type(data).__name__}")
    return data


def refuse_unknown_keys(mapping: Mapping[str, Any], known: Iterable[str], where: str) -> None:
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
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
