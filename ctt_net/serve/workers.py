"""Processes that hold the model: so many at once, so many waiting, so long each.

A process of its own, since what decodes pictures is C code that a hostile file may crash or keep
busy: then only that process ends, and the next request starts another.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import anyio
from anyio import to_process

from ctt_net.errors import InputError
from ctt_net.serve import worker
from ctt_net.serve.request_error import RequestError
from ctt_net.serve.worker import Answer, Wanted

T = TypeVar("T")

# Python, the libraries and the model of a new process, on a machine that is busy.
START_SECONDS = 120.0


class Workers:
    """A bounded pool.

    anyio keeps a process that has finished for the next request, and ends those that were idle for
    five minutes, except the one last used.

    Args:
        model: Model or run folder.
        number: Processes.
        waiting: Requests that may wait for one.
        seconds: Limit of one prediction.
    """

    def __init__(self, model: str, number: int = 2, waiting: int = 16, seconds: float = 60) -> None:
        self._model = model
        self._number = number
        self._places = number + waiting
        self._seconds = seconds
        self._limiter: anyio.CapacityLimiter | None = None
        self._taken = 0

    async def start(self) -> dict[str, Any]:
        """Load the model in every process.

        Returns:
            Facts of the model.

        Raises:
            InputError: If the model cannot be loaded.
        """
        loading = (
            self._run(START_SECONDS, worker.describe, self._model) for _ in range(self._number)
        )
        try:
            started = await asyncio.gather(*loading)
        except (TimeoutError, anyio.BrokenWorkerProcess):
            raise InputError(
                f"{self._model}: was not loaded within {START_SECONDS:g} seconds, or for want of "
                f"memory not at all; start fewer --workers than {self._number}"
            ) from None
        if isinstance(started[0], str):
            raise InputError(started[0])
        return started[0]

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place among those that are served or wait, to be taken before a body is read.

        Raises:
            RequestError: 503 if there is none.
        """
        if self._taken >= self._places:
            raise RequestError(
                503, "all places are taken; try again in a moment", headers={"Retry-After": "2"}
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @property
    def free(self) -> anyio.CapacityLimiter:
        """One of the processes, as `async with`; those who wait for it come in order."""
        if self._limiter is None:  # belongs to the event loop
            self._limiter = anyio.CapacityLimiter(self._number)
        return self._limiter

    async def predict(self, folder: str, wanted: Wanted) -> Answer:
        """Predict a patient folder in a process of the pool, which is `free`.

        Raises:
            RequestError: 503 if it takes too long, 422 if it ends the process.
        """
        try:
            return await self._run(self._seconds, worker.predict, self._model, folder, wanted)
        except TimeoutError:
            raise RequestError(
                503,
                f"the prediction took longer than {self._seconds:g} seconds and was stopped",
                headers={"Retry-After": "10"},
            ) from None
        except anyio.BrokenWorkerProcess:
            raise RequestError(
                422, "reading the scans ended the reader; export them again, as PNG"
            ) from None

    async def _run(self, seconds: float, function: Callable[..., T], *arguments: Any) -> T:
        with anyio.fail_after(seconds):  # cancelled, anyio kills the process
            # The limit is `free`, in front of this: waiting does not count as time.
            return await to_process.run_sync(
                function, *arguments, cancellable=True, limiter=anyio.CapacityLimiter(1)
            )
