"""How far a comparison is: a bar of folds, the time left, and a line for every run that ends."""

import time
from collections.abc import Iterable, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from benchmarks.comparison.job import Job


class JobProgress:
    """Shows which jobs run and which have ended.

    Args:
        jobs: All that are to be run.
        console: On stderr.
    """

    def __init__(self, jobs: Sequence[Job], console: Console) -> None:
        # A row without a network takes no time that is worth counting.
        trained = [job for job in jobs if job.row.kind == "config"]
        self._total = sum(len(job.folds) for job in trained)
        self._there = sum(job.folds_done() for job in trained)
        self._over, self._ended, self._jobs = 0, 0, len(jobs)
        self._start = time.monotonic()
        self._console = console
        columns = (TextColumn("training folds"), BarColumn(), MofNCompleteColumn())
        left = TextColumn("{task.fields[left]}")
        self._bar = Progress(*columns, left, console=console, transient=True)
        self._task = self._bar.add_task("", total=self._total, left="")

    def __enter__(self) -> "JobProgress":
        """Show the bar, if anything is to be trained."""
        if self._total:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def running(self, jobs: Iterable[Job]) -> None:
        """Move the bar to the folds that are there by now."""
        done = self._over + sum(job.folds_done() for job in jobs if job.row.kind == "config")
        self._bar.update(self._task, completed=done, left=self._left(done))

    def ended(self, job: Job, status: int, others: Iterable[Job]) -> None:
        """Say how a job ended."""
        self._ended += 1
        if job.row.kind == "config":
            self._over += len(job.folds)
        others = list(others)
        self.running(others)
        seconds = job.facts().get("seconds", {}).get("wall", 0.0)
        how = f"done in {duration(seconds)}" if status == 0 else f"failed ({job.log_file})"
        done = self._over + sum(one.folds_done() for one in others if one.row.kind == "config")
        left = self._left(done)
        self._console.print(
            f"{job.title}: {how}; {self._ended} of {self._jobs} runs{', ' if left else ''}{left}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def _left(self, done: int) -> str:
        """From the pace so far; empty while nothing is known."""
        fresh, waiting = done - self._there, self._total - done
        if fresh <= 0 or waiting <= 0:
            return ""
        return f"about {duration((time.monotonic() - self._start) / fresh * waiting)} left"


def duration(seconds: float) -> str:
    """A length of time for reading.

    Example:
        >>> duration(43.2), duration(600), duration(9000)
        ('43 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
