"""The recipe of the Moorfields AMD baseline: on a made table and on the real sample."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import read_cohort
from tests.datasets.raw_moorfields_amd import EYES, HEADER, build


@pytest.fixture(scope="module")
def recipe(load_recipe):
    return load_recipe("moorfields_amd")


@pytest.fixture(scope="module")
def cohort(recipe, tmp_path_factory):
    raw = build(tmp_path_factory.mktemp("moorfields") / "raw")
    assert recipe.main([str(raw), str(raw.parent / "cohort")]) == 0
    return raw.parent / "cohort"


def flow_of(out):
    return pd.read_csv(out / "flow.csv").set_index("step")["count"].to_dict()


def test_letters_and_the_words_below_them_are_read(cohort):
    table = read_cohort(cohort).table.set_index("patient_id")
    assert table["preop_va"].to_dict() == {"1": "54", "2": "CF", "3": "HM", "7": "100"}
    assert table["preop_logmar"].tolist() == pytest.approx([0.62, 1.9, 2.3, -0.3])
    assert table["laterality"].tolist() == ["OS", "OD", "OD", "OD"]


def test_every_row_is_counted_with_its_own_reason(cohort):
    flow = flow_of(cohort)
    left_out = {step: count for step, count in flow.items() if step.startswith("left out")}
    assert left_out == {
        "left out: entry error: more than 100 letters": 1,
        "left out: acuity not recorded": 1,
        "left out: 0 letters without a reason (CF, HM)": 1,
    }
    assert flow["in the table"] == len(EYES) == flow["in the cohort"] + 3


def test_second_eyes_are_counted_marked_and_can_be_left_out(recipe, cohort, capsys):
    assert flow_of(cohort)["rows marked Second: fellow eyes whose patient cannot be told"] == 2
    table = read_cohort(cohort).table.set_index("patient_id")
    assert table["treated_eye"].to_dict() == {
        "1": "First",
        "2": "First",
        "3": "Second",
        "7": "First",
    }
    out = cohort.parent / "first"
    assert recipe.main([str(cohort.parent / "raw"), str(out), "--first-eyes-only"]) == 0
    assert "left out: second treated eye: 3" in capsys.readouterr().out
    assert read_cohort(out).table["patient_id"].tolist() == ["1", "2", "7"]


def test_ages_are_groups_and_what_is_not_said_is_missing(cohort):
    table = read_cohort(cohort).table.set_index("patient_id")
    assert table["age_group"].fillna("").to_dict() == {
        "1": ">80",
        "2": "70-79",
        "3": ">80",
        "7": "",
    }
    assert np.isnan(table["cst_um"]["7"])
    assert table["cst_um"]["1"] == pytest.approx(334.3412463)
    assert (table["irf_voxels"] == 0).all()


def test_there_is_neither_an_outcome_nor_a_picture(cohort):
    read = read_cohort(cohort)
    assert read.table["postop_logmar"].isna().all()
    assert not (cohort / "scans").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("VAUnder1Letter", "VA_word", "no column 'VAUnder1Letter'"),
        (",54,NULL,", ",54,HM,", "although the off-chart column says 'HM'"),
        ("Male,>80,White,FALSE", "Male,84,White,FALSE", "'84'"),
        ("First,Left,Left,Male,>80", "First,Both,Left,Male,>80", "'Both' is no word for OD or OS"),
        (",54,NULL,", ",0.5,NULL,", "0.5"),
    ],
)
def test_a_wrong_table_is_one_message_and_nothing_is_written(
    recipe, tmp_path, capsys, old, new, words
):
    raw = build(tmp_path / "raw")
    path = raw / "AMD_baseline.csv"
    text = path.read_bytes().decode()
    assert text.count(old) == 1
    path.write_bytes(text.replace(old, new).encode())
    assert recipe.main([str(raw), str(tmp_path / "cohort")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert str(path) in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["raw"]


def test_an_absent_table_is_named(recipe, tmp_path, capsys):
    assert recipe.main([str(tmp_path), str(tmp_path / "cohort")]) == 2
    assert "AMD_baseline.csv" in capsys.readouterr().err


def test_the_real_sample_comes_out_as_the_card_says(recipe, real_data, tmp_path):
    raw, name = real_data / "moorfields_amd", "AMD_baseline_sample.csv"
    if not (raw / name).is_file():
        pytest.skip("the Moorfields table is not among the real samples here")
    assert recipe.main([str(raw), str(tmp_path / "cohort"), "--table", name]) == 0
    flow = flow_of(tmp_path / "cohort")
    assert flow["in the table"] == 500
    assert flow["left out: acuity not recorded"] == 43
    assert flow["in the cohort"] == 457
    published = pd.read_csv(raw / name, encoding="utf-8-sig").set_index("ID")
    assert set(HEADER.split(",")) == {"ID", *published.columns}
    table = read_cohort(tmp_path / "cohort").table
    own = published.loc[table["patient_id"].astype(int)]
    charted = (own["VA_ETDRS"] > 0).to_numpy()
    assert np.allclose(table["preop_logmar"][charted], 1.7 - 0.02 * own["VA_ETDRS"][charted])
    assert table["preop_off_chart"][~charted].value_counts().to_dict() == {"HM": 2, "CF": 1}
    assert (table["laterality"] == "OS").sum() == (own["Eye"] == "Left").sum()
    assert table["patient_id"].is_unique
