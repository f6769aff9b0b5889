"""Simulated scans with their true segmentation, at the size of the network, and augmented."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, NamedTuple

import albumentations as A  # noqa: N812
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ctt_net.biomarkers.segmenter import normalised, reduced
from ctt_net.data.augmentation import Shadow, strict
from ctt_net.imaging.segmentation import COLUMNS, LESIONS, ROWS, SURFACES, Segmentation
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan
from ctt_net.synthetic.training_eyes import training_eye

Grey = NDArray[np.uint8]


class LabelledScans(NamedTuple):
    """N scans as the network sees them.

    Args:
        scans: (N, 256, 384) grey.
        surfaces: (N, 9, 384) float16, rows of the network's input.
        lesions: (N, 256, 384), bit k is set where lesion k is.
        visible: (N, 384) whether the A-scan shows a retina.
    """

    scans: Grey
    surfaces: NDArray[np.float16]
    lesions: Grey
    visible: NDArray[np.bool_]


def downsampled(pixels: Grey, truth: Segmentation) -> LabelledScans:
    """One scan and its truth at the network's size, each (1, ...)."""
    rows = (truth.surfaces + 0.5) * (ROWS / truth.height) - 0.5
    surfaces = cv2.resize(rows, (COLUMNS, len(SURFACES)), interpolation=cv2.INTER_LINEAR)
    bits = np.zeros((ROWS, COLUMNS), np.uint8)
    for number, lesion in enumerate(truth.lesions):
        bits |= (reduced(lesion.astype(np.float32)) >= 0.5).astype(np.uint8) << number
    places = ((np.arange(COLUMNS) + 0.5) * (truth.visible.size / COLUMNS)).astype(int)
    visible = truth.visible[places]
    return LabelledScans(
        reduced(pixels)[None],
        surfaces.astype(np.float16)[None],
        bits[None],
        visible[None],
    )


def simulate(
    n_scans: int, seed: int, workers: int = 1, on_scan: Callable[[], None] | None = None
) -> LabelledScans:
    """Simulate scans to learn from; each is drawn from its own seed, whatever the workers.

    Args:
        n_scans: How many.
        seed: Of all.
        workers: Processes.
        on_scan: Called after each.
    """
    draw = partial(_draw, seed)
    scans = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for scan in pool.map(draw, range(n_scans), chunksize=16):
            scans.append(scan)
            if on_scan is not None:
                on_scan()
    return LabelledScans(*(np.concatenate(parts) for parts in zip(*scans, strict=True)))


def _draw(seed: int, index: int) -> LabelledScans:
    cv2.setNumThreads(1)
    rng = np.random.default_rng((seed, index))
    eye, device = training_eye(rng)
    return downsampled(*labelled_scan(eye, device, DIRECTIONS[int(rng.integers(2))]))


class BrightnessField(A.ImageOnlyTransform):
    """Slow changes of brightness over the picture, as defocus and vignetting cause."""

    def apply(self, img: Grey, field: Any = None, **_: Any) -> Grey:
        """Multiply."""
        height, width = img.shape[:2]
        smooth = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(img * smooth, 0, 255).astype(np.uint8)

    def get_params(self) -> dict[str, Any]:
        """Draw a coarse field."""
        field = np.exp(0.25 * self.random_generator.standard_normal((3, 4)))
        return {"field": field.astype(np.float32)}


def augmentation(seed: int) -> A.Compose:
    """Strong, and of the picture only: geometry is varied by the simulator, where it is exact."""
    return A.Compose(
        [
            strict(BrightnessField, p=0.4),
            strict(A.RandomGamma, gamma_limit=(50, 190), p=0.6),
            strict(A.RandomBrightnessContrast, brightness_limit=0.2, contrast_limit=0.4, p=0.5),
            strict(Shadow, p=0.3),
            strict(A.MultiplicativeNoise, multiplier=(0.6, 1.4), elementwise=True, p=0.35),
            strict(A.GaussNoise, std_range=(0.0, 0.08), p=0.5),
            strict(A.GaussianBlur, blur_limit=(3, 5), p=0.25),
            strict(A.ImageCompression, quality_range=(25, 95), p=0.15),
            strict(
                A.CoarseDropout,
                num_holes_range=(1, 2),
                hole_height_range=(0.04, 0.18),
                hole_width_range=(0.03, 0.12),
                fill=0,
                p=0.1,
            ),
        ],
        seed=seed,
    )


class SegmentationDataset(Dataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Augmented scans for a loader: picture, surfaces, lesion bits, and which A-scans count.

    Half of them are mirrored.

    Args:
        scans: Simulated.
        seed: Of the augmentation.
    """

    def __init__(self, scans: LabelledScans, seed: int = 0) -> None:
        self.scans = scans
        self.transform = augmentation(seed)
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        """Scans."""
        return len(self.scans.scans)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(1, 256, 384) of mean 0 and SD 1, (9, 384), (256, 384) and (384,)."""
        scan, surfaces, lesions, visible = (part[index] for part in self.scans)
        scan = self.transform(image=scan)["image"]
        if self.rng.random() < 0.5:
            scan, surfaces = scan[:, ::-1], surfaces[:, ::-1]
            lesions, visible = lesions[:, ::-1], visible[::-1]
        return (
            torch.from_numpy(normalised(scan)[None].copy()),
            torch.from_numpy(surfaces.astype(np.float32)),
            torch.from_numpy(lesions.copy()),
            torch.from_numpy(visible.copy()),
        )


def lesion_maps(bits: Tensor) -> Tensor:
    """(B, h, w) of bits to (B, 6, h, w) of 0 and 1."""
    return torch.stack([(bits >> number) & 1 for number in range(len(LESIONS))], dim=1).float()
