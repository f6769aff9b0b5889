"""`ctt-net info`: what a model is, from its own files, verified."""

import json
import shutil

import pytest

import ctt_net
from ctt_net.cli import main
from ctt_net.inference.model_info import model_info


@pytest.fixture(scope="module")
def info(small_run):
    return model_info(small_run)


def test_it_says_how_well_as_the_run_does(info, small_run):
    metrics = json.loads((small_run / "metrics.json").read_text())
    told = info["performance"]
    assert told["n_eyes"] == metrics["n_eyes"]
    assert told["mae_logmar"] == metrics["regression"]["mae"]
    assert told["interval"]["coverage"] == metrics["interval"]["coverage"]
    assert set(told["auroc"]) == set(info["outcomes"]) == {"reaches_0.30", "gains_0.20"}
    baselines = metrics["baselines"]
    best = min(baselines, key=lambda name: baselines[name]["mae"]["value"])
    assert told["strongest_comparator"]["name"] == best


def test_it_says_what_the_model_takes_and_when_it_was_trained(info, small_run):
    assert info["synthetic"]
    assert list(info["views"]) == ["horizontal", "vertical"]
    assert info["views"]["vertical"] == {"direction": "vertical", "angle_deg": 90.0}
    assert info["covariates"]["sex"]["levels"] == ["F", "M"]
    low, high = info["covariates"]["age_years"]["training_range"]
    assert 18 < low < high < 120
    assert info["trained"] == ["2026-09-21T14:13:20Z"] * 2  # SOURCE_DATE_EPOCH of the tests
    assert info["intended_use"] == ctt_net.INTENDED_USE
    assert [one["folder"] for one in info["members"]] == ["fold_1/model", "fold_2/model"]


def test_its_digest_is_that_of_every_prediction(info, small_run, other_cohort):
    from ctt_net.inference.many import predict_each
    from ctt_net.inference.patient_list import list_patients
    from ctt_net.model_folder.predictor import Predictor

    predictor = Predictor.load(small_run)
    first = list_patients(other_cohort, predictor).patients[:1]
    (answer,) = predict_each(first, predictor, 1)
    assert answer.prediction["provenance"]["model_digest"] == info["digest"]
    one = Predictor.load(small_run / "fold_1/model")
    assert one.digest != info["digest"]


def test_one_fold_has_no_figures_of_its_own(small_run):
    assert model_info(small_run / "fold_1/model")["performance"] is None


def test_a_file_that_was_changed_is_refused(small_run, tmp_path, capsys):
    run = shutil.copytree(small_run, tmp_path / "run")
    with (run / "fold_2/model/calibration.json").open("a") as file:
        file.write(" ")
    assert main(["info", str(run)]) == 2
    assert "calibration.json" in capsys.readouterr().err


def test_it_is_printed_for_people_and_for_programs(info, small_run, capsys):
    assert main(["info", str(small_run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(info))
    assert main(["info", str(small_run)]) == 0
    said = capsys.readouterr().out
    mae = info["performance"]["mae_logmar"]["value"]
    for words in ("no clinical validity", f"{mae:.3f} (95% CI", info["digest"], "horizontal"):
        assert words in said
    folders = [small_run / f"fold_{fold}/model" for fold in (1, 2)]
    n_files = sum(path.name != "provenance.json" for one in folders for path in one.iterdir())
    assert f"{n_files} files, each as it was" in said
    assert ctt_net.INTENDED_USE in said
