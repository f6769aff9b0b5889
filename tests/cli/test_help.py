"""Every command has the same form of help, and refuses what is wrong before long imports."""

import subprocess
import sys

import pytest

from ctt_net import INTENDED_USE
from ctt_net.cli import main
from ctt_net.cli.main import COMMANDS

NAMES = [command.__name__.rsplit(".", 1)[-1].replace("_", "-") for command in COMMANDS]
HOME_MADE = ("doctor", "door", "look", "cure", "dealt", "rival")


@pytest.mark.parametrize("name", NAMES)
def test_help_gives_purpose_examples_options_and_the_intended_use(name, capsys):
    try:
        code = main([name, "--help"])
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr().out
    assert code == 0
    usage, purpose, examples = said.split("\n\n")[:3]
    assert usage.startswith(f"usage: ctt-net {name}")
    assert purpose.endswith(".")
    assert examples.startswith("examples:\n  ctt-net ")
    assert INTENDED_USE in " ".join(said.split())
    assert not [word for word in HOME_MADE if word in said.split()]
    assert len(said.splitlines()) < 70


def test_a_wrong_path_or_flag_is_refused_without_torch(repository, tmp_path):
    code = """
import sys
from ctt_net.cli import main
for line in (
    ["check", "no"], ["evaluate", "no", "no", "--out", "out"], ["report", "no", "--out", "out"],
    ["compare", "no", "no"], ["audit", "no", "no", "--out", "out"], ["bundle", "no", "out"],
    ["recalibrate", "no", "no", "--out", "out"], ["plan", "--from", "no"], ["convert", "no", "out"],
    ["predict", "no", "--model", "no", "--out", "out"], ["deidentify", "no", "out", "--key", "k"],
    ["prepare", "no.yaml", "out"], ["simulate", "out", "--eyes", "1"],
    ["train", "--config", "no"], ["pretrain", "--config", "no"], ["measure", "no", "--out", "out"],
    ["explain", "no", "--model", "no", "--out", "out"],
    ["explain", "no", "--model", "no", "--out", "out", "--method", "gradient"],
    ["serve", "no"],
):
    assert main(line) == 2, line
    try:
        assert main([*line, "--no-such-flag"]) == 2, line
    except SystemExit as end:
        assert end.code == 2, line
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(repository)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
