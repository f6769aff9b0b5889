"""XLSX, and what spreadsheet programs do to cells."""

import datetime
import zipfile

import pytest

from tests.prepare.conftest import EYES

ROWS = [list(EYES[0]), ["00017", "R", 0.1, 0.8], ["00017", "L", 0.2, 1], ["00018", "R", "CF", 0.5]]


def edit_xml(path, member, before, after):
    """Change the text of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert before.encode() in parts[member], parts[member].decode()
    parts[member] = parts[member].replace(before.encode(), after.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_the_only_sheet(raw):
    raw.workbook(ROWS)
    eyes = raw.eyes()
    assert list(eyes.index) == ["00017_OD", "00017_OS", "00018_OD"]
    assert list(eyes["preop_va"]) == ["0.1", "0.2", "CF"]
    assert list(eyes["postop_va"]) == ["0.8", "1", "0.5"]


def test_a_sheet_must_be_named_if_there_are_two(raw):
    raw.workbook(ROWS, lambda book: book.create_sheet("Notes"))
    raw.fails("eyes.xlsx", "Eyes, Notes", "table.sheet")
    raw.say("table", sheet="Eye").fails("no sheet 'Eye'", "Eyes, Notes")
    assert len(raw.say("table", sheet="Eyes").eyes()) == 3


def test_ids_keep_the_zeros_their_format_shows(raw):
    def edit(book):
        for row, number in ((2, 17), (3, 17), (4, 18)):
            book.active.cell(row, 1).value = number
            book.active.cell(row, 1).number_format = "00000"

    raw.workbook(ROWS, edit)
    assert list(raw.eyes()["patient_id"]) == ["00017", "00017", "00018"]


def test_numbers_as_the_person_sees_them(raw):
    raw.workbook(ROWS, lambda book: setattr(book.active["C2"], "value", 0.1 + 0.2))
    assert raw.eyes().loc["00017_OD", "preop_va"] == "0.3"


def test_a_fraction_that_became_a_date_is_an_error(raw):
    def edit(book):
        book.active["C3"].value = datetime.datetime(2024, 9, 6)
        book.active["C3"].number_format = "d-mmm"

    raw.workbook(ROWS, edit)
    raw.say("columns", preop_va={"column": "Before", "notation": "snellen"})
    raw.fails("eyes.xlsx", "row 3, column Before", "turned it into a date", "as text")


@pytest.mark.parametrize("date_format", [None, "%d.%m.%Y"])
def test_real_date_cells_need_no_format(raw, date_format):
    rows = [[*row, datetime.date(2024, 2, 3)] for row in ROWS]
    rows[0][-1], rows[3][-1] = "Surgery", None
    raw.workbook(rows)
    rule = {"column": "Surgery", **({"format": date_format} if date_format else {})}
    raw.say("columns", surgery_date=rule)
    assert list(raw.eyes()["surgery_date"]) == ["2024-02-03", "2024-02-03", ""]


def test_booleans_are_words(raw):
    raw.workbook([[*ROWS[0], "PCR"], *([*row, row[0] == "00018"] for row in ROWS[1:])])
    raw.sections["exclude"] = [{"reason": "rupture", "column": "PCR", "is": ["TRUE"]}]
    assert list(raw.eyes()["patient_id"]) == ["00017", "00017"]


def test_a_formula_that_was_never_calculated_is_an_error(raw):
    raw.workbook(ROWS, lambda book: setattr(book.active["D3"], "value", "=C3*2"))
    raw.fails("eyes.xlsx, row 3, column D", "a formula without a value", "save it")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c r="D3"><f>C3*2</f><v>0.4</v></c>', "0.4"),
        ('<c r="D3" t="str"><f>C3</f><v>HM</v></c>', "HM"),
        ('<c r="D3" t="str"><f>IF(1,"")</f><v></v></c>', ""),
        ('<c r="D3" t="str"><f>IF(1,"")</f><v/></c>', ""),
    ],
)
def test_a_formula_counts_as_what_it_showed(raw, cell, expected):
    path = raw.workbook(ROWS)
    edit_xml(path, "xl/worksheets/sheet1.xml", '<c r="D3" t="n"><v>1</v></c>', cell)
    assert raw.eyes().loc["00017_OS", "postop_va"] == expected


def test_a_formula_that_shows_an_error_is_one(raw):
    path = raw.workbook(ROWS)
    cell = '<c r="D3" t="e"><f>C3/0</f><v>#DIV/0!</v></c>'
    edit_xml(path, "xl/worksheets/sheet1.xml", '<c r="D3" t="n"><v>1</v></c>', cell)
    raw.fails("row 3, column After", "#DIV/0!")


def test_a_sheet_that_lies_about_its_size_is_read_whole(raw):
    path = raw.workbook(ROWS)
    edit_xml(path, "xl/worksheets/sheet1.xml", '<dimension ref="A1:D4"', '<dimension ref="A1"')
    assert len(raw.eyes()) == 3


def test_rows_are_counted_over_blank_ones(raw):
    def edit(book):
        book.active["A9"].value, book.active["B9"].value = "00019", "?"

    raw.workbook(ROWS, edit)
    raw.fails("row 9, column Eye: '?'")


def test_merged_cells_need_fill_down(raw):
    raw.workbook(ROWS, lambda book: book.active.merge_cells("A2:A3"))
    raw.fails("row 3, column MRN: blank")
    assert len(raw.say("table", fill_down=["MRN"]).eyes()) == 3


@pytest.mark.parametrize("spoil", ["text", "cut", "no sheet"])
def test_a_broken_workbook(raw, spoil):
    path = raw.workbook(ROWS)
    if spoil == "text":
        path.write_text("MRN,Eye\n")
    elif spoil == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    else:
        edit_xml(path, "xl/worksheets/sheet1.xml", "</row>", "<row>")
    raw.fails("eyes.xlsx", "workbook", "save it anew")


def test_a_password_and_an_old_workbook_under_a_new_name(raw):
    path = raw.workbook(ROWS)
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096))
    raw.fails("eyes.xlsx", "take the password off")


def test_the_mark_of_an_open_workbook(raw):
    raw.workbook(ROWS, name="~$eyes.xlsx")
    raw.fails("~$eyes.xlsx: only the mark that eyes.xlsx is open")


def test_an_archive_that_unpacks_to_gigabytes(raw, monkeypatch):
    monkeypatch.setattr("ctt_net.prepare.tables.workbook.MAX_UNPACKED_BYTES", 100)
    raw.workbook(ROWS)
    raw.fails("eyes.xlsx", "more than any table of eyes")


def test_hidden_rows_are_always_told_and_left_out_if_asked(raw):
    def hide(book):
        book.active.row_dimensions[3].hidden = True

    raw.workbook(ROWS, hide)
    (remark,) = raw.prepare().remarks
    assert "1 rows are hidden in the workbook (row 3 is the first)" in remark
    assert "table.hidden_rows: leave_out" in remark
    raw.say("table", hidden_rows="leave_out")
    done = raw.prepare(replace=True)
    assert not any("hidden" in remark for remark in done.remarks)
    assert len(done.cohort.table) == len(ROWS) - 2
    assert "left out: hidden in the workbook" in list(done.flow["step"])


def test_a_strict_workbook_is_named(raw):
    path = raw.workbook(ROWS)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            for part in (b"spreadsheetml", b"officeDocument"):
                content = content.replace(
                    b"http://schemas.openxmlformats.org/%s/2006/" % part,
                    b"http://purl.oclc.org/ooxml/%s/" % part,
                )
            archive.writestr(name, content)
    raw.fails("Strict Open XML", "save it as Excel workbook")


def test_a_date_with_a_time_is_its_day(raw):
    midnight, morning = datetime.datetime(2024, 2, 3), datetime.datetime(2024, 2, 4, 10, 30)
    raw.workbook([[*ROWS[0], "Op"], [*ROWS[1], midnight], [*ROWS[2], morning], [*ROWS[3], None]])
    raw.say("columns", surgery_date="Op")
    assert list(raw.eyes()["surgery_date"]) == ["2024-02-03", "2024-02-04", ""]


def test_codes_of_hexadecimal_digits_are_ids(raw):
    ids = ["7e123456", "1E10", "4b1200aa"]
    raw.workbook([ROWS[0], *([mrn, *row[1:]] for mrn, row in zip(ids, ROWS[1:], strict=True))])
    assert list(raw.eyes()["patient_id"]) == ids
