"""A folder appears whole or not at all, also when it takes the place of another."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctt_net.errors import InputError
from ctt_net.io import atomic_folder as whole_folder
from ctt_net.io.atomic_folder import folder_beside, new_folder


def test_a_folder_beside_has_the_name_and_an_ending(tmp_path, monkeypatch):
    (tmp_path / "cohort").mkdir()
    monkeypatch.chdir(tmp_path / "cohort")
    assert folder_beside(Path(), "_held_out") == tmp_path / "cohort_held_out"
    assert folder_beside(Path("out/one"), "_review") == Path("out/one_review")
    with pytest.raises(InputError, match="has no name"):
        folder_beside(Path(tmp_path.anchor), "_review")


def listed(folder):
    return sorted(entry.name for entry in folder.iterdir())


def fail_halfway(out, replace=False):
    with new_folder(out, replace) as folder:
        (folder / "new").write_text("")
        raise ZeroDivisionError


def test_it_appears_at_the_end_only(tmp_path):
    out = tmp_path / "deep/out"
    with new_folder(out) as folder:
        (folder / "a").write_text("1")
        assert not out.exists()
    assert (out / "a").read_text() == "1"
    assert listed(tmp_path / "deep") == ["out"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        fail_halfway(tmp_path / "out")
    assert listed(tmp_path) == []


@pytest.mark.parametrize("atomic", [True, False])
def test_replacing_leaves_the_new_one_only(tmp_path, monkeypatch, atomic):
    if not atomic:
        monkeypatch.setattr(whole_folder, "_exchange", lambda one, other: False)
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("")
    with new_folder(out, replace=True) as folder:
        (folder / "new").write_text("")
        assert listed(out) == ["old"]
    assert listed(out) == ["new"]
    assert listed(tmp_path) == ["out"]


def test_an_error_while_replacing_leaves_the_old_one(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("")
    with pytest.raises(ZeroDivisionError):
        fail_halfway(out, replace=True)
    assert listed(out) == ["old"]
    assert listed(tmp_path) == ["out"]


@pytest.mark.parametrize("what", ["folder", "file", "link", "below a file"])
def test_what_stands_there_is_refused(tmp_path, what):
    out = tmp_path / "out"
    if what == "folder":
        out.mkdir()
    elif what == "link":
        out.symlink_to(tmp_path)
    else:
        out.write_text("")
    target = out / "x" if what == "below a file" else out
    with pytest.raises(InputError, match="out"), new_folder(target):
        pass


def test_a_process_killed_at_any_moment_leaves_the_old_or_the_new(tmp_path, repository):
    out = tmp_path / "out"
    code = (
        "import sys; from pathlib import Path; from ctt_net.io.atomic_folder import new_folder\n"
        f"out = Path({str(out)!r})\n"
        "print('ready', flush=True)\n"
        "for version in range(10**6):\n"
        "    with new_folder(out, replace=True) as folder:\n"
        "        for name in 'abc': (folder / name).write_text(str(version))\n"
    )
    for delay in (0.003, 0.011, 0.024, 0.05):
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=repository, stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if out.exists():
            assert listed(out) == ["a", "b", "c"]
            assert len({(out / name).read_text() for name in "abc"}) == 1
        else:
            assert delay == 0.003


def meet_another(out):
    with new_folder(out) as folder:
        (folder / "mine").write_text("1")
        out.mkdir()
        (out / "theirs").write_text("2")


def test_what_came_meanwhile_stays(tmp_path):
    with pytest.raises(InputError, match="meanwhile"):
        meet_another(tmp_path / "out")
    assert listed(tmp_path) == ["out"]
    assert listed(tmp_path / "out") == ["theirs"]
