"""`recalibrate`: a model that knows its local patients, and whose intervals come from them."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from ctt_net.cli import main
from ctt_net.errors import InputError
from ctt_net.inference import recalibrate as recalibration
from ctt_net.inference.evaluate import evaluate_model
from ctt_net.inference.recalibrate import recalibrate
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import Provenance
from ctt_net.uncertainty.abstention_limits import UNSURE


@pytest.fixture(scope="module")
def local(small_run, other_cohort, tmp_path_factory):
    """The small run, recalibrated on twenty eyes, which is fewer than anybody should."""
    out = tmp_path_factory.mktemp("local") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recalibration, "MIN_PATIENTS", 5)
        return recalibrate(small_run, other_cohort, out)


def test_half_widths_are_the_quantile_of_local_scores_of_the_ensemble(
    local, small_run, other_cohort, tmp_path
):
    done = evaluate_model(local.out, other_cohort, tmp_path / "o", allow_training_eyes=True)
    table = pd.read_csv(tmp_path / "o/predictions.csv")
    (calibration,) = {id(one): one for one in Predictor.load(local.out).calibrations[:1]}.values()
    error = np.abs(table["predicted_logmar"] - table["postop_logmar"]) / table["scale_logmar"]
    scores = calibration.scores.all
    assert len(scores) == table["patient_id"].nunique() == local.n_patients
    assert np.isclose(np.sort(scores)[:, None], error.to_numpy(), rtol=1e-4).any(axis=1).all()
    n = len(scores)
    rank = int(np.ceil((n + 1) * 0.9))
    factor = np.sort(scores)[rank - 1] if rank <= n else 2 * scores.max()
    half = (table["upper_logmar"] - table["lower_logmar"]) / 2
    np.testing.assert_allclose(half / table["scale_logmar"], factor, rtol=1e-4)
    before = Predictor.load(small_run)
    assert before.calibrations[0].recovery == calibration.recovery  # too few events: as it was
    assert local.refitted == ()
    assert local.bias_logmar == pytest.approx(
        (table["predicted_logmar"] - table["postop_logmar"]).mean(), abs=1e-4
    )
    assert "it was calibrated on" in done.metrics["interval"]["guarantee"]


def test_its_patients_are_known_from_then_on(local, small_run, other_cohort, tmp_path):
    evaluate_model(small_run, other_cohort, tmp_path / "before")
    with pytest.raises(InputError, match="training or recalibration of this model"):
        evaluate_model(local.out, other_cohort, tmp_path / "after")
    for member in Predictor.load(local.out).members:
        assert member.provenance.recalibrated_on["n_patients"] == local.n_patients
        old = Provenance.read(small_run / member.folder.relative_to(local.out))
        assert set(old.patients) < set(member.provenance.patients)
        assert set(old.scans) < set(member.provenance.scans)


def test_the_limit_on_the_scale_moves_with_the_intervals_and_no_other(
    small_run, other_cohort, tmp_path, monkeypatch
):
    monkeypatch.setattr(recalibration, "MIN_PATIENTS", 5)
    run = shutil.copytree(small_run, tmp_path / "run")
    for file in run.glob("fold_*/model/abstention.json"):
        known = json.loads(file.read_text())
        limits = {"scale_limit_logmar": 0.11, "scale_limit_from": UNSURE}
        file.write_text(json.dumps({**known, **limits}))
        seal(file.parent)
    done = recalibrate(run, other_cohort, tmp_path / "local")
    width, flagged = [], []
    for name, model in (("before", run), ("after", done.out)):
        evaluate_model(model, other_cohort, tmp_path / name, allow_training_eyes=True)
        table = pd.read_csv(tmp_path / name / "predictions.csv", keep_default_na=False)
        width.append((table["upper_logmar"] - table["lower_logmar"]).to_numpy(float))
        flagged.append(table["flags"].str.contains("wide_interval").mean())
    assert (done.unsure_before, done.unsure) == pytest.approx(flagged)
    narrower = np.median(width[0] / width[1])
    assert abs(narrower - 1) > 0.02
    for member in Predictor.load(done.out).members:
        old = Member(run / member.folder.relative_to(done.out)).abstention
        assert member.abstention.scale_limit_logmar == pytest.approx(0.11 * narrower, rel=1e-3)
        assert member.abstention.distance_limits == old.distance_limits
        assert member.abstention.training_counts == old.training_counts


def test_the_networks_are_the_same_files(local, small_run):
    for name in ("model.onnx", "model.safetensors", "model.yaml", "baselines.json"):
        for fold in ("fold_1", "fold_2"):
            place = f"{fold}/model/{name}"
            assert (local.out / place).read_bytes() == (small_run / place).read_bytes()


def test_a_member_alone_does_not_answer_for_the_ensemble(local, small_run, tmp_path):
    with pytest.raises(InputError, match="one of 2, and 1 are here"):
        Predictor.load(local.out / "fold_1/model")
    mixed = shutil.copytree(local.out, tmp_path / "mixed")
    name = "fold_2/model/calibration.json"
    shutil.copy(small_run / name, mixed / name)
    seal((mixed / name).parent)
    with pytest.raises(InputError, match="recalibrate"):
        Predictor.load(mixed)


def test_few_patients_are_refused_with_the_reason(small_run, other_cohort, tmp_path, capsys):
    arguments = ["recalibrate", small_run, other_cohort, "--out", tmp_path / "new"]
    assert main([str(one) for one in arguments]) == 2
    said = capsys.readouterr().err
    assert "30 are the fewest" in said
    assert "left to chance" in said
    assert not (tmp_path / "new").exists()


def test_patients_of_the_training_are_refused(small_run, small_cohort, tmp_path, capsys):
    arguments = ["recalibrate", small_run, small_cohort, "--out", tmp_path / "new"]
    assert main([str(one) for one in arguments]) == 2
    assert "cannot recalibrate it" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_command_says_what_changed_and_what_did_not(
    small_run, other_cohort, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(recalibration, "MIN_PATIENTS", 5)
    one = small_run / "fold_1/model"
    arguments = ["recalibrate", one, other_cohort, "--out", tmp_path / "new"]
    assert main([str(argument) for argument in arguments]) == 0
    said = capsys.readouterr().out
    assert "not corrected" in said
    assert "abstention: " in said
    assert "none (too few events)" in said
    assert Member(tmp_path / "new").calibration.members == 1
    assert len(Predictor.load(tmp_path / "new").members) == 1


def test_a_device_the_training_did_not_have_is_said(small_run, other_cohort, tmp_path):
    cohort = shutil.copytree(other_cohort, tmp_path / "cohort")
    path = cohort / "manifest.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    seen = table["device"].iloc[0]
    table["device"] = [seen.upper(), *["Unheard-of 3000"] * (len(table) - 1)]
    table.to_csv(path, index=False)
    evaluate_model(small_run, cohort, tmp_path / "out")
    warnings = json.loads((tmp_path / "out/metrics.json").read_text())["warnings"]
    (said,) = (text for text in warnings if "trained on no eye of device" in text)
    assert f"'Unheard-of 3000' ({len(table) - 1} eyes)" in said
    assert seen.upper() not in said
    origins = (small_run / "fold_1/model/provenance.json").read_text()
    assert seen not in origins
