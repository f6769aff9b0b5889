"""Names in pictures are found at every place, and chance finds nothing."""

import numpy as np

from ctt_net.deidentify.names import ByteNames


def test_bytes_are_found_at_every_place_as_the_plain_search_finds_them():
    rng = np.random.default_rng(0)
    names = {f"name {n:04d}": str(n) for n in range(300)}
    search = ByteNames(names)
    noise = rng.integers(0, 256, 5000, dtype=np.uint8).tobytes()
    assert search.found_in(noise) is None
    for place in [0, *rng.integers(1, 4900, 40), len(noise)]:
        for codec in ("utf-8", "utf-16-le"):
            number = int(rng.integers(300))
            data = noise[:place] + f"name {number:04d}".encode(codec) + noise[place:]
            assert search.found_in(data) == str(number)
    assert ByteNames({}).found_in(noise) is None
