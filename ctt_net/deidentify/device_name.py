"""A device's model may leave, its serial number may not."""

import re
from collections.abc import Iterable

_SERIAL = re.compile(
    r"[0-9]{4,}"  # a run of digits
    r"|(?<![a-z])(?:s ?/ ?n|sn|serial|ser|inv|inventory|asset)(?![a-z])"  # the word for one
    r"|(?=[a-z0-9-]*[0-9][a-z0-9-]*[0-9][a-z0-9-]*[0-9])(?=[a-z0-9-]*[a-z])[a-z0-9-]{6,}",  # A1B2C3
    re.IGNORECASE,
)


def stays(name: str, declared: Iterable[str]) -> bool:
    """Whether a device may keep its name: declared as a model, or nothing like a serial number.

    >>> stays("Spectralis", []), stays("Cirrus 5000", []), stays("Cirrus 5000", ["Cirrus 5000"])
    (True, False, True)
    """
    return name in declared or _SERIAL.search(name) is None
