"""Eyes to be compared with: the nearest ones, and nobody to be recognised by them."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.errors import InputError
from ctt_net.uncertainty.similar_eyes import MOST_NEIGHBOURS, WITHIN_LOGMAR, SimilarEyes


@pytest.fixture
def eyes():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "preop": rng.uniform(0, 1.3, 400),
            "predicted": rng.uniform(-0.1, 0.6, 400),
            "reached": rng.uniform(-0.2, 1.0, 400),
        },
        index=[f"eye-{i}" for i in range(400)],
    )


def test_the_nearest_are_found(eyes):
    found = SimilarEyes.of_eyes(eyes).nearest(0.5, 0.2)
    rounded = np.round(eyes / 0.02) * 0.02
    away = (rounded[["preop", "predicted"]] - [0.5, 0.2]).abs().max(axis=1)
    expected = rounded["reached"][away <= WITHIN_LOGMAR + 1e-9]
    assert len(expected) < MOST_NEIGHBOURS
    np.testing.assert_allclose(found, np.sort(expected), atol=1e-9)
    assert len(SimilarEyes.of_eyes(eyes).nearest(float("nan"), 0.2)) == 0
    assert len(SimilarEyes.of_eyes(eyes).nearest(3.0, 0.2)) == 0
    many = pd.concat([eyes] * 20)
    assert len(SimilarEyes.of_eyes(many).nearest(0.5, 0.2)) == MOST_NEIGHBOURS


def test_the_file_has_neither_ids_nor_order_nor_more_than_a_letter(eyes, tmp_path):
    SimilarEyes.of_eyes(eyes).write(tmp_path)
    text = (tmp_path / "similar_eyes.json").read_text()
    assert "eye-" not in text
    read = SimilarEyes.read(tmp_path)
    shuffled = eyes.sample(frac=1, random_state=1)
    assert SimilarEyes.of_eyes(shuffled).text() == text
    steps = read.eyes / 0.02
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    expected = np.sort((np.floor(eyes["reached"] / 0.02 + 0.5) * 0.02).to_numpy())
    np.testing.assert_allclose(np.sort(read.eyes[:, 2]), expected, atol=1e-9)


def test_eyes_of_unknown_acuity_are_left_out_and_networks_pooled(eyes):
    eyes.loc["eye-3", "preop"] = np.nan
    one = SimilarEyes.of_eyes(eyes)
    assert one.eyes.shape == (399, 3)
    assert SimilarEyes.pooled([one, one]).eyes.shape == (798, 3)
    assert SimilarEyes.of_eyes(eyes[:0]).eyes.shape == (0, 3)


@pytest.mark.parametrize("text", ['{"version": 9, "eyes": []}', '{"version": 1, "eyes": [[1, 2]]}'])
def test_a_damaged_file_is_named(tmp_path, text):
    assert SimilarEyes.read(tmp_path) is None
    (tmp_path / "similar_eyes.json").write_text(text)
    with pytest.raises(InputError, match=r"similar_eyes\.json"):
        SimilarEyes.read(tmp_path)
