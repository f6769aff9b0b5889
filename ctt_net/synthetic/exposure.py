"""From clean brightness to the grey a device shows: speckle, loss in the lens, noise, root."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.device import Device

Image = NDArray[np.float32]
Floats = NDArray[np.float64]

# What the texture along the layers keeps below Bruch's membrane, where nothing is layered.
TEXTURE_BELOW = 0.3
STREAK = 0.09  # SD of the log signal from A-scan to A-scan


def expose(
    clean: Image, lens: Floats, bruch_row: Floats, device: Device, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Expose one scan.

    Args:
        clean: (H, W), grey levels of a noiseless scan.
        lens: (W,), share of the light that passes the lens.
        bruch_row: (W,), row of Bruch's membrane.
        device: Its grain, noise and root.
        rng: Of this scan.

    Returns:
        (H, W) grey.
    """
    signal = clean * np.float32(1.0 / 255.0)
    for _ in range(device.display_root // 2):
        signal *= signal
    # One field serves as speckle and, turned by 180 degrees, as noise: drawing is the dearest step.
    white = rng.standard_normal(clean.shape, dtype=np.float32)
    grain = _grainy(white, device.speckle_grain_px) * np.float32(device.speckle)
    grain += _along_layers(clean.shape, bruch_row, rng) * np.float32(device.texture)
    signal *= cv2.exp(grain)
    streaks = np.convolve(rng.normal(0.0, STREAK, lens.size), (0.25, 0.5, 0.25), mode="same")
    signal *= (device.gain * lens * np.exp(streaks)).astype(np.float32)[None]
    worse = np.exp(rng.normal(0.0, device.noise_spread))
    turned = np.ascontiguousarray(white[::-1, ::-1])
    noise = _grainy(turned, device.noise_grain_px) * np.float32(device.noise * worse)
    noise += np.float32(device.offset * np.sqrt(worse))
    noise *= _by_depth(clean.shape[0], float(np.median(bruch_row)), device)
    signal += noise
    np.maximum(signal, 0.0, out=signal)
    for _ in range(device.display_root // 2):
        np.sqrt(signal, out=signal)
    black, white_level = device.contrast
    if device.contrast != (0.0, 1.0):
        signal = (signal - np.float32(black)) * np.float32(1.0 / (white_level - black))
    signal *= np.float32(255.0)
    return np.clip(signal, 0.0, 255.0).astype(np.uint8)


def _by_depth(rows: int, retina_row: float, device: Device) -> Image:
    """Share of noise and offset in every row: less below the retina."""
    deeper_um = (np.arange(rows) - retina_row) * device.axial_um_per_px
    share = np.interp(deeper_um, (0.0, 350.0), (1.0, device.deep_noise))
    return share.astype(np.float32)[:, None]


def _grainy(white: Image, grain_px: tuple[float, float]) -> Image:
    """White noise given this lateral and axial grain, SD 1 again."""
    blurred = cv2.GaussianBlur(white, (5, 5), grain_px[0], sigmaY=grain_px[1])
    return np.asarray(blurred, dtype=np.float32) * np.float32(1.0 / _sd_after_blur(grain_px))


def _sd_after_blur(grain_px: tuple[float, float]) -> float:
    """SD of white noise after the 5 x 5 blur of `_grainy`."""
    kernels = [cv2.getGaussianKernel(5, grain) for grain in grain_px]
    return float(np.prod([np.sqrt(np.sum(np.square(kernel))) for kernel in kernels]))


def _along_layers(shape: tuple[int, ...], bruch_row: Floats, rng: np.random.Generator) -> Image:
    """Texture of SD 1 that runs along the layers: speckle left over after averaging frames."""
    rows, width = shape
    white = rng.standard_normal((rows, width // 3 + 1), dtype=np.float32)
    lines = np.asarray(cv2.GaussianBlur(white, (0, 0), 1.5, sigmaY=1.15), dtype=np.float32)
    blobs = np.asarray(cv2.GaussianBlur(white[::-1], (0, 0), 0.7, sigmaY=1.7), dtype=np.float32)
    field = np.float32(0.75 / lines.std()) * lines + np.float32(0.66 / blobs.std()) * blobs
    highest = float(bruch_row.min())
    field[max(int(highest), 0) :] *= np.float32(TEXTURE_BELOW)
    down = np.arange(rows, dtype=np.float32)[:, None]
    down = down - (bruch_row - highest).astype(np.float32)[None]
    across = np.empty(shape, np.float32)
    across[:] = np.arange(width, dtype=np.float32)[None] / 3.0
    return np.asarray(
        cv2.remap(
            field,
            across,
            down.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    )
