"""The process of one job: it writes to its log only, and ends with whoever began it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

POLL_SECONDS = 0.2
# A training that is asked to stop ends its batch first.
PATIENCE_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Command:
    """What a job runs, on whatever machine: plain data.

    Args:
        arguments: Of this Python, such as `-m ctt_net.cli train ...`.
        log_file: That output and errors are added to.
        folder: To run in.
        environment: Names and values of variables besides those of this process.
    """

    arguments: tuple[str, ...]
    log_file: Path
    folder: Path = field(default_factory=Path.cwd)
    environment: tuple[tuple[str, str], ...] = ()

    def with_environment(self, more: Mapping[str, str]) -> "Command":
        """The same with further variables; its own come first."""
        return replace(self, environment=tuple({**more, **dict(self.environment)}.items()))

    def start(self) -> subprocess.Popen:
        """Begin; Ctrl-C reaches the process through `end` alone."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *self.arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **dict(self.environment)},
                start_new_session=True,
                preexec_fn=_end_with_parent(),
            )

    def run(self) -> int:
        """Run to the end; the exit code."""
        process = self.start()
        try:
            return process.wait()
        finally:
            end([process])


def end(processes: Sequence[subprocess.Popen]) -> None:
    """Ask processes and their children to stop; kill those that do not."""
    running = [one for one in processes if one.poll() is None]
    for number, patience in ((signal.SIGTERM, PATIENCE_SECONDS), (signal.SIGKILL, 5.0)):
        for process in running:
            # Children may outlive the process that began them.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        until = time.monotonic() + patience
        while any(one.poll() is None for one in running) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)


def _end_with_parent() -> Callable[[], object] | None:
    """SIGTERM when the parent is killed, which ends nothing itself; where the system can do it."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # before the fork
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
