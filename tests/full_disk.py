"""A disk that is full from some byte on, within the process: no quota has to be set anywhere."""

import errno
import io
import os
import shutil

import pytest


class FullDisk:
    """Files that are opened for writing share so much room.

    Args:
        room: Bytes; None = enough.
    """

    def __init__(self, room=None):
        self.room, self.written, self.ends, self._open = room, 0, [], io.open

    def open(self, file, mode="r", *args, **kwargs):
        handle = self._open(file, mode, *args, **kwargs)
        return _Limited(handle, self) if set(mode) & set("wax+") else handle

    def take(self, handle, data):
        size = len(data.encode() if isinstance(data, str) else data)
        if self.room is not None and self.written + size > self.room:
            handle.write(data[: self.room - self.written])
            self.written = self.room
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.written += size
        self.ends.append(self.written)
        return handle.write(data)


class _Limited:
    def __init__(self, handle, disk):
        self._handle, self._disk = handle, disk

    def __getattr__(self, name):
        return getattr(self._handle, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._handle.close()

    def write(self, data):
        return self._disk.take(self._handle, data)


def files_of(folder, besides=()):
    """Contents of all files, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not set(path.relative_to(folder).parts) & set(besides)
    }


def assert_all_or_nothing(write_old, write_new, folder, besides=(), files=1):
    """Write a result over an older one, or where there is none, on disks that are full some time.

    Args:
        write_old: Writes the older result to a folder.
        write_new: The other one; returns an exit code and what was said.
        folder: To work in.
        besides: Files and folders that are no part of the result.
        files: In how many of its files the disk is full, at their first and at their last byte.
    """
    places = {name: folder / name for name in ("old", "new", "now")}
    write_old(places["old"])
    write_old(places["new"])
    disk = FullDisk()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", disk.open)
        assert write_new(places["new"])[0] == 0
    old, new = (files_of(places[name], besides) for name in ("old", "new"))
    assert old != new
    assert len(disk.ends) > 1
    chosen = disk.ends[:: -(-len(disk.ends) // files)][:files]
    rooms = {0, disk.written - 1, *chosen, *(end - 1 for end in chosen)} - {disk.written}
    for number, room in enumerate(sorted(rooms)):
        over = number % 2 == 1
        shutil.rmtree(places["now"], ignore_errors=True)
        if over:
            shutil.copytree(places["old"], places["now"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(io, "open", FullDisk(room).open)
            code, said = write_new(places["now"])
        assert code == 2
        assert f"{places['now']}{os.sep}" in said
        assert "No space left" in said
        assert files_of(places["now"], besides) == (old if over else {}), room
