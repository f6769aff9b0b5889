"""Records of JSON files: their fields are what their dataclass declares, or the file is damaged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from ctt_net.errors import InputError
from ctt_net.io.json_file import read_json, write_json


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


def read(path, fields):
    path.write_text("{}")
    return read_json(path, lambda data: Record(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"days": (1, 2.5, 3.0), "scans": ("a", "b"), "kind": "b", "inner": Inner(0.5)},
        {"levels": {"a": 1}, "anything": [object()]},
    ],
)
def test_what_is_declared_passes(tmp_path, fields):
    assert read(tmp_path / "some.json", fields) == Record(**fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5), ("count", 1.5), ("count", True), ("count", "1"),
        ("days", (30.0,)), ("days", (1, 2, "3")), ("days", (1, 2, float("nan"))), ("days", 3),
        ("scans", ("a", 1)), ("scans", "a"), ("kind", "c"), ("kind", ["a"]), ("levels", {"a": "b"}),
        ("levels", {1: 1.0}), ("levels", [1.0]), ("inner", {"share": 1.0}),
        ("inner", Inner("x")), ("inner", Inner(float("inf"))),
    ],
)  # fmt: skip
def test_anything_else_is_damage_that_names_file_and_field(tmp_path, field, value):
    with pytest.raises(InputError, match=rf"(?s)some\.json: damaged \(.*\b{field}\b.*export the"):
        read(tmp_path / "some.json", {field: value})


def test_plain_data_goes_there_and_back(tmp_path):
    path = tmp_path / "some.json"
    write_json(path, {"b": [1, 2.5, None], "a": "眼"})
    assert read_json(path, dict) == {"b": [1, 2.5, None], "a": "眼"}
    assert list(json.loads(path.read_text())) == ["b", "a"]


@pytest.mark.parametrize("text", ["{", "[" * 10**5, '{"a": 1, "a": 2}', '{"a": NaN}', ""])
def test_a_text_that_is_no_plain_data_is_damage(tmp_path, text):
    (tmp_path / "some.json").write_text(text)
    with pytest.raises(InputError, match=r"some\.json: damaged"):
        read_json(tmp_path / "some.json", dict)
    with pytest.raises(InputError, match=r"none\.json: no such file"):
        read_json(tmp_path / "none.json", dict)
