"""Looks at held-out eyes as a run folder keeps them: `openings/`, a file each, never overwritten.

A file of its own for every look, because then two evaluations at once can lose none, on a network
drive neither.
"""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.errors import InputError
from ctt_net.io.json_file import read_json, write_json

OPENINGS_FOLDER = "openings"


@dataclass(frozen=True)
class Opening:
    """One look at the outcomes of held-out eyes. No figure, so that nobody can tune by it.

    Args:
        opened: When, ISO 8601, UTC.
        cohort: Name of the cohort.
        n_eyes: Eyes of known outcome.
        model: Digest of the weights.
        version: Of ctt-net.
        salt: Key of the fingerprints, hexadecimal; that of the model's own.
        cohort_digest: Of all eyes with their acuities.
        eyes: Fingerprint of each eye: its ids and acuities.
        scans: Fingerprint of the first scan of each eye, as the network saw it.
        training_eyes_allowed: Whether eyes of the training might have been among them.
        intended_use: The sentence that goes with every result.
    """

    opened: str
    cohort: str
    n_eyes: int
    model: str
    version: str
    salt: str
    cohort_digest: str
    eyes: tuple[str, ...]
    scans: tuple[str, ...]
    training_eyes_allowed: bool = False
    intended_use: str = INTENDED_USE

    def __post_init__(self) -> None:
        bytes.fromhex(self.salt)  # a ValueError here means a damaged file
        if not isinstance(self.opened, str) or not isinstance(self.n_eyes, int):
            raise TypeError("opened is a date, n_eyes a number")
        object.__setattr__(self, "eyes", tuple(map(str, self.eyes)))
        object.__setattr__(self, "scans", tuple(map(str, self.scans)))


def write_opening(opening: Opening, place: Path) -> Path:
    """Add one look to those of a run or model folder.

    Args:
        opening: The look.
        place: Run or model folder.

    Returns:
        The new file.

    Raises:
        InputError: If there is no writing there.
    """
    stamp = opening.opened.replace("-", "").replace(":", "")
    path = place / OPENINGS_FOLDER / f"{stamp}-{secrets.token_hex(4)}.json"
    write_json(path, asdict(opening))
    return path


def read_openings(place: Path) -> tuple[list[tuple[Path, Opening]], list[Path]]:
    """Looks recorded in a run or model folder and in those beside it, oldest first.

    Args:
        place: Run or model folder.

    Returns:
        Files with what they say, and files that cannot be read.
    """
    found, damaged = {}, []
    for path in _files(place):
        if path.name in found:  # of a run that was copied, looks and all
            continue
        try:
            found[path.name] = path, read_json(path, lambda data: Opening(**data))
        except (InputError, OSError):
            damaged.append(path)
    return sorted(found.values(), key=lambda one: (one[1].opened, one[0].name)), damaged


def _files(place: Path) -> Iterator[Path]:
    yield from (place / OPENINGS_FOLDER).glob("*.json")
    for neighbour in place.resolve().parent.glob(f"*/{OPENINGS_FOLDER}"):
        if neighbour.parent != place.resolve():
            yield from neighbour.glob("*.json")
