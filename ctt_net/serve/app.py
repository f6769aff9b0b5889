"""The routes: the page for people, its results, and the API."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ctt_net.acuity import REPORT_NOTATIONS
from ctt_net.inference.words import LANGUAGES, Language
from ctt_net.io.read_text import parse_json
from ctt_net.report.page import TEMPLATES as REPORT_TEMPLATES
from ctt_net.report.page import render
from ctt_net.serve.answers import openapi
from ctt_net.serve.guard import COOKIE, Guard
from ctt_net.serve.kept import KEPT_SECONDS, KeptResults
from ctt_net.serve.request_error import RequestError
from ctt_net.serve.upload import (
    SUFFIXES,
    in_words_of_the_client,
    patient_folder,
    read_upload,
    recognise,
    several_patients,
)
from ctt_net.serve.words import accepted_language, texts
from ctt_net.serve.worker import Answer
from ctt_net.serve.workers import Workers
from ctt_net.types import EYES

TEMPLATES = Path(__file__).parent / "templates"
_FIELD = re.compile(r"(preop_va\.O[DS]|notation|covariates\.[^:]+|device|scale)\b")

# More names than this are no patient's folder.
MAX_NAMES = 200
# The page of a patient has its style inside and loads nothing.
RESULT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Settings:
    """What a server allows.

    Args:
        token: That clients must show; None = none.
        names: Names of this server besides those of the loopback interface.
        any_address: Whether clients may call it by any address.
        upload_bytes: Limit of one upload.
        upload_seconds: Limit of the time to send it.
    """

    token: str | None = None
    names: Sequence[str] = ()
    any_address: bool = False
    upload_bytes: int = 64 * 2**20
    upload_seconds: float = 60


@dataclass(frozen=True)
class Site:
    """What the routes share.

    Args:
        facts: Of the model, as `worker.model_facts` has them.
        workers: Predict.
        settings: As given.
        results: Of the page, for a while.
    """

    facts: Mapping[str, Any]
    workers: Workers
    settings: Settings
    results: KeptResults = field(default_factory=KeptResults)

    @property
    def views(self) -> list[str]:
        """Names of the model's views."""
        return list(self.facts["views"])


def create_app(
    facts: Mapping[str, Any], workers: Workers, settings: Settings | None = None
) -> Guard:
    """The ASGI application.

    Args:
        facts: Of the model.
        workers: Hold it.
        settings: What is allowed; by default no token, loopback names only.
    """
    settings = settings or Settings()
    for language in LANGUAGES:  # read now, not when the first page is asked for
        texts(language)
    site = Site(facts, workers, settings)
    routes = [
        Route("/", partial(_page, site), methods=["GET"], name="page"),
        Route("/", partial(_submit, site), methods=["POST"], name="submit"),
        Route("/names", partial(_names, site), methods=["POST"], name="names"),
        Route("/results/{key}", partial(_result, site), name="result"),
        Route("/results/{key}/{file}", partial(_file, site), name="file"),
        Route("/assets/{name}", _asset, name="asset"),
        Route("/login", partial(_login, site), methods=["GET", "POST"], name="login"),
        Route("/v1/predictions", partial(_predictions, site), methods=["POST"]),
        Route("/v1/health", _health),
        Route("/v1/model", partial(_model, site)),
        Route("/v1/openapi.json", partial(_openapi, site)),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            RequestError: partial(_problem, site),
            HTTPException: partial(_http_problem, site),
            Exception: partial(_failure, site),
        },
    )
    return Guard(
        app,
        settings.token,
        settings.names,
        settings.any_address,
        settings.upload_bytes,
        settings.upload_seconds,
    )


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _model(site: Site, request: Request) -> Response:
    return JSONResponse(dict(site.facts))


async def _openapi(site: Site, request: Request) -> Response:
    return JSONResponse(openapi(site.views, needs_token=site.settings.token is not None))


async def _predictions(site: Site, request: Request) -> Response:
    wants_page = _prefers_html(request)
    answer = await _predict(site, request, wants_page)
    if wants_page:
        return HTMLResponse(
            answer.page or "", headers={"Content-Security-Policy": RESULT_POLICY, "Vary": "Accept"}
        )
    return _prediction_json(answer.prediction, Vary="Accept")


async def _predict(site: Site, request: Request, wants_page: bool) -> Answer:
    """One patient from request to answer; nothing of it stays."""
    with site.workers.place():
        upload = await read_upload(request, site.views)
        async with site.workers.free:
            with patient_folder(upload) as folder:
                wanted = replace(upload.wanted, page=wants_page)
                answer = await site.workers.predict(str(folder), wanted)
    if answer.failed:
        raise RuntimeError(answer.failed)
    if answer.refused:
        detail = in_words_of_the_client(answer.refused, upload, str(folder))
        about = _FIELD.match(detail)
        raise RequestError(422, detail, about[1] if about else "")
    return answer


def _prediction_json(prediction: Mapping[str, Any] | None, **headers: str) -> Response:
    """The very text that ctt-net predict writes."""
    text = json.dumps(prediction, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return Response(text, media_type="application/json", headers=headers)


async def _page(site: Site, request: Request) -> Response:
    return HTMLResponse(_form(site, request), headers={"Vary": "Accept-Language"})


def _language(request: Request) -> Language:
    """Of the address, else of the browser."""
    asked = request.query_params.get("language")
    for language in LANGUAGES:
        if language == asked:
            return language
    return accepted_language(request.headers.get("accept-language", ""))


def _render(name: str, request: Request, **context: Any) -> str:
    language = _language(request)
    return render(name, folder=TEMPLATES, language=language, t=texts(language), **context)


def _form(site: Site, request: Request, problem: RequestError | None = None) -> str:
    said = texts(_language(request))
    script = {
        key.removeprefix("script."): text for key, text in said.items() if key.startswith("script.")
    }
    return _render(
        "upload.html",
        request,
        model=site.facts,
        views=[said.get(f"view.{view}", view) for view in site.views],
        eyes=EYES,
        suffixes=SUFFIXES,
        report_notations=REPORT_NOTATIONS,
        problem=problem,
        texts=script,
        limit_bytes=site.settings.upload_bytes,
        kept_minutes=KEPT_SECONDS // 60,
    )


async def _submit(site: Site, request: Request) -> Response:
    """What the page sends: the result has an address of its own, so that it can be reloaded."""
    answer = await _predict(site, request, wants_page=True)
    key = site.results.keep(answer)
    return RedirectResponse(f"/results/{key}?language={_language(request)}", 303)


async def _result(site: Site, request: Request) -> Response:
    key = request.path_params["key"]
    answer = site.results.get(key)
    links = _render("result_links.html", request, key=key)
    page = (answer.page or "").replace("<body>", f"<body>\n{links}", 1)
    return HTMLResponse(page, headers={"Content-Security-Policy": RESULT_POLICY})


async def _file(site: Site, request: Request) -> Response:
    answer = site.results.get(request.path_params["key"])
    name = request.path_params["file"]
    as_file = {"Content-Disposition": f'attachment; filename="{name}"'}
    if name == "prediction.json":
        return _prediction_json(answer.prediction, **as_file)
    if name == "report.html":
        headers = {**as_file, "Content-Security-Policy": RESULT_POLICY}
        return HTMLResponse(answer.page or "", headers=headers)
    raise RequestError(404, "there are prediction.json and report.html")


async def _names(site: Site, request: Request) -> Response:
    """Eye and view of files by their names, for the page."""
    try:
        names = parse_json((await request.body()).decode())
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise RequestError(422, "send a list of names as JSON")
    if len(names) > MAX_NAMES:
        raise RequestError(422, f"more than {MAX_NAMES} files; drop the scans of one patient")
    return JSONResponse(
        {"files": recognise(names, site.views), "several_patients": several_patients(names, "")}
    )


_ASSETS = {
    "page.css": (REPORT_TEMPLATES / "page.css", "text/css"),
    "upload.css": (TEMPLATES / "upload.css", "text/css"),
    "upload.js": (TEMPLATES / "upload.js", "text/javascript"),
}


async def _asset(request: Request) -> Response:
    if request.path_params["name"] not in _ASSETS:
        raise RequestError(404, "no such file")
    path, kind = _ASSETS[request.path_params["name"]]
    return Response(path.read_bytes(), media_type=kind)


async def _login(site: Site, request: Request) -> Response:
    """A cookie for a token, which comes by the link that was printed, or by the form."""
    shown = request.query_params.get("token", "")
    if request.method == "POST":
        async with request.form(max_fields=4, max_files=0) as form:
            shown = str(form.get("token", "")).strip()
    token = site.settings.token
    if token is None:
        return RedirectResponse("/", 303)
    if not secrets.compare_digest(shown.encode(), token.encode()):
        page = _render("login.html", request, wrong=bool(shown))
        return HTMLResponse(page, 403 if shown else 200)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return response


async def _problem(site: Site, request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    on_page = request.url.path == "/" or request.url.path.startswith("/results/")
    if on_page and error.status != 303 and _prefers_html(request):
        return HTMLResponse(_form(site, request, error), error.status, error.headers)
    return error.response()


async def _http_problem(site: Site, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {404: "no such page", 405: "this address takes no such request"}
    detail = details.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    return await _problem(site, request, RequestError(error.status_code, detail, headers=headers))


async def _failure(site: Site, request: Request, error: Exception) -> Response:
    return await _problem(site, request, RequestError(500, "the server failed; its log says where"))


def _prefers_html(request: Request) -> bool:
    """Whether HTML comes before JSON in `Accept`; who does not care gets JSON."""
    weights = {"text/html": 0.0, "application/json": 0.0}
    for one in request.headers.get("accept", "*/*").split(","):
        kind, _, parameters = one.strip().partition(";")
        found = re.search(r"q=([\d.]+)", parameters)
        try:
            weight = float(found[1]) if found else 1.0
        except ValueError:
            weight = 0.0
        for known in weights:
            if kind.strip().lower() == known:
                weights[known] = weight
    return weights["text/html"] > weights["application/json"]
