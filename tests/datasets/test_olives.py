"""The recipe of OLIVES: B-scan rows to visits to eyes, on made tables and on the real sample."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.check import examine
from ctt_net.cohort import read_cohort
from tests.datasets.raw_olives import VISITS, build, lines

CENTRAL = {
    "1": "Prime_FULL/01-001/W0/OD/24.tif",
    "2": "Prime_FULL/01-002/W0/OS/24.tif",
    "3": "TREX DME/GILA/0234GOD/V1/OD/TREX_DME_000124.tif",
    "4": "TREX DME/GILA/0234GOS/V1/OS/TREXJ_000124.jpg",
}


@pytest.fixture(scope="module")
def recipe(load_recipe):
    return load_recipe("olives")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    pictures = [*CENTRAL.values(), "Prime_FULL/01-001/W24/OD/24.tif"]
    pictures += ["Prime_FULL/02-004/W0/OD/24.tif"]
    return build(tmp_path_factory.mktemp("olives") / "raw", pictures=pictures)


@pytest.fixture(scope="module")
def cohort(recipe, raw):
    assert recipe.main([str(raw), str(raw.parent / "cohort")]) == 0
    return raw.parent / "cohort"


def flow_of(out):
    return pd.read_csv(out / "flow.csv").set_index("step")["count"].to_dict()


def refused(recipe, raw, tmp_path, capsys, *options):
    assert recipe.main([str(raw), str(tmp_path / "cohort"), *options]) == 2
    assert not (tmp_path / "cohort").exists()
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_an_eye_is_its_first_and_its_last_visit(cohort):
    table = read_cohort(cohort).table.set_index("eye_id")
    assert table["preop_va"].to_dict() == {"1": "70", "2": "85", "3": "60", "4": "55"}
    assert table["postop_va"].to_dict() == {"1": "80", "2": "83", "3": "68", "4": "61"}
    assert table["laterality"].to_dict() == {"1": "OD", "2": "OS", "3": "OD", "4": "OS"}
    assert table["cst_um"].tolist() == [300, 310, 450, 460]
    assert table["trial"].tolist() == ["PRIME", "PRIME", "TREX", "TREX"]
    assert not examine(cohort, open_scans=False).has_errors


def test_weeks_become_days_where_the_path_tells_them(cohort):
    days = read_cohort(cohort).table.set_index("eye_id")["followup_days"]
    assert days[["1", "2"]].tolist() == [24 * 7, 104 * 7]
    assert days[["3", "4"]].isna().all()


def test_two_eyes_of_a_patient_stay_together(cohort):
    table = read_cohort(cohort).table.set_index("eye_id")
    assert table["patient_id"][["3", "4"]].tolist() == ["3", "3"]
    assert len(set(read_cohort(cohort).folds()[["3", "4"]])) == 1


def test_bscans_visits_and_eyes_are_counted_apart(cohort):
    flow = flow_of(cohort)
    assert flow["in the table"] == 12 * 49
    assert flow["further rows of the same visit"] == 12 * 48
    assert flow["visits of eyes"] == 12
    assert flow["eyes with a visit before surgery"] == 5
    assert flow["left out: no postoperative acuity"] == 1
    assert flow["in the cohort"] == 4


def test_the_scan_is_the_middle_one_of_the_first_visit(cohort, raw):
    table = read_cohort(cohort).table.set_index("eye_id")
    for eye, source in CENTRAL.items():
        assert (cohort / table["horizontal"][eye]).read_bytes() == (raw / source).read_bytes()
    assert len(list((cohort / "scans").iterdir())) == 4


def test_a_volume_that_is_not_listed_whole_has_no_middle(recipe, tmp_path):
    kept = [row for row in lines(VISITS[:5]) if "01-002/W0/OS/48.tif" not in row]
    twin = ["/Prime_FULL/01-001/W0/OD/24.png,1,0,70,300,1,1,9999"]
    raw = build(tmp_path / "raw", twin + kept, [CENTRAL["1"], CENTRAL["2"]])
    assert recipe.main([str(raw), str(tmp_path / "cohort")]) == 0
    table = read_cohort(tmp_path / "cohort").table
    assert table["eye_id"].tolist() == ["1"]
    assert table["horizontal"][0].endswith(".tif")
    assert flow_of(tmp_path / "cohort")["left out: no scan"] == 1


def test_without_pictures_only_tables_can_be_asked_for(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw")
    assert "24.tif" in refused(recipe, raw, tmp_path, capsys)
    assert recipe.main([str(raw), str(tmp_path / "tables"), "--tables-only"]) == 0
    assert len(read_cohort(tmp_path / "tables").table) == 4


def test_the_last_number_of_a_name_is_that_of_the_bscan(recipe):
    volume = pd.Series([f"/TREX DME/GILA/1TOD/V1/OD/TREXA_000004_{n:06d}.tif" for n in range(49)])
    assert set(recipe.central_bscans(volume)) == {
        "TREX DME/GILA/1TOD/V1/OD/TREXA_000004_000024.tif"
    }


def test_a_table_of_one_trial_is_enough(recipe, tmp_path):
    trex = [visit for visit in VISITS if visit[0].startswith("/TREX")]
    raw = build(tmp_path / "raw", lines(trex))
    assert recipe.main([str(raw), str(tmp_path / "cohort"), "--tables-only"]) == 0
    assert read_cohort(tmp_path / "cohort").table["eye_id"].tolist() == ["3", "4"]


def test_who_is_left_out_is_named_on_screen_and_in_the_flow(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw")
    assert recipe.main([str(raw), str(tmp_path / "cohort"), "--tables-only"]) == 0
    assert "left out: no postoperative acuity: 6" in capsys.readouterr().out
    flow = pd.read_csv(tmp_path / "cohort/flow.csv", dtype=str).set_index("step")["ids"]
    assert flow["left out: of an eye without a visit before surgery"] == "5"
    assert flow["left out: no postoperative acuity"] == "6"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("/Prime_FULL/01-001/W4/OD/7.tif", "/Prime_FULL/01-001/W4/7.tif", "is not /Prime_FULL/"),
        ("/W4/OD/7.tif,2,0,74", "/W4/OD/7.tif,2,0,75", "of the same visit says '74'"),
        ("File_Path", "Path", "no column 'File_Path'"),
        ("Patient_ID", "Patient", "no column 'Patient_ID'"),
        (",BCVA,", ",VA,", "no column 'BCVA'"),
        ("/W0/OD/0.tif,1,0,70", "/W0/OD/0.tif,1,0,0.7", "0.7"),
    ],
)
def test_a_wrong_table_is_one_message_that_names_it(recipe, tmp_path, capsys, old, new, words):
    raw = build(tmp_path / "raw")
    path = raw / "prime_trex_compressed.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    error = refused(recipe, raw, tmp_path, capsys, "--tables-only")
    assert words in error
    assert str(path) in error


def test_the_real_sample_gives_eye_visits_and_not_rows(recipe, real_data, tmp_path):
    raw, name = real_data / "olives_labels", "prime_trex_sample.csv"
    if not (raw / name).is_file():
        pytest.skip("the OLIVES labels are not among the real samples here")
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out), "--table", name, "--tables-only"]) == 0
    flow = flow_of(out)
    assert flow["in the table"] == 300
    assert flow["visits of eyes"] == 145
    assert flow["left out: of an eye without a visit before surgery"] == 17
    assert flow["in the cohort"] == 9
    published = pd.read_csv(raw / name)
    visits = published.groupby(["Eye_ID", "Visit"], as_index=False)["BCVA"].mean()
    table = read_cohort(out).table.set_index("eye_id")
    for eye, row in table.iterrows():
        own = visits[visits["Eye_ID"] == int(eye)].sort_values("Visit")
        assert own["Visit"].iloc[0] == 1
        assert row["preop_logmar"] == pytest.approx((85 - own["BCVA"].iloc[0]) / 50)
        assert row["postop_logmar"] == pytest.approx((85 - own["BCVA"].iloc[-1]) / 50)
    assert np.isfinite(table["followup_days"]).all()
