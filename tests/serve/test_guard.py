"""Who may use a server: its own pages and programs, under its own names, with its token."""

import pytest
from starlette.testclient import TestClient

from ctt_net.errors import InputError
from ctt_net.serve.app import Settings, create_app
from ctt_net.serve.guard import HEADERS
from ctt_net.serve.run import serve
from ctt_net.serve.workers import Workers

TOKEN = "a-token-of-some-length"
ELSEWHERE = "https://evil.example"


@pytest.fixture
def open_client(facts, temporary):
    """A client of a server that asks for a token, before it has one."""
    settings = Settings(token=TOKEN, names=("ocular.example",), any_address=True)
    app = create_app(facts, Workers("no-model"), settings)
    with TestClient(app, base_url="http://ocular.example", follow_redirects=False) as talking:
        yield talking


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8760", "127.0.0.1:1", "[::1]:8760", "LOCALHOST"]
)
def test_names_of_this_machine_are_answered(client, host):
    assert client.get("/v1/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "192.0.2.7", "", "evil.example:8760", "[::1", "a b"],
)
def test_a_name_that_points_here_is_refused(client, host):
    """DNS rebinding: the browser takes the page of a foreign name for one of the same origin."""
    answer = client.get("/v1/model", headers={"host": host})
    assert answer.status_code == 421
    assert "views" not in answer.text


@pytest.mark.parametrize("path", ["/v1/predictions", "/", "/names"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": ELSEWHERE},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"origin": "http://localhost.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_page_of_another_origin_cannot_send(client, form_of, path, headers):
    answer = client.post(path, files=form_of[0], data=form_of[1], headers=headers)
    assert answer.status_code == 403
    assert "eyes" not in answer.text


def test_its_own_page_can_send(client):
    own = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    assert client.post("/names", json=[], headers=own).status_code == 200


def test_no_page_of_another_origin_may_read(client):
    """Nothing permits it: no CORS, not even for a preflight."""
    asked = {"origin": ELSEWHERE, "access-control-request-method": "POST"}
    for answer in (
        client.get("/v1/model", headers={"origin": ELSEWHERE}),
        client.options("/v1/predictions", headers=asked),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", ["/", "/v1/model", "/assets/upload.js", "/nothing", "/results/x"])
def test_every_answer_carries_the_headers(client, path):
    answer = client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    for policy in HEADERS["Content-Security-Policy"].split("; "):
        assert "unsafe" not in policy
        assert "http" not in policy


def test_the_result_may_load_nothing_and_run_nothing(client, form_of):
    answer = client.post("/", files=form_of[0], data=form_of[1])
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store"


def test_without_the_token_nothing_but_its_life_is_told(open_client, form_of):
    assert open_client.get("/v1/health").status_code == 200
    for answer in (
        open_client.get("/v1/model"),
        open_client.get("/v1/openapi.json"),
        open_client.get("/"),
        open_client.get("/results/x"),
        open_client.post("/v1/predictions", files=form_of[0], data=form_of[1]),
        open_client.post("/names", json=[]),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer \xff"},
        {"cookie": "ctt_net_token=wrong"},
        {"cookie": f"other={TOKEN}"},
        {"cookie": "ctt_net_token=\x01; =;;"},
    ],
)
def test_a_wrong_token_is_refused(open_client, headers):
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    assert open_client.get("/v1/model", headers=encoded).status_code == 401


def test_a_program_sends_the_token(open_client):
    shown = {"authorization": f"Bearer {TOKEN}"}
    assert open_client.get("/v1/model", headers=shown).status_code == 200
    described = open_client.get("/v1/openapi.json", headers=shown).json()
    assert described["paths"]["/v1/model"]["get"]["security"] == [{"token": []}]


@pytest.mark.parametrize("way", ["link", "form"])
def test_a_person_logs_in_once(open_client, way):
    assert open_client.get("/", headers={"accept": "text/html"}).headers["location"] == "/login"
    assert "token" in open_client.get("/login").text
    assert open_client.post("/login", data={"token": "wrong"}).status_code == 403
    assert not open_client.cookies
    if way == "link":
        answer = open_client.get(f"/login?token={TOKEN}")
    else:
        answer = open_client.post("/login", data={"token": TOKEN})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert open_client.get("/").status_code == 200


@pytest.mark.parametrize("host", ["192.0.2.7:8760", "[2001:db8::1]:8760", "Ocular.example:80"])
def test_an_open_server_answers_to_its_addresses_and_names(open_client, host):
    assert open_client.get("/v1/health", headers={"host": host}).status_code == 200


def test_an_open_server_answers_to_no_other_name(open_client):
    headers = {"host": "evil.example", "authorization": f"Bearer {TOKEN}"}
    assert open_client.get("/v1/model", headers=headers).status_code == 421


@pytest.mark.parametrize("token", ["short", "with spaces in it everywhere", "ключ" * 8])
def test_a_token_that_can_be_guessed_is_refused(model, token):
    with pytest.raises(InputError, match="token"):
        serve(model, token=token)


def test_a_failure_says_where_and_not_what(client, workers, form_of, monkeypatch, caplog):
    from ctt_net.serve.worker import Answer

    async def fail(folder, wants_page):
        return Answer(failed="ValueError at somewhere.py:12")

    monkeypatch.setattr(workers, "predict", fail)
    answer = client.post("/v1/predictions", files=form_of[0], data=form_of[1])
    assert answer.status_code == 500
    assert answer.json()["detail"] == "the server failed; its log says where"
