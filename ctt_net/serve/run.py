"""Start the server: its address, its token, and the timeouts of its connections."""

import asyncio
import ipaddress
import logging
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ctt_net.errors import InputError
from ctt_net.model_folder.pretrained import SIMULATED, resolve_model
from ctt_net.serve.app import Settings, create_app
from ctt_net.serve.guard import LOOPBACK
from ctt_net.serve.upload import remove_stale_folders
from ctt_net.serve.workers import Workers

# From the first byte of a connection, or of the next request on it, to the end of the headers.
HEAD_SECONDS = 10.0
CONNECTIONS = 200
# Shorter tokens can be guessed.
LEAST_TOKEN = 16


class TimedProtocol(H11Protocol):
    """Closes a connection whose next request has not begun in time; uvicorn would wait for ever."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Stop it once a request is there."""
        super().data_received(data)
        self._wait_for_head()

    def on_response_complete(self) -> None:
        """Start it for the next one."""
        super().on_response_complete()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop it."""
        super().connection_lost(exc)
        if self._head is not None:
            self._head.cancel()

    def _wait_for_head(self) -> None:
        in_request = self.cycle is not None and not self.cycle.response_complete
        if in_request and self._head is not None:
            self._head.cancel()
            self._head = None
        elif not in_request and self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)


def serve(
    model: Path,
    host: str = "127.0.0.1",
    port: int = 8760,
    *,
    token: str | None = None,
    names: Sequence[str] = (),
    workers: int = 2,
    upload_mb: int = 64,
    predict_seconds: float = 60,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve a model until the process is told to end.

    Args:
        model: Model or run folder, or a name as `resolve_model` takes it.
        host: Address to listen on.
        port: Port; 0 = any free one.
        token: That clients must show; made and printed where one is needed and none is given.
        names: Names under which clients reach this machine.
        workers: Processes that predict.
        upload_mb: Limit of one upload.
        predict_seconds: Limit of one prediction.
        ready: Called with the address to open, once the model is loaded.

    Raises:
        InputError: If the model, the address or the token is wrong.
    """
    folder = resolve_model(model)
    if not folder.is_dir():  # what is in it, the workers find out
        raise InputError(
            f"{model}: no model here; give a run folder (runs/<name>), a model folder, or "
            f"'{SIMULATED}' for the one that comes with ctt-net"
        )
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or " " in token):
        raise InputError(
            f"the token has {len(token)} characters; give at least {LEAST_TOKEN}, letters and "
            f"digits without spaces, or none to have one made"
        )
    open_to_others = not _is_loopback(host)
    if open_to_others and token is None:
        token = secrets.token_urlsafe(32)
    settings = Settings(
        token=token,
        names=(*names, *([socket.gethostname(), host] if open_to_others else [])),
        any_address=open_to_others,
        upload_bytes=upload_mb * 2**20,
    )
    remove_stale_folders()
    with _listen(host, port) as listening:
        shown = _shown_address(host, listening.getsockname()[1])
        address = f"http://{shown}/" + (f"login?token={token}" if token else "")
        pool = Workers(str(folder.resolve()), workers, seconds=predict_seconds)
        asyncio.run(_serve(pool, settings, listening, lambda: ready(address)))


async def _serve(
    workers: Workers, settings: Settings, listening: socket.socket, ready: Callable[[], None]
) -> None:
    facts = await workers.start()
    for warning in facts["warnings"]:
        logging.getLogger(__name__).warning("note: %s", warning)
    ready()
    await server_of(create_app(facts, workers, settings)).serve(sockets=[listening])


def server_of(app: ASGIApp) -> uvicorn.Server:
    """Uvicorn with limits on connections and without its own log.

    Args:
        app: From `create_app`.
    """
    config = uvicorn.Config(
        app,
        http=TimedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would hold addresses of results and the token of a login
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def log_to_terminal() -> None:
    """One line per request: time, method, route, status, duration. No data of patients."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("ctt_net.serve")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on {host} port {port}: {reason}; name another --host or --port"
        ) from None


def _shown_address(host: str, port: int) -> str:
    """What to type: of all interfaces the name of the machine, of others the address itself."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
