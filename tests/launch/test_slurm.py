"""Jobs on SLURM, where it is.

One node is enough: Debian's package slurm-wlm, a key (`mungekey`), a `slurm.conf` that names this
machine with `ProctrackType=proctrack/linuxproc`, then `munged`, `slurmctld` and `slurmd`.
"""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from ctt_net.errors import InputError
from ctt_net.launch import Place, run_jobs
from tests.launch.conftest import wait_until

pytest.importorskip("submitit", reason="needs the extra launch")
if (
    shutil.which("sbatch") is None
    or subprocess.run(["sinfo"], capture_output=True, check=False).returncode
):
    pytest.skip("no SLURM here", allow_module_level=True)


def test_jobs_run_as_one_array_and_a_failed_one_stops_nobody(jobs_of):
    jobs = jobs_of("good", "wrong", "fine")
    (failure,) = run_jobs(jobs, Place("slurm", at_once=1, options={"time": 5}))
    assert (failure.title, failure.status) == ("wrong", 2)
    assert [job.finished() for job in jobs] == [True, False, True]
    scripts = list((jobs[0].out.parent / "slurm").glob("*_submission.sh"))
    assert len(scripts) == 1
    assert "--array=0-2%1" in scripts[0].read_text()


def test_an_interrupt_cancels_the_jobs(jobs_of):
    (job,) = jobs_of("slow")

    def interrupt():
        wait_until(lambda: job.begun)
        os.kill(os.getpid(), 15)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_jobs([job], Place("slurm"))
    wait_until(lambda: not Path(f"/proc/{job.begun[0]}").exists())
    assert not job.finished()


def test_a_job_that_slurm_ends_is_told(jobs_of, monkeypatch):
    (job,) = jobs_of("slow")
    monkeypatch.setattr("ctt_net.launch.places.QUEUE_SECONDS", 1.0)

    def kill():
        wait_until(lambda: job.begun)
        status = Path(f"/proc/{job.begun[0]}/status").read_text()
        os.kill(int(status.split("PPid:")[1].split()[0]), signal.SIGKILL)

    threading.Thread(target=kill).start()
    (failure,) = run_jobs([job], Place("slurm"))
    assert failure.status == 1
    assert "SLURM ended it" in failure.last_lines


@pytest.mark.parametrize(
    ("options", "said"),
    [({"partitoin": "gpu"}, "partitoin"), ({"partition": "nobody"}, "invalid partition")],
)
def test_what_slurm_does_not_know_is_refused(jobs_of, options, said):
    with pytest.raises(InputError, match=said):
        run_jobs(jobs_of("good"), Place("slurm", options=options))
