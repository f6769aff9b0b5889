"""OCT-safe augmentation: only what a second scan of the same eye could differ by.

No vertical flip and no half turn (the retina has an up), no horizontal flip (left eyes are mirrored
already, so the nasal side is the right one) but of vertical scans, where above and below the fovea
are nearly alike, no colour (a B-scan has none), no elastic warp (layer thickness is the signal).
"""

import inspect
import random
from dataclasses import dataclass
from typing import Any, get_args

import albumentations as A  # noqa: N812
import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.cohort import Direction
from ctt_net.errors import InputError


@dataclass(frozen=True)
class Augmentation:
    """How far a training scan may be changed; each view of an eye draws its own.

    Args:
        rotate_deg: Largest tilt, degrees.
        shift: Largest shift, fraction of the picture's size.
        scale: Largest change of magnification, fraction.
        brightness: Largest change of brightness and of contrast, fraction.
        gamma: Largest change of gamma, fraction.
        speckle: Largest standard deviation of multiplicative noise.
        blur: Probability of a slight blur.
        shadow: Probability of a vertical shadow, as a vessel or an opacity casts.
        mirror_vertical: Probability of exchanging above and below the fovea in a vertical scan.
    """

    rotate_deg: float = 3.0
    shift: float = 0.04
    scale: float = 0.05
    brightness: float = 0.03
    gamma: float = 0.05
    speckle: float = 0.03
    blur: float = 0.05
    shadow: float = 0.1
    mirror_vertical: float = 0.5

    def __post_init__(self) -> None:
        limits = {"rotate_deg": 15.0, "shift": 0.3, "scale": 0.3, "brightness": 0.5, "gamma": 0.5}
        limits |= {"speckle": 0.5, "blur": 1.0, "shadow": 1.0, "mirror_vertical": 1.0}
        _check_limits(self, limits, "; more would not be a scan of the same eye any more")

    def transforms(self, direction: Direction) -> list[A.BasicTransform]:
        """Geometry first, light after it."""
        a = self
        return [
            strict(A.HorizontalFlip, p=a.mirror_vertical if direction == "vertical" else 0.0),
            strict(
                A.Affine,
                rotate=(-a.rotate_deg, a.rotate_deg),
                translate_percent=(-a.shift, a.shift),
                scale=(1 - a.scale, 1 + a.scale),
                keep_ratio=True,
                border_mode=cv2.BORDER_CONSTANT,
                fill=0,
                p=0.9,
            ),
            strict(
                A.RandomBrightnessContrast,
                brightness_limit=(-a.brightness, a.brightness),
                contrast_limit=(-a.brightness, a.brightness),
                p=0.7,
            ),
            strict(A.RandomGamma, gamma_limit=(100 * (1 - a.gamma), 100 * (1 + a.gamma)), p=0.5),
            strict(
                A.MultiplicativeNoise,
                multiplier=(1 - a.speckle, 1 + a.speckle),
                elementwise=True,
                p=0.5,
            ),
            strict(A.GaussianBlur, blur_limit=(3, 3), p=a.blur),
            strict(Shadow, p=a.shadow),
        ]


def _check_limits(strengths: Any, limits: dict[str, float], why: str = "") -> None:
    for name, limit in limits.items():
        value = getattr(strengths, name)
        if not 0 <= value <= limit:
            raise InputError(
                f"data.augmentation.{name} must lie in 0..{limit:g}, got {value!r}{why}"
            )


def strict(transform: type[A.BasicTransform], **arguments: Any) -> A.BasicTransform:
    """Build a transform, refusing arguments it does not know; albumentations only warns of them.

    An ignored `GaussNoise(var_limit=...)` means noise at a fifth of full range, which destroys a
    B-scan.

    Raises:
        TypeError: If `transform` has no such argument.
    """
    known = inspect.signature(transform.__init__).parameters
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise TypeError(f"{transform.__name__} has no argument {', '.join(unknown)}")
    return transform(**arguments)


class Shadow(A.ImageOnlyTransform):
    """A soft vertical shadow over all depths, as retinal vessels and lens opacities cast."""

    def apply(self, img: NDArray[np.uint8], dimming: Any = None, **_: Any) -> NDArray[np.uint8]:
        """Dim each column by its factor."""
        shape = (1, -1) + (1,) * (img.ndim - 2)
        return np.clip(img * dimming.reshape(shape), 0, 255).astype(np.uint8)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw place, width and depth."""
        width = params["shape"][1]
        centre = self.py_random.uniform(0, width)
        spread = self.py_random.uniform(0.01, 0.08) * width
        depth = self.py_random.uniform(0.2, 0.7)
        columns = np.arange(width)
        dimming = 1 - depth * np.exp(-0.5 * ((columns - centre) / spread) ** 2)
        return {"dimming": dimming.astype(np.float32)}


class ScanAugmenter:
    """Applies an augmentation, the same way for the same seed whatever the worker.

    Args:
        augmentation: Its strengths.
        seed: Of the run.
    """

    def __init__(self, augmentation: "Augmentation | ReferenceAugmentation", seed: int) -> None:
        self.seed = seed
        self._transform = {
            direction: A.Compose(augmentation.transforms(direction), seed=seed)
            for direction in get_args(Direction)
        }

    def __call__(
        self,
        bscan: NDArray[np.uint8],
        *,
        epoch: int,
        position: int,
        view: int,
        direction: Direction = "horizontal",
    ) -> NDArray[np.uint8]:
        """Augment one scan.

        Args:
            bscan: (H, W) grey.
            epoch: Of training.
            position: Of the eye in its table.
            view: Number of the view.
            direction: Of the scan.

        Returns:
            (H, W) uint8.
        """
        # Workers copy one random state, so every stream would repeat; seed each scan by its name.
        name = np.random.SeedSequence([self.seed, epoch, position, view])
        # Not set_random_seed: it gives each transform the same stream, so that a scan that draws
        # low is changed by all of them and one that draws high by none.
        transform = self._transform[direction]
        transform.set_random_state(
            np.random.default_rng(name), random.Random(int(name.generate_state(1)[0]))
        )
        return transform(image=bscan)["image"]


@dataclass(frozen=True)
class ReferenceAugmentation:
    """Flips, any rotation, and light as of photographs (Wang et al., CTT-Net, BIBM 2022).

    The retina has an up, and a flipped horizontal scan is one of the other eye; kept to compare
    with. On grey scans the published jitter of saturation and hue and the change to grey do
    nothing, so brightness and contrast are what is left of the colours.

    Args:
        flip: Probability of a horizontal flip, and of a vertical one.
        rotate_deg: Largest rotation either way, degrees.
        jitter: Largest change of brightness and of contrast, as a factor.
        jitter_probability: Of a change of light.
    """

    flip: float = 0.5
    rotate_deg: float = 180.0
    jitter: float = 0.4
    jitter_probability: float = 0.8

    def __post_init__(self) -> None:
        limits = {"flip": 1.0, "rotate_deg": 180.0, "jitter": 1.0, "jitter_probability": 1.0}
        _check_limits(self, limits)

    def transforms(self, direction: Direction) -> list[A.BasicTransform]:
        """In the published order, whatever the direction: light, flips, rotation."""
        factors = (1 - self.jitter, 1 + self.jitter)
        return [
            strict(
                A.ColorJitter,
                brightness=factors,
                contrast=factors,
                saturation=(1, 1),
                hue=(0, 0),
                p=self.jitter_probability,
            ),
            strict(A.HorizontalFlip, p=self.flip),
            strict(A.VerticalFlip, p=self.flip),
            strict(
                A.Rotate,
                limit=(-self.rotate_deg, self.rotate_deg),
                interpolation=cv2.INTER_NEAREST,
                border_mode=cv2.BORDER_CONSTANT,
                fill=0,
                p=1.0,
            ),
        ]
