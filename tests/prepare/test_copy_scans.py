"""Scans are read once, copied as they are, cut out of raw device files; damaged ones stop."""

import cv2
import pytest

from ctt_net.imaging import read_bscan
from ctt_net.prepare.scans.copy_scans import file_stems
from tests.devices.conftest import make_volume, write_vol
from tests.prepare.balance import balance
from tests.prepare.conftest import EYES, picture

SIDES = {"OD": ["R"], "OS": ["L"]}
SECTIONS = {
    "horizontal": {"direction": "horizontal", "angle_deg": 0},
    "second": {"direction": "horizontal", "angle_deg": 0, "section": "line 2 of 3"},
}


@pytest.fixture
def exports(raw):
    raw.export("00017_R_h.png", "00017_L_h.tif", "00018_R_h.jpg", "00018_R_v.png")
    return raw.scans("{patient_id}_{laterality}_{view}.*", laterality=SIDES)


def test_pictures_stay_as_they_are(exports):
    eyes = exports.eyes()
    assert list(eyes["horizontal"]) == [
        "scans/00017_OD_horizontal.png",
        "scans/00017_OS_horizontal.tif",
        "scans/00018_OD_horizontal.jpg",
    ]


@pytest.mark.parametrize("spoil", ["text", "cut", "empty"])
def test_a_scan_that_cannot_be_read_stops(exports, spoil):
    file = exports.folder / "exports/00017_L_h.tif"
    data = file.read_bytes()
    file.write_bytes({"text": b"hello", "cut": data[:900], "empty": b""}[spoil])
    exports.fails(
        "eyes.csv: 1 problem",
        "row 3, column horizontal: 00017_L_h.tif",
        "repair or remove the file, or write 'unreadable: leave_out' under scans",
    )


def test_or_is_left_out_and_told(exports):
    (exports.folder / "exports/00017_L_h.tif").write_text("hello")
    exports.sections["require"] = ["any_view"]
    exports.sections["scans"]["unreadable"] = "leave_out"
    done = exports.prepare()
    assert len(done.remarks) == 1
    assert "row 3" in done.remarks[0]
    assert "00017_L_h.tif" in done.remarks[0]
    assert balance(exports.out)[0] == {"no scan": 1}
    assert len(list((exports.out / "scans").iterdir())) == 3


def test_scans_of_eyes_left_out_are_not_copied(exports):
    exports.sections["exclude"] = [{"reason": "x", "column": "MRN", "is": ["00018"]}]
    done = exports.prepare()
    assert len(list((exports.out / "scans").iterdir())) == 2
    assert sorted(done.unused) == ["00018_R_h.jpg", "00018_R_v.png"]


def test_a_disk_that_is_full_stops(exports, monkeypatch):
    def copyfile(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ctt_net.prepare.scans.copy_scans.shutil.copyfile", copyfile)
    exports.fails("cannot be copied: No space left on device")


def test_progress_counts_files(exports):
    seen = []
    exports.prepare(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_names_of_files_are_safe_and_never_the_same():
    ids = ["a/b", "a\\b", "A_b", "a_b", "..", "王小明", "x" * 300, "x" * 299 + "y", "a b"]
    stems = file_stems(ids)
    assert len({stem.lower() for stem in stems}) == len(ids)
    assert all(stem.isascii() and 0 < len(stem) < 100 for stem in stems)
    assert not any(sign in "".join(stems) for sign in "/\\. :")


def test_ids_that_are_no_file_names_still_find_their_scans(raw):
    raw.table([{**EYES[0], "MRN": "王/1", "No": "1"}, {**EYES[0], "MRN": "王:1", "No": "2"}])
    raw.export("1.png", "2.png")
    raw.sections["views"] = {"horizontal": SECTIONS["horizontal"]}
    raw.scans("{No}.png")
    eyes = raw.eyes()
    for eye, number in (("王/1_OD", 1), ("王:1_OD", 2)):
        copied = (raw.out / eyes.loc[eye, "horizontal"]).read_bytes()
        assert copied == (raw.folder / f"exports/{number}.png").read_bytes()


@pytest.fixture
def volume(raw, real_data):
    """One raw Heidelberg file of a right eye with a single line."""
    (raw.folder / "exports").mkdir()
    data = (real_data / "heidelberg/spectralis_line_od.vol").read_bytes()
    (raw.folder / "exports/00017.vol").write_bytes(data)
    raw.table(EYES[:1])
    raw.sections["views"] = {"horizontal": SECTIONS["horizontal"]}
    return raw.scans("{patient_id}.vol")


def test_a_device_file_gives_its_section(volume):
    eyes = volume.eyes()
    scan = volume.out / eyes.loc["00017_OD", "horizontal"]
    assert scan.suffix == ".png"
    assert cv2.imread(str(scan), cv2.IMREAD_GRAYSCALE).shape == read_bscan(scan).pixels.shape


def test_a_section_it_has_not_is_a_missing_view(volume):
    volume.sections["views"] = SECTIONS
    done = volume.prepare()
    assert "holds no section 'line 2 of 3'" in "".join(done.remarks)
    assert done.cohort.table["second"].tolist() == [""]


def test_a_device_file_of_the_other_eye_stops(volume):
    volume.table([{**EYES[0], "Eye": "L"}])
    volume.fails("row 2, column horizontal: 00017.vol", "OD", "OS")


def test_a_device_file_of_one_eye_is_not_the_fellow_eyes(volume):
    volume.table(EYES[:2])
    volume.fails("row 3, column horizontal: 00017.vol", "OD", "OS")


def test_a_damaged_device_file_stops(volume):
    file = volume.folder / "exports/00017.vol"
    file.write_bytes(file.read_bytes()[:3000])
    volume.fails("row 2, column horizontal: 00017.vol", "unreadable: leave_out")


def test_a_picture_and_a_volume_of_one_view_stop(volume):
    picture(volume.folder / "exports/00017.png")
    volume.scans("{patient_id}.*").fails("row 2: 2 files for view horizontal")


@pytest.mark.parametrize(("depth", "remark"), [(0.45, False), (0.0, True)])
def test_a_raster_gives_both_sections_and_says_where_no_pit_was(raw, depth, remark):
    raw.table(EYES[:1])
    (raw.folder / "exports").mkdir()
    volume = make_volume(count=25, height=128, width=512, depth=depth)
    write_vol(raw.folder / "exports/00017.vol", (volume / 255.0) ** 4)
    done = raw.scans("{patient_id}.vol").prepare()
    assert ("no foveal pit was found" in "".join(done.remarks)) is remark
    eye = done.cohort.table.iloc[0]
    for view in ("horizontal", "vertical"):
        pixels = cv2.imread(str(raw.out / eye[view]), cv2.IMREAD_GRAYSCALE)
        assert 0.4 < pixels.shape[1] / 512 < 1.6  # the cut is stretched to the same scale
        assert pixels.shape[0] == 128
