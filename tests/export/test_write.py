"""What a bundle holds, what it must not hold, and what is refused."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from ctt_net import INTENDED_USE
from ctt_net.cli import main
from ctt_net.errors import InputError
from ctt_net.export.monai_bundle.metadata import printable
from ctt_net.export.monai_bundle.run import load_predictor
from ctt_net.export.monai_bundle.write import write_bundle
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.predictor import Predictor


def test_the_command_writes_what_the_format_asks_for(small_run, tmp_path, capsys):
    out = tmp_path / "bundle"
    assert main(["bundle", str(small_run / "fold_1/model"), str(out)]) == 0
    assert "Research use only" in capsys.readouterr().out
    required = ("configs/metadata.json", "configs/inference.json", "configs/logging.conf")
    for name in (*required, "models/model.pt", "docs/README.md", "LICENSE"):
        assert (out / name).is_file()
    assert len(load_predictor(out).members) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert main(["bundle", str(small_run), str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_weights_are_tensors_and_nothing_else(bundle):
    state = torch.load(bundle / "models/model.pt", weights_only=True)
    assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())
    assert {name.split(".")[1] for name in state} == {"0", "1"}


def test_nobody_and_no_machine_is_named(bundle, small_run, small_cohort, repository):
    patients = pd.read_csv(small_cohort / "manifest.csv", dtype=str)["patient_id"].unique()
    predictor = Predictor.load(small_run)
    secrets = [str(repository), str(small_run), str(small_cohort), *patients]
    for member in predictor.members:
        origin = member.provenance
        secrets += [origin.salt, *origin.patients, *origin.scans]
    assert len(secrets) > 100
    for path in (path for path in bundle.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], path


def test_the_card_and_the_metadata_say_what_is_known_and_what_is_not(bundle, small_run):
    card = (bundle / "docs/README.md").read_text()
    metadata = json.loads((bundle / "configs/metadata.json").read_text())
    for text in (card, metadata["intended_use"]):
        assert INTENDED_USE in text
    assert "simulated eyes" in card
    assert "author to complete" in card.lower()
    assert metadata["authors"] == metadata["copyright"] == "author to complete"
    measured = json.loads((small_run / "metrics.json").read_text())["regression"]["mae"]["value"]
    assert metadata["eval_metrics"]["out_of_fold_mae_logmar"] == measured
    assert f"{measured:.3f} logMAR" in card
    for member in Predictor.load(small_run).members:
        assert f"{member.provenance.n_train} eyes for training" in card
        assert f"rests on {member.calibration.n_patients} patients of neither" in card
    assert "The intervals are set to cover about 90% of the eyes of patients like those of" in card


def test_scans_of_the_training_are_known_where_their_fingerprints_go_along(
    small_run, small_cohort, tmp_path, bundle
):
    one = small_run / "fold_1/model"
    write_bundle(one, tmp_path / "with", scan_fingerprints=True)
    original = Predictor.load(one).members
    members = load_predictor(tmp_path / "with").members
    for ours, theirs in zip(members, original, strict=True):
        assert ours.provenance.scans == theirs.provenance.scans
        assert ours.provenance.salt == theirs.provenance.salt
        assert ours.provenance.patients == ()
    assert all(not member.provenance.scans for member in load_predictor(bundle).members)


@pytest.mark.parametrize("given", ["nothing", "half a run"])
def test_without_a_whole_model_nothing_is_written(small_run, tmp_path, given):
    model = tmp_path / "model"
    if given == "half a run":
        shutil.copytree(small_run / "fold_1/model", model)
        (model / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no model here|model\.safetensors: no such file"):
        write_bundle(model, tmp_path / "bundle")
    assert {path.name for path in tmp_path.iterdir()} <= {"model"}


def test_two_networks_in_one_model_folder_are_refused(small_run, tmp_path):
    model = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    shutil.copy(small_run / "fold_2/model/model.safetensors", model)
    seal(model)
    with pytest.raises(InputError, match="differ by"):
        write_bundle(model, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_weights_that_were_changed_are_refused(bundle, tmp_path):
    changed = shutil.copytree(bundle, tmp_path / "bundle")
    path = changed / "models/model.pt"
    state = torch.load(path, weights_only=True)
    torch.save({name: 1.3 * tensor for name, tensor in state.items()}, path)
    with pytest.raises(InputError, match=r"model\.pt: is not the file"):
        load_predictor(changed)


def test_damaged_metrics_are_named(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    (run / "metrics.json").write_text('{"n_eyes": 3}')
    with pytest.raises(InputError, match=r"metrics\.json: damaged"):
        write_bundle(run, tmp_path / "bundle")


@pytest.mark.parametrize(
    "name",
    ["$__import__('os').abort()", "%/etc/passwd", "@bundle_root", "a::b#c", "<script>", "a\n| b"],
)
def test_names_lose_what_a_configuration_or_a_page_would_obey(name):
    assert not set(printable(name)) & set("$%@#<>|\n\"'`[]&")
    assert "::" not in printable(name)


def test_ordinary_names_stay():
    for name in ("horizontal", "reaches_0.30", "Zürich 2024", "水平", "B-scan (0 deg)"):
        assert printable(name) == name


def test_absent_views_are_not_looked_at(bundle, small_run):
    rng = np.random.default_rng(0)
    spec = Predictor.load(small_run).spec
    shape = (4, len(spec.views), spec.preprocessing.height, spec.preprocessing.width)
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    present = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
    preop = np.array([0.3, 0.5, np.nan, np.nan])
    expected = Predictor.load(small_run).predict(pixels, present, preop)
    changed = np.where(present[:, :, None, None], pixels, 255 - pixels)
    found = load_predictor(bundle).predict(changed, present, preop)
    for name in ("postop_logmar", "lower_logmar", "upper_logmar", "p_recovery"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-6)


def test_the_limits_of_abstention_go_along(bundle, small_run):
    for number in (1, 2):
        for name in ("abstention.json", "reference_embeddings.safetensors"):
            theirs = (small_run / f"fold_{number}/model" / name).read_bytes()
            assert (bundle / f"models/member_{number}" / name).read_bytes() == theirs
