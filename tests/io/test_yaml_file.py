"""YAML a person wrote: strict, safe, and wrong with the file and the line."""

import copy
import json
import pickle

import pytest

from ctt_net.errors import InputError
from ctt_net.io.yaml_file import (
    as_typed,
    check_known_keys,
    dump_yaml,
    parse_yaml,
    read_yaml_mapping,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: not valid YAML: key 'a' stands here twice"),
        ("a:\n  b: 1\n  b: 2\n", "line 3"),
        ("a: [1, 2\n", "not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1"),
        ("[1, 2]: x\n", "a key must be a plain word"),
        ("x: 1\na: !!bool foo\n", "line 2: not valid YAML: expected true or false"),
        ("a: !!int ''\n", "line 1: not valid YAML: expected a decimal number"),
        ("a: !!float [1]\n", "line 1: not valid YAML: the tag"),
        ("a: 1\n---\nb: 2\n", "line 2: not valid YAML"),
        ("a: !!null no\n", "line 1: not valid YAML: expected null"),
        ("a: !!timestamp x\n", "line 1: not valid YAML"),
        ("a: !!map x\n", "line 1: not valid YAML"),
        ("a: {b: 1, <<: 5}\n", "line 1: not valid YAML"),
        ("x: 1\na: \x07\n", "line 2: not valid YAML"),
        ('a: "\\ud800"\n', "line 1: not valid YAML: text with signs that no file can hold"),
        ('a: "\\0"\n', "line 1: not valid YAML: text with signs that no file can hold"),
        ('a: "\\UFFFFFFFF"\n', "not valid YAML"),
        ("a: " + "[" * 1000, "not valid YAML"),
        ("- 1\n- 2\n", "expected 'key: value' lines, got list"),
        ("", "expected 'key: value' lines"),
        ("just words\n", "expected 'key: value' lines"),
    ],
)
def test_what_is_wrong_names_the_file_and_the_line(tmp_path, text, words):
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_yaml_mapping(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_files_that_cannot_be_read_say_so(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_yaml_mapping(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml_mapping(tmp_path)
    (tmp_path / "gbk.yaml").write_bytes("name: 眼\n".encode("gbk"))
    with pytest.raises(InputError, match="save it as UTF-8"):
        read_yaml_mapping(tmp_path / "gbk.yaml")


def test_a_byte_order_mark_and_an_anchor_are_read(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text("a: &x {b: 1}\nc: {<<: *x, d: 2}\n", encoding="utf-8-sig")
    assert read_yaml_mapping(path) == {"a": {"b": 1}, "c": {"b": 1, "d": 2}}


def test_a_misspelt_key_gets_its_likely_spelling():
    check_known_keys({"views": 1}, ["views"], "here")
    with pytest.raises(InputError, match="here: unknown key 'veiws'; did you mean 'views'"):
        check_known_keys({"veiws": 1}, ["views", "name"], "here")
    with pytest.raises(InputError, match="known keys: name, views"):
        check_known_keys({7: 1}, ["views", "name"], "here")


def test_what_is_dumped_is_parsed_back_in_its_order():
    data = {"z": "眼科", "a": {"no": "yes", "n": [1, 2.5, None, True]}, "text": "two\nlines: here"}
    text = dump_yaml(data)
    assert list(parse_yaml(text, "x")) == ["z", "a", "text"]
    assert parse_yaml(text, "x") == data
    assert "眼科" in text


TEXTS = [
    *("0042", "073", "0o17", "0x1F", "1_234", "12:30", "2024-01-01", "+5", "5.", ".5", "1e5"),
    *("no", "Yes", "off", "True", "NULL", ".inf", ".nan", "=", "9" * 400, "1.0e+999", "٣", "12e4"),
]
NUMBERS = {
    **{"0": 0, "-9": -9, "1.50": 1.5, "-0": 0, "1e-05": 1e-5, "2.5E3": 2500.0, "1.0e+20": 1e20},
    **{"12345678901234567890.0": 12345678901234567890.0},
    **{"123456789012345678901": 123456789012345678901},
}


@pytest.mark.parametrize("typed", TEXTS)
def test_what_is_no_plain_decimal_number_stays_text(typed):
    assert parse_yaml(f"a: [{typed}]", "x") == {"a": [typed]}
    assert parse_yaml(dump_yaml({typed: typed}), "x") == {typed: typed}


@pytest.mark.parametrize("typed", NUMBERS)
def test_a_number_keeps_how_it_was_typed(typed):
    value = parse_yaml(f"a: {typed}", "x")["a"]
    assert value == NUMBERS[typed]
    assert as_typed(value) == f"{value}" == typed
    for copied in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert (copied, as_typed(copied)) == (value, typed)
    assert json.loads(json.dumps(value)) == value
    assert dump_yaml([value]) == f"- {typed}\n"


def test_true_false_and_null_are_what_they_say():
    assert parse_yaml("[true, false, null, ~, !!bool true, !!str 1.50, '1']", "x") == [
        *(True, False, None, None, True, "1.50", "1")
    ]
    assert [as_typed(value) for value in (True, False, None)] == ["true", "false", ""]


def test_keys_are_text():
    text = "1.50: a\n1.5: b\nnull: c\nno: d\n077: e\ntrue: f\n"
    assert parse_yaml(text, "x") == dict(
        zip(["1.50", "1.5", "null", "no", "077", "true"], "abcdef", strict=True)
    )


def test_what_stands_in_a_mapping_itself_wins_over_what_it_merges():
    text = (
        "a: {deep: &x {<<: {k: 1, j: 1}, k: 2}}\nb: {<<: *x}\nc: {<<: [*x, {j: 3, i: 3}], k: 4}\n"
    )
    assert parse_yaml(text, "x") == {
        "a": {"deep": {"k": 2, "j": 1}},
        "b": {"k": 2, "j": 1},
        "c": {"k": 4, "j": 1, "i": 3},
    }
