"""Made B-scans with a known retina: real ones may not be redistributed."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ctt_net.imaging import ImagingError, read_bscan


def draw_bscan(height=496, width=768, tilt=0.0, noise=6.0, seed=0, middle=0.45):
    """A retina with sharp inner border, bright outer layer and fading choroid.

    Returns the picture and the rows of its inner and outer border.
    """
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, width)
    pit = 0.06 * np.exp(-((x / 0.12) ** 2))
    outer = height * (middle + 0.08 + tilt * x)
    inner = height * (middle - 0.10 + tilt * x + pit)
    depth = np.arange(height)[:, None] - outer[None, :]
    above = np.arange(height)[:, None] - inner[None, :]
    picture = np.full((height, width), 22.0)
    retina = (above >= 0) & (depth < 0)
    layers = 75 + 25 * np.sin(above / (outer - inner) * 9)
    picture = np.where(retina, layers, picture)
    picture = np.where((depth >= -0.015 * height) & (depth < 0), 205, picture)
    choroid = 22 + 95 * np.exp(-np.maximum(depth, 0) / (0.07 * height))
    picture = np.where(depth >= 0, choroid, picture)
    picture = picture + rng.normal(0, noise, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), inner, outer


def draw_widget(pixels, words="TN", left=31, top=394, side=75):
    """Draw the scan-direction mark of a Cirrus export."""
    picture = pixels.copy()
    right, bottom, middle = left + side, top + side, top + side // 2
    cv2.rectangle(picture, (left, top), (right, bottom), 255, 1)
    cv2.line(picture, (left, middle), (right, middle), 255, 1)
    cv2.line(picture, (right - 6, middle - 6), (right, middle), 255, 1)
    cv2.line(picture, (right - 6, middle + 6), (right, middle), 255, 1)
    font = (cv2.FONT_HERSHEY_SIMPLEX, 0.3, 255, 1)
    for letter, place in (
        (words[0], (left - 11, middle - 1)),
        (words[1], (right + 7, middle - 1)),
        ("S", (left + side // 2 - 3, top - 6)),
        ("I", (left + side // 2 - 2, bottom + 14)),
        ("1", (left + 4, top + 11)),
    ):
        cv2.putText(picture, letter, place, *font)
    return picture


def draw_slo(side=496, seed=0):
    """An en-face picture: bright ground, dark vessels in every direction, a disc."""
    rng = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(rng.normal(0, 60, (side, side)), (0, 0), 12) * 6 + 150
    picture = ground + rng.normal(0, 8, ground.shape)
    for _ in range(25):
        points = np.cumsum(rng.normal(0, 22, (12, 2)), axis=0) + rng.uniform(0, side, 2)
        cv2.polylines(picture, [points.astype(np.int32)], False, 70, int(rng.integers(2, 7)))
    cv2.circle(picture, (int(side * 0.85), side // 2), side // 14, 220, -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def draw():
    """The drawing functions, by name."""
    return SimpleNamespace(bscan=draw_bscan, widget=draw_widget, slo=draw_slo)


@pytest.fixture(scope="session")
def bscan():
    """(496, 768) uint8, 6 grey levels of noise."""
    pixels = draw_bscan()[0]
    pixels.flags.writeable = False
    return pixels


@pytest.fixture
def refuse(tmp_path):
    """Write bytes under a name and return the refusal's text."""

    def _check_or_raise(data, name="scan.png"):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(ImagingError) as caught:
            read_bscan(path)
        text = str(caught.value)
        assert text.startswith(f"{name}: found ")
        assert str(tmp_path) not in text
        assert "\n" not in text
        return text

    return _check_or_raise


@pytest.fixture(scope="session")
def quebec(real_data):
    """All preoperative scans of the Quebec cohort by path, read once."""
    folder = real_data / "chu_quebec_macular_hole"
    return {path: read_bscan(path) for path in sorted(folder.rglob("*_baseline_H.tif*"))}
