"""CSV and Parquet as hospitals save them."""

import pandas as pd
import pytest

from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.tables.read_table import read_table
from tests.prepare.conftest import EYES


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "UTF-8"),
        ("gb18030", "gb18030"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
    ],
)
def test_encodings(raw, encoding, declared):
    word = "浙江" if encoding not in ("cp1252",) else "Zürich"
    raw.table([{**eye, "Klinik": word} for eye in EYES], encoding=encoding)
    raw.say("table", encoding=declared).say("columns", site="Klinik")
    assert set(raw.eyes()["site"]) == {word}


@pytest.mark.parametrize("encoding", ["gb18030", "cp1252"])
def test_an_undeclared_encoding_stops(raw, encoding):
    raw.table([{**eye, "Site": "Zürich" * 3} for eye in EYES], encoding=encoding)
    raw.fails("eyes.csv", "not utf-8 text", "table.encoding", "gb18030", "cp1252")


@pytest.mark.parametrize("encoding", ["klingon", "hex", "undefined"])
def test_an_unknown_encoding_stops(raw, encoding):
    raw.say("table", encoding=encoding).fails("table.encoding", encoding, "gb18030")


def test_utf16_without_a_word_stops(raw):
    raw.table(EYES, encoding="utf-16")
    raw.fails("eyes.csv", "table.encoding")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_separators(raw, separator):
    raw.table(EYES, separator=separator)
    raw.fails("eyes.csv", "the columns seem to be separated by", "table.separator")
    assert len(raw.say("table", separator=separator).eyes()) == 3


def test_a_title_above_the_header_is_no_separator(raw):
    raw.table([["Eyes; all of 2024"], [], list(EYES[0]), *(list(e.values()) for e in EYES)])
    assert len(raw.say("table", header_row=3).eyes()) == 3


def test_decimal_commas_in_a_table_of_semicolons(raw):
    raw.table([{**eye, "Before": eye["Before"].replace(".", ",")} for eye in EYES], separator=";")
    eyes = raw.say("table", separator=";").eyes()
    assert list(eyes["preop_logmar"]) == ["1", "0.69897", "1.9"]


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_line_ends(raw, ends):
    raw.table("MRN,Eye,Before,After\n1,R,0.1,0.5\n2,L,0.1,0.5\n".replace("\n", ends))
    assert len(raw.eyes()) == 2


def test_a_line_break_in_a_cell_shifts_no_row(raw):
    raw.table('MRN,Eye,Before,After,Note\n1,R,0.1,0.5,"a\nb"\n\n2,X,0.1,0.5,\n')
    raw.fails("row 4, column Eye: 'X' is no word for OD or OS")


def test_an_open_quotation_mark_names_its_row(raw):
    raw.table('MRN,Eye,Before,After\n1,R,0.1,0.5\n2,"L,0.1,0.5\n')
    raw.fails("eyes.csv, row 3: no valid CSV", "quotation mark")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "row 1 is blank"),
        ("\n\n", "row 1 is blank"),
        ("MRN,Eye,Before,After\n", "no rows below the header"),
        ("MRN,Eye,Before,After\n,,,\n", "no rows below the header"),
        ("a\x00b", "NUL bytes"),
    ],
)
def test_empty_tables(raw, text, said):
    raw.table(text)
    raw.fails("eyes.csv", said)


def test_a_title_above_the_names(raw):
    raw.workbook([["Cataract register"], [], ["MRN", "Eye"], ["1", "R"], ["2", "L"], ["3", "L"]])
    raw.fails("row 1, taken for the names", "4 of 4 rows", "table.header_row")


def test_a_cell_beyond_the_header_names_its_row(raw):
    raw.table("MRN,Eye,Before,After\n1,R,0.1,0.5\n2,R,0,1,0.5\n")
    raw.fails("row 3: 5 cells where the header has 4", "stray separator")


@pytest.mark.parametrize("word", ["-9", -9, -9.0])
def test_a_sentinel_means_unknown_everywhere_in_any_spelling(raw, word):
    raw.table([*EYES, {"MRN": "7", "Eye": "L", "Before": "-9", "After": "-9.0"}])
    eyes = raw.say("table", missing=[word]).eyes()
    assert list(eyes.loc["7_OS", ["preop_va", "postop_va"]]) == ["", ""]


def test_a_sentinel_never_swallows_an_id_that_only_looks_like_it(raw):
    raw.table([*EYES, {"MRN": "0009", "Eye": "L", "Before": "9", "After": "0.5"}])
    eyes = raw.say("table", missing=["9"]).eyes()
    assert eyes.loc["0009_OS", "preop_va"] == ""


def test_fill_down(raw):
    raw.table([EYES[0], {**EYES[1], "MRN": ""}, EYES[2], {**EYES[1], "MRN": ""}])
    raw.fails("row 3, column MRN: blank: no patient", "row 5")
    eyes = raw.say("table", fill_down=["MRN"]).eyes()
    assert list(eyes.index) == ["00017_OD", "00017_OS", "00018_OD", "00018_OS"]


def test_a_filled_gap_never_crosses_a_patient(raw):
    rows = [["P1", "R", "a"], ["", "", ""], ["P2", "L", ""], ["", "", "b"], ["P2", "", ""]]
    names = ["MRN", "Eye", "Site"]
    raw.table([{**EYES[0], **dict(zip(names, row, strict=True))} for row in rows])
    source = TableSource(file="eyes.csv", fill_down=("Site", "Eye", "MRN"))
    _, table = read_table(source, raw.folder, "MRN")
    assert table[names].to_numpy().tolist() == [
        ["P1", "R", "a"], ["P1", "R", "a"], ["P2", "L", ""], ["P2", "L", "b"], ["P2", "L", "b"],
    ]  # fmt: skip
    (remark,) = table.attrs["remarks"]
    assert "1 blank cells of column Site stay blank (row 4 is the first)" in remark


def test_a_blank_eye_at_a_new_patient_is_named(raw):
    raw.table([EYES[0], {**EYES[2], "Eye": ""}])
    raw.say("table", fill_down=["Eye", "MRN"]).fails("row 3, column Eye: blank")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_known_by_its_mark(raw, encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    raw.table(mark + (raw.folder / "eyes.csv").read_text().encode(encoding))
    raw.fails("mark of UTF-16; say table.encoding: utf-16")
    raw.say("table", encoding="cp1252").fails("mark of UTF-16; say table.encoding: utf-16")
    assert len(raw.say("table", encoding=encoding).eyes()) == len(EYES)


def test_decimal_commas(raw):
    rows = [{**row, "Age": age, "Days": days} for row, age, days in
            zip(EYES, ["63,5", "1.234,5", "70"], ["30,0", "40", ""], strict=True)]  # fmt: skip
    raw.table(rows, separator=";")
    raw.say("table", separator=";").say("covariates", age={"column": "Age", "kind": "numeric"})
    raw.say("columns", followup_days="Days")
    raw.fails("row 2, column Age: '63,5' is no number", 'table.decimal: ","')
    raw.sections["exclude"] = [{"reason": "old", "column": "Age", "above": 1000}]
    raw.fails("row 2, column Age: '63,5' is no number", 'table.decimal: ","')
    eyes = raw.say("table", decimal=",").eyes()
    assert eyes[["age", "followup_days"]].to_numpy().tolist() == [["63.5", "30.0"], ["70", ""]]


def test_a_point_in_a_table_of_commas_is_not_guessed(raw):
    raw.table([{**EYES[0], "Cells": "2.345"}])
    raw.say("table", decimal=",").say("covariates", c={"column": "Cells", "kind": "numeric"})
    raw.fails("row 2, column Cells: '2.345' may have thousands or decimals")


def test_fill_down_names_a_column(raw):
    raw.say("table", fill_down=["MNR"]).fails("table.fill_down", "'MNR'", "did you mean 'MRN'?")


def test_an_unknown_id_is_not_filled_with_the_patient_above(raw):
    raw.table([EYES[0], {**EYES[1], "MRN": "-9"}])
    raw.say("table", fill_down=["MRN"], missing=["-9"]).fails("row 3, column MRN: blank")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.csv", "no such file"),
        ("eyes.xls", "save it as .xlsx"),
        ("eyes.ods", "save it as .xlsx"),
        ("eyes.doc", "give CSV, XLSX, Parquet"),
        ("folder.csv", "a folder"),
    ],
)
def test_files_that_are_no_table(raw, name, said):
    (raw.folder / "folder.csv").mkdir()
    for other in ("eyes.xls", "eyes.ods", "eyes.doc"):
        (raw.folder / other).write_text("")
    message = raw.say("table", file=name).fails(name, said)
    assert message.count(name) == 1


def test_parquet(raw):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame(
        {
            "MRN": [17, 18, None],
            "Eye": ["R", "L", "R"],
            "Before": [0.1, 0.1 + 0.2, 1.0],
            "After": [0.5, None, 0.8],
            "Surgery": pd.to_datetime(["2024-02-03", None, "2024-12-01"]),
            "Drops": [True, False, None],
        }
    )
    table.to_parquet(raw.folder / "eyes.parquet")
    raw.say("table", file="eyes.parquet").say("columns", surgery_date="Surgery", site="Drops")
    raw.fails("row 4, column MRN: blank")
    table["MRN"] = [17, 18, 19]
    table.to_parquet(raw.folder / "eyes.parquet")
    eyes = raw.eyes()
    assert list(eyes.index) == ["17_OD", "18_OS", "19_OD"]
    assert list(eyes["preop_va"]) == ["0.1", "0.3", "1"]
    assert list(eyes["postop_va"]) == ["0.5", "", "0.8"]
    assert list(eyes["surgery_date"]) == ["2024-02-03", "", "2024-12-01"]
    assert list(eyes["site"]) == ["TRUE", "FALSE", ""]


def test_whole_numbers_beside_a_gap_in_parquet_stay_whole(raw):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame(EYES).assign(MRN=[17, 18, 19], Folder=[1, None, 3])
    table.to_parquet(raw.folder / "eyes.parquet")
    raw.say("table", file="eyes.parquet").say("columns", site="Folder")
    assert list(raw.eyes()["site"]) == ["1", "", "3"]


def test_a_broken_parquet_file(raw):
    pytest.importorskip("pyarrow")
    (raw.folder / "eyes.parquet").write_bytes(b"PAR1 and no more")
    raw.say("table", file="eyes.parquet").fails("eyes.parquet", "not a readable Parquet file")
