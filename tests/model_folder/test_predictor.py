"""Model folders: ensembles, damage and what is refused."""

import shutil

import numpy as np
import pytest

from ctt_net.errors import InputError
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.predictor import Predictor


@pytest.fixture
def folder(small_run, tmp_path):
    return shutil.copytree(small_run / "fold_1/model", tmp_path / "model")


def eyes():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 2, 64, 96), dtype=np.uint8)
    present = np.array([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1]], dtype=bool)
    return pixels, present, np.array([0.3, 0.5, np.nan, np.nan, 1.9])


def test_a_run_says_what_its_folds_say_together(small_run):
    whole = Predictor.load(small_run).predict(*eyes())
    parts = [Predictor.load(small_run / f"fold_{k}/model").predict(*eyes()) for k in (1, 2)]
    for name in ("postop_logmar", "scale_logmar"):
        mean = np.mean([getattr(part, name) for part in parts], axis=0)
        np.testing.assert_allclose(getattr(whole, name), mean)
    odds = np.log([part.p_recovery / (1 - part.p_recovery) for part in parts]).mean(axis=0)
    np.testing.assert_allclose(whole.p_recovery, 1 / (1 + np.exp(-odds)), rtol=1e-6)


def test_what_is_absent_has_no_influence(small_run):
    predictor = Predictor.load(small_run)
    pixels, present, preop = eyes()
    first = predictor.predict(pixels, present, preop)
    changed = np.where(present[:, :, None, None], pixels, 255 - pixels)
    second = predictor.predict(changed, present, preop)
    np.testing.assert_array_equal(first.postop_logmar, second.postop_logmar)
    assert np.isfinite(first.postop_logmar).all()
    assert (first.lower_logmar < first.upper_logmar).all()


def test_a_gain_needs_a_known_acuity_before(small_run):
    predictor = Predictor.load(small_run)
    p = predictor.predict(*eyes()).p_recovery
    names = [outcome.name for outcome in predictor.spec.outcomes]
    unknown = np.isnan(eyes()[2])
    assert np.isnan(p[unknown, names.index("gains_0.20")]).all()
    assert np.isfinite(p[:, names.index("reaches_0.30")]).all()


def test_no_eyes_give_no_predictions(small_run):
    pixels, present, preop = (array[:0] for array in eyes())
    assert len(Predictor.load(small_run).predict(pixels, present, preop).postop_logmar) == 0


def test_predictions_do_not_depend_on_the_company(small_run):
    predictor = Predictor.load(small_run)
    pixels, present, preop = eyes()
    together = predictor.predict(pixels, present, preop).postop_logmar
    alone = [
        predictor.predict(pixels[i : i + 1], present[i : i + 1], preop[i : i + 1]).postop_logmar[0]
        for i in range(5)
    ]
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["model.onnx", "model.yaml", "calibration.json", "provenance.json"]
)
def test_a_missing_or_damaged_file_is_named(folder, name):
    (folder / name).write_bytes(b"\x00garbage")
    with pytest.raises(InputError, match=name):
        Predictor.load(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match="no model here" if name == "model.yaml" else name):
        Predictor.load(folder)


def test_a_network_that_opens_in_the_background_is_refused_at_its_first_use(folder):
    (folder / "model.onnx").write_bytes(b"\x00garbage")
    seal(folder)
    with pytest.raises(InputError, match=r"model\.onnx"):
        Predictor.load(folder)
    predictor = Predictor.load(folder, wait=False)
    with pytest.raises(InputError, match=r"model\.onnx"):
        predictor.predict(*eyes())


def test_a_folder_without_a_model_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match="run folder"):
        Predictor.load(tmp_path)


def test_folds_of_different_shape_are_no_ensemble(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    path = run / "fold_2/model/model.yaml"
    path.write_text(path.read_text().replace("crop: flat", "crop: none"))
    seal(path.parent)
    with pytest.raises(InputError, match="no ensemble"):
        Predictor.load(run)


def test_a_copy_kept_beside_a_fold_does_not_vote(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    for name in ("fold_1_backup", "fold_old"):
        shutil.copytree(run / "fold_1", run / name)
    assert len(Predictor.load(run).members) == 2


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("model.yaml", "height: 64", "height: 60"),
        ("model.yaml", "- name: gains_0.20\n  kind: gain\n  threshold_logmar: 0.2\n", ""),
        ("model.yaml", "off_chart_policy: bach", "off_chart_policy: mine"),
        ("calibration.json", '"level": 0', '"level": 1'),
        ("calibration.json", '"members": 1', '"members": 2'),
        ("calibration.json", '"slope": ', '"slope": -'),
        ("calibration.json", '"version": 2', '"version": 1'),
        ("provenance.json", '"salt": "', '"salt": "xyz'),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(folder, name, old, new):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    if name != "provenance.json":
        seal(folder)
    with pytest.raises(InputError, match=str(folder)):
        Predictor.load(folder)


def test_a_fold_that_was_deleted_is_missed(small_run, tmp_path, caplog):
    run = shutil.copytree(small_run, tmp_path / "run")
    Predictor.load(run)
    assert not caplog.records
    shutil.rmtree(run / "fold_2")
    Predictor.load(run)
    assert caplog.messages == [
        f"{run}: fold_2 of its predictions.csv missing: the ensemble is of 1, not 2"
    ]
    (run / "predictions.csv").unlink()
    assert len(Predictor.load(run).members) == 1
