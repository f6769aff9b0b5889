"""A scan that occurs twice is recognised; scans of two eyes are told apart."""

import hashlib
import itertools

import cv2
import numpy as np
import pytest

from ctt_net.imaging import near_duplicates, perceptual_hash, pixel_digest
from ctt_net.imaging.fingerprint import MAX_DISTANCE
from ctt_net.synthetic import DEVICES, draw_eyes, scan


@pytest.fixture(scope="module")
def scans():
    """Both scans of twelve eyes, and of the first three from another device."""
    eyes = draw_eyes(12, seed=77)
    pictures = [scan(eye, DEVICES[0], way) for eye in eyes for way in ("horizontal", "vertical")]
    return pictures + [scan(eye, DEVICES[1], "horizontal") for eye in eyes[:3]]


def changed(pixels):
    """The same picture, as it comes back from other exports."""
    grey = pixels.astype(np.float32)
    for quality in (60, 95):
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        yield cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    yield cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    yield cv2.resize(pixels, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    yield np.clip(grey * 1.15, 0, 255).astype(np.uint8)
    yield np.clip(grey * 0.85, 0, 255).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape)
    yield np.clip(grey + noise, 0, 255).astype(np.uint8)


def test_copies_are_found_and_different_scans_are_not(scans):
    pictures = [[pixels, *changed(pixels)] for pixels in scans]
    hashes = np.stack([perceptual_hash(p) for same in pictures for p in same])
    owner = np.repeat(np.arange(len(scans)), [len(same) for same in pictures])
    wanted = {
        (i, j) for i, j in itertools.combinations(range(len(owner)), 2) if owner[i] == owner[j]
    }
    assert set(near_duplicates(hashes)) == wanted


def test_a_mirrored_copy_is_found_by_the_mirrored_hash(scans):
    for pixels in scans:
        pair = np.stack([perceptual_hash(pixels), perceptual_hash(pixels[:, ::-1])])
        assert near_duplicates(pair) == []
        mirrored = np.ascontiguousarray(pixels[:, ::-1])
        pair[1] = perceptual_hash(mirrored[:, ::-1])
        assert near_duplicates(pair) == [(0, 1)]


def test_real_eyes_are_all_different(quebec):
    hashes = [perceptual_hash(got.pixels) for got in quebec.values()]
    mirrored = [perceptual_hash(got.pixels[:, ::-1]) for got in quebec.values()]
    assert near_duplicates(np.stack(hashes + mirrored)) == []


def test_pairs_are_those_of_a_plain_count_of_bits():
    rng = np.random.default_rng(3)
    hashes = rng.integers(0, 256, (2300, 32), dtype=np.uint8)
    for number in range(0, 2300, 100):  # copies with 0 to 44 bits turned over
        bits = np.unpackbits(hashes[number])
        bits[rng.choice(256, number // 50, replace=False)] ^= 1
        hashes[(number + 1717) % 2300] = np.packbits(bits)
    pairs = near_duplicates(hashes)
    bits = np.unpackbits(hashes, axis=1)
    plain = [
        (i, int(j))
        for i in range(len(bits))
        for j in i + 1 + np.flatnonzero((bits[i + 1 :] != bits[i]).sum(axis=1) <= MAX_DISTANCE)
    ]
    assert pairs == plain
    assert len(pairs) > 5
    assert near_duplicates(hashes[:1]) == []
    assert near_duplicates(np.zeros((0, 32), np.uint8)) == []


def test_the_digest_holds_size_and_every_pixel(bscan):
    oracle = hashlib.sha256(b"496x768:" + bytes(np.asarray(bscan).ravel().tolist())).hexdigest()
    assert pixel_digest(bscan) == oracle
    assert pixel_digest(np.asfortranarray(bscan)) == oracle
    assert pixel_digest(bscan.reshape(768, 496)) != oracle
    other = bscan.copy()
    other[5, 5] ^= 1
    assert pixel_digest(other) != oracle
