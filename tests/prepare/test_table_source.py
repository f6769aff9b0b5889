"""What the `table` section may say, and what it says wrong."""

import pytest

from ctt_net.errors import InputError
from ctt_net.prepare.mapping.table_source import TableSource


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"file": None}, "table.file is missing"),
        ({"file": 3}, "table.file must be text in quotes"),
        ({"separator": ";;"}, "table.separator must be one character"),
        ({"separator": '"'}, "table.separator"),
        ({"separator": "\n"}, "table.separator"),
        ({"header_row": -1}, "table.header_row must be 0, 1, 2"),
        ({"header_row": True}, "table.header_row must be 0, 1, 2"),
        ({"one_row_per": "row"}, "table.one_row_per must be one of eye, patient or visit"),
        ({"missing": "-9"}, "table.missing must be a list such as [-9]"),
        ({"missing": [None]}, "put quotes around each text"),
        ({"seperator": ";"}, "did you mean 'separator'?"),
    ],
)
def test_a_wrong_key_is_named_with_its_cure(raw, keys, said):
    raw.say("table", **keys).fails("mapping.yaml", said)


def test_the_plain_table(raw):
    eyes = raw.eyes()
    assert list(eyes.index) == ["00017_OD", "00017_OS", "00018_OD"]
    assert list(eyes["preop_va"]) == ["0.1", "0.2", "CF"]
    assert list(eyes["preop_off_chart"]) == ["", "", "CF"]
    assert list(eyes["horizontal"]) == ["", "", ""]


@pytest.mark.parametrize("rows", [[], [0, 1], [2, 1], [1, 3], ["1", "2"], [True, 2.5], "1"])
def test_rows_of_names_are_consecutive(rows):
    with pytest.raises(InputError, match="header_row must be"):
        TableSource.parse({"file": "t.csv", "header_row": rows}, "table")


def test_the_last_row_of_names():
    source = TableSource.parse({"file": "t.csv", "header_row": [2, 3]}, "table")
    assert source.header_row == (2, 3)
