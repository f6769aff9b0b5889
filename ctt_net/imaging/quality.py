"""One figure for the signal of a B-scan that means the same on every device.

After the maximum tissue contrast index (Huang et al. 2012, doi 10.1167/iovs.11-8755):
mTCI = (N3 - N1) / (N2 - N1), where N1 is the background's usual grey level, N2 the level that
background noise does not pass and N3 the level of the brightest tissue. The published way to N2
needs one constant per device and the full histogram of raw data; exports are clipped, compressed
and masked. So the levels are measured in the picture itself:

- the scan is first brought to one size, since a larger picture of the same eye only has its noise
  spread over more pixels;
- N1: the 20th percentile of every column, median over columns;
- N3: the brightest tissue of every column after light smoothing, median over columns;
- N2 - N1: three times the noise of background and tissue.

quality = (N3 - N2) / (N3 - N1 + 40): 1 - 1/mTCI, but for the 40 grey levels, which let a scan
lose quality when its contrast shrinks without noise, as behind a dense cataract.
"""

import cv2
import numpy as np

_SIZE = (288, 192)  # width, height
_FADED = 40.0  # grey levels
_NOISE_TIMES = 3.0


def signal_quality(pixels: np.ndarray) -> float:
    """Signal quality of a B-scan, 0 (no signal) to 1, independent of device and size.

    Args:
        pixels: (H, W) uint8 B-scan.
    """
    interpolation = cv2.INTER_AREA if pixels.shape[0] >= _SIZE[1] else cv2.INTER_LINEAR
    small = cv2.resize(pixels.astype(np.float32), _SIZE, interpolation=interpolation)
    smooth = cv2.GaussianBlur(small, (0, 0), 1.2)
    background = float(np.median(np.percentile(smooth, 20, axis=0)))
    signal = float(np.median(smooth.max(axis=0))) - background
    noise = _noise(small, smooth)
    return float(np.clip((signal - _NOISE_TIMES * noise) / (signal + _FADED), 0.0, 1.0))


def _noise(small: np.ndarray, smooth: np.ndarray) -> float:
    """Standard deviation of the pixel noise: twice the background's plus the tissue's.

    Layers run along the picture, so differences along it hold noise and little anatomy. The
    background counts more because tissue has a grain of its own.
    """
    difference = np.abs(np.diff(small, axis=1))
    level = smooth[:, 1:]
    dark, bright = np.percentile(level, (50, 90))
    # Mean absolute difference of two normal values is 2 sigma / sqrt(pi).
    in_background = float(difference[level <= dark].mean()) * 0.886
    in_tissue = float(difference[level >= bright].mean()) * 0.886
    return 2 * in_background + in_tissue
