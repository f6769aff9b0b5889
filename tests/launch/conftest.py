"""Jobs for tests: each writes its file, fails or waits, as its name says."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctt_net.launch import Command

WORK = """
import os, sys, time
name, out = sys.argv[1], sys.argv[2]
print("threads", os.environ.get("OMP_NUM_THREADS"), flush=True)
with open(out + ".begun", "a") as file:
    file.write(f"{os.getpid()}\\n")
if os.path.exists(out):
    sys.exit()
if name.startswith("bad"):
    print("first line")
    sys.exit("error: no such thing")
if name.startswith("wrong"):
    sys.exit(2)
if name.startswith("slow"):
    time.sleep(60)
if name.startswith("brief"):
    time.sleep(0.4)
with open(out, "a") as file:
    file.write(f"{name} done\\n")
"""


@dataclass(frozen=True)
class WritingJob:
    """Appends a line to `out`; what is there twice was run twice."""

    title: str
    out: Path
    parts: int = 1

    @property
    def command(self):
        # -S: the site-packages are read at every start and are needed by none of these jobs.
        return Command(("-S", "-c", WORK, self.title, str(self.out)), self.out.with_suffix(".log"))

    @property
    def begun(self):
        path = Path(f"{self.out}.begun")
        return path.read_text().split() if path.exists() else []

    def parts_done(self):
        return int(self.finished())

    def finished(self):
        return self.out.exists()


def wait_until(true):
    until = time.monotonic() + 60
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    assert true()


@pytest.fixture
def jobs_of(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert sys.executable
    return lambda *names: [WritingJob(name, tmp_path / "out" / f"{name}.txt") for name in names]
