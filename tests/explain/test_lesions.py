"""The map of a model that reads the lesion lies on the lesion, in the scan as it was taken."""

import numpy as np
import pytest

from benchmarks.heat_maps import lesion_eyes
from ctt_net.cohort import View
from ctt_net.explain import occlusion_maps
from ctt_net.imaging import Preprocessing
from ctt_net.synthetic.scan import DIRECTIONS
from tests.explain.fake import FakePredictor

PREPROCESSING = Preprocessing(96, 144, "flat")
# Where a flattened scan shows photoreceptors and pigment epithelium.
OUTER = slice(66, 74)


def dark_outer_retina(pixels, *_):
    """Worse where it is darker than in most of the scan, as it is in a gap or atrophy."""
    bright = pixels[:, OUTER].astype(float).mean(axis=1)  # (V, W)
    return float(np.clip(0.7 - bright / np.median(bright, axis=1, keepdims=True), 0, 1).mean())


@pytest.fixture(scope="module")
def predictor():
    fake = FakePredictor(dark_outer_retina)
    fake.spec.views = {direction: View(direction=direction) for direction in DIRECTIONS}
    return fake


def test_a_lesion_holds_three_times_its_share_of_the_map(predictor):
    # Of these the labels lie where this model reads.
    for eye in lesion_eyes(4, 7, PREPROCESSING, ("ez_loss", "atrophy")):
        maps = occlusion_maps(predictor, eye.table, eye.scans)[0]
        held, area = eye.shares(maps, PREPROCESSING)
        assert held > 3 * area
