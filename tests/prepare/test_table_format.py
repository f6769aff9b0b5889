import pytest
from openpyxl import Workbook

from ctt_net.errors import InputError
from ctt_net.prepare.draft.table_format import detect_format

GERMAN = "Nr;Größe;Übung\n1;0,5;schön\n2;0,6;süß\n"
CHINESE = "病历号,眼别,视力\n1,右,0.5\n2,左,0.6\n"


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (CHINESE, "utf-8", "utf-8-sig"),
        (CHINESE, "utf-8-sig", "utf-8-sig"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "utf-16", "utf-16"),
        (GERMAN, "cp1252", "cp1252"),
        (GERMAN, "utf-8", "utf-8-sig"),
    ],
)
def test_encoding_is_found_out(tmp_path, text, encoding, found):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    read = detect_format(path)
    assert read.source.encoding == found
    header = text.splitlines()[0].replace(";", ",").split(",")
    assert list(read.table.columns) == header
    assert len(read.table) == 2


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found_out_beside_decimal_commas(tmp_path, separator):
    path = tmp_path / "t.csv"
    cell = '"0,5"' if separator == "," else "0,5"
    lines = [["ID", "Eye", "VA"], *([str(n), "R", cell] for n in range(5))]
    path.write_text("\n".join(separator.join(line) for line in lines))
    found = detect_format(path)
    assert found.source.separator == separator
    assert found.table["VA"].to_list() == ["0,5"] * 5


def test_title_above_the_header_is_skipped(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Cataract list,,\n,,\nID,Eye,VA\n1,R,0.5\n2,L,0.5\n")
    found = detect_format(path)
    assert found.source.header_row == (3,)
    assert list(found.table.columns) == ["ID", "Eye", "VA"]
    assert found.table.index.to_list() == [4, 5]


def test_fullest_sheet_is_taken_and_said(tmp_path):
    book = Workbook()
    book.active.title = "Notes"
    book.active.append(["to do"])
    sheet = book.create_sheet("Eyes")
    for line in (["ID", "VA"], ["1", "0.5"], ["2", "0.6"]):
        sheet.append(line)
    book.save(tmp_path / "t.xlsx")
    found = detect_format(tmp_path / "t.xlsx")
    assert found.source.sheet == "Eyes"
    assert "2 sheets" in found.notes["sheet"]
    assert len(found.table) == 2


def test_parquet_is_read(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame({"ID": ["1"], "VA": [0.5]}).to_parquet(tmp_path / "t.parquet")
    assert list(detect_format(tmp_path / "t.parquet").table.columns) == ["ID", "VA"]


def test_bytes_of_no_encoding_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n\x81\xff\x30\x81,1\n")
    with pytest.raises(InputError, match="save it as UTF-8"):
        detect_format(path)


def test_a_title_right_above_the_header_is_no_row_of_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Cataract list,,\nID,Eye,VA\n1,R,0.5\n2,L,0.5\n")
    assert detect_format(path).source.header_row == (2,)
