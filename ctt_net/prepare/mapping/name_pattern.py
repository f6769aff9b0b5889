"""Patterns of file names: `{patient_id}/{*}_{laterality}_{view}.tif`."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from ctt_net.errors import InputError

_FIELD = re.compile(r"\{([^{}]*)\}|(\*\*/|\*\*?)")
_WILD = {"**/": "(?:.*?/)?", "**": ".*?", "*": "[^/]*?"}
_Words = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class NamePattern:
    """One pattern of file names.

    Args:
        text: As written.
        regex: Over the path below the folder, in small letters.
        greedy: The same with wildcards as long as can be: where both fit, they must agree.
        fields: Group name to the field it holds.
    """

    text: str
    regex: re.Pattern[str]
    greedy: re.Pattern[str]
    fields: Mapping[str, str]


def folded(text: str) -> str:
    """Small letters, accents as one sign: macOS writes them as two in file names."""
    return unicodedata.normalize("NFC", text).lower()


def compile_pattern(text: str, words: Mapping[str, _Words], where: str) -> NamePattern:
    """A pattern as regular expressions; `/` is never crossed except by `**`.

    Args:
        text: As written.
        words: Vocabulary of each field that has one.
        where: The `scans` section, for errors.

    Raises:
        InputError: If a field is empty, given twice, or has no words.
    """
    fields: dict[str, str] = {}
    matches = list(_FIELD.finditer(text))
    wild = [bool(match[2]) or match[1].strip() == "*" for match in matches]
    parts, end = [], 0
    for number, match in enumerate(matches):
        parts.append(re.escape(folded(text[end : match.start()])))
        touches_before = number > 0 and wild[number - 1] and match.start() == end
        end = match.end()
        name = (match[1] or "").strip()
        if wild[number]:
            parts.append(_WILD[match[2] or "*"])
            continue
        if not name:
            raise InputError(f"{where}.names: {text!r} has empty braces; name a field, or write *")
        known = words.get(name)
        if known is not None and not known:
            raise InputError(
                f"{where}.names: {text!r} asks for {{{name}}}, but {where}.{name} has no words"
            )
        if name in fields.values():
            raise InputError(f"{where}.names: {text!r} has {{{name}}} twice")
        group = f"f{len(fields)}"
        fields[group] = name
        touches_after = (
            number + 1 < len(matches) and wild[number + 1] and matches[number + 1].start() == end
        )
        inner = _alternatives(known, touches_before, touches_after) if known else "[^/]+?"
        parts.append(f"(?P<{group}>{inner})")
    parts.append(re.escape(folded(text[end:])))
    lazy = "".join(parts)
    greedy = lazy.replace("*?", "*").replace("+?", "+")
    return NamePattern(text, re.compile(lazy), re.compile(greedy), fields)


def _alternatives(words: _Words, touches_before: bool, touches_after: bool) -> str:
    """Longest first; beside a wildcard a Latin word stands alone: no `h` out of `thickness`."""
    known = {word for meanings in words.values() for word in meanings}
    parts = []
    for word in sorted(known, key=lambda word: (-len(word), word)):
        before = f"(?<!{_kind(word[0])})" if touches_before and _kind(word[0]) else ""
        after = f"(?!{_kind(word[-1])})" if touches_after and _kind(word[-1]) else ""
        parts.append(before + re.escape(word) + after)
    return "|".join(parts)


def _kind(sign: str) -> str:
    if not sign.isascii():
        return ""
    return "[0-9]" if sign.isdigit() else "[a-z]" if sign.isalpha() else ""
