"""The recipe of the simulated cohort, run as a user runs it."""

import hashlib
import json

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.comparison.without_images import _predict
from ctt_net.cohort import read_cohort
from ctt_net.errors import InputError
from ctt_net.imaging.segmentation import SURFACES
from ctt_net.synthetic import CohortPlan
from ctt_net.synthetic.population import draw_eyes
from ctt_net.synthetic.simulate import manifest_row


@pytest.fixture(scope="module")
def prepare(load_recipe):
    return load_recipe("synthetic").main


@pytest.fixture(scope="module")
def cohort_folder(prepare, tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic") / "cohort"
    assert prepare([str(out), "--eyes", "6", "--seed", "3", "--workers", "1"]) == 0
    return out


def digest(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folder_reads_back_as_a_cohort_with_its_truth(cohort_folder):
    cohort = read_cohort(cohort_folder)
    assert cohort.spec.synthetic
    assert len(cohort.table) == 6
    assert set(cohort.potential().index) == set(cohort.table["eye_id"])
    for view in ("horizontal", "vertical"):
        assert all((cohort_folder / path).is_file() for path in cohort.table[view])


def test_truth_is_in_its_own_file_and_nowhere_else(cohort_folder):
    truth = pd.read_csv(cohort_folder / "truth.csv")
    manifest = pd.read_csv(cohort_folder / "manifest.csv", dtype=str)
    declared = yaml.safe_load((cohort_folder / "cohort.yaml").read_text(encoding="utf-8"))
    secret = set(truth.columns) - {"eye_id"}
    assert {"potential_logmar", "lens_logmar", "lesions"} <= secret
    assert not secret & set(manifest.columns)
    assert not secret & set(declared["covariates"])
    written = (cohort_folder / "manifest.csv").read_text(encoding="utf-8")
    for value in truth["potential_logmar"].astype(str):
        assert f",{value}," not in written
    assert all(isinstance(json.loads(text), list) for text in truth["lesions"])


@pytest.mark.slow
def test_same_seed_gives_the_same_bytes_whatever_the_workers(prepare, cohort_folder, tmp_path):
    again = tmp_path / "again"
    assert prepare([str(again), "--eyes", "6", "--seed", "3", "--workers", "2"]) == 0
    assert digest(again) == digest(cohort_folder)


def test_another_seed_gives_other_eyes(prepare, cohort_folder, tmp_path):
    other = tmp_path / "other"
    assert prepare([str(other), "--eyes", "3", "--seed", "4", "--workers", "1"]) == 0
    first, second = (
        set(pd.read_csv(folder / "manifest.csv")["patient_id"]) for folder in (other, cohort_folder)
    )
    assert not first & second


def test_an_existing_folder_is_refused_and_left_alone(prepare, cohort_folder, capsys):
    before = digest(cohort_folder)
    assert prepare([str(cohort_folder), "--eyes", "3", "--workers", "1"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert digest(cohort_folder) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--eyes", "2"], "eyes must be 3 or more"),
        (["--missing-views", "2"], "share in 0..1"),
        (["--rule", "sum"], "rule must be one of additive, foveal"),
        (["--unseen-causes", "15"], "unseen causes is a share in 0..1, got 15"),
    ],
)
def test_impossible_wishes_are_refused_and_leave_nothing(
    prepare, tmp_path, capsys, options, message
):
    assert prepare([str(tmp_path / "x"), "--workers", "1", *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_foveal_rule_prints_and_writes_both_floors(prepare, tmp_path, capsys):
    out = tmp_path / "foveal"
    assert prepare([str(out), "--eyes", "4", "--workers", "1", "--rule", "foveal"]) == 0
    printed = capsys.readouterr().out
    cohort = read_cohort(out)
    postop = cohort.table.set_index("eye_id")["postop_logmar"]
    for words, potential in (
        ("lowest achievable mean absolute error", cohort.potential()),
        ("of a perfect reader of scans, age and preop VA", cohort.readable_potential()),
    ):
        assert f"{words}: {(postop - potential).abs().mean():.3f} logMAR" in printed
    assert _predict(None, "reader", cohort, cohort.table).tolist() == pytest.approx(
        cohort.readable_potential()[cohort.table["eye_id"]].tolist()
    )


def test_only_the_foveal_rule_knows_a_perfect_reader(prepare, tmp_path):
    out = tmp_path / "additive"
    assert prepare([str(out), "--eyes", "3", "--rule", "additive", "--workers", "1"]) == 0
    cohort = read_cohort(out)
    assert cohort.readable_potential() is None
    with pytest.raises(InputError, match="take the reader row out of the plan"):
        _predict(None, "reader", cohort, cohort.table)


def test_a_failure_half_way_leaves_nothing(prepare, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("disk full")

    monkeypatch.setattr("ctt_net.synthetic.simulate.write_cohort", fails)
    with pytest.raises(RuntimeError, match="disk full"):
        prepare([str(tmp_path / "x"), "--eyes", "3", "--workers", "1"])
    assert not list(tmp_path.iterdir())


def test_one_device_and_missing_views_can_be_asked_for(prepare, tmp_path):
    out = tmp_path / "x"
    options = ["--device", "cirrus_like", "--missing-views", "1.0", "--start-patient", "7"]
    assert prepare([str(out), "--eyes", "3", "--workers", "1", *options]) == 0
    cohort = read_cohort(out)
    assert set(cohort.table["device"]) == {"cirrus_like"}
    present = (cohort.table[["horizontal", "vertical"]] != "").sum(axis=1)
    assert list(present) == [1, 1, 1]
    assert cohort.table["patient_id"].iloc[0] == "s0-00007"


def test_device_site_and_follow_up_say_nothing_of_the_eye():
    plan = CohortPlan(n_eyes=2500, seed=6)
    eyes = draw_eyes(plan.n_eyes, plan.seed)
    table = pd.DataFrame([manifest_row(eye, plan) for eye in eyes])
    table["potential"] = [eye.potential_logmar for eye in eyes]
    table["lens"] = [eye.lens_logmar for eye in eyes]
    spread = table["potential"].std() / (len(table) / 3) ** 0.5
    for column in ("device", "site"):
        means = table.groupby(column)["potential"].mean()
        assert means.max() - means.min() < 4.5 * spread
    assert abs(table["followup_days"].corr(table["potential"])) < 0.05
    assert table.groupby("patient_id")["device"].nunique().max() == 1


def test_labels_lie_beside_every_scan_in_its_geometry(prepare, cohort_folder, tmp_path):
    out = tmp_path / "labelled"
    wish = ["--eyes", "6", "--seed", "3", "--workers", "1", "--labels"]
    assert prepare([str(out), *wish]) == 0
    written = {path: value for path, value in digest(out).items() if "labels" not in path}
    assert written == digest(cohort_folder)  # labels change no other file
    names = dict(pd.read_csv(out / "labels/values.csv").set_index("name")["value"])
    assert names["vitreous"] == 0
    assert names["not_visible"] == 255
    for path in sorted((out / "images").glob("*.png")):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        index = cv2.imread(str(out / "labels" / path.name), cv2.IMREAD_UNCHANGED)
        assert index.shape == image.shape
        assert index.dtype == np.uint8
        assert set(np.unique(index)) <= set(names.values())
        table = pd.read_csv(out / "labels" / f"{path.stem}_surfaces.csv", index_col="a_scan")
        assert list(table.columns) == list(SURFACES)
        assert len(table) == image.shape[1]
        assert (np.diff(table.to_numpy(), axis=1) >= 0).all()
        seen = (index != 255).all(axis=0)
        assert (image[:, ~seen] < 3).all()
        # The retina begins in the picture where the table says.
        first = np.argmax(index != names["vitreous"], axis=0)
        plain = seen & ~np.isin(index, [names["membrane"], names["hole"]]).any(axis=0)
        assert np.abs(first - table["ilm"].to_numpy())[plain].max() <= 1.0


def test_extras_are_in_the_scans_and_the_truth_and_nowhere_else(prepare, cohort_folder, tmp_path):
    out = tmp_path / "extras"
    wish = ["--eyes", "6", "--seed", "3", "--workers", "1", "--extras"]
    assert prepare([str(out), *wish]) == 0
    rich, bare = (pd.read_csv(folder / "truth.csv") for folder in (out, cohort_folder))
    pd.testing.assert_frame_equal(rich.drop(columns="extras"), bare)
    assert "extras" not in bare
    first, second = digest(out), digest(cohort_folder)
    assert first["manifest.csv"] == second["manifest.csv"]
    drawn = rich["extras"].notna()
    for eye, different in zip(rich["eye_id"], drawn, strict=True):
        name = f"images/{eye}_horizontal.png"
        assert (first[name] != second[name]) == different
    assert drawn.any()
    assert prepare([str(tmp_path / "again"), *wish]) == 0
    assert digest(tmp_path / "again") == first


def test_a_make_outside_the_default_can_be_chosen_by_name(prepare, tmp_path):
    out = tmp_path / "topcon"
    assert prepare([str(out), "--eyes", "3", "--workers", "1", "--device", "topcon_like"]) == 0
    cohort = read_cohort(out)
    assert cohort.spec.devices["topcon_like"].axial_um_per_px == 2.6
    assert "topcon_like" not in CohortPlan.devices
