"""Jobs on this machine: failures are told and stop nobody, finished ones are skipped."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from ctt_net.errors import InputError
from ctt_net.io.cores import cores
from ctt_net.launch import Command, Place, exit_code, run_jobs
from ctt_net.launch.process import end
from tests.launch.conftest import wait_until


def test_a_failed_job_is_told_with_its_last_lines_and_the_others_go_on(jobs_of, capsys):
    jobs = jobs_of("good", "bad", "wrong", "fine")
    failures = {failure.title: failure for failure in run_jobs(jobs, Place(at_once=2))}
    assert {title: one.status for title, one in failures.items()} == {"bad": 1, "wrong": 2}
    assert failures["bad"].last_lines.endswith("first line\nerror: no such thing")
    assert str(jobs[1].command.log_file) in str(failures["bad"])
    assert [job.finished() for job in jobs] == [True, False, False, True]
    told = capsys.readouterr().err
    assert "bad: failed" in told
    assert "4 of 4 jobs" in told
    codes = [exit_code(one) for one in ([], [failures["wrong"]], list(failures.values()))]
    assert codes == [0, 2, 1]


def test_finished_jobs_are_skipped_and_a_failed_one_is_tried_again(jobs_of, capsys):
    jobs = jobs_of("good", "bad")
    run_jobs(jobs)
    (failure,) = run_jobs(jobs)
    assert len(jobs[0].begun) == 1
    assert len(jobs[1].begun) == 2
    assert "1 of 2 jobs are finished already" in capsys.readouterr().err
    assert failure.last_lines.count("first line") == 1, "the log of the first try is not this one's"


@pytest.mark.parametrize(("at_once", "threads"), [(2, max(1, cores() // 2)), (1, "None")])
def test_jobs_beside_each_other_share_the_processors(jobs_of, at_once, threads):
    (job,) = jobs_of("good")
    run_jobs([job], Place(at_once=at_once))
    assert f"threads {threads}" in job.command.log_file.read_text()


def alive(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_processes_and_keeps_what_is_finished(jobs_of, number):
    if number == signal.SIGINT and signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("a shell has started these tests in the background, where Ctrl-C is not heard")
    jobs = jobs_of("good", "slow")

    def interrupt():
        wait_until(lambda: jobs[0].finished() and jobs[1].begun)
        os.kill(os.getpid(), number)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, Place(at_once=2))
    assert jobs[0].finished()
    assert not jobs[1].finished()
    assert not alive(jobs[1].begun[0])


DEAF_CHILD = """
import signal, subprocess, sys
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
deaf += "; print(1, flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-S", "-c", deaf], stdout=subprocess.PIPE)
child.stdout.read(1)
print(child.pid, flush=True)
signal.pause()
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no process groups here")
def test_a_child_that_outlives_its_job_is_ended_with_it(tmp_path):
    log = tmp_path / "job.log"
    job = Command(("-S", "-c", DEAF_CHILD), log).start()
    wait_until(lambda: log.read_text().endswith("\n"))
    child = int(log.read_text())
    end([job])
    assert job.returncode == -signal.SIGTERM
    wait_until(lambda: not alive(child))


def test_processors_are_those_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 6}, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == (os.cpu_count() or 1)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process learns of it")
def test_jobs_end_with_the_process_that_began_them_however_it_ends(jobs_of, repository):
    (job,) = jobs_of("slow")
    code = (
        "import sys; from pathlib import Path; from tests.launch.conftest import WritingJob\n"
        "from ctt_net.launch.process import Command\n"
        "WritingJob('slow', Path(sys.argv[1])).command.run()\n"
    )
    began = subprocess.Popen([sys.executable, "-c", code, str(job.out)], cwd=repository)
    wait_until(lambda: job.begun)
    began.kill()
    began.wait()
    wait_until(lambda: not alive(job.begun[0]))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"name": "cloud"}, "'cloud' is none of local, slurm, ray"),
        ({"at_once": 0}, "must be 1 or more, got 0"),
        ({"options": {"num_cpus": 1}}, "are for slurm and ray"),
        ({"name": "ray", "options": ["num_cpus"]}, "give keys and values"),
    ],
)
def test_a_place_that_is_none_is_refused(keys, said):
    with pytest.raises(InputError, match=said):
        Place(**keys)


@pytest.mark.parametrize("name", ["slurm", "ray"])
def test_a_missing_package_is_named_with_its_extra(jobs_of, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "submitit", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=rf"launcher {name} needs .*\.\[launch\]"):
        run_jobs(jobs_of("good"), Place(name))


@pytest.mark.parametrize("name", ["slurm", "ray"])
def test_a_missing_package_is_named_before_anything_begins(name, monkeypatch):
    monkeypatch.setattr("ctt_net.launch.places.find_spec", lambda package: None)
    with pytest.raises(InputError, match=rf"launcher {name} needs .* not installed; pip install"):
        Place(name)
