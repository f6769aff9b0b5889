"""Every scan of a cohort read once: network input, facts, surroundings of the retina."""

import json
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.cohort import Cohort
from ctt_net.data.scan_cache import Arrays
from ctt_net.data.scans import Progress, Scans, measured_scans
from ctt_net.imaging import BScan, Preprocessing
from ctt_net.imaging.fingerprint import hashes_with_mirror, pixel_digest
from ctt_net.imaging.retina import outline_retina

# Columns and rows to which pictures of all devices are resized.
SIZE = (144, 96)
_SMOOTH = 3.0  # pixels: what is wider is illumination
_BRIGHTEST = 8.0  # SDs: one white letter must not outweigh the whole picture
_STEPS = 15  # of an SD: a byte then holds eight
_ABOVE, _BELOW = 0.08, 0.15  # of the height, around the retina
_SIDE = 0.12  # of the width


@dataclass(frozen=True)
class ScanFile:
    """Facts on one file.

    Args:
        path: Relative to the cohort folder.
        size: Width and height, pixels.
        layout: What was found around the B-scan.
        overlays: Kinds of burnt-in marks.
        digest: Of the decoded pixels.
        hashes: (2, 32) perceptual hash of the scan and of its mirror image.
        grey_levels: (5,) statistics of the grey levels: 5th, 50th and 95th percentile, fine noise,
            sharpness.
    """

    path: str
    size: tuple[int, int]
    layout: str
    overlays: tuple[str, ...]
    digest: str
    hashes: NDArray[np.uint8]
    grey_levels: NDArray[np.float64]


@dataclass(frozen=True)
class CohortScans:
    """All scans of a table, in its views' order.

    Args:
        scans: As the network takes them.
        files: (E, V) of `ScanFile`, None where absent.
        outside: (E, V, 96, 144) what lies outside the retina, as scanned (left eyes not mirrored),
            without illumination, in fifteenths of its own noise; 0 where absent or retina.
    """

    scans: Scans
    files: NDArray[np.object_]
    outside: NDArray[np.int8]

    def of(self, positions: NDArray[np.int64]) -> "CohortScans":
        """Scans of some rows only."""
        return CohortScans(self.scans.of(positions), self.files[positions], self.outside[positions])


def read_scans(
    cohort: Cohort, preprocessing: Preprocessing, progress: Progress | None = None
) -> CohortScans:
    """Read every scan of a cohort.

    Args:
        cohort: Whose scans.
        preprocessing: Scan file to network input.
        progress: Called for each scan read.

    Raises:
        InputError: Naming each row, view and file that cannot be read.
    """
    shape = (len(cohort.table), len(cohort.spec.views))
    files = np.full(shape, None, object)
    around = np.zeros((*shape, SIZE[1], SIZE[0]), np.int8)

    scans, measured = measured_scans(cohort, preprocessing, _measure, progress)
    for place, found in measured.items():
        around[place] = found["outside"]
        path = str(cohort.table.iloc[place[0]][list(cohort.spec.views)[place[1]]])
        facts = json.loads(found["facts"].tobytes())
        files[place] = ScanFile(
            path=path,
            size=tuple(facts["size"]),
            layout=facts["layout"],
            overlays=tuple(facts["overlays"]),
            digest=facts["digest"],
            hashes=found["hashes"],
            grey_levels=found["grey_levels"],
        )
    return CohortScans(scans, files, around)


def _measure(scan: BScan) -> Arrays:
    """What a cache keeps with a scan: arrays, and facts in words as bytes of JSON."""
    facts = {
        "size": scan.pixels.shape[::-1],
        "layout": scan.device_layout,
        "overlays": scan.overlays,
        "digest": pixel_digest(scan.pixels),
    }
    return {
        "outside": outside(scan.pixels),
        "hashes": hashes_with_mirror(scan.pixels),
        "grey_levels": grey_level_statistics(scan.pixels),
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
    }


def outside(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """What lies outside the retina, as local contrast in fifteenths of its own noise.

    Above the retina everything counts, below it only the two sides: lesions of the macula cast
    shadows and let light through, down to the last row.

    Args:
        pixels: (H, W) B-scan.

    Returns:
        (96, 144), 0 where the retina is; 0 everywhere if no retina is found.
    """
    outline = outline_retina(pixels)
    if outline is None:
        return np.zeros(SIZE[::-1], np.int8)
    columns, known = np.linspace(0, 1, SIZE[0]), np.linspace(0, 1, len(outline.path))
    scale = SIZE[1] / outline.rows
    top = np.interp(columns, known, outline.inner * scale) - _ABOVE * SIZE[1]
    bottom = np.interp(columns, known, outline.path * scale) + _BELOW * SIZE[1]
    rows = np.arange(SIZE[1])[:, None]
    at_side = np.abs(columns - 0.5) > 0.5 - _SIDE
    keep = (rows < top) | ((rows > bottom) & at_side)
    small = cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    # Only kept pixels are averaged: else the retina would blur into its surroundings.
    weight = cv2.GaussianBlur(keep.astype(np.float32), (0, 0), _SMOOTH)
    around = cv2.GaussianBlur(small * keep, (0, 0), _SMOOTH) / np.maximum(weight, 1e-3)
    fine = small - around
    if not keep.any():
        return np.zeros(SIZE[::-1], np.int8)
    noise = 1.4826 * float(np.median(np.abs(fine[keep]))) + 0.5
    steps = np.rint(_STEPS * np.clip(fine / noise, -_BRIGHTEST, _BRIGHTEST))
    return np.where(keep, steps, 0).astype(np.int8)


def grey_level_statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(5,) statistics by which devices differ: grey levels, noise along the layers, sharpness."""
    levels = np.percentile(pixels, (5, 50, 95))
    fine = np.abs(np.diff(pixels.astype(np.int16), axis=1))
    down = np.abs(np.diff(pixels.astype(np.int16), axis=0))
    return np.array([*levels, float(fine.mean()), float(down.mean())])
