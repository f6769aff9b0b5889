"""Which section of a device's volume shows a view."""

import re
from collections.abc import Mapping
from typing import Any

from ctt_net.errors import InputError

_LINE = re.compile(r"line ([1-9]\d?) of ([1-9]\d?)")


def read_section_names(
    views: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Take the key `section` out of each view.

    Returns:
        The views as `cohort.yaml` knows them, and view to section: `horizontal`, `vertical` or
        `line 2 of 5`; by default the direction of the view.

    Raises:
        InputError: If a section is none of these.
    """
    plain: dict[str, Any] = {}
    sections: dict[str, str] = {}
    for name, facts in views.items():
        if not isinstance(facts, Mapping):
            plain[str(name)] = facts
            continue
        plain[str(name)] = {key: value for key, value in facts.items() if key != "section"}
        section = facts.get("section", facts.get("direction", "horizontal"))
        # A direction is checked where cohort.yaml is, in words that name it.
        if "section" in facts and section not in ("horizontal", "vertical", "oblique"):
            line_of(str(section), f"{where}.{name}.section")
        sections[str(name)] = str(section)
    return plain, sections


def line_of(section: str, where: str) -> tuple[int, int]:
    """Number and count of a section like `line 2 of 5`.

    Raises:
        InputError: If it is none.
    """
    match = _LINE.fullmatch(section)
    if match is None or int(match[1]) > int(match[2]):
        raise InputError(
            f"{where} must be horizontal, vertical or like 'line 2 of 5', got {section!r}"
        )
    return int(match[1]), int(match[2])
