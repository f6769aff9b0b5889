"""Write files so that a killed process leaves the old one or the new one, never half."""

import os
import tempfile
from pathlib import Path

from ctt_net.errors import InputError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write beside the target, then rename over it.

    Args:
        path: Target; its folder is made if missing.
        content: Text (written as UTF-8, line ends untouched) or bytes.

    Raises:
        InputError: If there is no writing there.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror}; name another place"
        ) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def refuse_no_folder(out: Path) -> None:
    """Refuse, before long work, a place where no folder can be made; nothing is made yet.

    Args:
        out: Folder to be written to, new or not.

    Raises:
        InputError: If it is a file, lies below one, or may not be written.
    """
    place = out
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise InputError(f"{out}: {place} is a file; name a folder")
    if not os.access(place, os.W_OK):
        raise InputError(f"{out}: {place} may not be written; name another place")
