"""One definition of the bands of preoperative acuity."""

import math

import numpy as np
import pytest

from ctt_net.acuity import BANDS, preop_band

EXPECTED = [
    (-0.3, False, "below 0.3"),
    (0.299, False, "below 0.3"),
    (0.3, False, "0.3 to 0.5"),
    (0.8 - 0.5, False, "0.3 to 0.5"),  # 0.30000000000000004
    (1.1 - 0.8, False, "0.3 to 0.5"),  # 0.30000000000000004
    (1.0 - 0.7, False, "0.3 to 0.5"),
    (0.9 - 0.4, False, "0.5 to 1.0"),
    (0.5, False, "0.5 to 1.0"),
    (0.999, False, "0.5 to 1.0"),
    (1.0, False, "1.0 and more"),
    (2.0, False, "1.0 and more"),
    (1.9, True, "off the chart"),
    (0.1, True, "off the chart"),
    (math.nan, True, "off the chart"),
    (math.nan, False, "unknown"),
]


@pytest.mark.parametrize(("logmar", "off_chart", "band"), EXPECTED)
def test_an_eye_lies_in_its_band(logmar: float, off_chart: bool, band: str) -> None:
    assert preop_band([logmar], [off_chart]).tolist() == [band]


def test_every_band_is_used_and_no_eye_gives_no_band() -> None:
    logmar, off_chart, _ = zip(*EXPECTED, strict=True)
    assert set(preop_band(logmar, off_chart)) == set(BANDS)
    assert preop_band(np.zeros(0), np.zeros(0, bool)).shape == (0,)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one flag for each acuity"):
        preop_band([0.1, 0.2], [False])
