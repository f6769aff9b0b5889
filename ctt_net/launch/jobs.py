"""Jobs that do not depend on each other; a failed one does not stop the others."""

import sys
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ctt_net.io.progress import progress_bar
from ctt_net.io.sigterm import sigterm_interrupts
from ctt_net.launch.places import Place, open_place
from ctt_net.launch.process import Command

LOG_LINES = 12
HERE = Place()


class Job(Protocol):
    """One job. Begun again it goes on with what is in its folder; finished, it need not begin."""

    @property
    def title(self) -> str:
        """For messages."""

    @property
    def command(self) -> Command:
        """What is run."""

    @property
    def parts(self) -> int:
        """How many parts of about equal length it has, such as folds."""

    def parts_done(self) -> int:
        """How many are there."""

    def finished(self) -> bool:
        """Whether all that is asked for is there."""


@dataclass(frozen=True)
class Failure:
    """A job that did not end well.

    Args:
        title: Of the job.
        status: Exit code; 2 = its input was wrong.
        last_lines: Of what this try wrote to the log.
        log_file: All of it.
    """

    title: str
    status: int
    last_lines: str
    log_file: Path

    def __str__(self) -> str:
        return (
            f"failed: {self.title} (exit code {self.status}); the log ends with\n"
            f"{self.last_lines}\n(all of it: {self.log_file})"
        )


def exit_code(failures: Sequence[Failure]) -> int:
    """0; 2 if jobs failed and all because of their input; 1 if one failed otherwise."""
    return 0 if not failures else 2 if all(one.status == 2 for one in failures) else 1


def run_jobs(jobs: Sequence[Job], place: Place = HERE) -> list[Failure]:
    """Run what is not finished; says on stderr how far it is.

    Ctrl-C or SIGTERM ends all jobs; what they finished stays, and the next call goes on.

    Args:
        jobs: In the order to begin them.
        place: Where they run.

    Returns:
        Jobs that failed, in the order they did.

    Raises:
        InputError: If there is no such place here, or it takes no such options.
    """
    waiting = deque(job for job in jobs if not job.finished())
    if len(waiting) < len(jobs):
        _say(f"{len(jobs) - len(waiting)} of {len(jobs)} jobs are finished already")
    if not waiting:
        return []
    total, parts_ended, n_ended, n_jobs = sum(job.parts for job in waiting), 0, 0, len(waiting)
    running: dict[Command, Job] = {}
    starts = {job.command: _size(job.command.log_file) for job in waiting}
    failures = []
    with ExitStack() as stack:
        stack.enter_context(sigterm_interrupts())
        runner = stack.enter_context(open_place(place, list(starts)))
        progress = stack.enter_context(progress_bar("jobs"))
        while waiting or running:
            while waiting and len(running) < runner.at_once:
                job = waiting.popleft()
                running[job.command] = job
                runner.start(job.command)
            for command, status, said in runner.ended():
                job = running.pop(command)
                parts_ended, n_ended = parts_ended + job.parts, n_ended + 1
                if status:
                    lines = [*_last_lines(command.log_file, starts[command]), said]
                    told = "\n".join(filter(None, lines))
                    failures.append(Failure(job.title, status, told, command.log_file))
                how = f"failed ({command.log_file})" if status else "done"
                _say(f"{job.title}: {how}; {n_ended} of {n_jobs} jobs")
            progress(parts_ended + sum(job.parts_done() for job in running.values()), total)
    return failures


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _last_lines(path: Path, start: int) -> list[str]:
    """Of what this try wrote; earlier ones failed for other reasons."""
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(start)
        lines = log.read().decode("utf-8", errors="replace").splitlines()
    return [line.rstrip() for line in lines if line.strip()][-LOG_LINES:]
