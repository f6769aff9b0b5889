"""The model that comes with ctt-net, and the first minute with it."""

import json
import re

import pytest

import ctt_net
from ctt_net.cli import main
from ctt_net.model_folder.pretrained import resolve_model

pytestmark = pytest.mark.slow


def test_the_first_minute(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "patient", "--patient"]) == 0
    truth = [float(one) for one in re.findall(r"\((-?\d\.\d\d) logMAR\)", capsys.readouterr().out)]
    assert main(["predict", "patient", "--model", "simulated", "--out", "out"]) == 0
    prediction = json.loads((tmp_path / "out/prediction.json").read_text())
    assert prediction["model"]["synthetic"] is True
    assert len(prediction["eyes"]) == len(truth) == 2
    for eye, true in zip(prediction["eyes"], truth, strict=True):
        assert not eye["abstain"]
        assert "train_test_overlap" not in eye["flags"]
        assert abs(eye["postop"]["logmar"] - true) < 0.2
    page = (tmp_path / "out/report.html").read_text()
    assert "simulated" in page.lower()
    assert ctt_net.INTENDED_USE in page


def test_a_folder_of_that_name_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_model("simulated").is_absolute()
    (tmp_path / "simulated").mkdir()
    assert not resolve_model("simulated").is_absolute()


def test_it_is_small_and_its_card_says_what_it_is():
    folder = resolve_model("simulated")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 5e6
    card = (folder / "README.md").read_text()
    info = ctt_net.load_model("simulated").info()
    mae = info["performance"]["mae_logmar"]["value"]
    for words in ("no clinical validity", "--seed 0", "ctt-net simulate", f"{mae:.3f}"):
        assert words in card
    assert info["digests_verified"]


@pytest.mark.parametrize("option", [["--eyes", "9"], ["--extras"], ["--device", "topcon_like"]])
def test_one_patient_takes_no_option_of_a_cohort(tmp_path, capsys, option):
    assert main(["simulate", str(tmp_path / "p"), "--patient", *option]) == 2
    assert option[0] in capsys.readouterr().err
    assert not (tmp_path / "p").exists()
