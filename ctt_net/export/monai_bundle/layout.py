"""Paths of the files in a bundle."""

from pathlib import Path

from ctt_net.errors import InputError
from ctt_net.model_folder.spec import SPEC_FILE

METADATA_FILE = Path("configs/metadata.json")
SCHEMA_FILE = Path("configs/metadata_schema.json")
INFERENCE_FILE = Path("configs/inference.json")
LOGGING_FILE = Path("configs/logging.conf")
WEIGHTS_FILE = Path("models/model.pt")  # the name that MONAI's specification requires
CARD_FILE = Path("docs/README.md")
LICENCE_FILE = Path("LICENSE")

# Default folder of predictions, as in MONAI's own bundles.
OUT_FOLDER = "eval"


def member_folder(root: Path, number: int) -> Path:
    """What belongs to one network besides its weights; members count from 1."""
    return root / "models" / f"member_{number}"


def member_folders(root: Path) -> list[Path]:
    """The members of a bundle in the order of their weights.

    Raises:
        InputError: If there is none.
    """
    folders: list[Path] = []
    while (folder := member_folder(root, len(folders) + 1)).is_dir():
        folders.append(folder)
    if not folders:
        raise InputError(
            f"{root}: no bundle of ctt-net here ({member_folder(Path(), 1) / SPEC_FILE} is "
            f"missing); go into the bundle, or give --bundle_root FOLDER"
        )
    return folders
