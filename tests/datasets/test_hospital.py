"""The simulated hospital goes through prepare, check and deidentify as a user would do it."""

import pandas as pd
import pytest

from ctt_net.cli import main
from ctt_net.cohort import read_cohort


@pytest.fixture(scope="module")
def hospital(load_recipe, tmp_path_factory):
    module = load_recipe("synthetic", "hospital")
    out = tmp_path_factory.mktemp("hospital") / "raw"
    assert module.main([str(out), "--eyes", "20"]) == 0
    assert module.main([str(out)]) == 2
    return out


@pytest.fixture(scope="module")
def prepared(hospital):
    out = hospital.parent / "cohort"
    assert main(["prepare", str(hospital / "mapping.yaml"), str(out)]) == 0
    return out


@pytest.mark.slow
def test_every_row_is_in_the_cohort_or_left_out_for_its_reason(hospital, prepared):
    table = pd.read_excel(hospital / "eyes.xlsx", dtype=str, keep_default_na=False)
    kept = table[(table["Complication"] == "") & (table["VA after"] != "")]
    cohort = read_cohort(prepared)
    sides = kept["Eye"].map({"R": "OD", "L": "OS"})
    assert sorted(cohort.table["eye_id"]) == sorted(kept["MRN"] + "_" + sides)
    flow = pd.read_csv(prepared / "flow.csv").set_index("step")["count"]
    assert flow["in the table"] == len(table)
    assert flow["in the cohort"] == len(kept)
    assert flow["left out: capsule rupture"] == (table["Complication"] != "").sum()
    assert (cohort.table[["horizontal", "vertical"]] != "").all(axis=None)
    assert cohort.table["followup_days"].between(14, 120).all()


@pytest.mark.slow
def test_the_doctor_finds_nothing_to_stop_for(prepared, capsys):
    assert main(["check", str(prepared)]) == 0
    assert "0 errors" in capsys.readouterr().out


@pytest.mark.slow
def test_nothing_of_a_person_is_left_once_it_is_deidentified(hospital, prepared, tmp_path):
    out = tmp_path / "shared"
    key = tmp_path / "key"
    assert main(["deidentify", str(prepared), str(out), "--key", str(key)]) == 0
    table = pd.read_excel(hospital / "eyes.xlsx", dtype=str)
    written = "".join(path.read_text() for path in out.rglob("*.csv"))
    for number in table["MRN"].unique():
        assert number not in written.replace(",", " ").split()
    assert not [path for path in out.rglob("*.png") if path.name[:5] in set(table["MRN"])]
    assert len(read_cohort(out).table) == len(read_cohort(prepared).table)
