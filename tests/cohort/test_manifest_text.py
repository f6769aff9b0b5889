"""The CSV as spreadsheets of many kinds save it."""

import pytest

from ctt_net.cohort import CohortError, read_cohort
from ctt_net.errors import InputError


def message_of(root):
    with pytest.raises(InputError) as caught:
        read_cohort(root)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_changes_nothing(make_cohort, eye, encoding):
    cohort = read_cohort(make_cohort([eye(0), eye(1)], encoding=encoding))
    assert list(cohort.table.columns[:2]) == ["eye_id", "patient_id"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(make_cohort, eye, as_csv, line_end):
    text = as_csv([eye(0), eye(1)]).replace("\r\n", line_end)
    assert list(read_cohort(make_cohort(text)).table["eye_id"]) == ["e0", "e1"]


@pytest.mark.parametrize("encoding", ["gbk", "latin-1", "utf-16"])
def test_another_encoding_is_refused_with_the_cure(make_cohort, eye, encoding):
    name = "眼" if encoding != "latin-1" else "Québec"
    message = message_of(make_cohort([eye(0, site=name)], encoding=encoding))
    assert "manifest.csv" in message
    assert "CSV UTF-8" in message


@pytest.mark.parametrize(("sign", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_one_clear_message(make_cohort, eye, as_csv, sign, word):
    rows = [eye(n, preop_va="0,3", postop_va="0,5") for n in range(4)]
    text = as_csv(rows).replace('"0,3"', "0.3").replace('"0,5"', "0.5").replace(",", sign)
    message = message_of(make_cohort(text.replace("0.3", "0,3").replace("0.5", "0,5")))
    assert word in message
    assert "commas" in message
    assert len(message.splitlines()) == 1


def test_excels_separator_line_is_one_clear_message(make_cohort, eye, as_csv):
    text = "sep=;\r\n" + as_csv([eye(0)]).replace(",", ";")
    assert "semicolons" in message_of(make_cohort(text))


def test_ragged_rows_are_all_named_as_the_spreadsheet_counts_them(make_cohort, eye, as_csv):
    lines = as_csv([eye(0), eye(1), eye(2)]).splitlines()
    lines[1] += ",surplus"
    lines[3] = lines[3].rsplit(",", 1)[0]
    with pytest.raises(CohortError) as caught:
        read_cohort(make_cohort("\n".join([*lines, ""])))
    assert [problem.row for problem in caught.value.problems] == [2, 4]
    assert "11 cells where the header has 10" in str(caught.value)


def test_rows_after_a_quoted_line_break_keep_their_number(make_cohort, eye):
    rows = [eye(0, site="two\nlines"), eye(1, laterality="left")]
    assert "row 3, column laterality" in message_of(make_cohort(rows))


def test_rows_after_blank_ones_keep_their_number(make_cohort, eye, as_csv):
    lines = as_csv([eye(0), eye(1, laterality="left")]).splitlines()
    lines[2:2] = ["", ",,,,,,,,,"]
    assert "row 5, column laterality" in message_of(make_cohort("\n".join(lines)))


def test_empty_columns_at_the_right_are_dropped(make_cohort, eye, as_csv):
    text = "".join(line + ",,\n" for line in as_csv([eye(0), eye(1)]).splitlines())
    assert "" not in read_cohort(make_cohort(text)).table.columns


def test_a_filled_column_without_a_name_is_refused(make_cohort, eye, as_csv):
    text = "".join(
        line + ("," if number == 0 else ",7") + "\n"
        for number, line in enumerate(as_csv([eye(0)]).splitlines())
    )
    assert "column 11 has no name" in message_of(make_cohort(text))


def test_a_column_given_twice_is_refused(make_cohort, eye, as_csv):
    text = as_csv([eye(0)]).replace("sex", "age_years", 1)
    assert "'age_years' stands twice" in message_of(make_cohort(text))


def test_an_open_quotation_mark_names_its_row(make_cohort, eye, as_csv):
    text = as_csv([eye(0), eye(1)]).replace("e1", '"e1', 1)
    message = message_of(make_cohort(text))
    assert "row 3" in message
    assert "quotation mark" in message


@pytest.mark.parametrize("text", ["", "\n", ",,,\n", b"\x00\x01\x02"])
def test_no_table_at_all_is_refused(make_cohort, text):
    assert "manifest.csv" in message_of(make_cohort(text))


def test_a_header_alone_is_refused(make_cohort, eye, as_csv):
    assert "no rows" in message_of(make_cohort(as_csv([eye(0)]).splitlines()[0]))


def test_a_missing_manifest_or_folder_says_what_a_cohort_is(make_cohort, eye, tmp_path):
    assert "no such folder" in message_of(tmp_path / "nowhere")
    root = make_cohort([eye(0)])
    (root / "manifest.csv").unlink()
    assert "cohort.yaml, manifest.csv and the scans" in message_of(root)
    (root / "manifest.csv").mkdir()
    assert "cannot be read" in message_of(root)


def test_a_cell_of_a_million_letters_is_refused_without_a_traceback(make_cohort, eye):
    assert "row 2" in message_of(make_cohort([eye(0, site="x" * 1_000_000)]))
