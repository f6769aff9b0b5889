"""Where jobs run: processes of this machine, jobs of SLURM, tasks of Ray."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ctt_net.errors import InputError, install_extra
from ctt_net.io.cores import cores
from ctt_net.launch.process import POLL_SECONDS, Command, end

PLACES = ("local", "slurm", "ray")
_PACKAGES = {"slurm": "submitit", "ray": "ray"}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
QUEUE_SECONDS = 10.0
Ended = Iterator[tuple[Command, int, str]]


@dataclass(frozen=True)
class Place:
    """Where jobs run, and how many at a time.

    Args:
        name: `local`, `slurm` (submitit) or `ray`.
        at_once: Jobs at a time; None = as many as there are processors (local), or as the cluster
            has room for. Of several local ones each gets one thread.
        options: Of a job: for `slurm` what submitit's SlurmExecutor takes (`partition`, `time` in
            minutes, `gpus_per_node`, ...), for `ray` those of a remote function (`num_cpus`,
            `num_gpus`, ...).

    Raises:
        InputError: If there is no such place, or its package is missing.

    Example:
        >>> slurm = Place("slurm", options={"partition": "gpu", "time": 60})  # doctest: +SKIP
        >>> Place("local", at_once=2).name
        'local'
    """

    name: str = "local"
    at_once: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in PLACES:
            raise InputError(f"launcher: {self.name!r} is none of {', '.join(PLACES)}")
        if self.at_once is not None and self.at_once < 1:
            raise InputError(f"jobs at a time must be 1 or more, got {self.at_once}")
        if not isinstance(self.options, Mapping):
            raise InputError(f"launcher options: give keys and values, got {self.options!r}")
        if self.name == "local" and self.options:
            raise InputError("launcher options are for slurm and ray; leave them out")
        package = _PACKAGES.get(self.name)
        if package is not None and find_spec(package) is None:
            raise InputError(
                f"launcher {self.name} needs {package}, which is not installed; "
                f"{install_extra('launch')}"
            )


class Runner(ABC):
    """An open place.

    Args:
        at_once: Jobs at a time.
    """

    def __init__(self, at_once: int | None) -> None:
        self.at_once: float = at_once or float("inf")

    @abstractmethod
    def start(self, command: Command) -> None:
        """Begin a job, or queue it."""

    @abstractmethod
    def ended(self) -> Ended:
        """Wait a moment; jobs that have ended, exit codes, and what is known besides the log."""

    @abstractmethod
    def close(self) -> None:
        """End what still runs."""


@contextmanager
def open_place(place: Place, commands: Sequence[Command]) -> Iterator[Runner]:
    """Open a place for jobs; what runs there at the end is ended.

    Args:
        place: Which.
        commands: Of all jobs that are going to be started.

    Raises:
        InputError: If the cluster is missing, or an option is wrong.
    """
    kinds: dict[str, Callable[[Place, Sequence[Command]], Runner]]
    kinds = {"local": _Local, "slurm": _Slurm, "ray": _Ray}
    runner = kinds[place.name](place, commands)
    try:
        yield runner
    finally:
        runner.close()


class _Local(Runner):
    def __init__(self, place: Place, commands: Sequence[Command]) -> None:
        super().__init__(place.at_once or cores())
        self._running: dict[subprocess.Popen, Command] = {}

    def start(self, command: Command) -> None:
        each = str(max(1, cores() // self.at_once))
        threads = dict.fromkeys(THREADS, each) if self.at_once > 1 else {}
        self._running[command.with_environment(threads).start()] = command

    def ended(self) -> Ended:
        time.sleep(POLL_SECONDS)
        for process in [one for one in self._running if one.poll() is not None]:
            yield self._running.pop(process), process.returncode, ""

    def close(self) -> None:
        end(list(self._running))


class _Again:
    """A job on SLURM; one that has reached its time limit, or was preempted, is queued again."""

    def __init__(self, command: Command) -> None:
        self.command = command

    def __call__(self) -> int:
        return self.command.run()

    def checkpoint(self) -> Any:
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


class _Slurm(Runner):
    def __init__(self, place: Place, commands: Sequence[Command]) -> None:
        import submitit

        super().__init__(None)
        logs = Path(os.path.commonpath([one.log_file.resolve().parent for one in commands]))
        if not submitit.SlurmExecutor.affinity() > 0:
            raise InputError("launcher slurm: there is no sbatch here; start it on a login node")
        executor = submitit.SlurmExecutor(folder=logs / "slurm", max_num_timeout=100)
        options = {"job_name": "ctt-net", **place.options}
        if place.at_once is not None:
            options["array_parallelism"] = place.at_once
        try:
            executor.update_parameters(**options)
        except (NameError, TypeError, ValueError) as error:
            raise InputError(f"launcher options: {error}") from None
        # Lightning takes a job of a scheduler for one process of many; this one begins its own.
        own = {"SLURM_JOB_NAME": "interactive"}
        tasks = [_Again(command.with_environment(own)) for command in commands]
        try:
            submitted = executor.submit_array(tasks)  # one array for all of them
        except submitit.core.utils.FailedJobError as error:
            raise InputError(f"launcher slurm: {' '.join(str(error).split())[-300:]}") from None
        self._jobs = dict(zip(submitted, commands, strict=True))
        self._gone: set[str] = set()  # from the queue
        self._asked = time.monotonic()

    def start(self, command: Command) -> None:
        pass  # queued already, in the same order

    def ended(self) -> Ended:
        time.sleep(POLL_SECONDS)
        gone = self._gone_from_the_queue()
        for job in [one for one in self._jobs if one.done() or one.job_id in gone]:
            command = self._jobs.pop(job)
            # The result of one that accounting calls done may need some seconds to be seen here.
            there = job.job_id not in gone or job.paths.result_pickle.exists()
            if there and job.exception() is None:
                yield command, job.result(), ""
            else:
                yield command, 1, "SLURM ended it: memory, time or its node (sacct says more)"

    def _gone_from_the_queue(self) -> set[str]:
        """Jobs that were so a while ago, and so have ended, where no accounting says it."""
        if time.monotonic() - self._asked < QUEUE_SECONDS:
            return set()
        self._asked, before = time.monotonic(), self._gone
        ids = {job.job_id for job in self._jobs}
        command = ["squeue", "--noheader", "--array", "--format=%F_%K %A"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        self._gone = ids - set(asked.stdout.split()) if asked.returncode == 0 else set()
        return before & self._gone

    def close(self) -> None:
        for job in self._jobs:
            job.cancel(check=False)


class _Ray(Runner):
    def __init__(self, place: Place, commands: Sequence[Command]) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        super().__init__(place.at_once)
        self._ray, self._began = ray, not ray.is_initialized()
        if self._began:
            before = signal.getsignal(signal.SIGTERM)
            try:
                ray.init(address="auto", log_to_driver=False)
                signal.signal(signal.SIGTERM, before)  # Ray's would end this program at once
            except ConnectionError:
                raise InputError(
                    "launcher ray: no cluster runs here; `ray start --head` begins one, or set "
                    "RAY_ADDRESS"
                ) from None
        try:
            # A task of a node that is lost begins again elsewhere, and goes on in its folder.
            self._remote = ray.remote(Command.run).options(**place.options)
        except (TypeError, ValueError) as error:
            raise InputError(f"launcher options: {error}") from None
        self._tasks: dict[Any, Command] = {}

    def start(self, command: Command) -> None:
        self._tasks[self._remote.remote(command)] = command

    def ended(self) -> Ended:
        done, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=POLL_SECONDS)
        for task in done:
            command = self._tasks.pop(task)
            try:
                yield command, self._ray.get(task), ""
            except self._ray.exceptions.RayError as error:
                yield command, 1, str(error)

    def close(self) -> None:
        for task in self._tasks:
            self._ray.cancel(task)
        if self._tasks:
            self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=30)
        if self._began:
            self._ray.shutdown()
