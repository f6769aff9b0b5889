"""From simulated eyes to a folder, and from that folder to a model."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from ctt_net.errors import InputError
from ctt_net.model_folder.provenance import Provenance
from ctt_net.training.config import TrainingConfig
from ctt_net.training.pretrain.module import TruthTable
from ctt_net.training.pretrain.run import PretrainConfig, pretrain
from ctt_net.training.run import train

pytestmark = pytest.mark.usefixtures("traced_once")


# Of the default config and of its pretraining alike.
TINY = [
    "--data.preprocessing.height", "64", "--data.preprocessing.width", "96",
    "--data.preprocessing.crop", "retina", "--data.batch_size", "8",
    "--data.val_fraction", "0.33",
    "--model.backbone", "SmallConvBackbone", "--model.backbone.init_args.widths", "[4,8,8]",
    "--model.covariates", "null", "--model.fusion.init_args.dim", "16",
    "--model.fusion.init_args.depth", "1", "--model.fusion.init_args.exchanges", "1",
    "--trainer.max_epochs", "1",
    "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false",
]  # fmt: skip


@pytest.fixture(scope="module")
def tiny_pretraining(repository):
    return ["--config", str(repository / "configs/pretrain/synthetic.yaml"), *TINY]


@pytest.fixture(scope="module")
def tiny_training(repository):
    return ["--config", str(repository / "configs/ctt_net.yaml"), *TINY]


@pytest.fixture(scope="module")
def pretrained(other_cohort, tiny_pretraining, made_once):
    """A pretraining of one epoch on twenty eyes; read-only for tests."""

    def make(out):
        pretrain([*tiny_pretraining, "--data.cohort", str(other_cohort), "--out", str(out)])

    return made_once("small_pretraining", make)


@pytest.mark.slow
def test_steps_on_one_batch_lower_every_part_of_the_loss(other_cohort, tiny_pretraining, tmp_path):
    config = PretrainConfig([*tiny_pretraining, "--data.cohort", str(other_cohort)])
    module, data, _ = config.instantiate(config.config.clone(), tmp_path, "pretrained")
    truth = TruthTable(data.targets_of("train"))
    batch = next(iter(data.train_dataloader()))
    optimizer = torch.optim.Adam(module.network.parameters(), lr=5e-3)
    parts = []
    for _ in range(15):
        found = module.read(batch)
        parts.append(module.loss(found, truth(batch.position), batch.view_present))
        optimizer.zero_grad()
        parts[-1].total.backward()
        optimizer.step()
    for name in parts[0]._fields:
        assert getattr(parts[-1], name) < getattr(parts[0], name), name
    assert all(parameter.grad is not None for parameter in module.network.parameters())


@pytest.mark.slow
def test_the_folder_holds_weights_figures_and_their_story(pretrained, other_cohort):
    names = {path.name for path in pretrained.iterdir()}
    assert names == {
        "checkpoints", "config.yaml", "metrics.csv", "metrics.json", "pretrained.safetensors",
        "pretrained.yaml", "train.log",
    }  # fmt: skip
    spec = yaml.safe_load((pretrained / "pretrained.yaml").read_text())
    assert spec["synthetic"] is True
    assert spec["preprocessing"] == {"height": 64, "width": 96, "crop": "retina"}
    assert list(spec["views"]) == ["horizontal", "vertical"]
    assert spec["architecture"]["backbone"]["init_args"]["widths"] == [4, 8, 8]
    assert "Research use only" in spec["intended_use"]
    assert str(other_cohort) not in (pretrained / "pretrained.yaml").read_text()
    weights = load_file(pretrained / "pretrained.safetensors")
    assert not any(name.startswith("head.") for name in weights)
    metrics = json.loads((pretrained / "metrics.json").read_text())
    assert set(metrics["views"]) == {"horizontal", "vertical"}
    assert metrics["potential"]["mae"] > 0
    assert metrics["n_eyes"] + spec["trained_on"]["eyes"] == 20


def test_what_is_reported_is_what_the_best_epoch_reached(pretrained):
    log = pd.read_csv(pretrained / "metrics.csv")
    best = log["val/potential_mae"].min()
    metrics = json.loads((pretrained / "metrics.json").read_text())
    assert metrics["potential"]["mae"] == pytest.approx(best, abs=1e-5)
    assert "val/cost_erm_mae" in log


@pytest.mark.slow
def test_a_training_starts_from_it_and_leaves_a_model(
    pretrained, other_cohort, tiny_training, tmp_path, capsys
):
    run = tmp_path / "run"
    keys = ["--data.cohort", str(other_cohort), "--folds", "1", "--out", str(run)]
    keys += ["--model.start_from", str(pretrained)]
    keys += ["--model.learning_rate", "1e-12"]  # so that what was taken is still there afterwards
    train([*tiny_training, *keys])
    said = " ".join(capsys.readouterr().err.split())
    assert "view embeddings, place embeddings, fusion; anew: head" in said
    theirs = load_file(pretrained / "pretrained.safetensors")
    ours = load_file(run / "fold_1/model/model.safetensors")
    parts = ("backbone.", "project.", "view_embedding", "place_embedding", "fusion.")
    moving = ("running_mean", "running_var", "num_batches_tracked")
    learned = [name for name in theirs if name.startswith(parts) and not name.endswith(moving)]
    for name in learned:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=1e-9)
    facts = Provenance.read(run / "fold_1/model").started_from
    assert facts is not None
    assert facts["kind"] == "pretraining on simulated eyes"
    model = (run / "fold_1/model/model.yaml").read_text()
    assert "start_from" not in model
    assert str(pretrained) not in model + (run / "fold_1/model/provenance.json").read_text()
    assert yaml.safe_load((run / "config.yaml").read_text())["model"]["start_from"] == str(
        pretrained
    )
    later = tmp_path / "later"
    keys = ["--data.cohort", str(other_cohort), "--folds", "2", "--out", str(later)]
    with pytest.raises(InputError, match=r"was trained on \d+ of .* fold 2"):
        train([*tiny_training, *keys, "--model.start_from", str(run / "fold_1/model")])
    assert not later.exists()


def test_a_misfit_is_refused_before_a_scan_is_read(
    pretrained, other_cohort, tiny_training, tmp_path
):
    cohort = shutil.copytree(other_cohort, tmp_path / "cohort")
    for scan in (cohort / "images").iterdir():
        scan.write_bytes(b"")
    keys = ["--data.cohort", str(cohort), "--out", str(tmp_path / "run")]
    keys += ["--model.start_from", str(pretrained)]
    with pytest.raises(InputError, match=r"data\.preprocessing\.width \(96 there, 64 here\)"):
        train([*tiny_training, *keys, "--data.preprocessing.width", "64"])
    with pytest.raises(InputError, match=r"model\.backbone"):
        train([*tiny_training, *keys, "--model.backbone.init_args.widths", "[4,8,16]"])
    assert not (tmp_path / "run").exists()


def test_a_folder_is_never_overwritten_and_a_finished_one_is_left(
    pretrained, other_cohort, tiny_pretraining
):
    keys = [*tiny_pretraining, "--data.cohort", str(other_cohort), "--out", str(pretrained)]
    with pytest.raises(InputError, match="holds a run already"):
        pretrain(keys)
    written = (pretrained / "pretrained.safetensors").stat().st_mtime_ns
    figures = pretrain([*keys, "--resume", "true"]).figures
    assert figures == yaml.safe_load((pretrained / "pretrained.yaml").read_text())["figures"]
    assert (pretrained / "pretrained.safetensors").stat().st_mtime_ns == written


def test_eyes_of_split_val_choose_the_epoch(other_cohort, tiny_pretraining, tmp_path):
    cohort = shutil.copytree(other_cohort, tmp_path / "cohort")
    (cohort / "folds.csv").unlink()
    manifest = pd.read_csv(cohort / "manifest.csv", dtype=str, keep_default_na=False)
    patients = sorted(manifest["patient_id"].unique())[:5]
    manifest["split"] = manifest["patient_id"].isin(patients).map({True: "val", False: ""})
    manifest.to_csv(cohort / "manifest.csv", index=False)
    config = PretrainConfig([*tiny_pretraining, "--data.cohort", str(cohort)])
    _, data, _ = config.instantiate(config.config.clone(), tmp_path / "out", "out")
    assert set(data.part("val")["patient_id"]) == set(patients)
    assert len(data.part("train")) + len(data.part("val")) == len(manifest)
    truth = data.targets.potential[data.cohort.table["split"] == "val"]
    assert data.targets_of("val").potential.tolist() == truth.tolist()


@pytest.mark.slow
def test_a_pretraining_that_diverges_says_what_to_change(other_cohort, tiny_pretraining, tmp_path):
    keys = ["--data.cohort", str(other_cohort), "--out", str(tmp_path / "out")]
    with pytest.raises(InputError, match=r"loss is nan .* lower model\.learning_rate"):
        pretrain([*tiny_pretraining, *keys, "--model.learning_rate", "1e30"])


def test_real_eyes_leave_no_folder(other_cohort, tiny_pretraining, tmp_path):
    cohort = shutil.copytree(other_cohort, tmp_path / "cohort")
    (cohort / "truth.csv").unlink()
    keys = ["--data.cohort", str(cohort), "--out", str(tmp_path / "out")]
    with pytest.raises(InputError, match=r"truth\.csv"):
        pretrain([*tiny_pretraining, *keys])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("pretraining", "training"),
    [("synthetic", "ctt_net"), ("synthetic_imagenet", "ctt_net_pretrained")],
)
def test_the_configs_of_pretraining_training_and_fine_tuning_agree(
    repository, tmp_path, pretraining, training
):
    folder = ["--data.cohort", str(tmp_path)]
    before = PretrainConfig(
        ["--config", str(repository / f"configs/pretrain/{pretraining}.yaml"), *folder]
    ).config
    after = TrainingConfig(
        ["--config", str(repository / f"configs/{training}.yaml"),
         "--config", str(repository / "configs/finetune/synthetic.yaml"), *folder]
    ).config  # fmt: skip
    assert before.data.preprocessing == after.data.preprocessing
    for part in ("backbone", "fusion", "covariates", "sharing", "place_embeddings"):
        assert before.model[part] == after.model[part], part
    assert after.model.start_from == "weights/synthetic"
    assert Path(str(after.config[-1])).name == "synthetic.yaml"


@pytest.mark.slow
def test_any_timm_network_learns_from_simulated_eyes(other_cohort, tiny_pretraining, tmp_path):
    place = tiny_pretraining.index("--model.backbone")
    keys = [*tiny_pretraining[:place], *tiny_pretraining[place + 4 :]]
    keys += ["--model.backbone", "TimmBackbone", "--model.backbone.init_args.name", "test_resnet"]
    keys += ["--data.cohort", str(other_cohort), "--out", str(tmp_path / "out")]
    pretrain([*keys, "--trainer.limit_train_batches", "1"])
    weights = load_file(tmp_path / "out/pretrained.safetensors")
    assert any(name.startswith("backbone.0.network.") for name in weights)
