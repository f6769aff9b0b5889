"""Pictures that are no OCT scan of a retina, drawn from a seed."""

import cv2
import numpy as np


def fundus(rng):
    """A disc with an optic nerve head, a darker macula and vessels."""
    h, w = 480, 640
    y, x = np.mgrid[:h, :w]
    r = np.hypot(x - w / 2, y - h / 2) / (h * 0.47)
    picture = np.where(r < 1, 150 - 60 * r**2, 3.0)
    for cx, size, height in ((0.68, 38, 80), (0.42, 45, -50)):
        spot = np.exp(-((np.hypot(x - w * cx, y - h / 2) / size) ** 2))
        picture += height * spot * (r < 1)
    vessels = np.zeros((h, w), np.float32)
    for angle in rng.uniform(0, 2 * np.pi, 14):
        at = np.array([w * 0.68, h * 0.48])
        for step in range(100):
            to = at + 5 * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(vessels, at.astype(int).tolist(), to.astype(int).tolist(), 1, 5 - step // 35)
            at, angle = to, angle + rng.normal(0, 0.12)
    picture -= 55 * cv2.GaussianBlur(vessels, (0, 0), 1) * (r < 1)
    return _grey(picture + rng.normal(0, 4, (h, w)))


def chest_x_ray(rng):
    """Two dark lungs with ribs, a bright spine and heart."""
    y, x = np.mgrid[:512, :512] / 512
    picture = np.full((512, 512), 170.0)
    for cx in (0.3, 0.7):
        picture -= 110 * np.exp(-((((x - cx) / 0.15) ** 4) + ((y - 0.48) / 0.3) ** 4))
    picture += 50 * np.exp(-(((x - 0.5) / 0.06) ** 2))
    picture += 60 * np.exp(-((((x - 0.58) / 0.14) ** 2) + ((y - 0.62) / 0.14) ** 2))
    for rib in range(9):
        arch = 0.15 + 0.075 * rib + 0.25 * np.abs(x - 0.5) ** 1.5
        picture += 22 * np.exp(-(((y - arch) / 0.012) ** 2)) * (np.abs(x - 0.5) > 0.04)
    return _grey(cv2.GaussianBlur(picture, (0, 0), 1.5) + rng.normal(0, 6, (512, 512)))


def head_mri(rng):
    """A bright skull around a mottled brain."""
    y, x = np.mgrid[:400, :400]
    r = np.hypot((x - 200) / 150, (y - 200) / 180)
    mottled = cv2.GaussianBlur(rng.normal(0, 1, (400, 400)).astype(np.float32), (0, 0), 8)
    picture = np.where(r < 1, 90, 3.0) + 120 * np.exp(-(((r - 0.95) / 0.03) ** 2))
    return _grey(picture + (r < 0.9) * mottled * 400 + rng.normal(0, 4, (400, 400)))


def noise(rng):
    """Every grey level anywhere."""
    return rng.integers(0, 256, (496, 768)).astype(np.uint8)


def almost_black(rng):
    """A closed shutter."""
    return _grey(rng.normal(3, 2, (496, 768)))


def stripes(_):
    """Layers, but not of a retina."""
    return np.tile(_grey(120 + 100 * np.sin(np.arange(480) / 480 * 37.7))[:, None], (1, 640))


def _grey(picture):
    return np.clip(picture, 0, 255).astype(np.uint8)


PICTURES = [fundus, chest_x_ray, head_mri, noise, almost_black, stripes]
