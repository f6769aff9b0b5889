"""What every request must satisfy before a route sees it, and what every response says.

A page of another origin must not use a server on this machine. It cannot forge the headers checked
here: `Host` is the name that the browser resolved (a name that an attacker has pointed to this
machine is refused), `Origin` and `Sec-Fetch-Site` are set by the browser alone.
"""

import logging
import secrets
import time
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ctt_net.serve.request_error import RequestError
from ctt_net.serve.worker import place_of

LOG = logging.getLogger(__name__)

COOKIE = "ctt_net_token"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Whether the server lives, how to log in, and what a page that says so looks like.
WITHOUT_TOKEN = ("/v1/health", "/login")
# A body that was refused is read on for so long, since many clients listen only once it is sent.
DRAIN_SECONDS = 5.0

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none, Origin of a form is null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: What is guarded.
        token: That a client must show; None = none is needed.
        names: Names of this server besides those of the loopback interface.
        any_address: Whether `Host` may also be any address; a page cannot be of a name then.
        upload_bytes: Limit of a body.
        upload_seconds: Limit of the time to send it.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str | None,
        names: Sequence[str],
        any_address: bool,
        upload_bytes: int,
        upload_seconds: float,
    ) -> None:
        self._app = app
        self._token = token
        self._names = {name.lower() for name in (*LOOPBACK, *names)}
        self._any_address = any_address
        self._bytes = upload_bytes
        self._seconds = upload_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and log it without a word of what was sent."""
        if scope["type"] != "http":  # the server has no websockets, so only its start and end
            await self._app(scope, receive, send)
            return
        start, status = time.monotonic(), 0

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, self._limited(scope, receive), respond)
        except RequestError as problem:
            await problem.response()(scope, receive, respond)
        except Exception as error:
            LOG.error("internal error: %s", place_of(error))
            if not status:
                failed = RequestError(500, "the server failed; its log says where")
                await failed.response()(scope, receive, respond)
        finally:
            route = scope.get("route")
            LOG.info(
                "%s %s %d %.0f ms",
                scope["method"],
                getattr(route, "path", "(no route)"),
                status,
                1000 * (time.monotonic() - start),
            )

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise RequestError(421, "this server does not answer to that name; see --name")
        if scope["method"] not in ("GET", "HEAD"):
            site = headers.get("sec-fetch-site", "same-origin")
            origin = headers.get("origin")
            foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
            if site not in ("same-origin", "none") or foreign:
                raise RequestError(403, "a page of another origin may not use this server")
        path = scope["path"]
        open_path = path in WITHOUT_TOKEN or path.startswith("/assets/")
        if self._token is not None and not open_path and not self._shows_token(headers):
            if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
                raise RequestError(303, "log in first", headers={"Location": "/login"})
            raise RequestError(
                401,
                "send the token that ctt-net serve printed (Authorization: Bearer TOKEN)",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        return name in self._names or (self._any_address and _is_address(name))

    def _shows_token(self, headers: Headers) -> bool:
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.fits(shown.strip()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self.fits(cookie.value)

    def fits(self, shown: str) -> bool:
        """Whether a text is the token, in the same time whatever it is."""
        return secrets.compare_digest(shown.encode(), (self._token or "").encode())

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        announced = Headers(scope=scope).get("content-length", "0")
        left = self._bytes
        too_large = RequestError(
            413,
            f"the upload is larger than {self._bytes / 2**20:g} MB; send fewer or smaller files",
            headers={"Connection": "close"},
        )
        deadline = time.monotonic() + self._seconds

        async def limited() -> Message:
            nonlocal left
            if announced.isdigit() and int(announced) > self._bytes:
                await _drain(receive)
                raise too_large
            try:
                with anyio.fail_after(max(deadline - time.monotonic(), 0)):
                    message = await receive()
            except TimeoutError:
                raise RequestError(
                    408,
                    f"the upload took longer than {self._seconds:g} seconds",
                    headers={"Connection": "close"},
                ) from None
            left -= len(message.get("body", b""))
            if left < 0:
                if message.get("more_body", False):
                    await _drain(receive)
                raise too_large
            return message

        return limited


async def _drain(receive: Receive) -> None:
    with anyio.move_on_after(DRAIN_SECONDS):
        while (await receive()).get("more_body", False):
            pass


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
