"""The recipe of APTOS 2021: two rounds, two notations, never mixed. Made exports only."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.check import examine
from ctt_net.cohort import read_cohort
from ctt_net.imaging import read_bscan
from tests.datasets.raw_aptos2021 import (
    BEFORE,
    FINAL,
    FINAL_HEADER,
    ROUND1,
    ROUND1_HEADER,
    build_final,
    build_round1,
    write_table,
)


@pytest.fixture(scope="module")
def recipe(load_recipe):
    return load_recipe("aptos2021")


@pytest.fixture(scope="module")
def round1(recipe, tmp_path_factory):
    raw = build_round1(tmp_path_factory.mktemp("aptos") / "raw")
    assert recipe.main([str(raw), str(raw.parent / "cohort"), "--round", "round1"]) == 0
    return raw.parent / "cohort"


@pytest.fixture(scope="module")
def final_raw(tmp_path_factory):
    return build_final(tmp_path_factory.mktemp("aptos") / "raw")


@pytest.fixture(scope="module")
def final(recipe, final_raw):
    out = final_raw.parent / "cohort"
    assert recipe.main([str(final_raw), str(out), "--round", "final", "--pick", "middle"]) == 0
    return out


def by_eye(out):
    return read_cohort(out).table.set_index("eye_id")


def flow_of(out):
    return pd.read_csv(out / "flow.csv").set_index("step")["count"].to_dict()


def balances(flow):
    return flow["in the table"] == flow["in the cohort"] + sum(
        count for step, count in flow.items() if step.startswith("left out")
    )


def refused(recipe, raw, tmp_path, capsys, *options):
    assert recipe.main([str(raw), str(tmp_path / "cohort"), *options]) == 2
    assert not (tmp_path / "cohort").exists()
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_round_1_reads_logmar_and_its_four_codes(round1):
    table = by_eye(round1)
    assert table["preop_logmar"].drop("0000-0009R").to_dict() == {
        **{"0000-0004L": 0.4, "0000-0004R": 0.7, "0000-0007L": 2.3},
        **{"0000-0008R": -0.1, "0000-1765R": 3.0},
    }
    assert table["preop_off_chart"]["0000-0007L"] == "HM"
    assert table["postop_off_chart"]["0000-1765R"] == "LP"
    assert np.isnan(table["preop_logmar"]["0000-0009R"])
    assert not examine(round1, open_scans=False).has_errors


def test_both_eyes_of_a_person_share_the_patient(round1, final):
    for out, eyes in ((round1, ["0000-0004L", "0000-0004R"]), (final, ["102R", "102L"])):
        table = by_eye(out)
        assert len(set(table["patient_id"][eyes])) == 1
        assert table.loc[eyes, "laterality"].tolist() == [
            {"L": "OS", "R": "OD"}[eye[-1]] for eye in eyes
        ]
        assert len(set(read_cohort(out).folds()[eyes])) == 1


def test_every_row_of_round_1_is_counted(round1):
    flow = flow_of(round1)
    assert flow["left out: the id does not say which eye"] == 1
    assert flow["left out: no postoperative acuity"] == 1
    assert flow["in the cohort"] == 6
    assert balances(flow)


def test_round_1_takes_the_pictures_before_treatment_only(round1):
    table = by_eye(round1)
    assert len(list((round1 / "scans").iterdir())) == 12
    raw = round1.parent / "raw" / "train" / "0000-0004"
    assert (round1 / table["picture_1"]["0000-0004R"]).read_bytes() == (
        raw / "0000-0004R_1001.jpg"
    ).read_bytes()
    assert read_cohort(round1).spec.views["picture_0"].direction == "oblique"
    assert read_bscan(round1 / table["picture_0"]["0000-1765R"]).pixels.shape == (496, 768)


def test_the_final_round_reads_decimals_that_passed_through_float32(final):
    table = by_eye(final)
    assert table["preop_logmar"].tolist() == pytest.approx(
        [-np.log10(0.32), -np.log10(0.5), -np.log10(0.008)], abs=1e-6
    )
    assert table["postop_off_chart"]["103R"] == "NLP"
    assert table["sex"].tolist() == ["Male", "Male", "Female"]
    assert table["drug"]["102L"] == "Ozurdex"
    assert not examine(final, open_scans=False).has_errors


def test_every_row_of_the_final_round_is_counted(final):
    flow = flow_of(final)
    assert flow["left out: no scan"] == 1
    assert flow["in the cohort"] == 3
    assert balances(flow)


def test_the_middle_picture_is_the_middle_one_by_number(final, final_raw):
    table = by_eye(final)
    for eye, name in (("102R", "10"), ("102L", "6_001003"), ("103R", "99._000001")):
        source = final_raw / "train" / eye / BEFORE / f"{name}.jpg"
        assert (final / table["picture"][eye]).read_bytes() == source.read_bytes()


def test_no_picture_of_the_final_round_is_picked_unasked(recipe, final_raw, tmp_path, capsys):
    error = refused(recipe, final_raw, tmp_path, capsys, "--round", "final")
    assert "--pick middle" in error
    out = tmp_path / "tables"
    assert recipe.main([str(final_raw), str(out), "--round", "final", "--tables-only"]) == 0
    assert len(by_eye(out)) == 4


@pytest.mark.parametrize(
    ("header", "rows", "said", "words"),
    [
        (ROUND1_HEADER, ROUND1, "final", "so it is the table of round 1"),
        (FINAL_HEADER, FINAL, "round1", "so it is the table of the final round"),
        # The columns of one round with the acuities of the other.
        (FINAL_HEADER, ["7R,Male,60,DME,x,0.4,400,-0.1,300,1"], "final", "logMAR of round 1"),
        (FINAL_HEADER, ["7R,Male,60,DME,x,2.3,400,0.5,300,1"], "final", "logMAR of round 1"),
        (ROUND1_HEADER, [ROUND1[0].replace("0.4", "0.670000017")], "round1", "decimal acuity"),
        (ROUND1_HEADER, [ROUND1[0].replace("0.2", "NLP")], "round1", "decimal acuity"),
    ],
)
def test_the_rounds_are_never_mixed(recipe, tmp_path, capsys, header, rows, said, words):
    write_table(tmp_path / "raw" / "table.csv", header, rows)
    options = ("--round", said, "--table", "table.csv", "--tables-only")
    error = refused(recipe, tmp_path / "raw", tmp_path, capsys, *options)
    assert words in error
    assert "table.csv" in error


def test_the_table_of_pictures_is_refused(recipe, tmp_path, capsys):
    header = "patient ID,injection,image name,IRF,SRF,PED,HRF"
    write_table(tmp_path / "raw" / "train_anno_case_stage2.csv", header, ["1R,Pre,10,0,0,0,0"])
    error = refused(recipe, tmp_path / "raw", tmp_path, capsys, "--round", "final")
    assert "not the one of pictures" in error


def test_the_round_must_be_said(recipe, final_raw, tmp_path):
    with pytest.raises(SystemExit) as stop:
        recipe.main([str(final_raw), str(tmp_path / "cohort")])
    assert stop.value.code == 2
