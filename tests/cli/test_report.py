"""`ctt-net report` and `compare`, and the gallery of `evaluate`: written and refused."""

import re

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup

from ctt_net import INTENDED_USE
from ctt_net.cli import main
from ctt_net.cohort.predictions import write_predictions


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """The drawing of figures is tested in their own tests."""

    def stub(draw, name, description, height, **_):
        return Markup("<svg></svg>"), b""

    monkeypatch.setattr("ctt_net.report.drawing.svg_and_png", stub)


@pytest.fixture
def evaluated(small_cohort, tmp_path):
    """Evaluations of one cohort by tables that err a little, and more; the first has a gallery."""
    table = pd.read_csv(small_cohort / "manifest.csv", dtype={"eye_id": str, "patient_id": str})
    names = ["eye_id", "patient_id", "preop_logmar", "postop_logmar"]
    folders = []
    for noise, extra in ((0.05, ["--gallery"]), (0.2, [])):
        predicted = table["postop_logmar"] + np.random.default_rng(0).normal(0, noise, len(table))
        rows = table[names].assign(
            predicted_logmar=predicted.round(4),
            lower_logmar=(predicted - 0.2).round(4),
            upper_logmar=(predicted + 0.2).round(4),
            p_recovery=0.5,
            flags="",
        )
        file = tmp_path / f"{noise}.csv"
        write_predictions(rows, file)
        folders.append(tmp_path / f"by_{noise}")
        command = ["evaluate", str(file), str(small_cohort), "--out", str(folders[-1]), *extra]
        assert main(command) == 0
    return folders


@pytest.mark.slow
def test_reports_are_written_again_with_pictures_if_asked_and_compared(
    evaluated, small_cohort, tmp_path, fails, capsys
):
    first, second = evaluated
    shown = (first / "report.html").read_text()
    assert "data:image/png;base64," in shown
    assert "data:image" not in (second / "report.html").read_text()
    again = ["report", str(first), "--out", str(tmp_path / "again")]
    assert main([*again, "--gallery", str(small_cohort)]) == 0
    assert (tmp_path / "again/report.html").read_text() == shown
    assert INTENDED_USE[:30] in capsys.readouterr().out
    assert main(again) == 0
    assert "data:image" not in (tmp_path / "again/report.html").read_text()

    capsys.readouterr()
    both = ["compare", str(first), str(second)]
    assert main(both) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "by_0.2 has a larger error than by_0.05: by" in said
    assert main([*both, "--out", str(tmp_path / "both")]) == 0
    html = (tmp_path / "both/report.html").read_text()
    assert re.search(r"the same \d+ eyes", html)
    assert INTENDED_USE in html
    assert "simulated: no clinical validity" in html

    assert "name another folder" in fails(*both, "--out", first)
    assert "needs two folders" in fails("compare", first)
    no_run = fails("report", small_cohort, "--out", tmp_path / "x")
    assert "metrics.json: no such file; give a run folder" in no_run
    assert "give --gallery" in fails("report", first, "--out", tmp_path / "x", "--model", first)
    assert not (tmp_path / "x").exists()
