"""Where a backbone's weights come from, and under what licence: printed and kept with a model."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safetensors import safe_open

Normalisation = Literal["network", "imagenet", "half"]
UNKNOWN_LICENCE = "unknown: check it"


@dataclass(frozen=True)
class WeightsFamily:
    """Published weights that are used under one licence.

    Args:
        name: As its authors call it.
        pattern: Of file names, whatever the case.
        licence: As its authors state it.
        citation: Of its paper.
        normalisation: Of its pictures.
    """

    name: str
    pattern: str
    licence: str
    citation: str
    normalisation: Normalisation


# Special before general. Licences as stated by the authors beside the weights, read in 2026-11.
FAMILIES = (
    WeightsFamily(
        "RETFound-Green",
        r"retfound[ _-]?green",
        "its author's own, for non-commercial research without industry only",
        "Engelmann and Bernabeu 2025, doi 10.1038/s41467-025-62123-z",
        "half",
    ),
    WeightsFamily(
        "RETFound",
        r"retfound",
        "CC BY-NC 4.0",
        "Zhou et al. 2023, doi 10.1038/s41586-023-06555-x",
        "imagenet",
    ),
    WeightsFamily(
        "MAE", r"mae_pretrain", "CC BY-NC 4.0", "He et al. 2022, arXiv 2111.06377", "imagenet"
    ),
    WeightsFamily(
        "DINOv2", r"dinov2", "Apache-2.0", "Oquab et al. 2023, arXiv 2304.07193", "imagenet"
    ),
)


@dataclass(frozen=True)
class WeightsOrigin:
    """What a training started from.

    Args:
        name: Of the file, the package or timm's weights.
        licence: Of the weights.
        citation: Of the paper they come from, if known.
        sha256: Of the file, if there was one at hand.
        normalisation: That they need, if known.
    """

    name: str
    licence: str = UNKNOWN_LICENCE
    citation: str | None = None
    sha256: str | None = None
    normalisation: Normalisation | None = None

    def __str__(self) -> str:
        cite = f"; cite {self.citation}" if self.citation else ""
        return f"weights: {self.name}; licence {self.licence}{cite}"

    def to_dict(self) -> dict[str, str]:
        """What is known, for `model.yaml`."""
        facts = {
            "name": self.name,
            "licence": self.licence,
            "citation": self.citation,
            "sha256": self.sha256,
        }
        return {key: value for key, value in facts.items() if value is not None}


def origin_of_file(path: Path, licence: str | None = None) -> WeightsOrigin:
    """Recognise a weights file.

    Args:
        path: Of a readable file.
        licence: What the user says: the name of a family, such as RETFound, or a licence.
    """
    stated = licence or _metadata_licence(path)
    family = family_of(licence or "") or (None if stated else family_of(path.name))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if family is None:
        return WeightsOrigin(path.name, stated or UNKNOWN_LICENCE, sha256=digest)
    name = f"{path.name} ({family.name})"
    return WeightsOrigin(name, family.licence, family.citation, digest, family.normalisation)


def family_of(text: str) -> WeightsFamily | None:
    """The family that a file name or a word means."""
    return next((f for f in FAMILIES if re.search(f.pattern, text, re.IGNORECASE)), None)


def _metadata_licence(path: Path) -> str | None:
    """What a .safetensors file says of itself."""
    if path.suffix != ".safetensors":
        return None
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    return next((metadata[key] for key in ("licence", "license") if metadata.get(key)), None)
