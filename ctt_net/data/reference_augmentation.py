"""The augmentation of the published code, for its presets only: none of it suits a B-scan."""

from dataclasses import dataclass

import albumentations as A  # noqa: N812
import cv2

from ctt_net.cohort import Direction
from ctt_net.data.augmentation import strict
from ctt_net.errors import InputError


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
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= limit:
                raise InputError(
                    f"data.augmentation.{name} must lie in 0..{limit:g}, got {value!r}"
                )

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
