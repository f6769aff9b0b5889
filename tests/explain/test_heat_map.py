"""Heat maps: their sign and their place."""

import numpy as np
import pytest

from ctt_net.explain import occlusion_maps
from tests.explain.fake import FakePredictor, one_eye

ROWS, COLUMNS = slice(40, 46), slice(60, 70)


def bright_spot(size=(96, 144)):
    table, scans = one_eye(size=size)
    scans.pixels[:] = 60
    scans.pixels[0, 1, ROWS, COLUMNS] = 240
    return table, scans


def of_spot(worse):
    """Predicts from that place of the second view alone."""
    return FakePredictor(lambda pixels, *_: worse * pixels[1, ROWS, COLUMNS].mean() / 255)


@pytest.mark.parametrize("worse", [1.0, -1.0])
def test_what_makes_acuity_worse_is_positive_and_where_it_is(worse):
    table, scans = bright_spot()
    maps = occlusion_maps(of_spot(worse), table, scans)[0]
    assert (maps["a"] == 0).all()
    heat = worse * maps["b"]
    assert heat.min() == 0
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert abs(row - 43) <= 12
    assert abs(column - 65) <= 9
    assert heat[:10].max() == heat[:, :30].max() == heat[:, 110:].max() == 0
    # With the spot replaced whole, the prediction changes by nearly all that it adds.
    assert 0.3 < heat.max() < 180 / 255


def test_a_model_that_reads_no_picture_has_an_empty_map():
    table, scans = bright_spot()
    predictor = of_spot(1.0)
    predictor.image_weights = [0.0]
    assert (occlusion_maps(predictor, table, scans)[0]["b"] == 0).all()
    assert predictor.passes == 0


def test_an_even_picture_has_an_empty_map():
    table, scans = one_eye(size=(96, 144))
    scans.pixels[:] = 90
    assert (occlusion_maps(of_spot(1.0), table, scans)[0]["b"] == 0).all()
