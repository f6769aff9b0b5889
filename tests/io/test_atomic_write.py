"""The old files or the new ones, never half or some of each, and nothing left beside."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ctt_net.errors import InputError
from ctt_net.io import atomic_write as whole_file
from ctt_net.io.atomic_write import (
    UNFINISHED,
    atomic_write,
    atomic_write_all,
    remove_temporary,
    roll_back_unfinished,
)

OLD = {"a.json": "old a", "figures/x.png": b"old x", "stale.csv": "old stale"}
NEW = {"a.json": "new a", "figures/x.png": b"new x", "b.html": "new b"}


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def as_text(files):
    return {name: text if isinstance(text, str) else text.decode() for name, text in files.items()}


@pytest.mark.parametrize("content", ["眼\r\nOD\n", b"\x00\xff\r\n"])
def test_what_is_given_is_written_byte_by_byte(tmp_path, content):
    expected = content if isinstance(content, bytes) else content.encode("utf-8")
    atomic_write(tmp_path / "new" / "folder" / "file", content)
    atomic_write_all(tmp_path / "together", {"file": content})
    assert (tmp_path / "new/folder/file").read_bytes() == expected
    assert (tmp_path / "together/file").read_bytes() == expected


def test_a_failure_leaves_the_old_file_and_nothing_beside(tmp_path, monkeypatch):
    target = tmp_path / "file"
    atomic_write(target, "old")

    def fail(self, other):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match=r"file: cannot be written: No space.*make room"):
        atomic_write(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a fork of itself")
def test_what_a_killed_process_left_is_removed_and_what_one_writes_is_not(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    if not os.fork():
        monkeypatch.setattr(Path, "replace", lambda *_: os.kill(os.getpid(), 9))
        atomic_write(tmp_path / "below/file", "cut off")
    os.wait()
    (left,) = (tmp_path / "below").iterdir()
    os.utime(left, (0, 0))
    replace = Path.replace

    def meanwhile(self, other):
        os.utime(self, (0, 0))
        remove_temporary(tmp_path)
        return replace(self, other)

    monkeypatch.setattr(Path, "replace", meanwhile)
    atomic_write(tmp_path / "other", "whole")
    assert contents(tmp_path) == {"other": "whole"}


def test_an_interruption_leaves_nothing_beside(tmp_path, monkeypatch):
    def interrupt(self, other):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "file", "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no permission bits on Windows")
@pytest.mark.parametrize(
    "write", [atomic_write, lambda path, text: atomic_write_all(path.parent, {path.name: text})]
)
def test_permissions_follow_the_umask(tmp_path, write):
    old = os.umask(0o027)
    try:
        write(tmp_path / "file", "x")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_files_of_a_result_take_the_place_of_the_old_ones_and_leave_others(tmp_path):
    atomic_write_all(tmp_path, OLD)
    (tmp_path / "note.txt").write_text("mine")
    atomic_write_all(tmp_path, NEW, stale=["stale.csv", "never-there.csv"])
    assert contents(tmp_path) == {**as_text(NEW), "note.txt": "mine"}
    assert not (tmp_path / UNFINISHED).exists()


class Failing:
    """Renames until the `last`-th; then an error, or the end of the process."""

    def __init__(self, last, error=None):
        self.count, self.last, self.error, self.replace = 0, last, error, Path.replace

    def __call__(self, path, target):
        self.count += 1
        if self.count == self.last:
            raise self.error
        return self.replace(path, target)


@pytest.mark.parametrize("last", range(1, 8))
@pytest.mark.parametrize("error", [OSError(errno.EACCES, "in use"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [OLD, {}])
def test_a_rename_that_fails_is_undone(tmp_path, monkeypatch, last, error, before):
    out = tmp_path / "out"
    if before:
        atomic_write_all(out, before)
    failing = Failing(last, error)
    monkeypatch.setattr(Path, "replace", lambda path, target: failing(path, target))
    if last > 1 + len(NEW) + (len(before) and 3):  # the journal, the new ones, the old ones
        atomic_write_all(out, NEW, stale=["stale.csv"])
        assert contents(out) == as_text(NEW)
        return
    with pytest.raises((InputError, KeyboardInterrupt), match=f"{out}.*in use|^$"):
        atomic_write_all(out, NEW, stale=["stale.csv"])
    assert contents(tmp_path) == {f"out/{name}": text for name, text in as_text(before).items()}
    assert out.exists() == bool(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a fork of itself")
@pytest.mark.parametrize("kill_at", range(1, 8))
@pytest.mark.parametrize("kill_again_at", [0, 1, 2, 3])
def test_a_process_killed_between_two_renames_never_mixes_old_and_new(
    tmp_path, monkeypatch, kill_at, kill_again_at
):
    atomic_write_all(tmp_path, OLD)

    def killed_at(number, work):
        pid = os.fork()
        if pid == 0:
            count, replace = 0, Path.replace

            def rename(path, target):
                nonlocal count
                count += 1
                if count == number:
                    os._exit(9)
                return replace(path, target)

            Path.replace = rename
            work()
            os._exit(0)
        return os.waitpid(pid, 0)

    killed_at(kill_at, lambda: atomic_write_all(tmp_path, NEW, stale=["stale.csv"]))
    killed_at(kill_again_at, lambda: roll_back_unfinished(tmp_path))
    shown = {name: text for name, text in contents(tmp_path).items() if UNFINISHED not in name}
    assert len({text.split()[0] for text in shown.values()}) <= 1
    roll_back_unfinished(tmp_path)
    shown = {name: text for name, text in contents(tmp_path).items() if UNFINISHED not in name}
    assert shown in (as_text(OLD), as_text(NEW))
    atomic_write_all(tmp_path, {"c": "new c"})
    assert contents(tmp_path) == {**shown, "c": "new c"}


def test_two_processes_at_once_leave_the_files_of_one(tmp_path, repository):
    code = (
        "import sys; from pathlib import Path\n"
        "from ctt_net.io.atomic_write import atomic_write_all\n"
        "for _ in range(50):\n"
        f"    atomic_write_all(Path({str(tmp_path)!r}), dict.fromkeys('abc', sys.argv[1]))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, who], cwd=repository) for who in "12"]
    assert [process.wait() for process in both] == [0, 0]
    assert len(set(contents(tmp_path).values())) == 1
    assert len(contents(tmp_path)) == 3


@pytest.mark.parametrize("planted", ["../outside", "link/outside"])
def test_a_strangers_journal_moves_nothing_from_outside(tmp_path, planted):
    out = tmp_path / "out"
    (out / UNFINISHED / "new").mkdir(parents=True)
    (tmp_path / "outside").write_text("mine")
    (out / "link").symlink_to(tmp_path)
    (out / UNFINISHED / "journal.txt").write_text(f"{planted}\n")
    with pytest.raises(InputError, match="outside of"):
        atomic_write_all(out, {"a": "1"})
    assert (tmp_path / "outside").read_text() == "mine"


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match=r"report\.html.*it is a folder"):
        atomic_write_all(tmp_path, {"a.json": "1", "report.html": "2"})
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_without_locks_it_writes_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(whole_file, "fcntl", None)
    atomic_write_all(tmp_path, OLD)
    atomic_write_all(tmp_path, NEW, stale=["stale.csv"])
    assert contents(tmp_path) == as_text(NEW)
