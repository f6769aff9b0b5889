"""A file that a person may have edited: whatever is wrong names it."""

import os

import pytest

from ctt_net.errors import InputError
from ctt_net.io.read_text import parse_json, read_text


def test_text_is_read_with_or_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "one.csv"
    path.write_bytes("\ufeff眼\r\n".encode())
    assert read_text(path) == "眼\r\n"


@pytest.mark.parametrize("kind", ["none", "folder", "pipe", "device", "loop", "gbk", "large"])
def test_what_is_no_text_file_is_refused_by_name_without_waiting(tmp_path, kind):
    path = tmp_path / "some.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind != "none":
        path.write_bytes("眼".encode("gbk") if kind == "gbk" else b"x" * 11)
    with pytest.raises(InputError, match=str(path)):
        read_text(path, max_bytes=10)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[1" + "0" * 400 + "]", "1e999", "NaN", "-Infinity", '{"a": 1, "a": 2}', "{"],
)
def test_json_of_no_use_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_json_is_read():
    assert parse_json('{"a": [1, -2.5e3, null, true, "眼"]}') == {"a": [1, -2500, None, True, "眼"]}
