"""Processes: failures are told and stop nobody, finished ones are skipped, Ctrl-C leaves none."""

import io
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.comparison import processes
from benchmarks.comparison.job import make_jobs
from benchmarks.comparison.plan import read_plan

# In place of a training: fails, sleeps or finishes, as the name of its row says.
STAND_IN = """
import json, os, pathlib, sys, time
task = pathlib.Path(sys.argv[1])
print("threads", os.environ.get("OMP_NUM_THREADS"))
task.with_suffix(".pid").write_text(str(os.getpid()))
if "bad" in str(task):
    print("first line")
    sys.exit("error: no such thing")
if "slow" in str(task):
    time.sleep(60)
task.with_suffix(".json").write_text(json.dumps({"folds": [1], "held_out": {}}))
"""


@pytest.fixture
def jobs_of(write_plan, bare_cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "COMMAND", (sys.executable, "-c", STAND_IN))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def make(*names):
        rows = {name: {"baseline": "mean"} for name in names}
        plan = read_plan(write_plan(rows=rows, reference=names[0]))
        return make_jobs(plan, tmp_path / "out", [1], bare_cohort, {})

    return make


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def test_a_failed_row_is_told_with_its_last_lines_and_the_others_go_on(jobs_of, console):
    jobs = jobs_of("good", "bad", "fine")
    (failure,) = processes.run_jobs(jobs, 2, console)
    assert (failure.job.row.name, failure.status) == ("bad", 1)
    assert failure.last_lines.endswith("first line\nerror: no such thing")
    assert [job.finished() for job in jobs] == [True, False, True]
    told = console.file.getvalue()
    assert "bad, seed 0: failed" in told
    assert "3 of 3 runs" in told


def test_finished_rows_are_skipped_and_a_failed_one_is_tried_again(jobs_of, console):
    jobs = jobs_of("good", "bad")
    processes.run_jobs(jobs, 2, console)
    written = jobs[0].facts_file.stat().st_mtime_ns
    (failure,) = processes.run_jobs(jobs, 2, console)
    assert jobs[0].facts_file.stat().st_mtime_ns == written
    assert "1 of 2 runs are finished already" in console.file.getvalue()
    assert failure.last_lines.count("first line") == 1, "the log of the first try is not this one's"


@pytest.mark.parametrize(("at_once", "threads"), [(2, "1"), (1, "None")])
def test_runs_beside_each_other_have_one_thread_each(jobs_of, console, at_once, threads):
    (job,) = jobs_of("good")
    processes.run_jobs([job], at_once, console)
    assert f"threads {threads}" in job.log_file.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_processes_and_keeps_what_is_finished(jobs_of, console, number):
    if number == signal.SIGINT and signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("a shell has started these tests in the background, where Ctrl-C is not heard")
    jobs = jobs_of("good", "slow")
    begun = [job.task_file.with_suffix(".pid") for job in jobs]

    def interrupt():
        until = time.monotonic() + 60
        while not (jobs[0].finished() and begun[1].exists()) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        processes.run_jobs(jobs, 2, console)
    assert jobs[0].finished()
    assert not jobs[1].finished()
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun[1].read_text()), 0)


def test_what_is_asked_for_anew_is_not_finished(jobs_of, console, write_plan, bare_cohort):
    (job,) = jobs_of("good")
    processes.run_jobs([job], 1, console)
    out = Path(job.run).parents[1]
    plan = read_plan(write_plan(rows={"good": {"baseline": "mean"}}, reference="good"))
    (more_folds,) = make_jobs(plan, out, [1, 2], bare_cohort, {})
    (held_out,) = make_jobs(plan, out, [1], bare_cohort, {"other": bare_cohort})
    assert job.finished()
    assert not more_folds.finished()
    assert not held_out.finished()
    assert json.loads(job.facts_file.read_text())["folds"] == [1]
