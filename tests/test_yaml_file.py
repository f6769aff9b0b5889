"""YAML a person wrote: strict, safe, and wrong with the file and the line."""

import pytest

from ctt_net.errors import InputError
from ctt_net.yaml_file import dump_yaml, parse_yaml, read_yaml_mapping, refuse_unknown_keys


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: not valid YAML: key 'a' stands here twice"),
        ("a:\n  b: 1\n  b: 2\n", "line 3"),
        ("a: [1, 2\n", "not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1"),
        ("[1, 2]: x\n", "a key must be a plain word"),
        ("a: 2024-13-45\n", "not valid YAML"),
        ("a: \x07\n", "not valid YAML"),
        ("a: " + "[" * 5000, "not valid YAML"),
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
    refuse_unknown_keys({"views": 1}, ["views"], "here")
    with pytest.raises(InputError, match="here: unknown key 'veiws'; did you mean 'views'"):
        refuse_unknown_keys({"veiws": 1}, ["views", "name"], "here")
    with pytest.raises(InputError, match="known keys: name, views"):
        refuse_unknown_keys({7: 1}, ["views", "name"], "here")


def test_what_is_dumped_is_parsed_back_in_its_order():
    data = {"z": "眼科", "a": {"no": "yes", "n": [1, 2.5, None, True]}, "text": "two\nlines: here"}
    text = dump_yaml(data)
    assert list(parse_yaml(text, "x")) == ["z", "a", "text"]
    assert parse_yaml(text, "x") == data
    assert "眼科" in text
