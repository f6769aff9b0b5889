"""A config names what is wrong with it before any data is touched."""

import pytest
import timm
import yaml

from ctt_net.errors import InputError
from ctt_net.training.config import TrainingConfig


@pytest.fixture
def base(tiny_network, tmp_path):
    # The cohort folder does not exist: whoever reads it would say so instead of naming the key.
    return [*tiny_network, "--data.cohort", str(tmp_path / "nowhere")]


def written(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("model: {learning_rte: 0.1}", "learning_rte"),
        ("modle: {learning_rate: 0.1}", "modle"),
        ("model: {learning_rate: fast}", "learning_rate"),
        ("data: {preprocessing: {hight: 64}}", "hight"),
        ("model: {fusion: NoFusion}", "NoFusion"),
        ("model: {fusion: {class_path: torch.nn.Linear}}", "torch.nn.Linear"),
        ("model: {fusion: {class_path: MeanFusion, init_args: {depth: 3}}}", "depth"),
        ("trainer: {max_epoch: 3}", "max_epoch"),
        ("data: {augmentation: {vertical_flip: 1}}", "vertical_flip"),
    ],
)
def test_a_wrong_key_or_value_is_named_in_a_line_or_two(base, tmp_path, text, named):
    with pytest.raises(InputError, match=named) as caught:
        TrainingConfig([*base, "--config", written(tmp_path, text)])
    assert len(str(caught.value)) < 600


def test_what_is_typed_is_what_is_meant(base, tmp_path):
    """YAML 1.1 reads 010 as eight, 0042 as 34 and 12:30 as 750."""
    text = "trainer: {max_epochs: 010}\nmodel: {learning_rate: 1e-3}\nout: 0042\n"
    config = TrainingConfig([*base, "--config", written(tmp_path, text)])
    assert config.config.trainer.max_epochs == 10
    assert config.config.model.learning_rate == 0.001
    assert str(config.out) == "0042"
    config = TrainingConfig([*base, "--trainer.max_epochs", "012", "--out", "12:30"])
    assert config.config.trainer.max_epochs == 12
    assert str(config.out) == "12:30"


def test_a_wrong_flag_is_named(base):
    with pytest.raises(InputError, match="learning_rte"):
        TrainingConfig([*base, "--model.learning_rte", "0.1"])


def test_a_key_given_twice_is_refused(base, tmp_path):
    path = written(tmp_path, "seed_everything: 1\nseed_everything: 2\n")
    with pytest.raises(InputError, match="twice"):
        TrainingConfig([*base, "--config", path])


def test_a_missing_config_file_is_named(base, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        TrainingConfig([*base, "--config", str(tmp_path / "absent.yaml")])


def test_a_value_out_of_range_names_its_key(base, tmp_path):
    text = "data: {augmentation: {rotate_deg: 180}}"
    config = TrainingConfig([*base, "--config", written(tmp_path, text)])
    with pytest.raises(InputError, match="rotate_deg"):
        config.build(1, tmp_path)


@pytest.mark.parametrize(("key", "value"), [("max_epochs", 0), ("devices", 10_000)])
def test_a_training_that_cannot_be_is_refused_before_it_begins(
    tiny_network, small_cohort, tmp_path, key, value
):
    given = [*tiny_network, "--data.cohort", str(small_cohort), f"--trainer.{key}={value}"]
    config = TrainingConfig([*given, "--trainer.accelerator=cpu"])
    with pytest.raises(InputError, match=f"trainer.{key}: "):
        config.build(1, tmp_path)


def test_a_training_takes_one_device_unless_told(base):
    assert TrainingConfig(base).config.trainer.devices == 1


@pytest.mark.parametrize("launcher", ["slurm", "ray"])
def test_a_machine_that_only_starts_jobs_needs_none_of_their_devices(
    tiny_network, small_cohort, tmp_path, launcher
):
    base = [*tiny_network, "--data.cohort", str(small_cohort)]
    asked = {"accelerator": "cuda", "devices": "16", "num_nodes": "2", "precision": "bf16-mixed"}
    keys = [f"--trainer.{key}={value}" for key, value in asked.items()]
    config = TrainingConfig([*base, f"--launcher={launcher}", *keys])
    config.build(1, tmp_path)
    kept = yaml.safe_load(config.resolved())["trainer"]
    assert {key: str(kept[key]) for key in asked} == asked
    with pytest.raises(InputError, match=r"trainer\.precision: auto would be that of this machine"):
        TrainingConfig([*base, f"--launcher={launcher}", "--trainer.precision=auto"])


def test_later_files_and_flags_override_earlier_ones(base, tmp_path):
    path = written(tmp_path, "model: {learning_rate: 0.5, weight_decay: 0.25}")
    config = TrainingConfig([*base, "--config", path, "--model.learning_rate", "0.125"])
    assert config.config.model.learning_rate == 0.125
    assert config.config.model.weight_decay == 0.25


def test_the_run_is_named_after_the_last_config_file(base, tmp_path):
    config = TrainingConfig([*base, "--config", written(tmp_path, "seed_everything: 3")])
    assert config.out.as_posix() == "runs/run"
    assert config.seed == 3


def test_the_width_of_the_fusion_reaches_the_head(base):
    config = TrainingConfig([*base, "--model.fusion.init_args.dim", "24"])
    assert config.config.model.head.init_args.dim == 24


def test_every_run_config_of_the_repository_parses(repository, tmp_path):
    files = sorted((repository / "configs").glob("*.yaml"))
    assert files
    for file in files:
        config = TrainingConfig(["--config", str(file), "--data.cohort", str(tmp_path)])
        assert config.config.trainer.accelerator == "auto"  # a GPU is used where there is one


def test_the_resolved_config_is_a_config(base, tmp_path):
    path = written(tmp_path, TrainingConfig([*base, "--data.batch_size", "7"]).resolved())
    assert TrainingConfig(["--config", path]).config.data.batch_size == 7


def test_scans_take_the_size_that_a_network_was_pretrained_with(repository, tmp_path):
    keys = [
        "--config", str(repository / "configs/ctt_net.yaml"),
        "--data.cohort", str(tmp_path / "nowhere"),
        "--model.backbone", "TimmBackbone",
        "--model.backbone.init_args.name", "test_resnet",
        "--model.backbone.init_args.weights", "none",
    ]  # fmt: skip
    own = timm.get_pretrained_cfg("test_resnet").input_size[1:]
    given = TrainingConfig(keys).config.data.preprocessing
    assert (given.height, given.width) != own
    taken = TrainingConfig([*keys, "--scan_size_of_backbone", "true"]).config.data.preprocessing
    assert (taken.height, taken.width) == own


def test_a_backbone_without_a_size_of_its_own_is_refused_by_name(base):
    with pytest.raises(InputError, match="SmallConvBackbone has no size of its own"):
        TrainingConfig([*base, "--scan_size_of_backbone", "true"])
