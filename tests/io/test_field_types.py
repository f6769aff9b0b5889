"""Fields of what was read are what their dataclass declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from ctt_net.io.field_types import check_field_types


@dataclass(frozen=True)
class Inner:
    share: float


@dataclass(frozen=True)
class Record:
    name: str = "x"
    count: int = 1
    days: tuple[float, float, float] | None = None
    scans: tuple[str, ...] = ()
    kind: Literal["a", "b"] = "a"
    inner: Inner | None = None
    levels: Mapping[str, float] | None = None
    anything: Any = None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"days": (1, 2.5, 3.0), "scans": ("a", "b"), "kind": "b", "inner": Inner(0.5)},
        {"levels": {"a": 1}, "anything": [object()]},
    ],
)
def test_what_is_declared_passes(fields):
    check_field_types(Record(**fields))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5), ("name", None), ("count", 1.5), ("count", True), ("count", "1"),
        ("days", (30.0,)), ("days", (1, 2, "3")), ("days", (1, 2, float("nan"))), ("days", 3),
        ("scans", ("a", 1)), ("scans", "a"), ("kind", "c"), ("kind", ["a"]), ("levels", {"a": "b"}),
        ("levels", {1: 1.0}), ("levels", [1.0]), ("inner", {"share": 1.0}),
    ],
)  # fmt: skip
def test_anything_else_is_named(field, value):
    with pytest.raises(ValueError, match=f"{field} cannot be"):
        check_field_types(Record(**{field: value}))


def test_a_record_within_a_record_is_looked_at():
    with pytest.raises(ValueError, match="share cannot be"):
        check_field_types(Record(inner=Inner(float("inf"))))
