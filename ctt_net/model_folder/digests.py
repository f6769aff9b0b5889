"""Checksums: whether the files of a model folder are those it was made with.

`provenance.json` holds the SHA-256 of every other file, written last. It is not signed: who changes
a file on purpose can change that, too, so that nothing outside a model folder is ever read because
something in it says so.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ctt_net.errors import InputError
from ctt_net.io import renamed
from ctt_net.io.atomic_write import roll_back_unfinished
from ctt_net.model_folder.provenance import PROVENANCE_FILE, Provenance

# Files that are read. One of them that is there without being listed was put there by somebody.
READ = (
    "model.yaml", "model.onnx", "model.safetensors", "calibration.json", "abstention.json",
    "reference_embeddings.safetensors", "baselines.json", "clinical_start.json",
    "similar_eyes.json",
)  # fmt: skip
_READ = (*READ, renamed.EMBEDDINGS_FILE)


def verify(folder: Path) -> Provenance:
    """Check every file of a model folder before any of them is used.

    Args:
        folder: Model folder. One of version 0.1, or one that is still being made, lists no digests
            and is taken as it is.

    Returns:
        Its provenance.

    Raises:
        InputError: If a file is missing, was changed or added, or is a link.
    """
    for place in (folder, *folder.absolute().parents[:2]):  # a run rewrites what its folds hold
        roll_back_unfinished(place)
    check_no_links(folder, (*_READ, PROVENANCE_FILE))
    provenance = Provenance.read(folder)
    if not provenance.digests:
        return provenance
    for name, digest in provenance.digests.items():
        check_no_links(folder, [name])
        path = folder / name
        if not path.exists():
            if name in _READ:
                raise InputError(f"{path}: no such file; a model folder holds one")
        elif sha256_of(path.read_bytes()) != digest:
            raise InputError(
                f"{path}: is not the file that this model folder was made with (its SHA-256 is "
                f"not that in {PROVENANCE_FILE}); get the folder again, or export it again"
            )
    for name in _READ:
        if name not in provenance.digests and (folder / name).exists():
            raise InputError(
                f"{folder / name}: is not among the files that {PROVENANCE_FILE} lists; remove it, "
                f"or get the folder again"
            )
    return provenance


def files_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a model folder by name, as it lists them itself.

    Args:
        folder: Model folder. Of one of version 0.1, which lists none, the files that are read.
    """
    listed = Provenance.read(folder).digests
    if listed:
        return dict(sorted(listed.items()))
    return {
        name: sha256_of((folder / name).read_bytes()) for name in READ if (folder / name).is_file()
    }


def check_no_links(folder: Path, names: Iterable[str]) -> None:
    """A link may lead anywhere, and so may a name with folders in it.

    Args:
        folder: Model folder.
        names: Of files that it may hold.

    Raises:
        InputError: If one is a link, or no file.
    """
    for name in names:
        path = folder / name
        if Path(name).name != name or path.is_symlink() or (path.exists() and not path.is_file()):
            raise InputError(
                f"{path}: is a link or no file; a model folder holds its own files, so put a copy "
                f"there"
            )


def seal(folder: Path, elsewhere: Mapping[str, str] | None = None) -> None:
    """Write the digests of all files of a model folder, as the last step of making it.

    Args:
        folder: Model folder.
        elsewhere: Digests of files that belong to it and lie elsewhere, which the reader of those
            compares: the weights of a bundle.
    """
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    digests = {
        name: sha256_of((folder / name).read_bytes()) for name in names if name != PROVENANCE_FILE
    }
    replace(Provenance.read(folder), digests={**digests, **(elsewhere or {})}).write(folder)


def resealed(provenance: Provenance, files: Mapping[str, str | bytes]) -> dict[str, str | bytes]:
    """Files that replace some of a model folder, and the provenance that lists them.

    Args:
        provenance: Of the folder.
        files: New contents by name.

    Returns:
        All contents by name, to be written together.
    """
    digests = dict(provenance.digests)
    if digests:  # a folder of version 0.1 stays without: nobody knows what its files were
        for name, content in files.items():
            digests[name] = sha256_of(content.encode() if isinstance(content, str) else content)
    return {**files, PROVENANCE_FILE: replace(provenance, digests=digests).text()}


def sha256_of(content: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(content).hexdigest()
