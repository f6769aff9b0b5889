""".fda, .fds and .img."""

import numpy as np
import pytest

from ctt_net.devices import foveal_sections, read_acquisition
from ctt_net.errors import InputError


def test_topcon_facts(make, tmp_path):
    got = read_acquisition(make.topcon(tmp_path / "a.fda", make.volume(count=31), eye=1))
    assert (got.laterality, got.device, got.scan_date) == ("OS", "3DOCT-2000", "2015-05-11")
    assert got.lateral_um_per_px == pytest.approx(6000 / 128)
    assert got.spacing_um == pytest.approx(6000 / 30)
    assert got.axial_um_per_px == pytest.approx(2.6)
    assert set(foveal_sections(got)) == {"horizontal", "vertical"}


def test_a_topcon_raster_of_vertical_lines(make, tmp_path):
    volume = make.volume(count=31)
    got = read_acquisition(make.topcon(tmp_path / "a.fda", volume, code=6, sizes=(6.0, 3.0, 2.6)))
    assert got.lateral_um_per_px == pytest.approx(3000 / 128)
    assert got.spacing_um == pytest.approx(6000 / 30)
    sections = foveal_sections(got)
    assert any(np.array_equal(sections["vertical"], frame) for frame in volume)
    assert sections["horizontal"].shape == (96, round(31 * 200 / (3000 / 128)))


def test_a_topcon_circle_is_refused_and_a_line_has_no_direction(make, tmp_path):
    with pytest.raises(InputError, match="not macular"):
        read_acquisition(make.topcon(tmp_path / "a.fda", make.volume(count=1), code=1))
    line = read_acquisition(make.topcon(tmp_path / "b.fda", make.volume(count=1), code=0))
    assert line.pattern == "line"
    assert foveal_sections(line) == {}


def test_topcon_samples_of_sixteen_bits_share_one_scale(make, tmp_path):
    volume = make.volume(count=4).astype(np.uint16) * 200
    volume[3] //= 10
    got = read_acquisition(make.topcon(tmp_path / "a.fds", volume))
    assert np.array_equal(got.bscans, np.rint(volume / 65535 * 255).astype(np.uint8))


def test_a_topcon_file_without_oct_says_so(make, tmp_path):
    path = make.topcon(tmp_path / "a.fda", make.volume(count=3))
    path.write_bytes(path.read_bytes().replace(b"@IMG_JPEG", b"@IMG_NONE"))
    with pytest.raises(InputError, match=r"a\.fda.*without an OCT picture"):
        read_acquisition(path)


def test_a_topcon_picture_of_another_size_than_promised_is_refused(make, tmp_path):
    import imagecodecs

    small = make.topcon(tmp_path / "a.fda", make.volume(count=1))
    whole = small.read_bytes()
    start = whole.index(b"\xff\x4f\xff\x51")
    large = imagecodecs.jpeg2k_encode(np.zeros((200, 300), np.uint8), level=0, reversible=True)
    small.write_bytes(whole[: start - 4] + len(large).to_bytes(4, "little") + large)
    with pytest.raises(InputError, match="damaged"):
        read_acquisition(small)


def test_cirrus_cubes_by_their_name(make, tmp_path):
    volume = make.volume(count=64, height=128, width=100)
    got = read_acquisition(make.img(tmp_path, volume, eye="OS"))
    assert np.array_equal(got.bscans, volume)
    assert (got.laterality, got.scan_date, got.device) == ("OS", "2015-05-11", "Cirrus")
    assert got.lateral_um_per_px == pytest.approx(60)
    assert got.spacing_um == pytest.approx(6000 / 63)


def test_cirrus_samples_in_the_other_order_are_recognised(make, tmp_path):
    volume = make.volume(count=4, height=128, width=100)
    path = make.img(tmp_path, volume)
    path.write_bytes(np.ascontiguousarray(volume.transpose(0, 2, 1)).tobytes())
    got = read_acquisition(path)
    assert np.array_equal(got.bscans, volume)
    assert "A-scan" in got.notes[0]


def test_cirrus_lines_have_no_direction(make, tmp_path):
    path = make.img(tmp_path, make.volume(count=5, height=1024, width=1024), "HD 5 Line Raster")
    got = read_acquisition(path)
    assert (len(got.bscans), got.lateral_um_per_px) == (5, None)
    assert "no scan direction" in " ".join(got.notes)


@pytest.mark.parametrize("name", ["P1_Optic Disc Cube 200x200_OD_cube_z.img", "Anterior 1.img"])
def test_cirrus_scans_of_other_places_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(200 * 200 * 1024))
    with pytest.raises(InputError, match="not macular"):
        read_acquisition(tmp_path / name)


def test_a_cirrus_file_of_odd_size_is_refused_with_a_cure(tmp_path):
    (tmp_path / "scan.img").write_bytes(bytes(12345))
    with pytest.raises(InputError, match=r"12345 bytes.*512x128"):
        read_acquisition(tmp_path / "scan.img")


FIELDS = "_Macular Cube 100x64_1-13-2016_14-26-40_{}_sn122513_cube_z.img"


@pytest.mark.parametrize(
    ("study", "eye"),
    [
        ("OS-0042", "OD"),
        ("OD_017", "OS"),
        ("P1_OS_study", "OD"),
        ("1-2-2003", "OD"),
        ("P10x20", "OS"),
        ("optic disc study", "OD"),
        ("X_Macular Cube 10x20_1-2-2003_10-11-12_OS_sn1", "OD"),
        ("", "OS"),
    ],
)
def test_nothing_is_taken_from_what_stands_before_the_fields_of_the_cirrus(
    make, tmp_path, study, eye
):
    volume = make.volume(count=64, height=128, width=100)
    path = make.img(tmp_path, volume).rename(tmp_path / (study + FIELDS.format(eye)))
    got = read_acquisition(path)
    assert (got.laterality, got.scan_date) == (eye, "2016-01-13")
    assert np.array_equal(got.bscans, volume)


@pytest.mark.parametrize("name", ["OS_1-2-2003.img", "P1_OD_Macular Cube.img", "left eye.img"])
def test_a_renamed_cirrus_file_has_no_eye_and_no_date(make, tmp_path, name):
    volume = make.volume(count=5, height=1024, width=1024)
    got = read_acquisition(make.img(tmp_path, volume).rename(tmp_path / name))
    assert (got.laterality, got.scan_date) == (None, None)
    assert "not the Cirrus's own" in " ".join(got.notes)


@pytest.mark.parametrize("protocol", ["Angio (6mmx6mm)", "HD Cross", "HD 1 Line 100x"])
def test_an_unknown_cirrus_protocol_is_named_with_those_that_are_known(make, tmp_path, protocol):
    path = make.img(tmp_path, make.volume(count=5, height=1024, width=1024), protocol)
    with pytest.raises(InputError) as caught:
        read_acquisition(path)
    assert protocol in str(caught.value)
    assert "HD 21 Line" in str(caught.value)
