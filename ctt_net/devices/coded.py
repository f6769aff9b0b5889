"""One compressed B-scan: its size from its own header, then its samples."""

import struct

import numpy as np

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
