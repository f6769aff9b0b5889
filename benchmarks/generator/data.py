"""Pairs of simulated scans with their labels, and real scans, at the size of the generator."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.biomarkers.segmenter import reduced
from ctt_net.errors import InputError
from ctt_net.imaging import read_bscan
from ctt_net.synthetic import CIRRUS_LIKE, training_eye
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan
from ctt_net.training.segmentation.data import LabelledScans, downsampled, simulate

HEIGHT, WIDTH = 128, 192  # half of what the segmentation network takes
MARKED_SHARE = 0.95  # of real exports bear a mark, which the reader fills

Grey = NDArray[np.uint8]


class RealScans(NamedTuple):
    """Horizontal scans of N eyes before surgery, one an eye and a patient.

    Args:
        pixels: (N, H, W) grey, as read.
        pictures: (N, 128, 192) the same, small.
        size_um: (N,) hole size that a person measured; NaN = not given.
    """

    pixels: Grey
    pictures: Grey
    size_um: NDArray[np.float64]


def simulated_pairs(n_eyes: int, seed: int, *, holes_only: bool) -> LabelledScans:
    """Cirrus-like scans of eyes as the segmentation network learns from, read as files are.

    Args:
        n_eyes: How many.
        seed: Of all.
        holes_only: Whether every eye has a macular hole, as the real ones.

    Returns:
        2 `n_eyes` scans: horizontal and vertical of the first eye, of the second, ...
    """
    scans = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.png"
        for index in range(n_eyes):
            rng = np.random.default_rng((seed, index))
            eye = training_eye(rng)[0]
            while holes_only and all(lesion.kind != "macular_hole" for lesion in eye.lesions):
                eye = training_eye(rng)[0]
            device = replace(CIRRUS_LIKE, direction_mark=bool(rng.uniform() < MARKED_SHARE))
            for direction in DIRECTIONS:
                image, truth = labelled_scan(eye, device, direction)
                cv2.imwrite(str(path), image)
                scans.append(downsampled(read_bscan(path).pixels, truth))
    return LabelledScans(*(np.concatenate(parts) for parts in zip(*scans, strict=True)))


def read_real(folder: Path) -> RealScans:
    """The eyes of the published parts `train` and `val`.

    Raises:
        InputError: If there are none, or a scan is missing.
    """
    pixels, sizes = [], []
    for part in ("train", "val"):
        table = folder / part / "clinical_data.csv"
        if not table.is_file():
            raise InputError(f"{table}: no such file; unpack the scans of datasets/chu_quebec")
        for eye, size in pd.read_csv(table)[["id", "mh_size"]].itertuples(index=False):
            pixels.append(read_bscan(table.parent / f"octs/{eye}_baseline_H.tiff").pixels)
            sizes.append(float(size) if size > 0 else np.nan)
    return RealScans(np.stack(pixels), small(pixels), np.array(sizes))


def small(pixels: Grey | list[Grey]) -> Grey:
    """(N, 128, 192) pictures of scans of any size, all by the same two steps."""
    halves = [
        cv2.resize(reduced(one), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for one in pixels
    ]
    return np.stack(halves)


def some(scans: LabelledScans, index: slice) -> LabelledScans:
    """These scans."""
    scan, surfaces, lesions, visible = scans
    return LabelledScans(scan[index], surfaces[index], lesions[index], visible[index])


def halved(scans: LabelledScans, pictures: Grey | None = None) -> LabelledScans:
    """Scans and truth at (128, 192); `pictures` (N, 128, 192) in place of their own."""
    surfaces = (scans.surfaces.astype(np.float32) + 0.5) / 2.0 - 0.5
    surfaces = surfaces.reshape(*surfaces.shape[:2], WIDTH, 2).mean(axis=3)
    blocks = scans.lesions.reshape(-1, HEIGHT, 2, WIDTH, 2)
    bits = np.zeros((len(blocks), HEIGHT, WIDTH), np.uint8)
    for number in range(8):
        half = ((blocks >> number) & 1).mean(axis=(2, 4)) >= 0.5
        bits |= half.astype(np.uint8) << number
    pictures = small(list(scans.scans)) if pictures is None else pictures
    return LabelledScans(pictures, surfaces.astype(np.float16), bits, scans.visible[:, ::2])


def parts(n_real: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the real eyes shown to a generator, and of those it is measured on: halves."""
    order = np.random.default_rng((seed, 77)).permutation(n_real)
    return np.sort(order[: n_real // 2]), np.sort(order[n_real // 2 :])


def simulated(folder: Path, name: str) -> LabelledScans:
    """Scans of a stage, simulated once and then read from the folder.

    Args:
        folder: Of `<name>.npz`.
        name: `seen`, eyes with a hole, two scans each, that the generator learns to translate;
            `held_out`, 104 other ones to measure on; `taught`, eyes of all kinds, two scans each,
            from which small segmentation networks learn; `devices`, one scan an eye on devices of
            all kinds, as `ctt-net train-segmenter` has them.
    """
    path = folder / f"{name}.npz"
    if not path.is_file():
        makes = {
            "seen": lambda: simulated_pairs(400, 0, holes_only=True),
            "held_out": lambda: simulated_pairs(104, 1, holes_only=True),
            "taught": lambda: simulated_pairs(400, 2, holes_only=False),
            "devices": lambda: simulate(800, 3),
        }
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, **makes[name]()._asdict())
    return LabelledScans(**np.load(path))
