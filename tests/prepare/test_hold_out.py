"""Patients held out for testing go to a folder of their own, whole, and are never trained on."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import make_folds, read_cohort
from ctt_net.errors import InputError
from ctt_net.prepare.run import draw_held_out
from tests.prepare.conftest import manifest, picture

IDS = [f"P{n:02d}" for n in range(12)]
EYES = [
    {"MRN": mrn, "Eye": side, "Before": "0.1", "After": "0.8"} for mrn in IDS for side in ("R", "L")
]


@pytest.fixture
def hospital(raw):
    raw.table(EYES)
    for row in EYES[:8]:
        picture(raw.folder / "exports" / f"{row['MRN']}_{row['Eye']}_h.png")
    return raw.scans("{patient_id}_{laterality}_{view}.png", laterality={"OD": ["R"], "OS": ["L"]})


def test_two_cohorts_that_share_no_patient_and_no_scan(hospital):
    done = hospital.prepare(hold_out=0.3)
    held = hospital.folder / "out_held_out"
    mine, theirs = manifest(hospital.out), manifest(held)
    assert not set(mine["patient_id"]) & set(theirs["patient_id"])
    assert len(mine) + len(theirs) == len(EYES)
    assert (theirs.groupby("patient_id").size() == 2).all()
    for root, table in ((hospital.out, mine), (held, theirs)):
        named = {path for path in table["horizontal"] if path}
        assert named == {f"scans/{file.name}" for file in (root / "scans").iterdir()}
        assert read_cohort(root).table["eye_id"].tolist() == table["eye_id"].tolist()
    assert done.held_out.root == held


def test_no_training_takes_them(hospital):
    held = hospital.prepare(hold_out=0.3).held_out
    assert set(held.table["split"]) == {"test"}
    assert not (held.root / "folds.csv").exists()
    with pytest.raises(InputError, match="not trained on"):
        make_folds(held.table)


def test_the_flow_says_who_goes_where(hospital):
    done = hospital.prepare(hold_out=0.3)
    n = done.held_out.table["patient_id"].nunique()
    steps = dict(zip(done.flow["step"], done.flow["count"], strict=True))
    assert steps["left out: held out for testing, in out_held_out"] == 2 * n
    assert (steps["patients held out"], steps["their patients"]) == (n, len(IDS) - n)
    theirs = pd.read_csv(hospital.folder / "out_held_out" / "flow.csv")
    assert theirs["count"].tolist()[-3:] == [24 - 2 * n, 2 * n, n]


def test_a_growing_table_moves_nobody():
    few = pd.Series([f"P{n}" for n in range(0, 1000, 2)])
    many = pd.Series([f"P{n}" for n in range(1000)])
    before, after = draw_held_out(few, 0.2, 0), draw_held_out(many, 0.2, 0)
    assert (after[::2] == before).all()
    assert 0.16 < after.mean() < 0.24
    assert (draw_held_out(many, 0.3, 0) >= after).all()
    assert (draw_held_out(many, 0.2, 1) != after).any()


def test_another_spelling_is_on_the_same_side():
    ids = pd.Series([f"P{n}" for n in range(100)])
    assert np.array_equal(
        draw_held_out(ids, 0.4, 0), draw_held_out(ids.str.replace("P", "p 00"), 0.4, 0)
    )


@pytest.mark.parametrize("made", ["out", "out_held_out"])
def test_either_folder_that_exists_stops_before_anything_is_written(hospital, made):
    (hospital.folder / made).mkdir()
    hospital.fails(f"{made} exists already", hold_out=0.3)


def test_a_fault_leaves_neither(hospital, monkeypatch):
    calls = []

    def second_fails(root, *arguments):
        calls.append(root)
        if len(calls) > 1:
            raise InputError("disk full")
        return write_cohort(root, *arguments)

    from ctt_net.prepare.run import write_cohort

    monkeypatch.setattr("ctt_net.prepare.run.write_cohort", second_fails)
    hospital.fails("disk full", hold_out=0.3)


def test_held_out_eyes_do_not_come_back_by_a_second_run(hospital):
    hospital.prepare(hold_out=0.3)
    before = manifest(hospital.out)
    hospital.fails("out_held_out: holds the eyes that were held out", replace=True)
    hospital.prepare(hold_out=0.3, replace=True)
    assert manifest(hospital.out).equals(before)


def test_what_cannot_be_held_out(hospital):
    hospital.table(EYES[:2])
    hospital.fails("--hold-out 30%: of 1 patients", "another --seed", hold_out=0.3)
    hospital.say("columns", split={"value": "train"})
    hospital.fails("columns.split names the eyes", hold_out=0.3)
