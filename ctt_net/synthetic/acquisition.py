"""What goes wrong while a scan is taken: motion, a tilted or clipped window, shadows, light.

After Bazvand 2020 (doi 10.4103/JOCO.JOCO_83_20). The labels follow the picture.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.device import Device
from ctt_net.synthetic.extras import Extra, of_kind

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

STEEPEST_UM_PER_MM = 140.0  # 8 degrees


def moved(along_mm: Floats, extras: tuple[Extra, ...]) -> Floats:
    """Places of the A-scans when the eye moves along the line between groups of them."""
    motion = of_kind(extras, "motion")
    return along_mm if motion is None else along_mm + _steps(along_mm.size, motion, 0.25)


def placed(
    bruch_row: Floats, x_mm: Floats, y_mm: Floats, device: Device, extras: tuple[Extra, ...]
) -> Floats:
    """Rows of Bruch's membrane in a tilted or clipped window, or after axial jumps."""
    rows, scale = bruch_row, device.axial_um_per_px
    tilt, jump, clipped = (of_kind(extras, kind) for kind in ("tilt", "jump", "clipped"))
    if tilt is not None:
        along = x_mm + y_mm - np.mean(x_mm + y_mm)
        slope = (-1.0) ** (tilt.seed % 2) * tilt.between(15.0, STEEPEST_UM_PER_MM) / scale
        most = 0.5 * device.height_px / max(float(np.ptp(along)), 1e-6)
        rows = rows + along * np.clip(slope, -most, most)
        rows = rows - max(float(rows.max()) - 0.88 * device.height_px, 0.0)
    if jump is not None:
        rows = rows + _steps(rows.size, jump, 110.0) / scale
    if clipped is not None:
        inner_um = clipped.between(310.0, 120.0)
        if clipped.seed % 2:  # the inner retina leaves the window at the top
            return rows - max(float(rows.min()) - inner_um / scale, 0.0)
        lowest = device.height_px + clipped.between(-20.0, 150.0) / scale
        return rows + max(lowest - float(rows.max()), 0.0)
    return rows


def light(lens: Floats, x_mm: Floats, y_mm: Floats, extras: tuple[Extra, ...]) -> Floats:
    """Share of the light in every A-scan: shadows of opacities, low or excessive signal."""
    for extra in extras:
        rng = extra.rng()
        if extra.kind == "shadows":
            along = x_mm + y_mm
            for _ in range(int(rng.integers(1, 5))):
                away = (along - rng.uniform(along.min(), along.max())) / rng.uniform(0.04, 0.7)
                lens = lens * (1.0 - extra.between(0.3, 0.97) * np.exp(-(away**4)))
        elif extra.kind == "low_signal":
            lens = lens * 10.0 ** (-extra.between(2.0, 9.0) / 10.0)
        elif extra.kind == "saturation":
            lens = lens * extra.between(1.3, 3.5)
            if rng.uniform() < 0.4:  # single A-scans of a reflex at the cornea or lens
                at, wide = int(rng.integers(lens.size)), int(rng.integers(1, 12))
                lens = lens.copy()
                lens[at : at + wide] *= rng.uniform(1.5, 4.0)
    return lens


def double_contour(clean: Image, extras: tuple[Extra, ...]) -> Image:
    """Averaging of frames that did not match: a fainter second picture beside the first."""
    extra = of_kind(extras, "double_contour")
    if extra is None:
        return clean
    rng = extra.rng()
    rows, width = clean.shape
    shift = np.array([[1, 0, rng.uniform(-10, 10)], [0, 1, rng.uniform(-7, 7)]], np.float32)
    second = cv2.warpAffine(clean, shift, (width, rows), borderMode=cv2.BORDER_REPLICATE)
    share = np.float32(extra.between(0.12, 0.4))
    return np.asarray(clean * (1 - share) + second * share, np.float32)


def _steps(size: int, extra: Extra, largest: float) -> Floats:
    """A level that changes at one to four places."""
    rng = extra.rng()
    level = np.zeros(size)
    for _ in range(int(rng.integers(1, 5))):
        size_of_step = rng.choice((-1.0, 1.0)) * rng.uniform(0.15, 1.0) * largest
        level[int(rng.integers(size)) :] += size_of_step * extra.between(0.3, 1.0)
    return level
