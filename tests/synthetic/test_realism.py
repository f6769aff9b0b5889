"""Simulated scans beside real ones: the same greys, grain and layers, within wide bounds."""

import cv2
import numpy as np
import pytest

from ctt_net.synthetic import CIRRUS_LIKE, HEIDELBERG_LIKE, draw_eyes, scan


def figures(image):
    """Percentiles, vitreous, nuclear layer and brightest band of one scan."""
    picture = image.astype(float)
    height, width = picture.shape
    smooth = cv2.GaussianBlur(picture, (0, 0), 3)
    smooth[:30] = smooth[-60:] = 0
    bright = np.convolve(np.pad(np.argmax(smooth, 0), 20, "edge"), np.ones(41) / 41, "valid")
    rows = np.round(bright).astype(int)
    columns = [
        x for x in (*range(60, 230), *range(width - 230, width - 60)) if 60 < rows[x] < height - 80
    ]
    nuclear = np.median([picture[rows[x] - 30 : rows[x] - 18, x].mean() for x in columns])
    band = np.median([picture[rows[x] - 12 : rows[x] + 8, x].max() for x in columns])
    choroid = np.median([picture[rows[x] + 20 : rows[x] + 60, x].mean() for x in columns])
    vitreous = picture[15:60, width // 2 - 80 : width // 2 + 80]
    return np.array(
        [*np.percentile(picture, (50, 75, 99)), vitreous.mean(), nuclear, choroid, band]
    )


@pytest.mark.parametrize(
    ("device", "files"),
    [
        (HEIDELBERG_LIKE, "kermany/*.jpeg"),
        (CIRRUS_LIKE, "chu_quebec_macular_hole/*/octs/1*_baseline_H.tiff"),
    ],
    ids=["heidelberg", "cirrus"],
)
def test_greys_of_every_tissue_are_those_of_real_scans(real_data, device, files):
    paths = sorted(real_data.glob(files))
    if not paths:
        pytest.skip(f"no real scans {files}")
    real = np.median([figures(cv2.imread(str(path), 0)) for path in paths], axis=0)
    eyes = [eye for eye in draw_eyes(60, seed=5) if not eye.lesions][:8]
    ours = np.median([figures(scan(eye, device, "horizontal")) for eye in eyes], axis=0)
    assert np.all(np.abs(ours - real) < np.maximum(12.0, 0.3 * real)), (ours, real)


def test_vitreous_noise_is_finer_than_the_grain_of_the_retina():
    eye = next(eye for eye in draw_eyes(40, seed=5) if eye.signal_loss_db < 1.5)
    picture = scan(eye, CIRRUS_LIKE, "horizontal").astype(float)

    def correlation(patch):
        patch = patch - cv2.GaussianBlur(patch, (0, 0), 8)
        return (patch[:, :-2] * patch[:, 2:]).mean() / patch.var()

    vitreous = picture[10:60, 200:500]
    row = int(np.argmax(picture[:, 300:450].mean(axis=1)))
    retina = picture[row - 45 : row - 5, 200:500]
    assert correlation(retina) > correlation(vitreous) + 0.2
