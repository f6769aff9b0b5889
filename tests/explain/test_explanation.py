"""What is said of real networks: it adds up to the prediction, and lies where the scan lies."""

import json
import math
import re
import shutil

import numpy as np
import pytest

from ctt_net.cohort import read_cohort
from ctt_net.data.scans import load_scans
from ctt_net.explain import explain_eyes, what_if
from ctt_net.explain.what_if import preop_lines
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import predict_eyes
from tests.explain.fake import FakePredictor, one_eye


@pytest.fixture(scope="module")
def predictor(small_run):
    return Predictor.load(small_run)


@pytest.fixture(scope="module")
def cohort(other_cohort):
    whole = read_cohort(other_cohort)
    some = whole.where(whole.table.index < 4)
    some.table.loc[1, "vertical"] = ""
    some.table.loc[2, "preop_logmar"] = math.nan
    return some


@pytest.fixture(scope="module")
def scans(cohort, predictor):
    return load_scans(cohort, predictor.spec.preprocessing)


def test_contributions_add_up_to_the_prediction(predictor, cohort, scans):
    predicted = predict_eyes(predictor, cohort.table, scans)["predicted_logmar"]
    for one, expected in zip(
        explain_eyes(predictor, cohort.table, scans, heat_maps=False), predicted, strict=True
    ):
        written = json.loads(json.dumps(one.to_dict(), allow_nan=False))
        total = written["base_logmar"] + sum(part["logmar"] for part in written["contributions"])
        assert total == pytest.approx(expected, abs=1e-6)
        assert one.predicted_logmar == pytest.approx(expected, abs=1e-6)
        assert one.heat_maps is None
        assert written["heat_maps"] == {}


def test_the_curve_is_what_is_predicted_of_such_eyes(predictor, cohort, scans):
    curve = what_if(predictor, cohort.table, scans)[3]
    table = cohort.table.iloc[[3]].assign(preop_logmar=curve["preop_logmar"][2], preop_off_chart="")
    expected = predict_eyes(predictor, table, scans.of(np.array([3])))
    for name in ("predicted_logmar", "lower_logmar", "upper_logmar"):
        assert curve[name][2] == pytest.approx(expected[name].item(), abs=1e-6)


def test_the_curve_has_the_chart_lines_of_the_training(small_run, small_cohort):
    predictor = Predictor.load(small_run)
    table = read_cohort(small_cohort).table
    measured = table[table["preop_off_chart"] == ""]["preop_logmar"]
    low, high = predictor.preop_range_logmar
    assert low <= measured.min() < measured.max() <= high < 1.8
    lines = what_if(FakePredictor(lambda *_: 0.0), *one_eye())[0]["preop_logmar"]
    assert lines.tolist() == [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3]


def test_a_folder_that_does_not_tell_the_range_has_a_usual_one(small_run, tmp_path):
    model = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    path = model / "model.yaml"
    text, found = re.subn(r"preop_range_logmar:\n- .*\n- .*\n", "", path.read_text())
    assert found == 1
    path.write_text(text)
    seal(model)
    old = Predictor.load(model)
    assert old.preop_range_logmar is None
    assert preop_lines(old).tolist() == [n / 10 for n in range(11)]


def test_heat_maps_are_of_the_views_that_are_there(predictor, cohort, scans):
    found = explain_eyes(predictor, cohort.table.iloc[[1]], scans.of(np.array([1])))[0]
    assert list(found.heat_maps) == ["horizontal"]
    assert found.heat_maps["horizontal"].shape == scans.pixels.shape[2:]
    assert found.heat_maps["horizontal"].dtype == np.float32
    told = found.to_dict()["heat_maps"]["horizontal"]
    assert told["lowest_logmar"] <= told["highest_logmar"]
