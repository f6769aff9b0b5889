"""The signal figure falls with the signal and with nothing else."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from ctt_net.imaging import read_bscan, signal_quality


def _noisy(pixels, sigma):
    noise = np.random.default_rng(1).normal(0, sigma, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _speckled(pixels, sigma):
    grain = np.random.default_rng(1).gamma(1 / sigma**2, sigma**2, pixels.shape)
    return np.clip(pixels * grain, 0, 255).astype(np.uint8)


def _faded(pixels, share):
    middle = np.median(pixels)
    return np.clip(middle + (pixels - middle) * share, 0, 255).astype(np.uint8)


WORSE = [
    (_noisy, (10, 20, 40, 80)),
    (_speckled, (0.2, 0.4, 0.8)),
    (_faded, (0.7, 0.4, 0.2, 0.1)),
]


@pytest.mark.parametrize(("harm", "steps"), WORSE)
def test_quality_falls_step_by_step_with_added_harm(bscan, harm, steps):
    values = [signal_quality(bscan)] + [signal_quality(harm(bscan, step)) for step in steps]
    assert all(b < a for a, b in pairwise(values))
    assert 0 <= values[-1] < 0.6 * values[0] <= 1


@pytest.mark.parametrize(("harm", "steps"), WORSE)
def test_quality_of_real_scans_falls_step_by_step(real_data, harm, steps):
    files = [*(real_data / "kermany").glob("*.jpeg"), real_data / "octid" / "MH91.jpeg"]
    for path in files:
        pixels = read_bscan(path).pixels
        values = [signal_quality(pixels)] + [signal_quality(harm(pixels, s)) for s in steps]
        assert all(b < a for a, b in pairwise(values)), path.name


def test_quality_does_not_depend_on_size_or_side(draw):
    pixels = draw.bscan(496, 768, noise=3)[0]
    value = signal_quality(pixels)
    assert signal_quality(pixels[:, ::-1]) == pytest.approx(value, abs=0.01)
    double = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    assert signal_quality(double) == pytest.approx(value, abs=0.04)
    half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert signal_quality(half) == pytest.approx(value, abs=0.08)


def test_quality_of_noise_and_blank_pictures_is_nought():
    rng = np.random.default_rng(0)
    assert signal_quality(rng.integers(0, 256, (496, 768), dtype=np.uint8)) == 0
    assert signal_quality(np.full((496, 768), 90, np.uint8)) == 0


@pytest.mark.slow
def test_single_frames_of_one_device_rank_below_averaged_ones(quebec):
    value = {path.name.split("_")[0]: signal_quality(scan.pixels) for path, scan in quebec.items()}
    median = np.median(list(value.values()))
    # Seen to be grainy (43, 60) or faint (101) when the 104 scans were looked at.
    assert all(value[eye] < median for eye in ("43", "60", "101"))
