"""Samples of a device: compressed B-scans decoded, and any depth brought to 8 bit grey.

Heidelberg floats are reflectivities from 0 to 1, of which most are below 0.01; the device shows
grey = 255 * reflectivity ** (1/4). Values above 1 that stand for "no sample" become black.

Deep integers follow the rule of `ctt_net.imaging.decode.depth`, decided once over all B-scans of
an acquisition so that they stay comparable: the smallest usual full scale that holds the 99.9th
percentile; where none fits, the 0.1 and 99.9 percentiles are spread over 0..255. Samples of 8
bits are not changed.
"""

import struct

import numpy as np

from ctt_net.imaging.decode.depth import FULL_SCALES

_J2K_SIZE = b"\xff\x4f\xff\x51"  # start of codestream, then the size segment
_START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def coded_size(data: bytes) -> tuple[int, int]:
    """Height and width that a JPEG, JPEG-LS or JPEG 2000 stream promises.

    Checked before decoding, since a garbled size makes a decoder ask for any amount of memory.

    Raises:
        ValueError: there is no size in it.
    """
    start = data.find(_J2K_SIZE, 0, 4096)
    if start >= 0:
        right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
        return bottom - top, right - left
    place = 2
    while place + 9 <= len(data) and data[:2] == b"\xff\xd8":
        mark, kind, length = struct.unpack_from(">BBH", data, place)
        if mark != 0xFF:
            break
        if kind in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return height, width
        place += 1 if kind == 0xFF else 2 + length
    raise ValueError("no picture size")


def decode(data: bytes, codec: str, height: int, width: int) -> np.ndarray:
    """(H, W) samples, uint8, uint16 or int16.

    Args:
        data: one coded picture.
        codec: `jpeg`, `ljpeg`, `jpegls` or `jpeg2k`.
        height: that the file's header promises.
        width: that the file's header promises.

    Raises:
        ValueError: of another size or in colour; whatever the codec raises if it is damaged.
    """
    import imagecodecs

    if coded_size(data) != (height, width):
        raise ValueError(f"a picture of {coded_size(data)}, not {(height, width)}")
    samples = np.asarray(getattr(imagecodecs, f"{codec}_decode")(data))
    if samples.shape == (height, width, 3):  # grey written as equal colours
        samples = samples[..., 1]
    if samples.shape != (height, width) or samples.dtype.name not in ("uint8", "uint16", "int16"):
        raise ValueError(f"samples {samples.shape} {samples.dtype}")
    return samples


_NO_SAMPLE = 1e30  # the largest float stands for it in .vol files
_SMALLEST_SHARE = 1 / 20


def heidelberg_grey(reflectivity: np.ndarray) -> np.ndarray:
    """Heidelberg's floats to grey.

    Args:
        reflectivity: any shape, float.

    Returns:
        The same shape, uint8.
    """
    values = np.asarray(reflectivity, np.float32)
    real = np.isfinite(values) & (values < _NO_SAMPLE)
    values = np.clip(np.where(real, values, 0), 0, 1)
    return np.rint(255 * np.sqrt(np.sqrt(values))).astype(np.uint8)


def deep_to_grey(samples: np.ndarray, notes: list[str], inverted: bool = False) -> np.ndarray:
    """Integers of up to 16 bits to grey, by one scale for the whole array.

    Args:
        samples: (N, H, W), uint8, uint16 or int16.
        notes: receives a line that says which scale was taken.
        inverted: white is the smallest value.
    """
    if samples.dtype == np.uint8:
        return 255 - samples if inverted else samples
    lowest = int(np.iinfo(samples.dtype).min)
    counts = np.zeros(65536, np.int64)
    for frame in samples:  # one at a time: a sum over the whole array would need eight times it
        counts += np.bincount(frame.ravel().astype(np.int64) - lowest, minlength=65536)
    low, high = (_percentile(counts, share) + lowest for share in (0.001, 0.999))
    table = _levels(np.arange(65536) + lowest, low, high, notes)
    if inverted:
        table = 255 - table
    return _mapped(samples, table)


def windowed_grey(
    samples: np.ndarray, centre: float, width: float, slope: float, intercept: float
) -> np.ndarray:
    """Integers to grey through a linear window, as DICOM PS3.3 C.11.2.1.2.1 defines it.

    Args:
        samples: (N, H, W), uint8, uint16 or int16.
        centre: of the window, in rescaled values.
        width: of the window, at least 1.
        slope: rescaled = slope * stored + intercept.
        intercept: see slope.
    """
    lowest, highest = np.iinfo(samples.dtype).min, np.iinfo(samples.dtype).max
    values = np.arange(lowest, highest + 1) * slope + intercept
    share = (values - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5
    table = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return _mapped(samples, table)


def _mapped(samples: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Grey by a look-up table over all values of the samples' type, frame by frame."""
    lowest = int(np.iinfo(samples.dtype).min)
    grey = np.empty(samples.shape, np.uint8)
    for target, frame in zip(grey, samples, strict=True):
        target[:] = table[frame.astype(np.int64) - lowest]
    return grey


def _percentile(counts: np.ndarray, share: float) -> int:
    below = np.cumsum(counts)
    return int(np.searchsorted(below, share * below[-1]))


def _levels(values: np.ndarray, low: int, high: int, notes: list[str]) -> np.ndarray:
    scale = next((s for s in FULL_SCALES if high <= s), None)
    if low >= 0 and scale is not None and high >= scale * _SMALLEST_SHARE:
        notes.append(f"values up to {high} were read on a scale of 0 to {scale}")
        share = values / scale
    else:
        notes.append(f"values {low} to {high} were spread over 256 grey levels")
        share = (values - low) / max(high - low, 1)
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
