"""Planted errors are as many as asked for, and each is what its slip makes."""

import numpy as np
import pytest

from benchmarks.noisy_outcomes import SLIPS, Eyes, plant
from ctt_net.acuity import parse_va


@pytest.fixture(scope="module")
def eyes():
    return Eyes.draw(0, "additive")


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_share_of_outcomes_is_wrong_each_slip_a_quarter(eyes, share):
    wrong, slip = plant(eyes.patient, eyes.preop_va, eyes.postop_va, share, seed=1)
    changed = np.array(wrong) != np.array(eyes.postop_va)
    assert (changed == (slip != "")).all()
    for name in SLIPS:
        # Fellow eyes come in pairs.
        assert (slip == name).sum() == pytest.approx(share * len(wrong) / 4, abs=1)


def test_each_error_is_what_its_slip_makes(eyes):
    wrong, slip = plant(eyes.patient, eyes.preop_va, eyes.postop_va, 0.2, seed=1)
    rows = zip(eyes.patient, eyes.preop_va, eyes.postop_va, wrong, slip, strict=True)
    for i, (patient, preop, right, made, name) in enumerate(rows):
        before, now = (parse_va(text, "decimal").logmar for text in (right, made))
        if name == "swapped":
            (other,) = set(np.flatnonzero(eyes.patient == patient)) - {i}
            assert made == eyes.postop_va[other]
        elif name == "notation":
            assert float(made) == pytest.approx(before, abs=0.05)
        elif name == "ten":
            assert abs(now - before) == pytest.approx(1.0)
        elif name == "visit":
            ends = sorted((before, parse_va(preop, "decimal").logmar))
            assert ends[0] - 0.03 <= now <= ends[1] + 0.03
