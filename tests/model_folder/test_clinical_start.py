"""A run whose predictions start from a clinical one: in every command the same numbers."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from ctt_net.acuity import in_notation
from ctt_net.baselines.clinical_start import ClinicalStart
from ctt_net.cohort import read_cohort
from ctt_net.data.scans import load_scans
from ctt_net.errors import InputError
from ctt_net.export.monai_bundle.run import load_predictor
from ctt_net.export.monai_bundle.write import write_bundle
from ctt_net.inference import recalibrate as recalibration
from ctt_net.inference.evaluate import evaluate_model
from ctt_net.inference.predict import predict_patient
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.predictor import Predictor

WEIGHTS = (0.0, 0.6)


@pytest.fixture(scope="module")
def start(small_cohort, small_run):
    spec = Predictor.load(small_run).spec
    cohort = read_cohort(small_cohort)
    known = cohort.table[cohort.table["postop_logmar"].notna()]
    return ClinicalStart.fit(known, cohort.spec, spec.covariates)[0]


@pytest.fixture(scope="module")
def with_start(small_run, start, tmp_path_factory):
    """The small run with a clinical start of some image weights."""

    def make(*weights):
        run = shutil.copytree(small_run, tmp_path_factory.mktemp("clinical") / "run")
        for fold, weight in enumerate(weights, start=1):
            place = run / f"fold_{fold}/model"
            replace(start, image_weight=weight, n_eyes=30).write(place)
            seal(place)
        return run

    return make


@pytest.fixture(scope="module")
def run(with_start):
    return with_start(*WEIGHTS)


@pytest.fixture(scope="module")
def cohort(other_cohort):
    return read_cohort(other_cohort)


@pytest.fixture(scope="module")
def seen(cohort, small_run):
    scans = load_scans(cohort, Predictor.load(small_run).spec.preprocessing)
    return cohort.table, scans


def predicted(run, seen):
    predictor = Predictor.load(run)
    return predictor.estimate(predictor.outputs(*seen), seen[0])


def test_weight_1_is_the_network_and_weight_0_the_clinical_prediction(
    with_start, small_run, start, seen
):
    whole, raw = predicted(with_start(1.0, 1.0), seen), predicted(small_run, seen)
    for name in ("postop_logmar", "lower_logmar", "upper_logmar", "p_recovery"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(raw, name))
    none = predicted(with_start(0.0, 0.0), seen)
    # The network takes covariates in single precision.
    np.testing.assert_allclose(none.postop_logmar, start.predict(seen[0]), rtol=1e-6)


def test_an_ensemble_is_the_mean_of_what_each_member_moves(run, small_run, start, seen):
    network = [one.postop_logmar for one in Predictor.load(small_run).outputs(*seen)]
    clinical = start.predict(seen[0])
    moved = [clinical + w * (one - clinical) for w, one in zip(WEIGHTS, network, strict=True)]
    np.testing.assert_allclose(predicted(run, seen).postop_logmar, np.mean(moved, axis=0), 1e-6)
    assert Predictor.load(run).image_weights == list(WEIGHTS)
    assert Predictor.load(small_run).image_weights == []


def test_unknown_acuity_and_covariates_are_predicted(run, seen):
    table = seen[0].drop(columns=["age_years", "sex"]).assign(preop_logmar=np.nan)
    found = predicted(run, (table, seen[1]))
    assert np.isfinite(found.postop_logmar).all()
    assert (found.lower_logmar < found.upper_logmar).all()
    names = [outcome.name for outcome in Predictor.load(run).spec.outcomes]
    assert np.isnan(found.p_recovery[:, names.index("gains_0.20")]).all()
    assert np.isfinite(found.p_recovery[:, names.index("reaches_0.30")]).all()


def test_an_evaluation_shows_the_clinical_prediction_and_the_image_weight(run, cohort, tmp_path):
    done = evaluate_model(run, cohort, tmp_path / "out", allow_training_eyes=True)
    assert done.metrics["image_weight"] == {"mean": 0.3, "of_networks": list(WEIGHTS)}
    assert list(done.baselines)[-1] == "stack"
    assert "stack" in done.metrics["versus"]
    page = (tmp_path / "out/report.html").read_text()
    assert "Influence of the images" in page
    assert "30% (0% to 60% by network)" in page


def test_a_patient_is_told_how_much_the_images_say(run, small_run, cohort, tmp_path):
    row = cohort.table.iloc[0]
    folder = tmp_path / "patient"
    folder.mkdir()
    for view in ("horizontal", "vertical"):
        if row[view]:
            shutil.copy(cohort.root / row[view], folder / f"{row['laterality']}_{view}.png")
    given = (f"{row['laterality']}=20/60",)
    told = predict_patient(folder, run, tmp_path / "out", given)
    assert told.prediction["model"]["image_weight"] == 0.3
    clinical = told.prediction["eyes"][0]["baselines"]["stack"]
    page = told.report_path.read_text()
    assert "The scans move a prediction 30% of the way" in page
    line = in_notation(clinical, "snellen_feet")
    assert f"<dt>Clinical prediction that the model starts from</dt><dd>{line}</dd>" in page
    before = predict_patient(folder, small_run, tmp_path / "before", given)
    assert before.prediction["model"]["image_weight"] is None
    assert "The scans move a prediction" not in before.report_path.read_text()


def test_a_recalibrated_model_starts_from_the_same(run, other_cohort, seen, tmp_path, monkeypatch):
    monkeypatch.setattr(recalibration, "MIN_PATIENTS", 5)
    local = recalibration.recalibrate(run, other_cohort, tmp_path / "local").out
    assert Predictor.load(local).image_weights == list(WEIGHTS)
    np.testing.assert_array_equal(
        predicted(local, seen).postop_logmar, predicted(run, seen).postop_logmar
    )


def test_a_bundle_predicts_what_the_model_predicts(run, seen, tmp_path):
    write_bundle(run, tmp_path / "bundle")
    bundled = load_predictor(tmp_path / "bundle")
    found = bundled.estimate(bundled.outputs(*seen), seen[0])
    expected = predicted(run, seen)
    for name in ("postop_logmar", "lower_logmar", "upper_logmar", "p_recovery"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5)
    card = (tmp_path / "bundle/docs/README.md").read_text()
    assert "Influence of the images: 30% (0% to 60% by network)" in card


@pytest.mark.parametrize("what", ["taken away", "changed", "added"])
def test_a_start_that_is_not_the_folders_own_is_refused(run, small_run, tmp_path, what):
    folder = shutil.copytree(
        (small_run if what == "added" else run) / "fold_2/model", tmp_path / "m"
    )
    file = folder / "clinical_start.json"
    if what == "taken away":
        file.unlink()
    else:
        told = json.loads((run / "fold_2/model" / file.name).read_text())
        file.write_text(json.dumps({**told, "image_weight": 0.9}))
    with pytest.raises(InputError, match=r"clinical_start\.json"):
        Predictor.load(folder)
