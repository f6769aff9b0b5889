"""Simulated OCT devices: size, scale and appearance of their exports."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Device:
    """What one make of OCT does to the light that comes back.

    A pixel shows `255 * (signal + offset + noise) ** (1 / display_root)`; the figures of noise and
    grain were read off exported scans of such devices.

    Args:
        name: Goes into the manifest.
        height_px: Rows of the export.
        width_px: A-scans of the export.
        axial_um_per_px: Depth of a row, in tissue.
        lateral_um_per_px: Distance of two A-scans on the retina.
        display_root: 2 or 4: which root of the signal is shown as grey.
        gain: Signal from behind a clear lens, relative to `ctt_net.synthetic.paint.BRIGHTNESS`.
        offset: Signal shown where there is none.
        noise: SD of the additive noise, in signal.
        noise_spread: How much noise and offset differ from scan to scan (SD of their log).
        deep_noise: What is left of noise and offset 0.35 mm below the retina.
        noise_grain_px: Lateral and axial blur of that noise.
        speckle: SD of the log signal from pixel to pixel.
        speckle_grain_px: Lateral and axial blur of the speckle.
        texture: SD of the log signal along the layers.
        axial_blur_um: Depth over which a boundary is smeared.
        choroid_reach_um: Depth at which light from the choroid has faded to a third.
        direction_mark: Whether exports carry a burnt-in mark of the scan direction.
        margin_px: Widest strip that the export leaves black at a side after registration.
        contrast: Share of full brightness shown as black and as white.
    """

    name: str
    height_px: int
    width_px: int
    axial_um_per_px: float
    lateral_um_per_px: float
    display_root: int
    gain: float
    offset: float
    noise: float
    noise_spread: float
    deep_noise: float
    noise_grain_px: tuple[float, float]
    speckle: float
    speckle_grain_px: tuple[float, float]
    texture: float
    axial_blur_um: float
    choroid_reach_um: float
    direction_mark: bool
    margin_px: int
    contrast: tuple[float, float] = (0.0, 1.0)


HEIDELBERG_LIKE = Device(
    name="heidelberg_like",
    height_px=496,
    width_px=768,
    axial_um_per_px=3.87,
    lateral_um_per_px=11.3,
    display_root=4,
    gain=1.5,
    offset=5.0e-5,
    noise=2.4e-4,
    noise_spread=0.55,
    deep_noise=0.12,
    noise_grain_px=(0.52, 0.78),
    speckle=0.30,
    speckle_grain_px=(0.85, 1.0),
    texture=0.26,
    axial_blur_um=8.0,
    choroid_reach_um=640.0,
    direction_mark=False,
    margin_px=12,
)
CIRRUS_LIKE = Device(
    name="cirrus_like",
    height_px=500,
    width_px=750,
    axial_um_per_px=4.0,
    lateral_um_per_px=8.0,
    display_root=2,
    gain=1.5,
    offset=1.25e-2,
    noise=3.2e-3,
    noise_spread=0.25,
    deep_noise=0.85,
    noise_grain_px=(0.56, 0.56),
    speckle=0.20,
    speckle_grain_px=(0.75, 0.75),
    texture=0.13,
    axial_blur_um=9.0,
    choroid_reach_um=370.0,
    direction_mark=True,
    margin_px=6,
)
DEVICES = (HEIDELBERG_LIKE, CIRRUS_LIKE)

# 3D scans of a Topcon 3D OCT-2000: 512 A-scans of 885 rows, 2.6 µm deep, frames not averaged, so
# coarse in grain (RETOUCH: Bogunović 2019, doi 10.1109/TMI.2019.2901398). Kept out of `DEVICES`:
# transfer to a make that no network has seen is tested on it.
TOPCON_LIKE = Device(
    name="topcon_like",
    height_px=885,
    width_px=512,
    axial_um_per_px=2.6,
    lateral_um_per_px=11.7,
    display_root=2,
    gain=1.2,
    offset=1.6e-2,
    noise=1.4e-2,
    noise_spread=0.3,
    deep_noise=0.9,
    noise_grain_px=(0.45, 0.9),
    speckle=0.55,
    speckle_grain_px=(0.6, 1.3),
    texture=0.10,
    axial_blur_um=8.0,
    choroid_reach_um=330.0,
    direction_mark=False,
    margin_px=0,
)
NAMED_DEVICES = (*DEVICES, TOPCON_LIKE)


def random_device(rng: np.random.Generator) -> Device:
    """Draw a device of no make, wider than any real one, so that a network learns none by heart.

    Domain randomisation after Billot 2023 (doi 10.1016/j.media.2023.102789). The window is 1 to
    3.5 mm deep and 3 to 10 mm wide.
    """
    while True:
        axial, lateral = rng.uniform(1.9, 6.0), rng.uniform(4.0, 16.0)
        rows, columns = int(rng.integers(300, 1001)), int(rng.integers(400, 1601))
        if 1000.0 <= rows * axial <= 3500.0 and 3000.0 <= columns * lateral <= 10000.0:
            break
    root = int(rng.choice((2, 4)))
    offset, noise = (1.2e-2, 4.0e-3) if root == 2 else (5e-5, 2.4e-4)
    stretched = rng.uniform() < 0.3
    return Device(
        name="random",
        height_px=rows,
        width_px=columns,
        axial_um_per_px=axial,
        lateral_um_per_px=lateral,
        display_root=root,
        gain=rng.uniform(0.8, 2.4),
        offset=offset * rng.uniform(0.0, 2.0),
        noise=noise * np.exp(rng.uniform(-1.2, 1.3)),
        noise_spread=rng.uniform(0.2, 0.6),
        deep_noise=rng.uniform(0.1, 1.0),
        noise_grain_px=(rng.uniform(0.4, 1.0), rng.uniform(0.4, 1.2)),
        speckle=rng.uniform(0.1, 0.6),
        speckle_grain_px=(rng.uniform(0.4, 1.4), rng.uniform(0.4, 1.4)),
        texture=rng.uniform(0.05, 0.3),
        axial_blur_um=rng.uniform(5.0, 14.0),
        choroid_reach_um=rng.uniform(25.0, 90.0) if rng.uniform() < 0.2 else rng.uniform(150, 800),
        direction_mark=False,
        margin_px=int(rng.integers(0, 25)),
        contrast=(rng.uniform(0.05, 0.2), rng.uniform(0.6, 1.0)) if stretched else (0.0, 1.0),
    )
