"""Keys that are known before torch is, and messages that say where a wrong one stands."""

import subprocess
import sys

import pytest

from ctt_net.errors import InputError
from ctt_net.training.config import TrainingConfig
from ctt_net.training.config_keys import check_arguments, cohort_folder, known_keys
from ctt_net.training.pretrain.run import PretrainConfig


@pytest.fixture
def base(tiny_network, tmp_path):
    return [*tiny_network, "--data.cohort", str(tmp_path / "nowhere")]


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "mine.yaml").write_text(text)
        return str(tmp_path / "mine.yaml")

    return write


def test_the_keys_read_from_the_source_are_those_of_the_parser(base, repository, tmp_path):
    synthetic = ["--config", str(repository / "configs/pretrain/synthetic.yaml")]
    for program, config in (
        ("train", TrainingConfig(base)),
        ("pretrain", PretrainConfig([*synthetic, "--data.cohort", str(tmp_path)])),
    ):
        keys = {action.dest for action in config.parser._actions} - {"help"}
        of_parser = {".".join(key.split(".")[:2]) for key in keys if "help" not in key.split(".")}
        assert of_parser <= known_keys(program)
        # Two are set by links, and sections are no actions of their own.
        linked = {"data.seed", "model.num_views", "model", "data", "trainer"}
        assert known_keys(program) - of_parser <= linked


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("--model.learningrate", "--model.learning_rate"),
        ("--learning_rate", "--model.learning_rate"),
        ("--data.precision", "--trainer.precision"),
        ("--trainer.max_epoch", "--trainer.max_epochs"),
        ("--epochs", "--trainer.max_epochs"),
        ("--modle.learning_rate", "--model.learning_rate"),
        ("--fold", "--folds"),
    ],
)
def test_a_wrong_flag_is_refused_with_the_likely_one(flag, meant):
    with pytest.raises(InputError, match=f"unknown key {flag}; did you mean .*{meant}"):
        check_arguments("train", [flag, "3"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train.yaml"], "'train.yaml' stands alone"),
        (["--folds"], "--folds needs a value"),
        (["--folds", "--out", "x"], "--folds needs a value"),
        (["--resume.now", "true"], "resume has no keys below it"),
    ],
)
def test_a_line_that_is_not_made_of_keys_and_values_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        check_arguments("train", arguments)


def test_a_wrong_key_of_a_file_is_named_with_the_file(file):
    path = file("trainer: {max_epoch: 3}\n")
    with pytest.raises(InputError, match=r"mine\.yaml: unknown key trainer\.max_epoch; did you"):
        check_arguments("train", ["--config", path])
    path = file("model: {start_from: x}\n")
    with pytest.raises(InputError, match=r"unknown key model\.start_from"):
        check_arguments("pretrain", ["--config", path])


def test_the_cohort_is_that_of_the_last_word(file):
    path = file("data: {cohort: in_file}\n")
    for arguments, folder in (
        (["--config", path], "in_file"),
        (["--config", path, "--data.cohort", "in_flag"], "in_flag"),
        (["--data.cohort=in_flag", "--config", path], "in_file"),
    ):
        assert cohort_folder("train", check_arguments("train", arguments)) == folder
    with pytest.raises(InputError, match=r"give --data\.cohort FOLDER"):
        cohort_folder("train", [("config", file("seed_everything: 1\n"))])
    with pytest.raises(InputError, match=r"--config configs/ctt_net\.yaml"):
        cohort_folder("train", [])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--model.fusion", "MeanFusionn"],
            "--model.fusion: no class 'MeanFusionn' fits here; did you mean MeanFusion?",
        ),
        (["--model.fusion", "torch.nn.Linear"], "known: ConcatFusion, CrossTokenFusion, "),
        (["--trainer.callbacks", "EarlyStoping"], "did you mean EarlyStopping?"),
        (
            ["--model.fusion.init_args.dimm", "8"],
            "--model.fusion.init_args.dimm: CrossTokenFusion has no option 'dimm'; did you mean",
        ),
        (
            ["--trainer.callbacks", "[{class_path: EarlyStopping, init_args: {monitr: x}}]"],
            "--trainer.callbacks: EarlyStopping has no option 'monitr'; did you mean monitor?",
        ),
        (["--data.preprocessing.hight", "8"], "did you mean data.preprocessing.height?"),
        (["--model.learning_rate", "fast"], "--model.learning_rate: must be a number, got 'fast'"),
        (["--folds", "x"], "--folds: must be a whole number, got 'x'"),
        (["--model.sharing", "al"], "must be one of all, backbone, none; got 'al'"),
        (["--trainer.precision", "bf61"], "must be one of auto, "),
    ],
)
def test_what_the_parser_refuses_names_flag_and_value(base, flags, message):
    with pytest.raises(InputError) as caught:
        TrainingConfig([*base, *flags])
    assert message in str(caught.value)
    assert "config:" not in str(caught.value)


def test_what_the_parser_refuses_in_a_file_names_the_file(base, file):
    path = file("model: {fusion: {class_path: MeanFusion, init_args: {depth: 3}}}\n")
    with pytest.raises(InputError, match=r"mine\.yaml: model\.fusion: MeanFusion has no option"):
        TrainingConfig([*base, "--config", path])


def test_help_and_what_is_wrong_before_a_training_need_no_torch(repository, tmp_path):
    code = f"""
import sys
from ctt_net.cli import main
config = ["--config", {str(repository / "configs/ctt_net.yaml")!r}]
assert main(["train", "--help"]) == main(["pretrain", "-h"]) == 0
assert main(["train"]) == 2
assert main(["train", *config, "--data.cohort", {str(tmp_path / "nowhere")!r}]) == 2
assert main(["train", *config, "--model.learningrate", "1"]) == 2
assert main(["pretrain", "--config", "absent.yaml"]) == 2
assert "torch" not in sys.modules and "pytorch_lightning" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first = done.stdout.split("usage: ctt-net pretrain")[0]
    assert first.index("examples:") < first.index("--folds")
    assert len(first.splitlines()) <= 45
