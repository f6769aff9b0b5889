"""PNG files that hold a picture and nothing else."""

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE_ONLY = (b"IHDR", b"IDAT", b"IEND")


def bare_png(pixels: np.ndarray) -> bytes:
    """Encode a grey picture without any metadata.

    Args:
        pixels: (H, W) uint8.

    Returns:
        PNG of the chunks IHDR, IDAT and IEND only.
    """
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise RuntimeError(f"a picture of {pixels.shape} could not be encoded as PNG")
    kept = [_SIGNATURE]
    for kind, payload in chunks(data.tobytes()):
        if kind in _PICTURE_ONLY:
            check = struct.pack(">I", zlib.crc32(kind + payload))
            kept.append(struct.pack(">I", len(payload)) + kind + payload + check)
    return b"".join(kept)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and payload of each chunk (PNG specification, section 5.3).

    Raises:
        ValueError: If the file is no PNG, is cut short, or goes on behind its end.
    """
    if not data.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    place = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if place + 12 > len(data):
            raise ValueError("a PNG that is cut short")
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        yield kind, data[place + 8 : place + 8 + length]
        place += 12 + length
    if place != len(data):
        raise ValueError("bytes behind the end of the picture")


def picture_of(data: bytes) -> np.ndarray:
    """The (H, W) uint8 picture of a PNG as `bare_png` writes it.

    Raises:
        ValueError: If the file holds anything else: other chunks, another colour mode, or bytes
            beyond the rows of the picture.
    """
    parts = list(chunks(data))
    foreign = {kind for kind, _ in parts} - set(_PICTURE_ONLY)
    if foreign:
        raise ValueError(f"the chunk {sorted(foreign)[0]!r}, which is no part of a picture")
    width, height, *mode = struct.unpack(">IIBBBBB", parts[0][1])
    if mode != [8, 0, 0, 0, 0]:
        raise ValueError("a picture that is not 8 bit grey")
    stream = zlib.decompressobj()
    rows = stream.decompress(b"".join(payload for kind, payload in parts if kind == b"IDAT"))
    if len(rows) != height * (width + 1) or stream.unused_data or not stream.eof:
        raise ValueError("bytes beyond the rows of the picture")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("rows that cannot be decoded")
    return np.asarray(pixels)
