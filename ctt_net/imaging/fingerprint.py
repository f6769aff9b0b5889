"""Detect a scan that occurs twice: the same pixels, or the same picture slightly changed."""

import hashlib

import cv2
import numpy as np

SIDE = 16
_SMALL = 64
# Bits of 256. Of 450 different scans (104 Quebec eyes among them) the nearest two differ in 40, a
# scan and the mirror image of any in 44; copies in 16 at most, but up to 40 where darkening clips
# the background and up to 64 where 2 % were cropped at one side (docs/concepts/scan_facts.md).
MAX_DISTANCE = 30
_BLOCK = 1024


def pixel_digest(pixels: np.ndarray) -> str:
    """SHA-256 (hex) of size and grey levels: equal only for equal decoded pictures.

    Args:
        pixels: (H, W) uint8.
    """
    size = f"{pixels.shape[0]}x{pixels.shape[1]}:".encode()
    return hashlib.sha256(size + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def perceptual_hash(pixels: np.ndarray) -> np.ndarray:
    """Signs of the picture's coarse cosine waves: alike for pictures that look alike.

    The hash of a mirrored copy is that of `pixels[:, ::-1]`.

    Args:
        pixels: (H, W) uint8.

    Returns:
        (32,) uint8, 256 bits packed.
    """
    small = cv2.resize(pixels, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA).astype(np.float32)
    from scipy.fft import dctn  # here, since a prediction does without

    waves = dctn(small, norm="ortho")[:SIDE, 1 : SIDE + 1]
    return np.packbits(waves > np.median(waves))


def hashes_with_mirror(pixels: np.ndarray) -> np.ndarray:
    """(2, 32) uint8: `perceptual_hash` of a picture and of its mirror image."""
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    return np.stack([perceptual_hash(pixels), perceptual_hash(mirrored)])


def near_duplicates(hashes: np.ndarray, max_distance: int = MAX_DISTANCE) -> list[tuple[int, int]]:
    """Pairs of the same picture, re-encoded, resized or slightly changed.

    Args:
        hashes: (N, 32) uint8, rows of `perceptual_hash`.
        max_distance: bits in which the two may differ.

    Returns:
        (i, j) with i < j, in order.
    """
    hashes = np.asarray(hashes, np.uint8)
    if len(hashes) < 2:
        return []
    # Of signs +1 and -1 the product over n bits is n - 2 x (bits that differ). Half of the bits,
    # every other one, rule out nearly all pairs at half the cost.
    half = np.unpackbits(hashes, axis=1)[:, ::2].astype(np.float32) * 2 - 1
    least = half.shape[1] - 2 * max_distance
    pairs: list[tuple[int, int]] = []
    starts = range(0, len(half), _BLOCK)
    for row, column in ((i, j) for i in starts for j in starts if i <= j):
        alike = half[row : row + _BLOCK] @ half[column : column + _BLOCK].T
        first, second = np.divmod(np.flatnonzero(alike.ravel() >= least), alike.shape[1])
        first, second = first + row, second + column
        first, second = first[second > first], second[second > first]
        differ = np.unpackbits(hashes[first] ^ hashes[second], axis=1).sum(axis=1)
        keep = differ <= max_distance
        pairs += zip(first[keep].tolist(), second[keep].tolist(), strict=True)
    return sorted(pairs)


def near_or_mirrored(hashes: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of pictures that are alike as they are, or one of them mirrored.

    Args:
        hashes: (N, 2, 32) uint8, of each picture and of its mirror image.
    """
    n = len(hashes)
    if n < 2:
        return []
    near = near_duplicates(np.concatenate([hashes[:, 0], hashes[:, 1]]))
    return sorted({(min(i, j % n), max(i, j % n)) for i, j in near if i < n and j % n != i})
