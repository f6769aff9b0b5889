""".vol, HEYEX .xml and .e2e, with eyepy as the other opinion."""

import math
import re

import numpy as np
import pytest

from ctt_net.devices import foveal_sections, read_acquisition, read_acquisitions
from ctt_net.devices.heidelberg_e2e import acquisition_of_series
from ctt_net.errors import InputError


def test_eyepy_reads_the_same_out_of_a_real_vol_file(real_data):
    from eyepy.io.he import HeVolReader

    path = real_data / "heidelberg" / "spectralis_line_od.vol"
    got, other = read_acquisition(path), HeVolReader(path).parsed_file
    wanted = 255 * np.clip(other.bscans[0].data.astype(float), 0, 1) ** 0.25
    assert np.abs(got.bscans[0] - wanted).max() <= 0.51
    frame = other.bscans[0]
    assert got.positions.tolist() == [[frame.start_x, frame.start_y, frame.end_x, frame.end_y]]
    assert got.lateral_um_per_px == pytest.approx(1000 * other.scale_x)
    assert got.axial_um_per_px == pytest.approx(1000 * other.scale_y)
    assert got.quality_value == pytest.approx(frame.quality)
    assert (got.laterality, got.pattern) == (other.scan_position.strip("\0"), "line")
    assert other.visit_date.startswith(got.scan_date)


def test_a_vol_volume_is_read_as_eyepy_reads_it(make, tmp_path):
    from eyepy.io.he import HeVolReader

    floats = np.random.default_rng(0).random((7, 80, 96)).astype(np.float32) ** 4
    floats[:, :, :5] = np.finfo(np.float32).max  # columns without a sample
    path = make.vol(tmp_path / "v.vol", floats, eye=b"OS")
    got, other = read_acquisition(path), HeVolReader(path).parsed_file
    for mine, theirs in zip(got.bscans, other.bscans, strict=True):
        wanted = np.where(theirs.data > 1, 0, 255 * theirs.data.astype(float) ** 0.25)
        assert np.abs(mine - wanted).max() <= 0.51
    assert got.spacing_um == pytest.approx(250)
    assert got.laterality == "OS"


def test_names_in_any_alphabet_and_impossible_dates_do_not_stop_the_reading(make, tmp_path):
    path = make.vol(tmp_path / "v.vol", np.full((1, 80, 80), 0.1), name="Müller", pattern=1)
    data = bytearray(path.read_bytes())
    data[164:172] = b"\xff" * 8  # date of birth
    data[200:208] = b"\xff" * 8  # date of the visit
    path.write_bytes(data)
    assert read_acquisition(path).scan_date == "2017-01-12"  # the examination's own

    table = make.xml(tmp_path / "x" / "a.xml", np.full((1, 80, 80), 9, np.uint8))
    table.write_bytes(table.read_bytes().replace(b"Mustermann", "Müller".encode("latin-1")))
    assert read_acquisition(table).pattern == "line"


def test_circles_around_the_disc_are_refused(make, tmp_path):
    circle = make.vol(tmp_path / "c.vol", np.full((1, 80, 96), 0.1), pattern=2)
    with pytest.raises(InputError, match="not macular"):
        read_acquisition(circle)
    # HEYEX tables do not name the pattern: the start lies on the rim, the end is the centre.
    radius = 100 * 0.012 / (2 * math.pi)
    flat = np.full((1, 80, 100), 9, np.uint8)
    table = make.xml(tmp_path / "x" / "a.xml", flat, lines=[(4 + radius, 4, 4, 4)])
    with pytest.raises(InputError, match="not macular"):
        read_acquisition(table)


def test_radial_scans_give_both_sections(make, tmp_path):
    angles = [math.radians(15 * i) for i in range(12)]
    lines = [(4 - math.cos(a), 4 + math.sin(a), 4 + math.cos(a), 4 - math.sin(a)) for a in angles]
    floats = np.arange(1, 13)[:, None, None] / 20 * np.ones((12, 80, 96))
    got = read_acquisition(make.vol(tmp_path / "r.vol", floats, pattern=5, lines=lines))
    assert got.pattern == "radial"
    sections = foveal_sections(got)
    assert np.array_equal(sections["horizontal"], got.bscans[0])
    assert np.array_equal(sections["vertical"], got.bscans[6])


def test_a_truncated_vol_file_says_how_many_bscans_it_holds(make, tmp_path):
    path = make.vol(tmp_path / "t.vol", np.full((5, 80, 96), 0.1))
    path.write_bytes(path.read_bytes()[:-40000])
    with pytest.raises(InputError, match=r"t\.vol.*3 of 5 B-scans"):
        read_acquisition(path)


def test_an_absurd_size_is_refused_before_memory_is_asked_for(make, tmp_path):
    path = make.vol(tmp_path / "h.vol", np.full((1, 80, 96), 0.1))
    data = bytearray(path.read_bytes())
    data[16:20] = (2**31).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match="limit 256 million"):
        read_acquisition(path)


def test_eyepy_finds_the_same_lines_in_a_heyex_table(make, tmp_path):
    from eyepy.io.he import HeXmlReader

    volume = make.volume(count=6)
    path = make.xml(tmp_path / "x" / "a.xml", volume, eye="L")
    got, other = read_acquisition(path), HeXmlReader(path)
    wanted = [[*m["start_pos"], *m["end_pos"]] for m in other.bscan_meta]
    assert np.allclose(got.positions, wanted)
    assert got.spacing_um == pytest.approx(1000 * other.meta["scale_z"])
    assert got.quality_value == other.bscan_meta[0]["quality"]
    assert (got.laterality, got.scan_date) == ("OS", other.meta["visit_date"][:10])
    assert np.array_equal(got.bscans, volume)


def test_a_heyex_folder_stands_for_its_table(make, tmp_path):
    path = make.xml(tmp_path / "x" / "a.xml", make.volume(count=3))
    assert len(read_acquisition(path.parent).bscans) == 3
    (path.parent / "b.xml").write_text("<HEDX/>")
    with pytest.raises(InputError, match=r"2 device files \(a\.xml, b\.xml\)"):
        read_acquisition(path.parent)


def _lower_case(text):
    return re.sub(r"</?\w+>", lambda tag: tag[0].lower(), text)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<HEDX>", '<HEDX xmlns="http://heyex/1">'),
        lambda text: re.sub(r"<(/?)(\w+)>", r"<\1h:\2>", text).replace(
            "<h:HEDX>", '<h:HEDX xmlns:h="u">'
        ),
        _lower_case,
        lambda text: re.sub(r"</?\w+>", lambda tag: tag[0].upper(), text),
        lambda text: text.replace("<Laterality>R", "<Laterality>right"),
        lambda text: re.sub(r"<Image><ImageType><Type>LOC.*?</Image>", "", text),
        lambda text: re.sub(r"</?Study>", "", text),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_of_another_version_gives_the_same(make, tmp_path, change, encoding):
    volume = make.volume(count=3)
    path = make.xml(tmp_path / "x" / "a.table", volume)
    text = change(path.read_text()).replace('encoding="UTF-8"', f'encoding="{encoding}"')
    path.write_bytes(text.encode(encoding))
    got = read_acquisition(path)
    assert np.array_equal(got.bscans, volume)
    assert (got.laterality, got.scan_date) == ("OD", "2016-05-09")
    assert got.positions is not None


def test_each_series_of_a_table_is_an_acquisition(make, tmp_path):
    path = make.xml(tmp_path / "x" / "a.xml", make.volume(count=3))
    series = re.search(r"<Series>.*</Series>", path.read_text())[0]
    other = series.replace("<Laterality>R", "<Laterality>L")
    path.write_text(path.read_text().replace(series, series + other))
    assert [one.laterality for one in read_acquisitions(path)] == ["OD", "OS"]


@pytest.mark.parametrize(
    "recorded", ["pictures\\000.tif", ".\\pictures\\000.tif", "D:\\x\\pictures\\000.tif"]
)
def test_pictures_in_a_folder_below_are_found_by_windows_paths(make, tmp_path, recorded):
    volume = make.volume(count=1)
    path = make.xml(tmp_path / "x" / "a.xml", volume)
    (path.parent / "pictures").mkdir()
    (path.parent / "000.tif").rename(path.parent / "pictures" / "000.tif")
    path.write_text(path.read_text().replace("C:\\HEYEX\\export\\000.tif", recorded))
    assert np.array_equal(read_acquisition(path).bscans, volume)


def test_pictures_are_found_whatever_the_case_of_their_names(make, tmp_path):
    path = make.xml(tmp_path / "x" / "a.xml", make.volume(count=2))
    (path.parent / "000.tif").rename(path.parent / "000.TIF")
    assert len(read_acquisition(path).bscans) == 2


def test_missing_pictures_are_told_together(make, tmp_path):
    path = make.xml(tmp_path / "x" / "a.xml", make.volume(count=6))
    for number in range(1, 6):
        (path.parent / f"{number:03}.tif").unlink()
    with pytest.raises(
        InputError, match=r"6 pictures, of which 5 are missing \(001\.tif, .*\.\.\."
    ):
        read_acquisition(path)


def test_an_xml_file_that_is_no_export_says_what_it_is(tmp_path):
    (tmp_path / "a.xml").write_text("<settings><a/></settings>")
    with pytest.raises(InputError, match="<settings>, no HEYEX export"):
        read_acquisition(tmp_path / "a.xml")


def test_a_table_reaches_no_file_outside_its_folder(make, tmp_path):
    path = make.xml(tmp_path / "x" / "a.xml", make.volume(count=3))
    (path.parent / "001.tif").rename(tmp_path / "001.tif")
    path.write_text(path.read_text().replace("C:\\HEYEX\\export\\001.tif", "../001.tif"))
    with pytest.raises(InputError, match=r"3 pictures, of which 1 are missing \(001\.tif\)"):
        read_acquisition(path)


def test_a_table_with_entities_of_its_own_is_refused(make, tmp_path):
    path = make.xml(tmp_path / "x" / "a.xml", make.volume(count=3))
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'
    path.write_text(path.read_text().replace("<HEDX>", f"{bomb}<HEDX>&c;"))
    with pytest.raises(InputError, match="document type"):
        read_acquisition(path)


class Slice:
    """What eyepy hands out for one B-scan of an archive."""

    def __init__(self, value, y, pattern=3):
        self.value, self.y, self.pattern = value, y, pattern

    def get_meta(self):
        if self.value is None:
            raise KeyError("bscanmeta")
        return {
            "size_y": 80, "size_x": 100, "start_pos": (-10.0, self.y), "end_pos": (10.0, self.y),
            "scan_pattern": self.pattern, "scale_y": 0.0039, "quality_ui": 27.0,
            "acquisitionTime": "2018-03-02T10:00:00",
        }  # fmt: skip

    def get_bscan(self):
        return np.full((80, 100), self.value, np.float32)


class Series:
    """What eyepy hands out for one acquisition."""

    def __init__(self, slices, eye="LateralityEnum.OS"):
        self.slices, self.eye = slices, eye

    def laterality(self):
        return self.eye


def test_an_archive_through_eyepy(tmp_path):
    slices = {2 * i: Slice(v, 5.0 - i) for i, v in enumerate((0.0625, 0.5, 2.0))}
    slices[7] = Slice(None, 0)  # an en-face picture
    got = acquisition_of_series(Series(slices), tmp_path / "a.e2e")
    assert got.bscans[:, 0, 0].tolist() == [round(255 * 0.5), round(255 * 0.5**0.25), 0]
    assert (got.laterality, got.pattern, got.scan_date) == ("OS", "raster", "2018-03-02")
    assert got.spacing_um == pytest.approx(290)
    assert got.lateral_um_per_px == pytest.approx(20 * 290 / 100)
    assert got.axial_um_per_px == pytest.approx(3.9)
    assert "angles" in got.notes[0]


@pytest.mark.parametrize(("letter", "eye"), [("R", "OD"), ("L", "OS"), ("?", None)])
def test_the_eye_of_an_archive(make, tmp_path, letter, eye):
    path = make.e2e(tmp_path / "a.e2e", np.full((3, 80, 100), 0.25), eye=letter)
    assert read_acquisition(path).laterality == eye


def test_an_archive_whose_directories_go_in_circles_is_refused(make, tmp_path):
    path = make.e2e(tmp_path / "a.e2e", np.full((1, 80, 100), 0.25))
    data = bytearray(path.read_bytes())
    last = 88 + 52 + 3 * 44  # four entries: patient, eye, place, picture
    data[last + 4 : last + 12] = (28).to_bytes(4, "little") + bytes(4)  # 28 + 60 = 88 again
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read_acquisition(path)


def test_a_series_without_bscans_is_passed_over(tmp_path):
    assert acquisition_of_series(Series({0: Slice(None, 0)}), tmp_path / "a.e2e") is None


def fake_archive(monkeypatch, series):
    class Reader:
        def __init__(self, path):
            self.series = series

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr("eyepy.io.he.HeE2eReader", Reader)


def test_of_an_archive_with_both_eyes_one_must_be_named(monkeypatch, tmp_path):
    path = tmp_path / "a.e2e"
    path.write_bytes(b"CMDb" + bytes(100))
    fake_archive(monkeypatch, [Series({0: Slice(0.1, 0)}, "OD"), Series({0: Slice(0.5, 0)}, "OS")])
    assert [a.laterality for a in read_acquisitions(path)] == ["OD", "OS"]
    with pytest.raises(InputError, match=r"2 acquisitions.*1: OD.*give the eye"):
        read_acquisition(path)
    with pytest.raises(InputError, match="2 acquisitions"):
        read_acquisition(path, number=3)
    assert read_acquisition(path, number=2).laterality == "OS"
    assert read_acquisition(path, "OS").bscans[0, 0, 0] == round(255 * 0.5**0.25)


def test_circles_of_an_archive_are_left_out(monkeypatch, tmp_path):
    path = tmp_path / "a.e2e"
    path.write_bytes(b"CMDb" + bytes(100))
    fake_archive(
        monkeypatch, [Series({0: Slice(0.1, 0, 2)}, "OD"), Series({0: Slice(0.5, 0)}, "OD")]
    )
    assert read_acquisition(path).bscans[0, 0, 0] == round(255 * 0.5**0.25)


@pytest.mark.parametrize("content", [b"CMDb", b"CMDb" + bytes(500), b"CMDb" + b"\xff" * 5000])
def test_a_damaged_archive_is_refused(tmp_path, content):
    path = tmp_path / "a.e2e"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.e2e"):
        read_acquisition(path)


def test_a_missing_reader_is_named_with_its_cure(monkeypatch, tmp_path, make):
    import sys

    path = tmp_path / "a.e2e"
    path.write_bytes(b"CMDb" + bytes(500))
    for name in [name for name in sys.modules if name.split(".")[0] in ("eyepy", "pydicom")]:
        monkeypatch.delitem(sys.modules, name)
    scan = make.dicom(tmp_path / "a.dcm", make.volume(count=3))
    for name in [name for name in sys.modules if name.split(".")[0] == "pydicom"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "eyepy", None)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r"needs eyepy; pip install '\.\[formats\]'"):
        read_acquisition(path)
    with pytest.raises(InputError, match=r"needs pydicom; pip install '\.\[formats\]'"):
        read_acquisition(scan)
    assert (
        len(read_acquisition(make.vol(tmp_path / "a.vol", np.full((1, 80, 80), 0.1))).bscans) == 1
    )
