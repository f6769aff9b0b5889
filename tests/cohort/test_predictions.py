import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort.predictions import COLUMNS, read_predictions, write_predictions
from ctt_net.errors import InputError


def test_what_is_written_reads_back_to_the_last_bit(predictions, tmp_path):
    predictions.loc[0, "predicted_logmar"] = 0.1 + 0.2
    predictions.loc[1, ["lower_logmar", "upper_logmar"]] = np.nan
    predictions.loc[2, "postop_logmar"] = np.nan
    write_predictions(predictions, tmp_path / "predictions.csv")
    again = read_predictions(tmp_path / "predictions.csv")
    for column in predictions.select_dtypes("number"):
        np.testing.assert_array_equal(again[column], predictions[column])
    assert list(again["eye_id"]) == list(predictions["eye_id"])


def test_columns_stand_in_the_promised_order_whatever_order_they_came_in(predictions, tmp_path):
    shuffled = predictions.assign(fold=3)[["fold", *reversed(list(predictions))]]
    write_predictions(shuffled, tmp_path / "p.csv")
    header = (tmp_path / "p.csv").read_text().splitlines()[0].split(",")
    assert tuple(header[:9]) == COLUMNS
    assert header[9:] == ["p_gains_0.20", "p_reaches_0.30", "fold"]
    assert read_predictions(tmp_path / "p.csv")["fold"].tolist() == [3] * len(predictions)


def test_identifiers_stay_text(predictions, tmp_path):
    predictions["eye_id"] = [f"{i:05d}" for i in range(len(predictions))]
    predictions.loc[0, ["eye_id", "patient_id"]] = ["NA", "007"]
    write_predictions(predictions, tmp_path / "p.csv")
    again = read_predictions(tmp_path / "p.csv")
    assert again["eye_id"].tolist()[:2] == ["NA", "00001"]
    assert again["patient_id"][0] == "007"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("predicted_logmar", "", "prediction is missing"),
        ("predicted_logmar", "nan", "not a number"),
        ("predicted_logmar", "inf", "not a number"),
        ("predicted_logmar", "73", "outside"),
        ("postop_logmar", "-1.1", "outside"),
        ("postop_logmar", "20/40", "not a number"),
        ("p_recovery", "1.2", "between 0 and 1"),
        ("p_gains_0.20", "-0.1", "between 0 and 1"),
        ("lower_logmar", "", "both ends"),
        ("lower_logmar", "2.9", "above upper_logmar"),
        ("eye_id", "e0000", "one row per eye"),
        ("eye_id", "", "needs an identifier"),
        ("patient_id", "", "its patient"),
    ],
)
def test_a_bad_cell_is_named_by_row_column_and_value(predictions, tmp_path, column, value, words):
    table = predictions.astype(str)
    table.loc[5, column] = value
    path = tmp_path / "p.csv"
    table.to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        read_predictions(path)
    message = str(caught.value)
    assert "p.csv" in message
    assert "row 7" in message
    assert repr(column) in message
    assert words in message
    assert value in message or value == ""


def test_missing_and_unknown_columns_are_named(predictions, tmp_path):
    path = tmp_path / "p.csv"
    predictions.drop(columns="patient_id").to_csv(path, index=False)
    with pytest.raises(InputError, match="'patient_id' is missing"):
        read_predictions(path)
    predictions.assign(age=70).to_csv(path, index=False)
    with pytest.raises(InputError, match="'age' is not known"):
        read_predictions(path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00\xff", b"eye_id\n1,2,3\n"])
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path, content):
    path = tmp_path / "p.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"p\.csv"):
        read_predictions(path)


def test_a_missing_file_and_an_empty_table_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_predictions(tmp_path / "none.csv")
    (tmp_path / "p.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(InputError, match="no rows"):
        read_predictions(tmp_path / "p.csv")


def test_a_refused_table_leaves_the_old_file_as_it_was(predictions, tmp_path):
    path = tmp_path / "p.csv"
    write_predictions(predictions, path)
    before = path.read_bytes()
    with pytest.raises(InputError):
        write_predictions(predictions.assign(predicted_logmar=np.nan), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["p.csv"]


def test_a_spreadsheet_with_byte_order_mark_is_read(predictions, tmp_path):
    path = tmp_path / "p.csv"
    predictions.to_csv(path, index=False, encoding="utf-8-sig")
    pd.testing.assert_series_equal(
        read_predictions(path)["predicted_logmar"], predictions["predicted_logmar"]
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1), "cells where the header"),
        (lambda text: text.replace("\n", ",,\n").replace(",,\n", "\n", 1), "cells where the head"),
        (lambda text: text[: text.rindex(",") - 3], "cut short"),
        (lambda text: text[:-1], "cut short"),
        (lambda text: text.replace("e0001,", "e0001 ", 1), "cells where the header"),
        (lambda text: text.replace("e0001,", 'e0001,"', 1), "not closed"),
    ],
)
def test_shifted_columns_and_a_file_cut_short_are_refused(predictions, tmp_path, change, said):
    path = tmp_path / "p.csv"
    write_predictions(predictions, path)
    read_predictions(path)
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=said) as caught:
        read_predictions(path)
    assert str(path) in str(caught.value)
