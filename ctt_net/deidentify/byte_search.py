"""Find any of thousands of byte strings in a picture file, at the speed of a table look-up."""

from collections.abc import Mapping

import numpy as np

# Eight bytes meet by chance once in 10^19 places; a large cohort's scans have 10^10.
SHORTEST_BYTES = 8


class ByteNames:
    """Names to look for in bytes, as UTF-8 and as UTF-16; those below eight bytes are left out.

    Args:
        origins: Name to where it stood, for the message.
    """

    def __init__(self, origins: Mapping[str, str]) -> None:
        self._by_head: dict[int, list[tuple[bytes, str]]] = {}
        for name, origin in origins.items():
            for spelling in {name.encode(enc) for enc in ("utf-8", "utf-16-le", "utf-16-be")}:
                if len(spelling) >= SHORTEST_BYTES:
                    head = int.from_bytes(spelling[:SHORTEST_BYTES], "little")
                    self._by_head.setdefault(head, []).append((spelling, origin))
        self._heads = np.array(sorted(self._by_head), dtype=np.uint64)

    def found_in(self, data: bytes) -> str | None:
        """Where the first name found came from, None if there is none."""
        if not len(self._heads):
            return None
        for start in range(SHORTEST_BYTES):
            count = (len(data) - start) // SHORTEST_BYTES
            if count <= 0:
                break
            windows = np.frombuffer(data, dtype="<u8", count=count, offset=start)
            near = np.minimum(np.searchsorted(self._heads, windows), len(self._heads) - 1)
            for hit in np.flatnonzero(self._heads[near] == windows):
                place = start + int(hit) * SHORTEST_BYTES
                for spelling, origin in self._by_head[int(windows[hit])]:
                    if data.startswith(spelling, place):
                        return origin
        return None
