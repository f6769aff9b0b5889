"""`provenance.json`: what a model was made from, so that a number can be traced back.

Patients and scans of the training are kept as salted fingerprints: enough to notice them in an
evaluated cohort, of no use to name anyone.
"""

import hashlib
import hmac
import platform
import secrets
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net import INTENDED_USE, __version__
from ctt_net.cohort.ids import spelling
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import json_text, read_json
from ctt_net.io.renamed import PROVENANCE_KEYS, current

PROVENANCE_FILE = "provenance.json"

# Columns of a manifest that say where a scan comes from.
ORIGIN_COLUMNS = ("device", "site")

LIBRARIES = (
    "numpy", "pandas", "scipy", "scikit-learn", "opencv-python-headless", "pillow", "onnxruntime",
    "torch", "timm", "pytorch-lightning", "albumentations",
)  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """Contents of `provenance.json`.

    Args:
        seed: Of the run.
        fold: Its test fold.
        n_train: Eyes it was trained on.
        n_val: Eyes that chose its checkpoint.
        salt: Key of the fingerprints, hexadecimal.
        patients: Fingerprints of all patients of training and validation, as written and as
            `cohort.ids.spelling` writes them.
        scans: Fingerprints of all their scans, as the network took them.
        versions: Of Python and the libraries.
        revision: Of this project's code, if it is a git checkout.
        trained_on: Kind of device, and precision.
        started_from: Name, kind and digest of the model or pretraining that it went on from, and
            the published weights that this one started from; None if from nothing.
        origins: Fingerprints of the devices and sites of the training's eyes, by column; a name may
            be that of a hospital.
        recalibrated_on: Name and numbers of the cohort that it was recalibrated on; those patients
            and scans are among the fingerprints.
        intended_use: The sentence that goes with every result.
        trained: When, ISO 8601, UTC; None of an older folder, which does not say.
        digests: SHA-256 of every other file of the model folder, by name; empty in one of version
            0.1 and until it is finished.
    """

    seed: int
    fold: int
    n_train: int
    n_val: int
    salt: str
    patients: tuple[str, ...]
    scans: tuple[str, ...]
    trained_on: str
    started_from: Mapping[str, Any] | None = None
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recalibrated_on: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=lambda: library_versions())
    revision: str | None = field(default_factory=lambda: git_revision())
    intended_use: str = INTENDED_USE
    trained: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Contents of `provenance.json`."""
        return json_text(asdict(self))

    def write(self, folder: Path) -> None:
        """Write `provenance.json`."""
        atomic_write(folder / PROVENANCE_FILE, self.text())

    @classmethod
    def read(cls, folder: Path) -> "Provenance":
        """Read `provenance.json`.

        Raises:
            InputError: If it is missing or damaged.
        """
        return read_json(folder / PROVENANCE_FILE, cls._from_dict)

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> "Provenance":
        data = current(data, PROVENANCE_KEYS)
        lists: dict[str, Any] = {name: tuple(data[name]) for name in ("patients", "scans")}
        lists["origins"] = {name: tuple(values) for name, values in data.get("origins", {}).items()}
        lists["digests"] = {str(name): str(one) for name, one in data.get("digests", {}).items()}
        return cls(**{**data, **lists})

    def __post_init__(self) -> None:
        bytes.fromhex(self.salt)  # a ValueError here means a damaged file

    def after(self, before: "Provenance | None") -> "Provenance":
        """The same, with the patients and scans of the model it started from; both of one salt."""
        if before is None:
            return self
        if before.salt != self.salt:
            raise ValueError("fingerprints of two salts cannot be compared")
        return replace(
            self,
            patients=tuple(sorted({*self.patients, *before.patients})),
            scans=tuple(sorted({*self.scans, *before.scans})),
            origins=joined(self.origins, before.origins),
        )

    def knows_origin(self, column: str, value: str) -> bool | None:
        """Whether the training had eyes of this device or site; None if it recorded none."""
        if not self.origins.get(column):
            return None
        return fingerprint(origin_bytes(value), self.salt) in self.origins[column]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset((*self.patients, *self.scans))

    def knows_patient(self, patient_id: str) -> bool:
        """Whether this patient took part in the training, under this or another spelling."""
        return not self._known.isdisjoint(patient_fingerprints([patient_id], self.salt))

    def knows_scan(self, pixels: np.ndarray) -> bool:
        """Whether this scan, as preprocessed, took part in the training."""
        return fingerprint(pixels.tobytes(), self.salt) in self._known


def joined(
    one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Fingerprints of both, by column."""
    return {
        name: tuple(sorted({*one.get(name, ()), *other.get(name, ())})) for name in {**one, **other}
    }


def origin_bytes(value: str) -> bytes:
    """A device or site as it is compared, whatever its capitals."""
    return " ".join(value.casefold().split()).encode()


def origins_of(table: pd.DataFrame, salt: str) -> dict[str, tuple[str, ...]]:
    """Fingerprints of the devices and sites of a cohort's rows; unknown ones count for nothing."""
    return {
        name: fingerprints((origin_bytes(value) for value in known_origins(table, name)), salt)
        for name in ORIGIN_COLUMNS
        if len(known_origins(table, name))
    }


def known_origins(table: pd.DataFrame, column: str) -> list[str]:
    """Values of one column of `ORIGIN_COLUMNS`, one per eye that has one."""
    if column not in table:
        return []
    return [str(value) for value in table[column].dropna() if str(value).strip()]


def new_salt() -> str:
    """A fresh key."""
    return secrets.token_hex(16)


def fingerprint(content: bytes, salt: str) -> str:
    """Keyed hash, 96 bits: no collision among any number of eyes there will ever be."""
    return hmac.new(bytes.fromhex(salt), content, hashlib.sha256).hexdigest()[:24]


def fingerprints(contents: Iterable[bytes], salt: str) -> tuple[str, ...]:
    """Fingerprints without order or repeats, so that they tell nothing of the table."""
    return tuple(sorted({fingerprint(content, salt) for content in contents}))


def patient_fingerprints(patient_ids: Iterable[str], salt: str) -> tuple[str, ...]:
    """Fingerprints of ids as written, all that older folders hold, and as spelled alike."""
    contents = (form.encode() for one in patient_ids for form in (one, spelling(one)))
    return fingerprints(contents, salt)


def library_versions() -> dict[str, str]:
    """Version of Python, this package and each library that is installed."""
    versions = {"python": platform.python_version(), "ctt-net": __version__}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_revision() -> str | None:
    """Revision of the checkout this package runs from, `+` appended if it was changed."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--abbrev=12"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
