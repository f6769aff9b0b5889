"""One figure for the signal of a B-scan that means the same on every device.

After the maximum tissue contrast index (Huang et al. 2012, IOVS 53:2133, doi 10.1167/
iovs.11-8755): mTCI = (N3 - N1) / (N2 - N1), where N1 is the background's usual grey level, N2
the level that background noise does not pass and N3 the level of the brightest tissue. The
published way to N2 needs one constant per device and the full histogram of raw data; exports are
clipped, compressed and masked. So the three levels are measured here in the picture:

- the scan is first brought to one size (noise averages out in a larger scan, it must not count);
- N1: the background, the 20th percentile of the darker half of every column, median over columns;
- N3: the brightest tissue of each column after light smoothing, median over columns;
- N2 - N1: three times the noise, from differences of neighbouring pixels, in the background
  and in the tissue.

quality = (N3 - N2) / (N3 - N1 + 40): that is 1 - 1/mTCI, except that the 40 grey levels let a
scan lose quality when its contrast shrinks without noise, as behind a dense cataract.
"""

import cv2
import numpy as np

_SIZE = (192, 128)  # width, height
_FADED = 40.0  # grey levels
_NOISE_TIMES = 3.0


def signal_quality(pixels: np.ndarray) -> float:
    """Signal quality of a B-scan, 0 (nothing to see) to 1; independent of device and size.

    Args:
        pixels: (H, W) uint8 B-scan.
    """
    interpolation = cv2.INTER_AREA if pixels.shape[0] >= _SIZE[1] else cv2.INTER_LINEAR
    small = cv2.resize(pixels, _SIZE, interpolation=interpolation).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), 1.0)
    background = float(np.median(np.percentile(smooth, 20, axis=0)))
    tissue = float(np.median(smooth.max(axis=0)))
    noise = _noise(small, smooth)
    signal = tissue - background
    return float(np.clip((signal - _NOISE_TIMES * noise) / (signal + _FADED), 0.0, 1.0))


def _noise(small: np.ndarray, smooth: np.ndarray) -> float:
    """Standard deviation of pixel noise, background and bright tissue together.

    Layers run along the picture, so differences along it hold noise and little anatomy.
    """
    difference = np.abs(np.diff(small, axis=1)) / np.sqrt(2)
    level = (smooth[:, 1:] + smooth[:, :-1]) / 2
    in_background = float(np.median(difference[level <= np.percentile(level, 50)]))
    in_tissue = float(np.median(difference[level >= np.percentile(level, 90)]))
    return 1.4826 * float(np.hypot(in_background, in_tissue))
