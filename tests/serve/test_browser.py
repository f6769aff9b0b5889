"""The page in a real browser: by mouse, by keyboard, dropped; accessible; nothing from elsewhere.

Needs Chromium of the system. `CTT_NET_AXE` names `axe.min.js` of axe-core, which is not shipped.
"""

import base64
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDTHS = (390, 1280)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here"),
]


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as started:
        one = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture
def opened(browser, live):
    """Open the page in a window of its own; at the end, whatever it asked for came from there."""
    address = live[0]
    asked, wrong, contexts = [], [], []

    def open_page(width=1280, scheme="light"):
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # A refused request is no fault of the page; whatever its policy forbids is.
        page.on("console", lambda said: "Policy" in said.text and wrong.append(said.text))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    local = (urlsplit(address).netloc, "")  # of data: and blob: there is none
    assert [url for url in asked if urlsplit(url).netloc not in local] == []
    assert wrong == []


@pytest.fixture
def files(one_eye, tmp_path):
    """Two scans of a right eye, one of them under a name that says nothing."""
    names = ("OD_horizontal.png", "scan2.png")
    for name, data in zip(names, one_eye[1].values(), strict=True):
        (tmp_path / name).write_bytes(data)
    return [tmp_path / name for name in names]


def recognised(page, number):
    page.wait_for_function(
        "n => document.querySelectorAll('#scans li[data-asked]').length === n", arg=number
    )


def test_files_are_recognised_corrected_and_predicted(opened, files):
    page = opened()
    page.set_input_files("#files", files)
    recognised(page, 2)
    rows = page.locator("#scans li")
    assert rows.nth(0).locator(".eye").input_value() == "OD"
    assert rows.nth(0).locator(".view").input_value() == "horizontal"
    assert "scan2.png" in rows.nth(1).locator(".scan-problem").inner_text()
    page.click("#predict")
    assert "scan2.png" in page.locator("#problem").inner_text()
    rows.nth(1).locator(".eye").select_option("OD")
    rows.nth(1).locator(".view").select_option("vertical")
    page.fill("#va-OD", "0.3")
    page.click("#predict")
    page.wait_for_selector("#va-OD[aria-invalid]")
    assert "notation" in page.locator("#problem").inner_text()
    page.select_option("#notation", "decimal")
    page.click("#predict")
    page.wait_for_url("**/results/*")
    assert page.locator("text=Right eye (OD)").count()
    assert page.locator("img").count() >= 2
    with page.expect_download() as download:
        page.click("text=Download prediction.json")
    assert '"laterality": "OD"' in Path(download.value.path()).read_text(encoding="utf-8")
    page.reload()
    page.click("text=Another patient")
    page.wait_for_selector("#files", state="attached")


def test_all_of_it_by_keyboard(opened, files):
    page = opened()
    page.set_input_files("#files", files[:1])
    recognised(page, 1)
    page.focus("#files")
    reached = []

    def tab_to(wanted):
        for _ in range(40):
            page.keyboard.press("Tab")
            element = "document.activeElement.id || document.activeElement.className"
            reached.append(page.evaluate(element))
            if reached[-1] == wanted:
                return
        raise AssertionError(f"{wanted} is not reached: {reached}")

    tab_to("eye")
    tab_to("view")
    tab_to("va-OD")
    page.keyboard.type("CF 1m")
    tab_to("predict")
    page.keyboard.press("Enter")
    page.wait_for_url("**/results/*")
    assert page.locator("text=Right eye (OD)").count()


def test_scans_are_dropped_and_removed(opened, files):
    page = opened()
    drop = """([name, data]) => {
        const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], name, {type: "image/png"}));
        const how = {dataTransfer: carried, bubbles: true, cancelable: true};
        document.body.dispatchEvent(new DragEvent("drop", how));
    }"""
    for path in files:
        page.evaluate(drop, [path.name, base64.b64encode(path.read_bytes()).decode()])
    recognised(page, 2)
    page.click("#scans li:nth-child(2) .remove")
    assert page.locator("#scans li").count() == 1
    page.check(".eye-va[data-eye=OD] .unknown")
    page.click("#predict")
    page.wait_for_url("**/results/*")


def test_scans_of_several_patients_need_a_word(opened, one_eye, tmp_path):
    paths = [tmp_path / name for name in ("0001_OD_horizontal.png", "0002_OD_vertical.png")]
    for path, data in zip(paths, one_eye[1].values(), strict=True):
        path.write_bytes(data)
    page = opened()
    page.set_input_files("#files", paths)
    recognised(page, 2)
    page.fill("#va-OD", "20/60")
    page.click("#predict")
    assert "several patients" in page.locator("#problem").inner_text()
    page.check("#same input")
    page.click("#predict")
    page.wait_for_url("**/results/*")


def test_it_works_without_a_script(browser, live, files):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live[0])
    page.set_input_files("#files", files[:1])
    page.click("#predict")
    assert "preop VA of OD is not given" in page.locator("#problem").inner_text()
    page.set_input_files("#files", files[:1])
    page.fill("#va-OD", "20/60")
    page.click("#predict")
    assert "/results/" in page.url
    context.close()


def test_a_page_of_another_origin_cannot_use_the_server(browser, live, files, tmp_path):
    """In a browser, which sets the headers: a form, a request, a picture, a frame, a script."""
    address = live[0]
    other = tmp_path / "other.html"
    other.write_text(
        f"<form method=post action={address} enctype=multipart/form-data>"
        f"<input name=preop_va.OD value=20/60><input type=file name=files></form>"
        f"<iframe src={address}></iframe>"
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(other.as_uri())
    said = page.evaluate(f"fetch('{address}v1/model').then(r => r.text()).catch(() => 'nothing')")
    assert said == "nothing"
    assert len(page.frames) == 1 or "B-scan" not in page.frames[1].content()
    page.set_input_files("[type=file]", files[:1])
    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        page.evaluate("document.forms[0].submit()")
    assert posted.value.status == 403
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(opened, files, width):
    page = opened(width)
    page.set_input_files("#files", files)
    recognised(page, 2)
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true }")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_serious(opened, files, width, scheme):
    axe = os.environ.get("CTT_NET_AXE")
    if not axe:
        pytest.skip("CTT_NET_AXE does not name axe.min.js of axe-core")
    page = opened(width, scheme)

    def found():
        # Beside the page's policy, which would not let it in.
        page.context.new_cdp_session(page).send("Page.setBypassCSP", {"enabled": True})
        page.evaluate(Path(axe).read_text(encoding="utf-8"))
        violations = page.evaluate("axe.run().then((found) => found.violations)")
        return [
            (one["id"], [node["target"] for node in one["nodes"]])
            for one in violations
            if one["impact"] in ("serious", "critical", "moderate")
        ]

    assert found() == []
    page.set_input_files("#files", files)
    recognised(page, 2)
    page.click("#predict")
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true }")
    assert found() == []
    page.check(".eye-va[data-eye=OD] .unknown")
    page.locator("#scans li").nth(1).locator(".remove").click()
    page.click("#predict")
    page.wait_for_url("**/results/*")
    assert found() == []
