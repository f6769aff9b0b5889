"""Where a cohort may be written: never over the raw data or another folder."""

import re
from collections.abc import Iterable
from pathlib import Path

from ctt_net.cohort.folder import MANIFEST_FILE, SPEC_FILE
from ctt_net.cohort.folds import FOLDS_FILE
from ctt_net.cohort.manifest_text import FLOW_FILE
from ctt_net.errors import InputError
from ctt_net.io.atomic_folder import folder_beside
from ctt_net.io.atomic_write import check_can_make_folder

MAPPING_FILE = "mapping.yaml"
SCANS_FOLDER = "scans"
_OURS = {SPEC_FILE, MANIFEST_FILE, FOLDS_FILE, FLOW_FILE, MAPPING_FILE, SCANS_FOLDER}


def check_out(out: Path, replace: bool, inputs: Iterable[Path]) -> None:
    """Refuse, before any work, an output folder that cannot or must not be written.

    Args:
        out: Cohort folder to make.
        replace: Whether an existing cohort may be exchanged.
        inputs: Files and folders that are read.

    Raises:
        InputError: Saying what stands there.
    """
    for source in inputs:
        if source.resolve().is_relative_to(out.resolve()):
            raise InputError(f"{out}: holds {source}, which is read; name a folder of its own")
    check_can_make_folder(out.parent)  # where the new folder is made, to be renamed
    if not out.exists():
        return
    if not replace:
        raise InputError(f"{out} exists already; name a new folder, or exchange it by --replace")
    if not (out / SPEC_FILE).is_file():
        raise InputError(f"{out}: no cohort folder, so --replace does not touch it")
    others = sorted(entry.name for entry in out.iterdir() if entry.name not in _OURS)
    if others:
        raise InputError(
            f"{out}: holds {', '.join(others[:5])}, which prepare has not written and --replace "
            f"would remove; move it elsewhere"
        )


def held_out_folder(out: Path) -> Path:
    """Where the eyes go that are held out of a cohort."""
    return folder_beside(out, "_held_out")


def check_no_held_out(out: Path) -> None:
    """Refuse to put eyes that were held out before back into the cohort.

    Raises:
        InputError: If there is a folder of such eyes.
    """
    held = held_out_folder(out)
    if (held / SPEC_FILE).is_file():
        raise InputError(
            f"{held}: holds the eyes that were held out of {out.name}, which would be trained on "
            f"now; say --hold-out (and --replace) again, or move that folder elsewhere"
        )


def leftovers(out: Path) -> list[str]:
    """What killed runs have left beside `out`, in words; it may hold scans of patients.

    Nothing is removed: another run may be at work there just now.
    """
    name = re.compile(rf"\.{re.escape(out.name)}\.[a-z0-9_]{{8}}")
    if not out.parent.is_dir():
        return []
    return [
        f"{entry}: left by a run that was killed; remove it, unless one is at work now"
        for entry in sorted(out.parent.iterdir())
        if name.fullmatch(entry.name) and entry.is_dir()
    ]
