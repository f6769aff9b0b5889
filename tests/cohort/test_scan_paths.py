"""No cell of the manifest reaches a file outside the cohort folder, or one file twice."""

import os
import socket

import pytest

from ctt_net.cohort import inspect_cohort, read_cohort, write_cohort
from ctt_net.errors import InputError

OUTSIDE = [
    "../",
    "../secret.png",
    "scans/../../secret.png",
    "scans/./../../secret.png",
    "..\\secret.png",
    "scans\\..\\..\\secret.png",
    "/etc/passwd",
    "//server/share/0.png",
    "\\\\server\\share\\0.png",
    "\\\\?\\C:\\0.png",
    "\\\\.\\PhysicalDrive0",
    "C:\\0.png",
    "c:0.png",
    "C:/0.png",
    "\\secret.png",
    "/dev/zero",
]


def faults_of(root):
    return [p for p in inspect_cohort(root)[1] if p.severity == "error" and p.column == "h"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leaves_is_refused_as_such(make_cohort, eye, tmp_path, path):
    root = make_cohort([eye(0, h=path)])
    (tmp_path / "secret.png").write_bytes(b"scan")
    (problem,) = faults_of(root)
    assert "leaves the cohort folder" in problem.message


LITERAL = [
    "%2e%2e/secret.png",
    "..%2fsecret.png",
    "%2Fetc%2Fpasswd",
    "~/secret.png",
    "~root/secret.png",
    "$HOME/secret.png",
    "．．/secret.png",
    "‥/secret.png",
    "․․/secret.png",
    "..∕secret.png",
    "..／secret.png",
    "..⁄secret.png",
    "scans/0_h.png\u200b",
    "file:scans/0_h.png",
    "CON",
    "nul.png",
    "scans/AUX.png",
    "scans/0_h.png.",
    "scans/0_h.png. .",
    "scans./0_h.png",
    "scans /0_h.png",
    "scans/0_h.png::$DATA",
    "scans/0_h.png/",
    "scans/0_h.png/.",
]


@pytest.mark.parametrize("path", LITERAL)
def test_a_path_is_taken_as_it_stands(make_cohort, eye, tmp_path, path, monkeypatch):
    root = make_cohort([eye(0, h=path)])
    (tmp_path / "secret.png").write_bytes(b"scan")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = faults_of(root)
    if path.rstrip("/.") == "scans/0_h.png" and path.endswith(("/", "/.")):
        # A slash behind a file is dropped by the path itself; it names the same file.
        assert read_cohort(root).table["h"].tolist() == ["scans/0_h.png"]
    else:
        assert len(found) == 1


@pytest.mark.parametrize(
    "name", ["con.png", "Nul", "COM1.png", "lpt9.x.png", "a.png.", "b.png ", "c\\d.png", "e:f.png"]
)
def test_a_name_that_windows_reads_otherwise_is_refused_though_it_is_there(make_cohort, eye, name):
    root = make_cohort([eye(0, h=f"odd/{name}/0.png"), eye(1, h=f"odd2/x{name}")])
    (root / "odd" / name).mkdir(parents=True)
    (root / "odd" / name / "0.png").write_bytes(b"scan")
    problem = faults_of(root)[0]
    assert problem.row == 2
    assert "rename it" in problem.message


@pytest.mark.parametrize("place", ["file", "folder", "chain"])
def test_a_link_out_is_refused(make_cohort, eye, tmp_path, place):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "0.png").write_bytes(b"scan")
    path = {"file": "out.png", "folder": "away/0.png", "chain": "first.png"}[place]
    root = make_cohort([eye(0, h=path)])
    (root / "out.png").symlink_to(outside / "0.png")
    (root / "away").symlink_to(outside)
    (root / "first.png").symlink_to(root / "out.png")
    (problem,) = faults_of(root)
    assert "links out of the cohort folder" in problem.message


def test_a_sibling_folder_of_a_longer_name_is_outside(make_cohort, eye, tmp_path):
    root = make_cohort([eye(0, h="out.png")])
    sibling = tmp_path / "cohort_of_another"
    sibling.mkdir()
    (sibling / "0.png").write_bytes(b"scan")
    (root / "out.png").symlink_to(sibling / "0.png")
    assert len(faults_of(root)) == 1


@pytest.mark.parametrize("kind", ["device", "pipe", "socket"])
def test_what_is_no_file_is_refused_without_opening_it(make_cohort, eye, kind, monkeypatch):
    root = make_cohort([eye(0, h="odd.png")])
    if kind == "device":
        (root / "odd.png").symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(root / "odd.png")
    else:
        monkeypatch.chdir(root)  # the name of a socket may have some hundred letters only
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("odd.png")
    (problem,) = faults_of(root)
    assert "no such file" in problem.message


@pytest.mark.parametrize("name", ["manifest.csv", "cohort.yaml"])
@pytest.mark.parametrize("kind", ["device", "pipe", "folder"])
def test_a_table_that_is_no_file_is_refused_without_opening_it(make_cohort, eye, kind, name):
    root = make_cohort([eye(0)])
    (root / name).unlink()
    if kind == "device":
        (root / name).symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(root / name)
    else:
        (root / name).mkdir()
    with pytest.raises(InputError, match=name):
        read_cohort(root)


def test_a_manifest_of_a_gigabyte_is_refused_before_it_is_read(make_cohort, eye):
    root = make_cohort([eye(0)])
    os.truncate(root / "manifest.csv", 10**9)
    with pytest.raises(InputError, match="1000 MB, at most 512 MB"):
        read_cohort(root)


@pytest.mark.parametrize("path", ["Scans/0_h.png", "scans/0_H.PNG", "SCANS/0_H.png"])
def test_another_case_is_refused_on_every_system(make_cohort, eye, path):
    (problem,) = faults_of(make_cohort([eye(0, h=path)]))
    assert "no such file" in problem.message


def test_the_likely_spelling_is_told(make_cohort, eye):
    (problem,) = faults_of(make_cohort([eye(0, h="scans/0_H.PNG")]))
    assert "there is '0_h.png'" in problem.message


@pytest.mark.parametrize("again", ["./scans/0_h.png", "scans//0_h.png", "scans/./0_h.png"])
def test_one_file_by_two_spellings_is_found(make_cohort, eye, again):
    (problem,) = faults_of(make_cohort([eye(0), eye(1, h=again)]))
    assert "stands in row 2, column h already" in problem.message


@pytest.mark.parametrize("again", ["link.png", "alias/0_h.png"])
def test_one_file_by_a_link_is_found(make_cohort, eye, again):
    root = make_cohort([eye(0), eye(1, h=again)])
    (root / "link.png").symlink_to(root / "scans" / "0_h.png")
    (root / "alias").symlink_to(root / "scans")
    (problem,) = faults_of(root)
    assert "stands in row 2, column h already" in problem.message


def test_a_nul_in_a_path_is_refused_by_the_writer_too(make_cohort, eye):
    root = make_cohort([eye(0)])
    spec = read_cohort(root).spec
    for path in ("scans/0_h.png\x00", "scans\x00/0_h.png"):
        with pytest.raises(InputError):
            write_cohort(root, spec, [eye(0, h=path)])


def test_many_eyes_without_scans_are_one_warning(make_cohort, eye):
    root = make_cohort([eye(n, h="", v="") for n in range(30)])
    (problem,) = read_cohort(root).warnings
    assert "30 eyes have no view at all (rows 2, 3, 4, 5, 6 and 25 more)" in problem.message
