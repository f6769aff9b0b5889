"""`ctt-net convert` as a newcomer meets it."""

import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from ctt_net.cli import main


@pytest.fixture
def cube(tmp_path):
    """A Cirrus cube of 30 B-scans with a dip in the middle, of a right eye."""
    rows = np.arange(128)[None, :, None]
    y, x = np.mgrid[-3:3:30j, -3:3:100j]
    inner = 50 + 12 * np.exp(-(x**2 + y**2) / 0.25)[:, None, :] + 0 * rows
    volume = np.where(rows < inner, 15, np.where(rows < 75, 90, np.where(rows < 80, 210, 40)))
    volume = (volume + np.random.default_rng(0).integers(0, 12, volume.shape)).astype(np.uint8)
    path = tmp_path / "PAT-4711_Macular Cube 100x30_5-11-2015_9-30-0_OD_sn1_cube_z.img"
    path.write_bytes(np.ascontiguousarray(volume[:, ::-1, ::-1]).tobytes())
    return path, volume


def test_a_cube_becomes_two_named_sections_and_their_facts(cube, tmp_path, capsys):
    path, volume = cube
    out = tmp_path / "out"
    assert main(["convert", str(path), str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "OD_horizontal.png", "OD_vertical.png", "acquisition.yaml",
    ]  # fmt: skip
    facts = yaml.safe_load((out / "acquisition.yaml").read_text())
    pixels = np.asarray(Image.open(out / "OD_horizontal.png"))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, volume[facts["fovea"]["bscan"] - 1])
    assert facts["fovea"]["found"]
    assert abs(facts["fovea"]["bscan"] - 15.5) <= 1
    assert facts["laterality"] == "OD"
    assert "Research use only" in facts["intended_use"]
    assert "2 pictures" in capsys.readouterr().out


def test_no_written_file_says_whose_eye_it_is(cube, tmp_path):
    path, _ = cube
    assert main(["convert", str(path), str(tmp_path / "out"), "--all"]) == 0
    for file in (tmp_path / "out").rglob("*"):
        assert "4711" not in file.name
        assert file.is_dir() or b"4711" not in file.read_bytes()


def test_the_names_are_those_that_predict_reads(cube, tmp_path):
    from ctt_net.cohort.scan_names import eye_and_view, is_scan

    path, _ = cube
    out = tmp_path / "out"
    assert main(["convert", str(path), str(out), "--lines", "3", "--all"]) == 0
    views = ("horizontal", "vertical", "raster_01", "raster_02", "raster_03")
    scans = [p for p in out.iterdir() if is_scan(p)]
    assert sorted(eye_and_view(p, views) for p in scans) == sorted(("OD", v) for v in views)
    assert len(list((out / "every_bscan").glob("OD_*.png"))) == 30


def test_an_unknown_eye_must_be_given(cube, tmp_path, fails):
    path, _ = cube
    nameless = path.with_name(path.name.replace("_OD_", "_"))
    shutil.move(path, nameless)
    assert "--laterality OD or --laterality OS" in fails("convert", nameless, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert main(["convert", str(nameless), str(tmp_path / "out"), "--laterality", "OS"]) == 0
    facts = yaml.safe_load((tmp_path / "out" / "acquisition.yaml").read_text())
    assert (facts["laterality"], facts["laterality_from"]) == ("OS", "--laterality")


def test_the_other_eye_is_refused(cube, tmp_path, fails):
    path, _ = cube
    assert "OD only" in fails("convert", path, tmp_path / "out", "--laterality", "OS")


def test_what_cannot_be_converted_leaves_nothing_behind(cube, tmp_path, fails):
    path, _ = cube
    out = tmp_path / "out"
    assert "no such file" in fails("convert", tmp_path / "absent.vol", out)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "no device file" in fails("convert", tmp_path / "a.png", out)
    assert "raster lines" in fails("convert", path, out, "--lines", "31")
    assert "--lines -1" in fails("convert", path, out, "--lines", "-1")
    path.write_bytes(path.read_bytes()[:-1])
    assert "no whole scan of the protocol" in fails("convert", path, out)
    assert not out.exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".out")]


def test_a_folder_that_exists_is_not_overwritten(cube, tmp_path, fails):
    path, _ = cube
    (tmp_path / "out").mkdir()
    assert "exists already" in fails("convert", path, tmp_path / "out")


def test_a_real_line_scan(real_data, tmp_path, capsys):
    from ctt_net.imaging import read_bscan

    out = tmp_path / "out"
    raw = real_data / "heidelberg" / "spectralis_line_od.vol"
    assert main(["convert", str(raw), str(out)]) == 0
    export = read_bscan(raw.parent / "spectralis_export_1264x496.tif").pixels.astype(int)
    assert np.abs(read_bscan(out / "OD_horizontal.png").pixels - export).max() <= 1
