"""A training in which outcomes are known within bounds only."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import read_cohort
from ctt_net.training.run import train

pytestmark = pytest.mark.usefixtures("traced_once")


@pytest.fixture(scope="module")
def censored_cohort(small_cohort, tmp_path_factory):
    """The small cohort; of a third of its eyes only a band, a side or CF is recorded."""
    folder = tmp_path_factory.mktemp("censored") / "cohort"
    shutil.copytree(small_cohort, folder)
    spec = folder / "cohort.yaml"
    text = spec.read_text()
    assert "off_chart_policy: bach" in text
    spec.write_text(text.replace("off_chart_policy: bach", "off_chart_policy: censored"))
    table = pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)
    logmar = table["postop_logmar"].astype(float)
    decimal = 10**-logmar
    chosen = np.arange(len(table)) % 3 == 0
    bounds = np.where(decimal >= 0.5, ">=0.5", np.where(decimal < 0.2, "CF", "0.2-0.5"))
    table.loc[chosen, "postop_va"] = bounds[chosen]
    drop = ["postop_logmar", "postop_off_chart", "preop_logmar", "preop_off_chart"]
    table.drop(columns=drop).to_csv(folder / "manifest.csv", index=False)
    (folder / "folds.csv").unlink()
    return folder


def test_censored_eyes_train_and_are_predicted_and_are_in_no_error(
    censored_cohort, tiny_network, tmp_path, capsys
):
    keys = ["--data.cohort", str(censored_cohort), "--folds", "1", "--out", str(tmp_path / "run")]
    train([*tiny_network, *keys, "--model.clinical_start", "true"])
    assert "60 eyes of known outcome, 20 of them within bounds only" in " ".join(
        capsys.readouterr().err.split()
    )
    predictions = pd.read_csv(tmp_path / "run" / "predictions.csv")
    table = read_cohort(censored_cohort).table.set_index("eye_id")
    exact = table["postop_logmar"][predictions["eye_id"]].notna().to_numpy()
    assert 0 < exact.sum() < len(exact)
    assert (predictions["postop_logmar"].notna() == exact).all()
    assert np.isfinite(predictions["predicted_logmar"]).all()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["within_bounds"]["n_eyes"] == (~exact).sum()
    assert metrics["n_missing_truth"] == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{(~exact).sum()} eyes in no error above" in page
