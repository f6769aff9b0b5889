"""The server as users start it: its first words, its log, and clients that take their time."""

import asyncio
import contextlib
import re
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest

from ctt_net.cli import main
from ctt_net.errors import InputError
from ctt_net.serve import guard
from ctt_net.serve import run as run_module
from ctt_net.serve.app import Settings, create_app
from ctt_net.serve.workers import Workers
from tests.serve.conftest import MB

NAME = "Mustermann_OD_horizontal.png"


def connected(address):
    place = urlsplit(address)
    return socket.create_connection((place.hostname, place.port), timeout=30)


def test_a_patient_is_predicted_and_leaves_no_trace(live, one_eye):
    address, log, place = live
    before = sorted(place.rglob("*"))
    _, scans = one_eye
    answer = httpx.post(
        f"{address}v1/predictions",
        files=[("files.OD.horizontal", (NAME, scans["horizontal"]))],
        data={"preop_va.OD": "20/61", "patient_id": "Mustermann, Max"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["patient_id"] == "Mustermann, Max"
    refused = httpx.post(
        f"{address}v1/predictions",
        files=[("files.OD.horizontal", (NAME, b"no scan"))],
        data={"preop_va.OD": "20/61"},
        timeout=60,
    )
    assert NAME in refused.json()["detail"]
    httpx.get(f"{address}login?token=shown-to-nobody")
    assert sorted(place.rglob("*")) == before
    time.sleep(0.2)
    text = "".join(log)
    assert re.search(r"POST /v1/predictions 200 \d+ ms", text)
    assert re.search(r"POST /v1/predictions 422 \d+ ms", text)
    assert "Mustermann" not in text
    assert "shown-to-nobody" not in text
    assert "20/61" not in text


@pytest.fixture(scope="module")
def impatient(facts):
    """A server whose limits are short; it predicts nothing."""
    settings = Settings(upload_bytes=MB, upload_seconds=1)
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as place:
        patch.setattr(run_module, "HEAD_SECONDS", 1)
        patch.setattr(guard, "DRAIN_SECONDS", 1)
        server = run_module.server_of(create_app(facts, Workers("no-model"), settings))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[place])))
        thread.start()
        yield f"http://127.0.0.1:{place.getsockname()[1]}/"
        server.should_exit = True
        thread.join(timeout=10)


HEAD = (
    "POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\n"
    "Content-Type: multipart/form-data; boundary=x\r\n"
)


def ends(talking, seconds=6):
    """All that a server still says before it closes the connection, which it must."""
    talking.settimeout(seconds)
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while more := talking.recv(10_000):
            said += more
    return said


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (f"Content-Length: {10**12}\r\n\r\n--x", b" 413 "),
        ("Content-Length: 5000\r\n\r\n--x", b" 408 "),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\n--x\r\n", b" 408 "),
        ("Content-Length: abc\r\n\r\n", b" 400 "),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", b" 400 "),
        ("Content-Length: 3\r\nContent-Length: 7\r\n\r\n--x", b" 400 "),
    ],
)
def test_a_body_too_large_or_without_end_is_ended(impatient, rest, status):
    with connected(impatient) as talking:
        talking.sendall((HEAD + rest).encode())
        assert status in ends(talking)[:40]
    assert httpx.get(f"{impatient}v1/health").json() == {"status": "ok"}


def test_a_body_byte_by_byte_is_ended(impatient):
    with connected(impatient) as talking:
        talking.sendall(f"{HEAD}Content-Length: 5000\r\n\r\n".encode())
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 4:
                talking.sendall(b"-")
                time.sleep(0.1)
            pytest.fail("the connection is still open")
        assert time.monotonic() - start < 3


def test_a_request_that_never_begins_is_ended(impatient):
    starts = [b"", b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "]
    talking = [connected(impatient) for _ in starts]
    # The second has had an answer before, and then begins another request.
    talking[1].sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200 OK" in talking[1].recv(5000)
    start = time.monotonic()
    for one, begun in zip(talking, starts, strict=True):
        one.sendall(begun)
    with contextlib.suppress(OSError):
        while time.monotonic() - start < 4:
            talking[1].sendall(b"a")
            time.sleep(0.1)
        pytest.fail("the connection is still open")
    assert ends(talking[0]) == b""
    assert time.monotonic() - start < 3
    for one in talking:
        one.close()
    assert httpx.get(f"{impatient}v1/health").json() == {"status": "ok"}


def test_headers_without_end_are_refused(impatient):
    with connected(impatient) as talking:
        talking.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(200):
                talking.sendall(b"a" * 10_000)
            assert b" 400 " in talking.recv(1000)
    assert httpx.get(f"{impatient}v1/health").json() == {"status": "ok"}


@pytest.mark.parametrize(("host", "open_to_others"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_open_to_a_network_it_makes_a_token(model, monkeypatch, host, open_to_others):
    started, said = [], []

    async def start(workers, settings, listening, ready):
        started.append(settings)
        ready()

    monkeypatch.setattr(run_module, "_serve", start)
    run_module.serve(model, host, 0, names=("ocular.example",), ready=said.append)
    (settings,) = started
    assert settings.any_address == open_to_others
    assert "ocular.example" in settings.names
    if open_to_others:
        assert len(settings.token) == 43
        assert urlsplit(said[0]).query == f"token={settings.token}"
    else:
        assert settings.token is None
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", said[0])


def test_what_cannot_be_served_is_one_message(model, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", str(model), "--port", str(port)]) == 2
    message = capsys.readouterr().err
    assert f"port {port}" in message
    assert "--port" in message
    assert main(["serve", str(tmp_path / "no")]) == 2
    assert "no model here" in capsys.readouterr().err
    assert main(["serve", str(model), "--port", "99999"]) == 2


def test_what_a_worker_cannot_load_is_refused(tmp_path):
    """A folder without a model, found out in the worker and said by the server."""
    with pytest.raises(InputError, match="no model here"):
        asyncio.run(Workers(str(tmp_path), 1).start())
