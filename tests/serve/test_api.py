"""The API answers what the command writes, in the shape that its description promises."""

import html
import json
import re

import pytest

from ctt_net import INTENDED_USE
from ctt_net.inference.predict import predict_patient
from ctt_net.io.yaml_file import dump_yaml
from ctt_net.serve.answers import Health, Model, Prediction, ProblemDetail, openapi
from ctt_net.serve.words import en, texts, zh


def posted(client, files, data, **headers):
    return client.post("/v1/predictions", files=files, data=data, headers=headers)


def timeless(text):
    """The same without the second it was made in."""
    changed, count = re.subn(r'("time": )"[^"]+Z"', r'\1""', text)
    assert count == 1
    return changed


@pytest.fixture
def as_command(predictor, one_eye, tmp_path):
    """What `ctt-net predict` writes of the same eye, with these facts."""
    row, scans = one_eye

    def run(**facts):
        folder = tmp_path / "patient"
        folder.mkdir()
        for view, data in scans.items():
            (folder / f"{row['laterality']}_{view}.png").write_bytes(data)
        (folder / "patient.yaml").write_text(dump_yaml({"patient_id": "unnamed", **facts}))
        done = predict_patient(folder, predictor, tmp_path / "out")
        return done.json_path.read_text(encoding="utf-8"), done.report_path.read_text("utf-8")

    return run


def test_the_answer_is_prediction_json_of_the_command(client, form_of, as_command, one_eye):
    row, _ = one_eye
    eye = row["laterality"]
    answer = posted(client, *form_of)
    assert answer.status_code == 200
    expected, _ = as_command(notation="decimal", preop_va={eye: row["preop_va"]})
    assert timeless(answer.text) == timeless(expected)


def test_fields_and_json_say_the_same(client, form_of, as_command, one_eye):
    row, scans = one_eye
    eye = row["laterality"]
    facts = {
        "patient_id": "0042",
        "preop_va": {eye: "20/60"},
        "covariates": {"age_years": 71.5, "sex": "F", "axial_length_mm": {eye: 23.4}},
    }
    fields = {
        "patient_id": "0042",
        f"preop_va.{eye}": "20/60",
        "covariates.age_years": "71.5",
        "covariates.sex": "F",
        "covariates.axial_length_mm": "21",
        f"covariates.axial_length_mm.{eye}": "23.4",
        "device": "",
        "notation": " ",
    }
    placed = [
        (f"files.{eye}.{view}", (f"scan{n}.png", data))
        for n, (view, data) in enumerate(scans.items())
    ]
    expected, _ = as_command(**facts)
    assert timeless(posted(client, placed, fields).text) == timeless(expected)
    as_json = posted(client, form_of[0], {"patient": json.dumps(facts)})
    assert timeless(as_json.text) == timeless(expected)


def test_an_acuity_that_nobody_measured_is_said(client, form_of, as_command, one_eye):
    eye = one_eye[0]["laterality"]
    expected, _ = as_command(preop_va={eye: "unknown"})
    answer = posted(client, form_of[0], {f"preop_va.{eye}": "unknown"})
    assert timeless(answer.text) == timeless(expected)


def test_by_accept_the_answer_is_the_page(client, form_of, as_command, one_eye):
    row, _ = one_eye
    answer = posted(client, *form_of, accept="text/html,application/json;q=0.9")
    _, page = as_command(notation="decimal", preop_va={row["laterality"]: row["preop_va"]})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    # Tests draw no figures in this process, and the page names the day.
    shown, expected = (
        re.sub(r"<svg.*?</svg>", "", text, flags=re.S).split("<article")[1:]
        for text in (answer.text, page)
    )
    assert len(expected) == 1
    assert shown == expected
    assert INTENDED_USE in answer.text
    assert posted(client, *form_of, accept="text/html;q=0.5, application/json").json()


def test_the_description_fits_the_answers(client, form_of, facts):
    jsonschema = pytest.importorskip("jsonschema")
    described = client.get("/v1/openapi.json").json()
    assert described["openapi"] == "3.1.0"

    def fits(path, method, status, answer, kind="application/json"):
        content = described["paths"][path][method]["responses"][str(status)]["content"][kind]
        schema = {**content["schema"], "components": described["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)

    answer = posted(client, *form_of)
    fits("/v1/predictions", "post", 200, answer.json())
    fits("/v1/model", "get", 200, client.get("/v1/model").json())
    fits("/v1/health", "get", 200, client.get("/v1/health").json())
    wrong = posted(client, form_of[0], {})
    fits("/v1/predictions", "post", 422, wrong.json(), "application/problem+json")
    with pytest.raises(jsonschema.ValidationError):
        fits("/v1/predictions", "post", 200, {**answer.json(), "eyes": [{"laterality": "X"}]})


def test_the_description_names_what_is_answered(client, form_of):
    """A key without a word in the description is one that nobody can rely on."""
    prediction = posted(client, *form_of).json()
    shapes = {Prediction: prediction, Model: client.get("/v1/model").json()}
    shapes[Health] = client.get("/v1/health").json()
    for shape, answer in shapes.items():
        assert set(shape.model_fields) <= set(answer)
        shape.model_validate(answer)
    assert ProblemDetail.model_validate(posted(client, [], {}).json()).detail


def test_every_route_of_the_api_is_described(client, facts):
    routes = {
        (route.path, method.lower())
        for route in client.app._app.routes
        for method in route.methods
        if route.path.startswith("/v1/") and method != "HEAD"
    }
    described = openapi(facts["views"], needs_token=False)["paths"]
    named = {(path, method) for path, methods in described.items() for method in methods}
    assert routes == named | {("/v1/openapi.json", "get")}


def test_the_model_is_described(client, model, facts):
    answer = client.get("/v1/model").json()
    assert answer["views"] == ["horizontal", "vertical"]
    assert answer["synthetic"] is True
    assert {one["name"] for one in answer["covariates"]} >= {"age_years", "sex"}


def test_the_page_shows_the_result_under_its_own_address(client, form_of, one_eye):
    name = {"OD": "Right eye (OD)", "OS": "Left eye (OS)"}[one_eye[0]["laterality"]]
    answer = client.post("/", files=form_of[0], data=form_of[1], follow_redirects=False)
    assert answer.status_code == 303
    place = answer.headers["location"].partition("?")[0]
    page = client.get(place)
    assert name in page.text
    assert f"{place}/prediction.json" in page.text
    download = client.get(f"{place}/prediction.json")
    assert download.headers["content-disposition"] == 'attachment; filename="prediction.json"'
    assert timeless(download.text) == timeless(posted(client, *form_of).text)
    assert name in client.get(f"{place}/report.html").text
    assert client.get(f"{place}/model.yaml").status_code == 404
    assert client.get("/results/other").status_code == 404


def test_results_are_forgotten():
    import asyncio

    from ctt_net.serve.kept import KeptResults
    from ctt_net.serve.request_error import RequestError
    from ctt_net.serve.worker import Answer

    async def keep():
        kept = KeptResults(seconds=0.05, most=2)
        keys = [kept.keep(Answer(failed=str(n))) for n in range(3)]
        assert len({*keys}) == 3
        with pytest.raises(RequestError):
            kept.get(keys[0])  # the oldest went for the third
        assert kept.get(keys[2]).failed == "2"
        await asyncio.sleep(0.2)
        with pytest.raises(RequestError, match="no such result"):
            kept.get(keys[2])

    asyncio.run(keep())


def test_names_are_read_as_the_command_reads_them(client):
    names = ["0042_R_H.bmp", "右眼_横扫.tif", "post_OD_horizontal.png", "a.docx", "0043_L_V.png"]
    answer = client.post("/names", json=names).json()
    places = [(one["eye"], one["view"]) for one in answer["files"]]
    assert places == [("OD", "horizontal")] * 2 + [("", "")] * 2 + [("OS", "vertical")]
    assert "after surgery" in answer["files"][2]["problem"]
    assert "several patients" in answer["several_patients"]
    assert client.post("/names", json=names[:1]).json()["several_patients"] == ""


def test_a_form_without_script_gets_its_error_as_a_page(client, form_of):
    answer = client.post("/", files=form_of[0], data={}, headers={"accept": "text/html"})
    assert answer.status_code == 422
    assert "preop VA of" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_full_is_said_at_once_and_with_a_time(client, workers, form_of):
    with workers.place(), workers.place(), workers.place():
        answer = posted(client, *form_of)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert posted(client, *form_of).status_code == 200


def test_the_page_is_written_in_the_language_of_the_browser(client):
    english, chinese = en.TEXTS, zh.TEXTS
    assert set(english) == set(chinese)
    for key, text in english.items():
        assert set(re.findall(r"{\w*}", text)) == set(re.findall(r"{\w*}", chinese[key])), key
    page = client.get("/", headers={"accept-language": "zh-CN,zh;q=0.9"}).text
    assert '<html lang="zh-CN">' in page
    assert texts("zh")["intended_use"] in page
    # What is left in Latin letters are names and units, not sentences of the other language.
    for text in english.values():
        assert len(text) < 20 or html.escape(text, quote=False) not in page, text
    page = client.get("/?language=en", headers={"accept-language": "zh"}).text
    assert texts("en")["intended_use"] in page
    assert client.get("/?language=xx").status_code == 200


def test_what_an_answer_holds_is_asked_for(client, form_of):
    files, data = form_of

    def answer(**wanted):
        return posted(client, files, {**data, **wanted}).json()

    def heat_maps(prediction):
        return set(prediction["details"][0]["explanation"]["heat_maps"])

    assert heat_maps(answer()) == set()
    assert heat_maps(answer(heat_maps="true")) == {"horizontal", "vertical"}
    brief = answer(details="false")
    assert "details" not in brief
    assert brief["eyes"] == answer()["eyes"]
    page = posted(client, files, {**data, "language": "zh"}, accept="text/html").text
    assert texts("zh")["intended_use"] in page
    for wrong in ({"language": "xx"}, {"details": "maybe"}):
        refused = posted(client, files, {**data, **wrong})
        assert refused.status_code == 422
        assert refused.json()["field"] == next(iter(wrong))


def test_a_view_is_cut_from_dicom(client, tmp_path, temporary):
    pytest.importorskip("pydicom", reason="the extra formats is not installed")
    from tests.devices.conftest import make_volume, write_dicom

    write_dicom(tmp_path / "cube.dcm", make_volume(), StudyInstanceUID="1.2", SeriesInstanceUID="1")
    data = (tmp_path / "cube.dcm").read_bytes()
    before = sorted(temporary.rglob("*"))
    answer = posted(client, [("files.OD.horizontal", ("cube.dcm", data))], {"preop_va.OD": "20/60"})
    assert answer.status_code == 200, answer.text
    view = answer.json()["eyes"][0]["views"][0]
    assert view["present"]
    assert view["dicom"]["study_instance_uid"] == "1.2"
    wrong_eye = [("files.OS.horizontal", ("cube.dcm", data))]
    refused = posted(client, wrong_eye, {"preop_va.OS": "20/60"})
    assert refused.status_code == 422
    assert "tags say" in refused.json()["detail"]
    assert sorted(temporary.rglob("*")) == before
