"""Write files so that a killed process leaves the old ones or the new ones, never half or mixed."""

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ctt_net.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: two commands that write to one folder at once are not kept apart
    fcntl = None  # type: ignore[assignment]

# Inside the folder that is written to: `new/` and `old/` as they wait, and, as long as some files
# are moved and others are not, the journal.
UNFINISHED = ".unfinished"
_JOURNAL = "journal.txt"
# Ending of a file that waits beside its place.
_TEMPORARY = ".tmp"

# What a folder is, by a file in it.
_KINDS = {
    "config.yaml": "a run folder",
    "model.yaml": "a model folder",
    "prediction.json": "the prediction of a patient",
    "explanation.json": "the explanation of a patient's prediction",
}

_MAKE_ROOM = "make room, or name a place on another disk"
_FIXES = {errno.ENOSPC: _MAKE_ROOM, errno.EDQUOT: _MAKE_ROOM, errno.EFBIG: _MAKE_ROOM}


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write beside the target, then rename over it.

    Args:
        path: Target; its folder is made if missing.
        content: Text (written as UTF-8, line ends untouched) or bytes.

    Raises:
        InputError: If it cannot be written, such as on a full disk; the old file stays.
    """
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(_TEMPORARY, f".{path.name}.", path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file, _in_use(temporary):
                file.write(_as_bytes(content))
                file.close()
                umask = os.umask(0)
                os.umask(umask)
                temporary.chmod(0o666 & ~umask)
                temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def is_temporary(path: Path) -> bool:
    """Whether `atomic_write` named a file, which it has not finished."""
    return path.name.startswith(".") and path.name.endswith(_TEMPORARY)


def remove_temporary(folder: Path) -> None:
    """Remove what a killed process has left of an `atomic_write` in a folder or below.

    Args:
        folder: Other processes may write there meanwhile.
    """
    for path in folder.rglob(f".*{_TEMPORARY}"):
        with contextlib.suppress(OSError):  # one in use is locked
            # One that was made a moment ago may not be locked yet.
            if time.time() - path.stat().st_mtime > 1:
                with _in_use(path):
                    path.unlink()


def atomic_write_all(
    folder: Path, files: Mapping[str, str | bytes], stale: Iterable[str] = ()
) -> None:
    """Write the files of one result: all of them appear, or after an error none.

    Other files of the folder stay as they are. All are written to a hidden folder inside first.
    Then the old ones are moved aside before the first new one takes its place, so that a process
    killed in between leaves files missing, never some of each; the next command that writes or
    reads there puts the old ones back (`roll_back_unfinished`).

    Args:
        folder: Made if missing.
        files: Contents by name, which may have folders in it (`figures/roc.png`); text is written
            as UTF-8, line ends untouched.
        stale: Names of files that are not part of the new result; removed if there.

    Raises:
        InputError: If one cannot be written, such as on a full disk; names it.
    """
    within = (parent for name in files for parent in (folder / name).parents)
    made = {place for place in (folder, *folder.parents, *within) if not place.exists()}
    try:
        with named(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _undo(folder)
            try:
                _stage(folder, files)
                _exchange(folder, files, stale)
            except BaseException:
                _undo(folder)
                raise
            _forget(folder)
    except BaseException:
        for place in sorted(made, key=lambda place: -len(place.parts)):
            with contextlib.suppress(OSError):  # others may have put something there
                place.rmdir()
        raise


def roll_back_unfinished(folder: Path) -> None:
    """Put back the old files where a process was killed while it exchanged them for new ones.

    Args:
        folder: That a command wrote to.

    Raises:
        InputError: If they cannot be put back.
    """
    if (folder / UNFINISHED / _JOURNAL).exists():
        with _locked(folder):
            _undo(folder)


def check_can_make_folder(out: Path) -> None:
    """Refuse, before long work, a place where no folder can be made; nothing is left there.

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
    try:  # what the system says of rights is not true of every place, nor of every user
        Path(tempfile.mkdtemp(dir=place, prefix=f".{out.name}.")).rmdir()
    except OSError as error:
        raise InputError(
            f"{out}: {place} may not be written ({error.strerror}); name another place"
        ) from None


def check_writable(out: Path, *fitting: str) -> None:
    """Refuse, before long work, a place that cannot be written, or that holds something else.

    Args:
        out: Folder for the result of a command.
        fitting: Those of `_KINDS` that the result may stand in.

    Raises:
        InputError: If it lies in a cohort folder, which is an input, or is of another kind.
    """
    check_can_make_folder(out)
    for place in (out, *out.resolve().parents):
        if (place / "cohort.yaml").is_file():
            raise InputError(
                f"{out}: lies inside the cohort folder {place}; name a place outside it"
            )
    for name, kind in _KINDS.items():
        if name not in fitting and (out / name).is_file():
            raise InputError(f"{out} is {kind}; name another --out, such as {out}/new")


def _stage(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write all files to the hidden folder, and to the disk, since nothing is overwritten later."""
    with named(folder / UNFINISHED):
        (folder / UNFINISHED).mkdir()
    for name, content in files.items():
        with named(folder / name):
            if (folder / name).is_dir():
                raise IsADirectoryError(errno.EISDIR, "it is a folder")
            place = folder / UNFINISHED / "new" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as file:
                file.write(_as_bytes(content))
                file.flush()
                os.fsync(file.fileno())


def _exchange(folder: Path, files: Mapping[str, str | bytes], stale: Iterable[str]) -> None:
    """Move the old files aside, then the new ones to their places."""
    hidden = folder / UNFINISHED
    old = [name for name in {**files, **dict.fromkeys(stale, b"")} if _is_there(folder / name)]
    for name in files:
        with named(folder / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name in old:
        with named(folder / name):
            (hidden / "old" / name).parent.mkdir(parents=True, exist_ok=True)
    atomic_write(hidden / _JOURNAL, "".join(f"{name}\n" for name in files))
    for name in old:
        _move(folder / name, hidden / "old" / name, folder)
    for name in files:
        _move(hidden / "new" / name, folder / name, folder)


def _undo(folder: Path) -> None:
    """Whatever was begun here is as if it never was; itself killed, it can be begun again."""
    hidden = folder / UNFINISHED
    new, old, journal = hidden / "new", hidden / "old", hidden / _JOURNAL
    if not hidden.exists():
        return
    _check_inside_folder(journal, folder)
    if journal.exists():
        for name in journal.read_text(encoding="utf-8", errors="replace").splitlines():
            if not _is_there(new / name) and _is_there(folder / name):
                _move(folder / name, new / name, folder)
        for path in [path for path in old.rglob("*") if not path.is_dir() or path.is_symlink()]:
            _move(path, folder / path.relative_to(old), folder)
    _forget(folder)


def _move(path: Path, target: Path, folder: Path) -> None:
    """Rename; a folder that came from elsewhere may hold a journal that nobody here wrote."""
    _check_inside_folder(path, folder)
    _check_inside_folder(target, folder)
    with named(target):
        path.replace(target)


def _check_inside_folder(path: Path, folder: Path) -> None:
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path}: lies outside of {folder}; remove {folder / UNFINISHED}")


def _forget(folder: Path) -> None:
    """The files of the folder count from here on; what waits or is old is removed."""
    (folder / UNFINISHED / _JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read and append, by one process at a time where the system can see to it.

    Args:
        path: Made if missing. Another process that has it open stops this one, on Windows none.

    Raises:
        InputError: If another process writes to it.
    """
    with path.open("a+b") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{path}: another process writes to it; wait for that one, or name another "
                    f"place"
                ) from None
            except OSError:  # some network disks lock nothing
                pass
        yield file


@contextlib.contextmanager
def _in_use(path: Path) -> Iterator[None]:
    """Lock a file inside, where the system can.

    Raises:
        BlockingIOError: If another process has locked it.
    """
    if fcntl is None:
        yield
        return
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # some network disks lock nothing
            pass
        yield


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time, where the system can see to it; the lock ends with the process."""
    handle = None
    with contextlib.suppress(OSError):  # some network disks lock no folders
        if fcntl is not None:
            handle = os.open(folder, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Whatever fails on disk inside is reported for this file."""
    try:
        yield
    except OSError as error:
        fix = _FIXES.get(error.errno or 0, "name another place")
        raise InputError(f"{path}: cannot be written: {error.strerror or error}; {fix}") from None


def _is_there(path: Path) -> bool:
    """Also true of a link to nowhere."""
    return os.path.lexists(path)


def _as_bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content
