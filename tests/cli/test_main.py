"""What every command shares: help, exit codes."""

import errno
import io
import os
import subprocess
import sys

import pytest

from ctt_net.cli import main
from ctt_net.errors import InputError


def test_help_says_what_it_is_and_that_it_is_research(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert "Research use only" in said
    for command in ("check", "train", "evaluate", "predict"):
        assert command in said


def test_an_unknown_command_is_exit_code_2(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["tarin"])
    assert caught.value.code == 2


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "predict.py"])
def test_the_scripts_are_the_commands(repository, script):
    text = (repository / script).read_text()
    assert f'main(["{script[:-3]}", *sys.argv[1:]])' in text


def test_a_fault_of_ours_is_exit_code_1(repository, tmp_path):
    code = (
        "import sys, ctt_net.cli.check as check\n"
        "check.run = None\n"
        "from ctt_net.cli import main\n"
        "sys.exit(main(['check', '.']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1


def test_a_full_memory_is_said_with_what_to_lower(monkeypatch, capsys):
    def fail(options):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr("ctt_net.cli.check.run", fail)
    assert main(["check", "."]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: out of memory (Unable to allocate 9 GiB); ")
    assert "lower the number of workers" in said


@pytest.mark.parametrize(("number", "fix"), [("ENOSPC", "make room"), ("EROFS", "another folder")])
def test_a_full_or_closed_disk_is_said_not_traced(monkeypatch, capsys, number, fix):
    code = getattr(errno, number)

    def fail(options):
        raise OSError(code, os.strerror(code), "out/OD_horizontal.png")

    monkeypatch.setattr("ctt_net.cli.check.run", fail)
    assert main(["check", "."]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: out/OD_horizontal.png: {os.strerror(code)}; ")
    assert fix in said


@pytest.mark.parametrize("number", ["ENOENT", "EISDIR", "ELOOP", "ENAMETOOLONG", "EMFILE"])
@pytest.mark.parametrize("name", ["scans/眼.png", b"scans/OD.png"])
def test_an_error_that_names_a_file_is_said_with_its_name(monkeypatch, capsys, number, name):
    code = getattr(errno, number)

    def fail(options):
        raise OSError(code, os.strerror(code), name)

    monkeypatch.setattr("ctt_net.cli.check.run", fail)
    assert main(["check", "."]) == 2
    assert capsys.readouterr().err == f"error: {os.fsdecode(name)}: {os.strerror(code)}\n"


def test_a_link_to_itself_is_said_not_traced(tmp_path, capsys):
    (tmp_path / "loop").symlink_to("loop")
    out = tmp_path / "loop" / "out"
    assert main(["report", str(tmp_path / "loop"), "--out", str(out)]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_a_stream_cannot_encode_goes_through_as_utf8(monkeypatch, encoding):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr("sys.stdout", streams[0])
    monkeypatch.setattr("sys.stderr", streams[1])

    def say(options):
        print("队列")
        raise InputError("队列 \udcff")  # as a name that is no UTF-8 comes from the system

    monkeypatch.setattr("ctt_net.cli.check.run", say)
    assert main(["check", "."]) == 2
    for stream, said in zip(streams, ["队列\n", "error: 队列 \\udcff\n"], strict=True):
        stream.flush()
        assert stream.buffer.getvalue().decode("utf-8") == said


def test_another_system_error_is_a_fault_of_ours(monkeypatch):
    def fail(options):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr("ctt_net.cli.check.run", fail)
    with pytest.raises(OSError, match="Bad file descriptor"):
        main(["check", "."])


def test_a_reader_who_leaves_ends_it_quietly(repository):
    code = (
        "import sys, ctt_net.cli.check as check\n"
        "check.run = lambda options: print('x' * 1_000_000) or 0\n"
        "from ctt_net.cli import main\n"
        "sys.exit(main(['check', '.']))\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.stdout.close()
    said = running.stderr.read()
    assert (running.wait(), said) == (141, "")
