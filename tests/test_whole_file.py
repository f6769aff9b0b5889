"""The old file or the new one, never half, and nothing left beside."""

import os
import stat
from pathlib import Path

import pytest

from ctt_net.whole_file import write_whole


@pytest.mark.parametrize("content", ["眼\r\nOD\n", b"\x00\xff\r\n"])
def test_what_is_given_is_written_byte_by_byte(tmp_path, content):
    target = tmp_path / "new" / "folder" / "file"
    write_whole(target, content)
    expected = content if isinstance(content, bytes) else content.encode("utf-8")
    assert target.read_bytes() == expected


def test_a_failure_leaves_the_old_file_and_nothing_beside(tmp_path, monkeypatch):
    target = tmp_path / "file"
    write_whole(target, "old")

    def fail(self, other):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_interruption_leaves_nothing_beside(tmp_path, monkeypatch):
    def interrupt(self, other):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="no permission bits on Windows")
def test_permissions_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", "x")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
