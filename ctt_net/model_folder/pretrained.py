"""Models by name: the one that comes with ctt-net, and those of the Hugging Face Hub.

A hub is asked only for a name that says so (`hf://organisation/name`): a path that was mistyped
asks nobody.
"""

import re
from pathlib import Path

from ctt_net.errors import InputError, install_extra
from ctt_net.model_folder.digests import READ
from ctt_net.model_folder.provenance import PROVENANCE_FILE

# Trained on simulated eyes, to try the commands with: no clinical validity.
SIMULATED = "simulated"
_PACKAGED = Path(__file__).parent / "weights"

# A path of pathlib keeps one of the two slashes.
_HUB_NAME = re.compile(r"hf:/{1,2}(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
# What may be fetched: nothing that a program would run.
_FILES = [
    *(f"{folder}{name}" for folder in ("", "fold_*/model/") for name in (*READ, PROVENANCE_FILE)),
    *("metrics.json", "README.md"),
]


def resolve_model(model: Path | str) -> Path:
    """The folder of a model that is named, fetched first where a hub has it.

    Args:
        model: Path, `simulated`, or `hf://organisation/name`, with `@revision` behind if need be.

    Returns:
        A path as it is, whether it exists or not; else the folder on this machine.

    Raises:
        InputError: If the hub does not give it, or the extra `hub` is not installed.
    """
    path = Path(model)
    named = _HUB_NAME.fullmatch(model if isinstance(model, str) else model.as_posix())
    if named is not None:
        return fetch(named["name"], named["revision"])
    if str(model) == SIMULATED and not path.exists():
        return _PACKAGED / SIMULATED
    return path


def fetch(name: str, revision: str | None = None) -> Path:
    """A model of the Hugging Face Hub, from this machine's copy where it has one.

    Args:
        name: `organisation/name`.
        revision: Branch, tag or commit; only a commit is sure to stay what it is.

    Raises:
        InputError: If it cannot be had, or the extra `hub` is not installed.
    """
    try:
        from huggingface_hub import constants, snapshot_download
    except ModuleNotFoundError as error:
        raise InputError(
            f"hf://{name}: a hub needs {error.name}, which is not installed; {install_extra('hub')}"
        ) from None
    # Files of their own: the hub's cache holds links, and a model folder may hold none.
    place = (
        Path(constants.HF_HOME)
        / "ctt_net"
        / Path(name)
        / re.sub(r"[^\w-]", "_", revision or "main")
    )
    try:
        snapshot_download(name, revision=revision, local_dir=place, allow_patterns=_FILES)
    except Exception as error:  # of several libraries below it, which have no base class in common
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise InputError(
            f"hf://{name}: cannot be fetched ({reason}); check name and network. A machine without "
            f"a network takes the folder: fetch it elsewhere, carry it over, and name its path"
        ) from None
    return place
