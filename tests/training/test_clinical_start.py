"""A fold's clinical start: its image weight and its scores are of eyes it was not fitted to."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ctt_net.baselines.clinical_start import ClinicalStart, image_weight
from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.member import Member
from ctt_net.training.calibrate import calibrate_fold, predict_fold
from ctt_net.training.config import TrainingConfig

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture
def data(small_cohort, small_run):
    spec = Member(small_run / "fold_1/model").spec
    return EyeDataModule(str(small_cohort), preprocessing=Preprocessing(**vars(spec.preprocessing)))


def test_the_weight_is_that_of_the_validation_split_and_the_scores_are_of_unseen_eyes(
    data, small_run, tmp_path
):
    folder = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    seal(folder)
    train, val = data.part("train"), data.part("val")
    truth, scans = val["postop_logmar"].to_numpy(float), data.scans_of(val)
    member = Member(folder)
    network = member.of_table(val, scans).postop_logmar
    table = pd.concat([train, val])
    unseen = ClinicalStart.fit(table, data.cohort.spec, member.spec.covariates)[1]
    own = unseen[val.index].to_numpy(float)
    calibrate_fold(folder, data, True)
    seal(folder)
    started = Member(folder)
    start = started.clinical_start
    assert start.image_weight == image_weight(truth, own, network, 2)
    assert start.n_eyes == len(val)
    kept = json.loads((folder / "calibration.json").read_text())["scores"]
    blended = own + start.image_weight * (network - own)
    scale = started.of_table(val, scans).scale_logmar
    scores = np.abs(blended - truth) / scale
    found = np.sort([one for band in kept.values() for one in band])
    assert set(np.round(found, 4)) <= set(np.round(scores, 4))
    # At the end of a run, the eyes of its fold are held out from both predictors.
    fold = predict_fold(folder, 1, data)
    test = fold.test.table
    of_network = member.of_table(test, data.scans_of(test)).postop_logmar
    np.testing.assert_array_equal(fold.test.network.postop_logmar, of_network)
    np.testing.assert_allclose(fold.test.clinical_logmar, start.predict(test), rtol=1e-6)
    np.testing.assert_array_equal(fold.val.clinical_logmar, own)


def test_the_default_starts_so_and_the_published_network_does_not(tmp_path):
    def starts(*files):
        keys = [part for file in files for part in ("--config", str(CONFIGS / file))]
        return TrainingConfig([*keys, "--data.cohort", str(tmp_path)]).config.model.clinical_start

    assert starts("ctt_net.yaml")
    assert starts("ctt_net_pretrained.yaml")
    assert not starts("reference/ctt.yaml")
    assert not starts("ctt_net.yaml", "ablations/no_preop_va.yaml")


def test_it_needs_the_acuity_that_a_config_hides(tiny_network, small_cohort, tmp_path):
    flags = ["--model.clinical_start", "true", "--model.use_preop_va", "false"]
    config = TrainingConfig([*tiny_network, "--data.cohort", str(small_cohort), *flags])
    with pytest.raises(InputError, match=r"clinical_start.*use_preop_va"):
        config.build(1, tmp_path)


def test_a_fold_is_read_in_parts_as_memory_may_not_hold_it(data, small_run, monkeypatch):
    whole = predict_fold(small_run / "fold_1/model", 1, data)
    monkeypatch.setattr("ctt_net.data.module.EYES_AT_ONCE", 3)
    assert max(len(scans.present) for _, scans in data.in_parts(whole.test.table)) == 3
    parts = predict_fold(small_run / "fold_1/model", 1, data)
    for name in ("test", "val"):
        ours, theirs = (vars(getattr(one, name).network) for one in (whole, parts))
        for field, values in ours.items():
            np.testing.assert_allclose(values, theirs[field], rtol=1e-5, atol=1e-6)
