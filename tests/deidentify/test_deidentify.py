"""De-identifying: what joins, what is refused, and that a refusal leaves nothing behind."""

import pandas as pd
import pytest
import yaml

from ctt_net.cohort import read_cohort
from ctt_net.deidentify import deidentify
from ctt_net.errors import InputError

AGE = {"kind": "numeric", "unit": "years"}


@pytest.fixture
def refused(few_eyes, key_file, tmp_path):
    """De-identify what must be refused; returns the message and checks that nothing is left."""

    def run(**options):
        with pytest.raises(InputError) as said:
            deidentify(few_eyes, tmp_path / "out", key_file, **options)
        assert {path.name for path in tmp_path.iterdir()} <= {"few", "key.txt"}
        return str(said.value)

    return run


def test_later_exports_join_under_the_same_key_only(few_eyes, key_file, tmp_path):
    first = deidentify(few_eyes, tmp_path / "a", key_file).rows.table
    again = deidentify(few_eyes, tmp_path / "b", key_file).rows.table
    other = deidentify(few_eyes, tmp_path / "c", tmp_path / "other_key")
    assert first.equals(again)
    assert other.key.made
    for column in ("eye_id", "patient_id", "site"):
        assert not set(first[column]) & set(other.rows.table[column])
    bytes_of = [{p.name: p.read_bytes() for p in (tmp_path / x / "scans").iterdir()} for x in "ab"]
    assert bytes_of[0] == bytes_of[1]


def test_the_same_folds_are_dealt_where_none_stood(few_eyes, key_file, tmp_path):
    done = deidentify(few_eyes, tmp_path / "out", key_file)
    assert not (few_eyes / "folds.csv").exists()
    old = read_cohort(few_eyes).folds(min(5, read_cohort(few_eyes).table["patient_id"].nunique()))
    new = read_cohort(tmp_path / "out").folds()
    assert {done.rows.eye_codes[eye]: fold for eye, fold in old.items()} == new.to_dict()


def test_a_patient_of_two_spellings_is_one_in_the_folds_that_are_dealt(
    few_eyes, edit, key_file, tmp_path
):
    edit(few_eyes, patient_id=["P1", "P2", "P-03", "p3"])
    codes = deidentify(few_eyes, tmp_path / "out", key_file).rows.eye_codes
    last_two = list(read_cohort(few_eyes).table["eye_id"][2:])
    folds = read_cohort(tmp_path / "out").folds()
    assert folds.nunique() == 3
    assert folds[codes[last_two[0]]] == folds[codes[last_two[1]]]


def test_what_people_say_of_the_new_cohort_is_kept(few_eyes, key_file, tmp_path):
    deidentify(few_eyes, tmp_path / "out", key_file, name="cataract 1", source="three clinics")
    facts = yaml.safe_load((tmp_path / "out" / "cohort.yaml").read_text())
    old = yaml.safe_load((few_eyes / "cohort.yaml").read_text())
    assert (facts["name"], facts["source"]) == ("cataract 1", "three clinics")
    assert facts["citation"] == old["citation"]
    assert facts["views"] == old["views"]


def test_a_name_in_the_citation_stops_all(few_eyes, declare, refused):
    who = pd.read_csv(few_eyes / "manifest.csv")["patient_id"][2]
    declare(few_eyes, citation=f"case of {who.upper()}, 2024")
    said = refused()
    assert "cohort.yaml, citation" in said
    assert "patient_id of row" in said


def test_a_rare_value_of_an_undeclared_column_is_searched_for(few_eyes, edit, declare, refused):
    edit(few_eyes, surgeon=["A. Kowalska-Brandt", "B", "C", "D"])
    declare(few_eyes, licence="ask a. kowalska brandt")
    assert "column surgeon, row 2" in refused()


def test_words_that_are_declared_raise_no_alarm(few_eyes, edit, key_file, tmp_path):
    edit(few_eyes, remarks=["horizontal", "true", "diabetes", "2023"], number=["17", "3", "1", "2"])
    done = deidentify(few_eyes, tmp_path / "out", key_file)
    assert done.columns_left_out == ("remarks", "number")
    assert done.not_searched >= 3


def test_short_numbers_as_ids_raise_no_alarm(few_eyes, edit, key_file, tmp_path):
    edit(few_eyes, eye_id=["1", "2", "3", "4"], patient_id=["1", "2", "3", "90"])
    done = deidentify(few_eyes, tmp_path / "out", key_file)
    assert len(done.rows.table) == 4


def test_a_name_beside_an_acuity_never_gets_past_reading(few_eyes, edit, refused):
    edit(few_eyes, preop_va="HM/20cm Mrs Smith", preop_logmar="", preop_off_chart="")
    assert "keep one reading a cell" in refused()


def test_bounds_of_an_outcome_stay_what_they_are(few_eyes, edit, key_file, tmp_path):
    cells = [">= 0.5", "0.3–0.5 ", "Worse than 0.1", "0.5"]
    edit(few_eyes, postop_va=cells, postop_logmar="", postop_off_chart="")
    before = read_cohort(few_eyes).table["postop_upper_logmar"]
    deidentify(few_eyes, tmp_path / "out", key_file)
    after = read_cohort(tmp_path / "out").table
    assert set(after["postop_va"]) == {">= 0.5", "0.3-0.5", "worse than 0.1", "0.5"}
    assert sorted(after["postop_upper_logmar"].dropna()) == sorted(before.dropna())


def test_devices_keep_a_model_and_lose_a_serial_number(few_eyes, edit, declare, key_file, tmp_path):
    edit(few_eyes, device=["Cirrus 5000", "Spectralis", "Spectralis S/N 12", "Triton 40021"])
    declare(few_eyes, devices={"Cirrus 5000": {}})
    done = deidentify(few_eyes, tmp_path / "out", key_file)
    assert done.rows.devices_kept == ("Cirrus 5000", "Spectralis")
    assert done.rows.devices_coded == 2
    written = (tmp_path / "out" / "manifest.csv").read_text()
    assert "S/N" not in written
    assert "40021" not in written


@pytest.mark.parametrize(
    ("covariate", "cells", "why"),
    [
        ({"birth_year": {"kind": "numeric", "unit": "years"}}, "1950", "birth"),
        ({"age": {"kind": "numeric", "unit": "months"}}, "700", "must be in years"),
        ({"mrn": {"kind": "numeric"}}, ["880123", "880124", "880125", "880126"], "record number"),
        ({"site": {"kind": "categorical", "levels": ["north"]}}, "north", "where a person lives"),
    ],
)
def test_covariates_that_name_somebody_are_refused(
    few_eyes, edit, declare, refused, covariate, cells, why
):
    (name,) = covariate
    edit(few_eyes, **{name: cells})
    declare(few_eyes, covariates=covariate)
    said = refused()
    assert why in said
    assert f"covariates.{name}" in said


def test_a_long_measurement_with_its_unit_stays(few_eyes, edit, declare, key_file, tmp_path):
    edit(few_eyes, cells=["20001", "20002", "20003", "20004"])
    declare(few_eyes, covariates={"cells": {"kind": "numeric", "unit": "per mm2"}})
    deidentify(few_eyes, tmp_path / "out", key_file)
    assert sorted(read_cohort(tmp_path / "out").table["cells"]) == [20001, 20002, 20003, 20004]


def test_ages_are_joined_even_where_90_meant_unknown(few_eyes, edit, declare, key_file, tmp_path):
    edit(few_eyes, age_years=["89", "89.5", "104", "90"], sex=["F", "M", "M", "M"])
    declare(
        few_eyes,
        covariates={
            "age_years": {**AGE, "missing": ["90"]},
            "sex": {"kind": "categorical", "levels": ["F", "M"]},
        },
    )
    done = deidentify(few_eyes, tmp_path / "out", key_file)
    ages = read_cohort(tmp_path / "out").table["age_years"]
    assert sorted(ages.dropna()) == [89, 90, 90]
    assert ages.isna().sum() == 1
    assert done.rows.eyes_over_age == 2
    assert ("sex", "F", 1) in done.rare


def test_a_scan_that_cannot_be_read_stops_all(few_eyes, refused):
    path = pd.read_csv(few_eyes / "manifest.csv")["horizontal"][1]
    (few_eyes / path).write_bytes(b"\x89PNG")
    assert "row 3, column horizontal" in refused()


def test_folders_stay_apart(few_eyes, key_file, tmp_path):
    for out, review in [
        (few_eyes / "out", None),
        (tmp_path / "out", tmp_path / "out" / "review"),
        (tmp_path / "out", few_eyes / "review"),
        (tmp_path, None),
    ]:
        with pytest.raises(InputError, match="name folders apart"):
            deidentify(few_eyes, out, key_file, review=review)
    with pytest.raises(InputError, match="keep it elsewhere"):
        deidentify(few_eyes, tmp_path / "out", few_eyes / "key.txt")
    with pytest.raises(InputError, match="keep it elsewhere"):
        deidentify(few_eyes, tmp_path / "out", tmp_path / "out" / "key.txt")
    assert not (tmp_path / "out").exists()
    assert not (few_eyes / "key.txt").exists()


def test_an_existing_folder_is_not_touched(few_eyes, key_file, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(InputError, match="exists already"):
        deidentify(few_eyes, tmp_path / "out", key_file)
    assert (tmp_path / "out" / "mine").read_text() == "x"
