"""Make folders so that a killed process leaves the old one or the new one, never half."""

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import check_can_make_folder

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h; macOS calls it RENAME_SWAP, with the same value


@contextmanager
def new_folder(out: Path, replace: bool = False) -> Iterator[Path]:
    """A folder beside `out` to be filled; at the end it becomes `out`, after an error it is gone.

    Replacing is one exchange of names where the system can do that (Linux, macOS). Elsewhere
    `out` is set aside as `.<name>.old` first, and a process killed between the two renames leaves
    it there, whole.

    Args:
        out: Folder to make.
        replace: Take the place of an existing folder; else one that exists is refused.

    Raises:
        InputError: If `out` exists, or does at the end, and may not be replaced, is no folder, or
            its parent cannot be written.
    """
    check_not_taken(out, replace)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise InputError(f"{out}: cannot be made: {error.strerror}; name another place") from None
    try:
        umask = os.umask(0)
        os.umask(umask)
        beside.chmod(0o777 & ~umask)
        yield beside
        if out.exists():
            if not replace:  # not ours: it came while we were at work
                raise InputError(f"{out} was made by someone else meanwhile; name a new folder")
            _put_in_place(beside, out)
        else:
            beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)  # on success: what stood there before, if any


def folder_beside(out: Path, ending: str) -> Path:
    """The folder beside `out` whose name has an ending.

    Args:
        out: Folder.
        ending: Such as `_review`.

    Raises:
        InputError: If `out` has no name, as the root of a disk.

    Example:
        >>> folder_beside(Path("out/cohort"), "_review").as_posix()
        'out/cohort_review'
    """
    out = out if out.name else out.absolute()  # '.' has no name
    if not out.name:
        raise InputError(f"{out}: has no name that {ending!r} could be added to; name a new folder")
    return out.with_name(f"{out.name}{ending}")


def check_not_taken(out: Path, replace: bool = False) -> None:
    """Refuse, before long work, what `new_folder` would refuse at its end; nothing is made yet.

    Args:
        out: Folder to make.
        replace: Whether it may take the place of an existing one.

    Raises:
        InputError: As `new_folder` does.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{out}: is a file or a link; name a new folder")
    if out.exists() and not replace:
        raise InputError(f"{out} exists already; name a new folder or remove it first")
    check_can_make_folder(out.parent)


def _put_in_place(new: Path, out: Path) -> None:
    """Give `out` the new content; the old one is under the name of `new` afterwards."""
    if _exchange(new, out):
        return
    aside = out.with_name(f".{out.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    out.rename(aside)
    new.rename(out)
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the system or the file system cannot."""
    names = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return libc.renamex_np(*names, _RENAME_EXCHANGE) == 0
        return libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0
    except (OSError, AttributeError, TypeError):  # no such call here (older libc, Windows)
        return False
