"""`ctt-net explain` and `Model.explain`: what is written, drawn and refused."""

import io
import json
import shutil
import sys

import cv2
import numpy as np
import pandas as pd
import pytest

import ctt_net
from ctt_net import INTENDED_USE
from ctt_net.cli import main
from ctt_net.errors import InputError
from ctt_net.explain.figure import heat_overlay, letter_limit
from ctt_net.imaging import read_bscan


@pytest.fixture(scope="module")
def patient(other_cohort, tmp_path_factory):
    """One left eye with both scans, and its covariates."""
    table = pd.read_csv(other_cohort / "manifest.csv", dtype=str)
    row = table[table["laterality"] == "OS"].iloc[0]
    folder = tmp_path_factory.mktemp("explained") / "patient"
    folder.mkdir()
    for view in ("horizontal", "vertical"):
        shutil.copy(other_cohort / row[view], folder / f"OS_{view}.png")
    (folder / "patient.yaml").write_text(
        f"patient_id: p1\npreop_va: {{OS: 20/60}}\ncovariates: {{age_years: {row['age_years']}}}\n"
    )
    return folder


@pytest.fixture(scope="module")
def written(patient, small_run):
    out = patient.parent / "out"
    command = ["explain", patient, "--model", small_run, "--out", out]
    assert main([*map(str, command)]) == 0
    return out


@pytest.fixture(scope="module")
def explained(patient, small_run):
    return ctt_net.load_model(small_run).explain(patient)


def test_the_command_writes_what_adds_up_and_can_be_drawn(written, patient, small_run):
    found = json.loads((written / "explanation.json").read_text())
    assert found["intended_use"] == INTENDED_USE
    assert found["method"] == "occlusion"
    eye = found["eyes"][0]
    total = eye["base_logmar"] + sum(one["logmar"] for one in eye["contributions"])
    predicted = ctt_net.load_model(small_run).predict(patient).to_dict()["eyes"][0]
    assert total == pytest.approx(eye["predicted_logmar"], abs=1e-6)
    assert predicted["postop"]["logmar"] == pytest.approx(total, abs=1e-4)
    assert eye["postop"] == predicted["postop"]
    assert [one["name"] for one in eye["contributions"]] == [
        "horizontal", "vertical", "preop_va", "covariates",
    ]  # fmt: skip
    arrays = np.load(written / "heat_maps.npz")
    assert set(arrays) == {"OS_horizontal", "OS_vertical"}
    for view, told in eye["heat_maps"].items():
        scan = read_bscan(patient / f"OS_{view}.png").pixels
        assert arrays[told["array"]].shape == scan.shape
        assert np.nanmax(arrays[told["array"]]) <= told["highest_logmar"] + 1e-4
        picture = cv2.imread(str(written / told["file"]))
        assert min(picture.shape[:2]) > 300
    assert {path.name for path in written.iterdir()} == {
        "explanation.json", "heat_maps.npz", "heat_map_OS_horizontal.png",
        "heat_map_OS_vertical.png",
    }  # fmt: skip


def test_python_gives_what_the_command_writes(written, explained):
    assert json.loads(json.dumps(explained.to_dict())) == json.loads(
        (written / "explanation.json").read_text()
    )
    arrays = np.load(written / "heat_maps.npz")
    for (eye, view), heat in explained.heat_maps.items():
        np.testing.assert_allclose(heat, arrays[f"{eye}_{view}"], atol=1e-4)
    parts = explained.contributions
    assert parts["laterality"].eq("OS").all()
    predicted = explained.to_dict()["eyes"][0]["predicted_logmar"]
    assert parts["logmar"].sum() == pytest.approx(predicted, abs=1e-6)
    assert list(explained.what_if) == [
        "laterality", "preop_logmar", "predicted_logmar", "lower_logmar", "upper_logmar",
    ]  # fmt: skip
    assert "horizontal" in repr(explained)
    assert INTENDED_USE in explained._repr_html_()


def test_an_eye_is_drawn_whole(explained):
    figure = explained.plot("OS")
    titles = [axes.get_title() for axes in figure.axes]
    assert {"Contributions", "horizontal", "vertical"} <= set(titles)
    figure.savefig(io.BytesIO(), dpi=40)
    with pytest.raises(InputError, match="no eye 'OD'; this patient has OS"):
        explained.plot("OD")


def test_an_earlier_result_stays_unless_told_otherwise(written, patient, small_run, capsys):
    command = ["explain", patient, "--model", small_run, "--out", written]
    before = (written / "explanation.json").read_bytes()
    (written / "heat_map_OD_horizontal.png").write_bytes(b"of another patient")
    assert main([*map(str, command)]) == 2
    assert "another patient's" in capsys.readouterr().err
    assert main([*map(str, command), "--overwrite"]) == 0
    assert (written / "explanation.json").read_bytes() == before
    assert not (written / "heat_map_OD_horizontal.png").exists()
    assert main(["predict", *map(str, command[1:])]) == 2
    assert "is the explanation of a patient's prediction" in capsys.readouterr().err


def test_gradient_maps_need_captum(explained, patient, small_run, monkeypatch):
    model = ctt_net.load_model(small_run)
    with pytest.raises(InputError, match="occlusion, gradient"):
        model.explain(patient, method="gradcam")
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(InputError, match=r"captum.*pip install '\.\[train,explain\]'"):
        model.explain(patient, method="gradient")


def test_gradient_maps_are_told_as_such(explained, patient, small_run):
    pytest.importorskip("captum", reason="needs the extra explain")
    by_gradient = ctt_net.load_model(small_run).explain(patient, method="gradient")
    assert by_gradient.to_dict()["method"] == "gradient"
    pd.testing.assert_frame_equal(by_gradient.contributions, explained.contributions)
    assert by_gradient.heat_maps.keys() == explained.heat_maps.keys()


def test_an_overlay_is_red_where_letters_are_lost_and_blue_where_gained():
    pixels = np.full((4, 6), 100, dtype=np.uint8)
    heat = np.zeros((4, 6), dtype=np.float32)
    heat[0], heat[1], heat[2] = 0.1, -0.1, np.nan
    limit = letter_limit([heat])
    assert limit == pytest.approx(5.0)
    picture = heat_overlay(pixels, heat, limit).astype(int)
    assert (picture[0, :, 0] > picture[0, :, 2] + 30).all()
    assert (picture[1, :, 2] > picture[1, :, 0] + 30).all()
    assert (picture[2:] == 100).all()
    assert letter_limit([heat * 1e-3]) == 1.0
