"""The cohort folder appears whole or not at all, and never over anything else."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from ctt_net.cohort import read_cohort
from ctt_net.prepare import prepare_cohort, read_mapping
from tests.prepare.conftest import EYES, picture

KILLS = int(os.environ.get("CTT_NET_KILLS", "8"))
SIDES = {"OD": ["R"], "OS": ["L"]}


@pytest.fixture
def full(raw):
    raw.export("00017_R_h.png", "00017_L_v.png", "00018_R_h.png")
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES)
    return raw


def content(folder):
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob("*") if file.is_file()}  # fmt: skip


def test_what_comes_out(full):
    done = full.prepare()
    names = {"cohort.yaml", "manifest.csv", "folds.csv", "flow.csv", "mapping.yaml", "scans"}
    assert {entry.name for entry in full.out.iterdir()} == names
    assert (full.out / "mapping.yaml").read_bytes() == (full.folder / "mapping.yaml").read_bytes()
    assert read_cohort(full.out).table.equals(done.cohort.table)
    assert done.cohort.root == full.out
    assert list(done.flow.columns) == ["step", "count", "unit", "ids"]
    assert sorted(entry.name for entry in full.folder.iterdir()) == [
        "exports", "eyes.csv", "mapping.yaml", "out",
    ]  # fmt: skip


def test_the_same_input_gives_the_same_bytes(full):
    full.prepare()
    first = content(full.out)
    full.prepare(replace=True)
    assert content(full.out) == first


def test_raw_files_elsewhere(full, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("exports", "eyes.csv"):
        shutil.move(full.folder / name, elsewhere / name)
    full.fails("eyes.csv: no such file")
    assert len(full.prepare(raw=elsewhere).cohort.table) == 3


def test_what_exists_is_not_written_over(full):
    full.prepare()
    before = content(full.out)
    full.fails("out exists already", "--replace")
    full.table([{**EYES[0], "Before": "x"}])
    full.fails("row 2, column Before", replace=True)
    assert content(full.out) == before
    full.table(EYES[:1])
    assert len(full.prepare(replace=True).cohort.table) == 1
    assert len(list((full.out / "scans").iterdir())) == 1


def test_what_a_killed_run_has_left_is_told_and_not_touched(full):
    left = full.folder / ".out.ab12cd_8"
    (left / "scans").mkdir(parents=True)
    for other in (".out.old", ".out.ab12cd_89", ".other.ab12cd_8"):
        (full.folder / other).mkdir()
    (told,) = full.prepare().remarks
    assert f"{left}: left by a run that was killed" in told
    assert left.is_dir()


@pytest.mark.parametrize("what", ["stranger", "empty", "file", "link"])
def test_replace_does_not_touch_what_is_no_cohort(full, what):
    if what == "file":
        full.out.write_text("mine")
    elif what == "link":
        (full.folder / "real").mkdir()
        full.out.symlink_to(full.folder / "real")
    else:
        full.out.mkdir()
        if what == "stranger":
            (full.out / "thesis.docx").write_text("mine")
    full.fails(str(full.out), replace=True)
    if what == "stranger":
        assert (full.out / "thesis.docx").read_text() == "mine"


def test_replace_does_not_remove_what_prepare_has_not_written(full):
    full.prepare()
    (full.out / "thesis.docx").write_text("mine")
    full.fails("thesis.docx", "move it elsewhere", replace=True)


@pytest.mark.parametrize("out", [".", "exports", "exports/.."])
def test_raw_data_are_never_inside_the_cohort(full, out):
    full.out = full.folder / out
    full.fails("which is read; name a folder of its own", replace=True)


def test_below_a_file_or_where_nobody_may_write(full, monkeypatch):
    full.out = full.folder / "eyes.csv" / "cohort"
    full.fails("eyes.csv is a file")
    full.out = full.folder / "deep" / "cohort"

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ctt_net.io.atomic_write.tempfile.mkdtemp", refused)
    full.fails("may not be written")


def test_an_interruption_leaves_nothing(full, monkeypatch):
    def interrupted(*arguments, **keys):
        raise KeyboardInterrupt

    monkeypatch.setattr("ctt_net.prepare.run.write_cohort", interrupted)
    mapping = read_mapping(full.mapping())
    with pytest.raises(KeyboardInterrupt):
        prepare_cohort(mapping, full.out)
    assert sorted(entry.name for entry in full.folder.iterdir()) == [
        "exports", "eyes.csv", "mapping.yaml",
    ]  # fmt: skip


@pytest.mark.slow
def test_killed_at_any_moment_leaves_the_old_or_the_new(raw, repository):
    """One process prepares two cohorts in turn in one place, and is killed at chance."""
    many = [{"MRN": f"{n}", "Eye": "R", "Before": "0.1", "After": "0.5"} for n in range(6)]
    for which, rows in (("a", many), ("b", [{**row, "After": "0.9"} for row in many[:4]])):
        raw.table(rows, name=f"{which}.csv")
        raw.say("table", file=f"{which}.csv")
        for row in rows:
            picture(raw.folder / which / f"{row['MRN']}_R_h.png", seed=ord(which))
        raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES, folder=which)
        raw.mapping().rename(raw.folder / f"{which}.yaml")
    whole = []
    for which in "ab":
        prepare_cohort(read_mapping(raw.folder / f"{which}.yaml"), raw.folder / f"whole_{which}")
        whole.append(content(raw.folder / f"whole_{which}"))
    shutil.copytree(raw.folder / "whole_a", raw.out)
    start = time.monotonic()
    prepare_cohort(read_mapping(raw.folder / "a.yaml"), raw.out, replace=True)
    one_run = time.monotonic() - start
    # A process that has loaded everything forks the ones that are killed.
    code = (
        "import itertools, os, sys; from pathlib import Path\n"
        "from ctt_net.prepare import prepare_cohort, read_mapping\n"
        f"here = Path({str(raw.folder)!r})\n"
        "a, b = (read_mapping(here / f'{which}.yaml') for which in 'ab')\n"
        "prepare_cohort(a, here / 'out', replace=True)\n"
        "for line in sys.stdin:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        for mapping in itertools.cycle([b, a]):\n"
        "            prepare_cohort(mapping, here / 'out', replace=True)\n"
        "            print('done', flush=True)\n"
        "    print(child, flush=True)\n"
        "    os.waitpid(child, 0)\n"
        "    print('dead', flush=True)\n"
    )
    dice = random.Random(0)
    seen = set()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        for kill in range(KILLS):
            print("go", file=server.stdin, flush=True)
            child, done = 0, 0
            while not child or done < kill % 3:
                said = server.stdout.readline()
                child, done = (child, done + 1) if said == "done\n" else (int(said), done)
            time.sleep(dice.uniform(0, one_run) if kill > 2 else 0)
            os.kill(child, signal.SIGKILL)
            while server.stdout.readline() == "done\n":
                pass
            assert content(raw.out) in whole
            seen.add(whole.index(content(raw.out)))
            assert len(read_cohort(raw.out).table) in (4, 6)
        server.stdin.close()
    assert seen == {0, 1}
