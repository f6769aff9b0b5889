"""Results of the page in memory, each under a key that cannot be guessed, for a few minutes."""

import asyncio
import secrets

from ctt_net.serve.request_error import RequestError
from ctt_net.serve.worker import Answer

KEPT_SECONDS = 600
# A page with its scans takes about half a megabyte.
MOST = 100


class KeptResults:
    """The results that can still be looked at; never on a disk.

    Args:
        seconds: How long.
        most: How many; the oldest goes first.
    """

    def __init__(self, seconds: float = KEPT_SECONDS, most: int = MOST) -> None:
        self._seconds = seconds
        self._most = most
        self._results: dict[str, Answer] = {}

    def keep(self, answer: Answer) -> str:
        """Keep a result; its key."""
        while len(self._results) >= self._most:
            del self._results[next(iter(self._results))]
        key = secrets.token_urlsafe(24)
        self._results[key] = answer
        asyncio.get_running_loop().call_later(self._seconds, self._results.pop, key, None)
        return key

    def get(self, key: str) -> Answer:
        """The result of a key.

        Raises:
            RequestError: 404 if there is none any more.
        """
        if key not in self._results:
            minutes = self._seconds / 60
            raise RequestError(
                404, f"no such result; results are kept for {minutes:g} minutes, then forgotten"
            )
        return self._results[key]
