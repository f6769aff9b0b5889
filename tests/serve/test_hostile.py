"""Whatever is sent: a clear 4xx, nothing on disk, and the server lives on."""

import io
import json
import os
import struct
import zlib

import numpy as np
import pytest
from anyio import BrokenWorkerProcess
from PIL import Image

from ctt_net.serve import upload
from tests.test_security import png_bomb, tiff_bomb

OD = "OD_horizontal.png"


def picture(kind, size=(200, 120), **options):
    grey = np.random.default_rng(0).integers(0, 255, size[::-1], dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(grey).save(data, kind, **options)
    return data.getvalue()


def pages(kind):
    data = io.BytesIO()
    one = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8))
    two = Image.fromarray(np.random.default_rng(1).integers(0, 255, (90, 90), dtype=np.uint8))
    one.save(data, kind, save_all=True, append_images=[two])
    return data.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def text_bomb():
    """A PNG whose compressed comment unpacks to 40 MB, before its pixels."""
    whole = picture("PNG")
    packer = zlib.compressobj(9)
    comment = b"".join([packer.compress(bytes(2**20)) for _ in range(40)]) + packer.flush()
    return whole[:33] + chunk(b"zTXt", b"Comment\x00\x00" + comment) + whole[33:]


def circular_tiff():
    """A TIFF whose first directory names itself as the next."""
    return b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8)


def header_only(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
DEEP = '{"covariates": ' * 5000 + "1" + "}" * 5000

CONTENTS = {
    "png bomb": lambda: png_bomb(16_000),
    "png of 64 megapixels": lambda: png_bomb(8_000),
    "tiff bomb": lambda: tiff_bomb(60_000),
    "bomb in a comment": text_bomb,
    "empty": lambda: b"",
    "one byte": lambda: b"\x89",
    "noise": lambda: np.random.default_rng(0).bytes(100_000),
    "truncated png": lambda: picture("PNG")[:3000],
    "truncated jpeg": lambda: picture("JPEG")[:2000],
    "truncated tiff": lambda: picture("TIFF")[:2000],
    "truncated bmp": lambda: picture("BMP")[:2000],
    "png header alone": lambda: header_only(400, 300),
    "png of no size": lambda: header_only(0, 0),
    "png of 2^31": lambda: header_only(2**31 - 1, 2**31 - 1),
    "wrong checksum": lambda: picture("PNG").replace(b"IDAT", b"IDAX", 1),
    "circular tiff": circular_tiff,
    "two pages": lambda: pages("TIFF"),
    "two frames": lambda: pages("PNG"),
    "thumbnail": lambda: picture("PNG", (32, 20)),
    "strip": lambda: picture("PNG", (64, 6_000)),
    "blank": lambda: png_bomb(500),
    "gif": lambda: picture("GIF"),
    "webp": lambda: b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "pdf": lambda: b"%PDF-1.7\n" + bytes(500),
    "zip": lambda: b"PK\x03\x04" + bytes(500),
    "program": lambda: b"MZ" + bytes(500),
    "svg with a script": lambda: SVG,
    "html with a script": lambda: b"<!DOCTYPE html><script>alert(1)</script>",
    "raw device file": lambda: b"HSF-OCT-103" + bytes(3000),
    "dicom without anything": lambda: bytes(128) + b"DICM" + bytes(500),
    "numpy array": lambda: b"\x93NUMPY" + bytes(300),
}  # fmt: skip

NAMES = {
    "script": "<script>alert(1)</script>.png",
    "script and eye": "<img src=x onerror=alert(1)>.svg",
    "no suffix": "OD_horizontal",
    "program": "OD_horizontal.png.exe",
    "suffix alone": ".png",
    "path": "../../../etc/passwd",
    "path with drive": "C:\\Windows\\System32\\config.png",
    "long": "OD_horizontal" + "x" * 300 + ".png",
    "nul": "OD\x00horizontal.txt",
    "right to left": "OD_horizontal\u202egnp.exe",
    "no eye": "horizontal.png",
    "no view": "OD.png",
    "two eyes": "OD_OS_horizontal.png",
    "after surgery": "postop_OD_horizontal.png",
    "header": "OD_horizontal\r\nSet-Cookie: a=b.png.txt",
}

FIELDS = {
    "no acuity": {"preop_va.OD": ""},
    "acuity of no eye": {"preop_va.OS": "20/20"},
    "acuity is a script": {"preop_va.OD": "<script>alert(1)</script>"},
    "acuity without notation": {"preop_va.OD": "0.3"},
    "impossible acuity": {"preop_va.OD": "7", "notation": "decimal"},
    "long acuity": {"preop_va.OD": "9" * 5000},
    "no such notation": {"notation": "inches"},
    "third eye": {"preop_va.OX": "20/20"},
    "unknown field": {"admin": "true"},
    "no such covariate": {"covariates.secret": "1"},
    "impossible covariate": {"covariates.axial_length_mm": "233.3"},
    "covariate is a script": {"covariates.age_years": "<script>alert(1)</script>"},
    "covariate is no number": {"covariates.age_years": "nan"},
    "covariate of the other eye alone": {"covariates.age_years.OX": "70"},
    "no such device": {"device": "../../etc/passwd", "scale.axial_um_per_px": "x"},
    "scale below zero": {"scale.axial_um_per_px": "-4"},
    "patient is no json": {"patient": "{", "preop_va.OD": ""},
    "patient is a list": {"patient": "[]", "preop_va.OD": ""},
    "patient is deep": {"patient": DEEP, "preop_va.OD": ""},
    "patient says nan": {"patient": '{"covariates": {"age_years": NaN}}', "preop_va.OD": ""},
    "patient twice": {"patient": '{"preop_va": {"OD": "20/20", "OD": "20/40"}}', "preop_va.OD": ""},
    "patient and fields": {"patient": "{}"},
    "patient names files": {"patient": '{"files": {"OD": {"horizontal": "/etc/passwd"}}}',
                            "preop_va.OD": ""},
    "file as text": {"files": "/etc/passwd"},
    "control characters": {"patient_id": "a\x00\x1b[2J"},
    "huge field": {"patient_id": "x" * 100_000},
    "many fields": {f"covariates.c{n}": "1" for n in range(600)},
}  # fmt: skip


@pytest.fixture(scope="module")
def right(one_eye):
    return one_eye[1]["horizontal"]


@pytest.fixture(autouse=True)
def nothing_stays(temporary):
    before = sorted(temporary.rglob("*"))
    yield
    assert sorted(temporary.rglob("*")) == before


def refused(answer, *quoted):
    """A clear refusal that shows nothing of this machine."""
    assert 400 <= answer.status_code < 500, answer.text
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert 10 < len(body["detail"]) < 600
    for secret in ("ctt-net-serve-", "Traceback", "site-packages", "/tmp/", "/dev/shm"):
        assert secret not in body["detail"]
    for text in quoted:
        assert text in body["detail"]
    return body


def send(client, scans, **fields):
    data = {"preop_va.OD": "20/60", **fields}
    return client.post("/v1/predictions", files=scans, data=data)


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_no_scan_is_refused(client, name):
    answer = send(client, [("files", (OD, CONTENTS[name]()))])
    refused(answer, OD)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_says_nothing_is_refused(client, right, name):
    body = refused(send(client, [("files", (NAMES[name], right))]))
    assert body["field"] == "files"
    assert all(one.isprintable() for one in body["detail"])


@pytest.mark.parametrize("name", FIELDS)
def test_wrong_fields_are_refused(client, right, name):
    refused(send(client, [("files", (OD, right))], **FIELDS[name]))


@pytest.mark.parametrize(
    "field", ["files.OD.diagonal", "files.OX.horizontal", "files.", "avatar", "../files"]
)
def test_a_file_in_no_field_is_refused(client, right, field):
    refused(send(client, [(field, (OD, right))]))


def test_more_files_than_views_are_refused(client, right):
    refused(send(client, [("files", (f"OD_horizontal{n}.png", right)) for n in range(40)]))


def test_two_scans_of_one_view_are_refused(client, right):
    files = [("files", (OD, right)), ("files", ("a/right_hor.png", right + b"x"))]
    refused(send(client, files), OD, "right_hor.png")


def test_one_picture_for_two_views_is_refused(client, right):
    refused(send(client, [("files", (OD, right)), ("files", ("OD_vertical.png", right))]))


def test_scans_of_two_patients_are_refused(client, one_eye):
    scans = one_eye[1]
    names = ("0001_OD_horizontal.png", "0002_OD_vertical.png")
    files = [("files", (name, data)) for name, data in zip(names, scans.values(), strict=True)]
    refused(send(client, files), "several patients", *names)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({"content-type": "application/json"}, b'{"files": []}'),
        ({"content-type": "text/plain"}, b"hello"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"preop_va.OD=20%2F60"),
        ({"content-type": "multipart/form-data"}, b"--x\r\n"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"no boundary here"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\nContent-Disposition: a\r\n"),
        ({"content-type": "multipart/form-data; boundary=" + "x" * 9000}, b"--x"),
        ({"content-type": "multipart/form-data; boundary=x; charset=rot13"}, b"--x--\r\n"),
    ],
)
def test_another_body_is_refused(client, headers, body):
    refused(client.post("/v1/predictions", content=body, headers=headers))


def test_a_header_of_a_part_without_end_is_refused(client, right):
    refused(send(client, [("files", ("OD_horizontal" + "x" * 100_000 + ".png", right))]))


def test_a_body_that_ends_in_the_middle_is_refused(client, right):
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{OD}"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    refused(client.post("/v1/predictions", content=head.encode() + right[:2000], headers=kind))


def test_a_body_above_the_limit_is_refused(client):
    answer = send(client, [("files", (OD, bytes(9 * 2**20)))])
    assert answer.status_code == 413
    refused(answer, "8 MB")

    def pieces():
        yield b"--x\r\n"
        for _ in range(9):
            yield bytes(2**20)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/predictions", content=pieces(), headers=kind).status_code == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/predictions"),
        ("PUT", "/v1/predictions"),
        ("DELETE", "/v1/model"),
        ("GET", "/assets/../app.py"),
        ("GET", "/assets/..%2fapp.py"),
        ("GET", "/assets/%2e%2e/%2e%2e/setup.py"),
        ("GET", "/results/..%2f..%2fetc%2fpasswd"),
        ("GET", "/.git/config"),
        ("GET", "/docs"),
    ],
)
def test_other_addresses_are_refused(client, method, path):
    refused(client.request(method, path))


@pytest.mark.parametrize(
    "names", [b"{}", b"[1]", b"[", b"[" * 100_000, b"\xff", b'["a"' + b',"a"' * 300 + b"]"]
)
def test_wrong_lists_of_names_are_refused(client, names):
    refused(client.post("/names", content=names))


@pytest.mark.parametrize("place", ["../../", "C:\\x\\", "/etc/"])
def test_of_a_path_only_the_name_is_used(client, right, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = send(client, [("files", (place + OD, right))])
    assert answer.status_code == 200
    assert answer.json()["eyes"][0]["views"][0]["file"] == OD
    assert not list(tmp_path.iterdir())


def test_what_looks_like_yaml_stays_a_text(client, right):
    text = "x\npreop_va: {OD: 20/20}\n# {{ 7*7 }} <script>alert(1)</script>"
    answer = send(client, [("files", (OD, right))], patient_id=text)
    assert answer.json()["patient_id"].split() == text.split()
    assert answer.json()["eyes"][0]["preop"]["text"] == "20/60"
    page = client.post(
        "/v1/predictions",
        files=[("files", (OD, right))],
        data={"preop_va.OD": "20/60", "patient_id": text},
        headers={"accept": "text/html"},
    ).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_after_all_that_the_server_answers(client, right, temporary):
    assert client.get("/v1/health").json() == {"status": "ok"}
    answer = send(client, [("files", (OD, right))])
    assert answer.status_code == 200
    assert json.loads(answer.text)["eyes"][0]["laterality"] == "OD"
    assert not list(temporary.glob("ctt-net-serve-*"))


def test_a_reader_that_crashes_or_hangs_takes_only_itself_along(
    client, right, workers, monkeypatch
):
    async def crash():
        with pytest.raises(BrokenWorkerProcess):
            await workers._run(60, os._exit, 1)

    client.portal.call(crash)
    monkeypatch.setattr(workers, "_seconds", 0.01)
    answer = send(client, [("files", (OD, right))])
    assert answer.status_code == 503
    assert "took longer" in answer.json()["detail"]
    monkeypatch.undo()
    assert send(client, [("files", (OD, right))]).status_code == 200  # by a new process


def test_what_a_killed_server_left_is_removed(temporary, monkeypatch):
    old, young, other = (
        temporary / f"{name}" for name in ("ctt-net-serve-a", "ctt-net-serve-b", "c")
    )
    for folder in (old, young, other):
        folder.mkdir()
        (folder / OD).write_bytes(b"x")
    for folder in (old, other):
        os.utime(folder, (0, 0))
    upload.remove_stale_folders()
    assert [folder.exists() for folder in (old, young, other)] == [False, True, True]
    for folder in (young, other):
        (folder / OD).unlink()
        folder.rmdir()
