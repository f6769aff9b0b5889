"""Jobs in processes of their own, some at a time; a failed one does not stop the others."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.comparison.job import Job
from benchmarks.comparison.job_progress import JobProgress

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "benchmarks.comparison.run_job")
LOG_LINES = 12
POLL_SECONDS = 0.2
# A training that is asked to stop ends its batch first.
PATIENCE_SECONDS = 20.0
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Failure:
    """A job that did not end well.

    Args:
        job: Which.
        status: Exit code; 2 = its input was wrong.
        last_lines: Of its log.
    """

    job: Job
    status: int
    last_lines: str


def run_jobs(jobs: Sequence[Job], at_once: int, console: Console) -> list[Failure]:
    """Run what is not finished.

    Ctrl-C or a polite kill ends all processes; what they finished stays, and the next call goes on.

    Args:
        jobs: In the order to begin them.
        at_once: Processes at a time; of several each gets one thread.
        console: For progress, on stderr.

    Returns:
        Jobs that failed, in the order they did.
    """
    waiting = deque(job for job in jobs if not job.finished())
    if len(waiting) < len(jobs):
        console.print(f"{len(jobs) - len(waiting)} of {len(jobs)} runs are finished already")
    running: dict[subprocess.Popen, Job] = {}
    log_starts = {id(job): _size(job.log_file) for job in waiting}
    failures = []
    with _kill_interrupts(), JobProgress(list(waiting), console) as progress:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    job = waiting.popleft()
                    running[_start(job, one_thread=at_once > 1)] = job
                for process in [one for one in running if one.poll() is not None]:
                    job = running.pop(process)
                    if process.returncode:
                        failures.append(
                            Failure(job, process.returncode, _last_lines(job, log_starts[id(job)]))
                        )
                    progress.ended(job, process.returncode, running.values())
                progress.running(running.values())
                time.sleep(POLL_SECONDS)
        finally:
            _end(list(running))
    return failures


def _start(job: Job, one_thread: bool) -> subprocess.Popen:
    """Begin a job; it writes to its log only, and Ctrl-C reaches it through us alone."""
    job.write_task()
    more = dict.fromkeys(THREADS, "1") if one_thread else {}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **more, "PYTHONPATH": os.pathsep.join(paths)}
    command = [*COMMAND, str(job.task_file)]
    with job.log_file.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _last_lines(job: Job, start: int) -> str:
    """Of what this process wrote; earlier ones failed for other reasons."""
    with job.log_file.open("rb") as log:
        log.seek(start)
        lines = log.read().decode("utf-8", errors="replace").splitlines()
    return "\n".join([line.rstrip() for line in lines if line.strip()][-LOG_LINES:])


def _end(processes: Sequence[subprocess.Popen]) -> None:
    """Ask the processes and their loaders to stop, and stop those that do not listen."""
    for number, patience in ((signal.SIGINT, PATIENCE_SECONDS), (signal.SIGKILL, 5.0)):
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, number)
        until = time.monotonic() + patience
        while any(one.poll() is None for one in processes) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)


@contextmanager
def _kill_interrupts() -> Iterator[None]:
    """Let a polite kill do what Ctrl-C does, so that no process is left behind."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
