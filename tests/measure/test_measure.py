"""`ctt-net measure`: tables, pictures and pages, with the simulator's truth for a segmentation."""

import json
import shutil
import sys
from types import ModuleType

import cv2
import numpy as np
import pandas as pd
import pytest

import ctt_net
from ctt_net.biomarkers import DEFINITIONS, NAMES, measure
from ctt_net.biomarkers.normal import NORMAL_RANGES
from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.imaging import read_bscan
from ctt_net.imaging.segmentation import SURFACES
from ctt_net.io.yaml_file import dump_yaml
from ctt_net.measure import cohort_sources, folder_sources, measure_scans
from ctt_net.measure.overlay import SURFACE_COLOURS, draw_overlay
from ctt_net.synthetic import CIRRUS_LIKE, HEIDELBERG_LIKE
from ctt_net.synthetic.population import draw_patient
from ctt_net.synthetic.scan import labelled_scan

DEVICE = HEIDELBERG_LIKE


@pytest.fixture(scope="module")
def scans():
    """Scans of a simulated eye by view: picture and truth."""
    eye = draw_patient("p", (5, 1))[0]
    return {view: labelled_scan(eye, DEVICE, view) for view in ("horizontal", "vertical")}


class Truth:
    """Gives the true segmentation of the simulated scans, and of any other the first one's."""

    def __init__(self, scans):
        self.error_sd = {"central_thickness_um": 4.5}
        self.known = {image.tobytes(): truth for image, truth in scans.values()}

    def segment(self, pixels):
        return self.known.get(pixels.tobytes(), next(iter(self.known.values())))


@pytest.fixture
def segmenter(scans, monkeypatch):
    """The truth in the place of the network."""
    truth = Truth(scans)
    module = ModuleType("ctt_net.biomarkers.segmenter")
    module.Segmenter = type("Segmenter", (), {"load": staticmethod(lambda path=None: truth)})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return truth


@pytest.fixture
def folder(scans, tmp_path):
    """A patient folder with two scans."""
    place = tmp_path / "patient_0042"
    place.mkdir()
    for view, (image, _) in scans.items():
        cv2.imwrite(str(place / f"OD_{view}.png"), image)
    return place


def test_a_folder_of_scans(scans, segmenter, folder, tmp_path, capsys):
    out = tmp_path / "out"
    scale = ["--axial-um", "3.87", "--lateral-um", "11.3"]
    assert main(["measure", str(folder), "--out", str(out), *scale]) == 0
    said = capsys.readouterr().out
    assert "2 of 2 scans measured" in said
    assert ctt_net.INTENDED_USE in said
    table = pd.read_csv(out / "measures.csv")
    assert list(table["eye_id"]) == ["OD", "OD"]
    assert list(table["view"]) == ["horizontal", "vertical"]
    assert list(table["file"]) == ["OD_horizontal.png", "OD_vertical.png"]
    for row, (_, truth) in zip(table.to_dict("records"), scans.values(), strict=True):
        expected = measure(truth, 3.87, 11.3)
        for name in NAMES:
            if expected[name] is None:
                assert np.isnan(row[name]), name
            else:
                assert row[name] == pytest.approx(expected[name], rel=1e-5), name
    assert (table["central_thickness_um_sd"] == 4.5).all()
    assert table["hole_height_um_sd"].isna().all()
    pictures = sorted(path.name for path in (out / "overlays").iterdir())
    assert pictures == ["00001_OD_horizontal.png", "00002_OD_vertical.png"]
    drawn = cv2.imread(str(out / "overlays" / pictures[0]))
    assert drawn.shape == (*scans["horizontal"][0].shape, 3)
    facts = json.loads((out / "measures.json").read_text("utf-8"))
    assert [one["name"] for one in facts["measures"]] == list(NAMES)
    assert all(one["unit"] and one["definition"] and one["source"] for one in facts["measures"])
    page = (out / "measures.html").read_text("utf-8")
    assert "Not a medical device" in page
    assert page.count("data:image/jpeg") == 2
    assert "http" not in page.replace("http-equiv", "")


def test_without_a_scale_lengths_are_missing_and_the_command_says_so(
    segmenter, folder, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main(["measure", str(folder), "--out", str(out), "--no-overlays"]) == 0
    assert "the size of a pixel is unknown" in capsys.readouterr().out
    table = pd.read_csv(out / "measures.csv")
    assert table[[name for name in NAMES if name.endswith(("_um", "_mm2"))]].isna().all(axis=None)
    assert table["fovea_share"].between(0.4, 0.6).all()
    assert table["note"].str.contains("unknown").all()
    assert not (out / "overlays").exists()


def test_the_scale_of_a_converted_device_file_is_used(segmenter, folder):
    facts = {"axial_um_per_px": 3.87, "lateral_um_per_px": 11.3}
    (folder / "acquisition.yaml").write_text(dump_yaml(facts), "utf-8")
    deeper = folder / "every_bscan"
    deeper.mkdir()
    shutil.copy(folder / "OD_vertical.png", deeper / "OD_001.png")
    sources = folder_sources(folder)
    assert {(one.axial_um, one.lateral_um) for one in sources} == {(3.87, 11.3)}
    assert [one.file for one in sources][-1] == "every_bscan/OD_001.png"


def test_folders_of_patients_name_the_eyes(segmenter, folder, tmp_path):
    sources = folder_sources(tmp_path)
    assert {one.eye_id for one in sources} == {"patient_0042_OD"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A simulated cohort."""
    place = tmp_path_factory.mktemp("measure") / "cohort"
    ctt_net.simulate_cohort(place, eyes=3, seed=4)
    return place


def test_a_cohort_gives_its_scans_their_device_scale(cohort):
    read = read_cohort(cohort)
    devices = {
        one.name: (one.axial_um_per_px, one.lateral_um_per_px)
        for one in (CIRRUS_LIKE, HEIDELBERG_LIKE)
    }
    sources = cohort_sources(read)
    present = sum((read.table[view] != "").sum() for view in read.spec.views)
    assert len(sources) == present
    of_eye = dict(zip(read.table["eye_id"], read.table["device"], strict=True))
    for source in sources:
        assert (source.axial_um, source.lateral_um) == devices[of_eye[source.eye_id]]
        assert (cohort / source.file).is_file()


def test_a_cohort_in_python_and_on_the_command_line_agree(cohort, segmenter, tmp_path):
    table = ctt_net.load_cohort(cohort).measure()
    out = tmp_path / "out"
    assert main(["measure", str(cohort), "--out", str(out), "--no-overlays"]) == 0
    written = pd.read_csv(out / "measures.csv", keep_default_na=False, na_values=[""])
    assert list(written.columns) == list(table.columns)
    pd.testing.assert_frame_equal(
        written[["eye_id", "view", "file"]], table[["eye_id", "view", "file"]], check_dtype=False
    )
    np.testing.assert_allclose(written[list(NAMES)], table[list(NAMES)], rtol=1e-5)
    page = (out / "measures.html").read_text("utf-8")
    assert "simulated: no clinical validity" in page


def test_an_unreadable_scan_is_an_empty_row_that_says_why(segmenter, folder, tmp_path):
    (folder / "OS_horizontal.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    noise = np.random.default_rng(0).integers(0, 255, (400, 500), np.uint8)
    cv2.imwrite(str(folder / "OS_vertical.png"), noise)
    (folder / "macula.vol").write_bytes(b"HSF-OCT" + bytes(50))
    out = tmp_path / "out"
    assert main(["measure", str(folder), "--out", str(out)]) == 0
    table = pd.read_csv(out / "measures.csv").set_index("file")
    assert table.loc["OD_horizontal.png", "fovea_share"] > 0
    for name, reason in (
        ("OS_horizontal.png", "OS_horizontal.png: found"),
        ("OS_vertical.png", "not measured: the picture is probably no B-scan"),
        ("macula.vol", "macula.vol: found"),
    ):
        assert table.loc[name, list(NAMES)].isna().all()
        assert table.loc[name, "note"].startswith(reason)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such_folder"], "no_such_folder: no such folder; give a cohort folder"),
        (["empty"], "empty: no scan here"),
        (["patient_0042", "--out", "patient_0042/out"], "lies inside"),
        (["patient_0042", "--out", "empty"], "empty exists already"),
    ],
)
def test_bad_input_is_refused_with_one_message(
    arguments, message, segmenter, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert main(["measure", "--out", "out", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("value", ["0", "-4", "nan", "wide"])
def test_a_scale_that_is_none_is_refused(value, folder, capsys):
    with pytest.raises(SystemExit) as end:
        main(["measure", str(folder), "--out", "out", "--lateral-um", value])
    assert end.value.code == 2
    assert "invalid length in micrometres" in capsys.readouterr().err


def test_names_cannot_run_in_a_spreadsheet(scans, segmenter, tmp_path):
    place = tmp_path / "scans" / "=1+1"
    place.mkdir(parents=True)
    cv2.imwrite(str(place / "OD_horizontal.png"), scans["horizontal"][0])
    out = tmp_path / "out"
    assert main(["measure", str(place.parent), "--out", str(out)]) == 0
    line = (out / "measures.csv").read_text("utf-8").splitlines()[1]
    assert line.startswith("'=1+1_OD,horizontal,'=1+1/OD_horizontal.png")


def test_an_interrupted_run_leaves_nothing(segmenter, folder, tmp_path, monkeypatch):
    def stop(pixels):
        raise KeyboardInterrupt

    monkeypatch.setattr(segmenter, "segment", stop)
    out = tmp_path / "results" / "out"
    assert main(["measure", str(folder), "--out", str(out)]) == 130
    assert list(out.parent.iterdir()) == []


def test_surfaces_are_drawn_where_they_lie(scans):
    image, truth = scans["horizontal"]
    drawn = draw_overlay(image, truth, measure(truth, 3.87, 11.3))
    column = 300
    for name in SURFACES[:3]:
        row = round(float(truth.surface(name)[column]))
        near = drawn[row - 1 : row + 2, column].astype(int)
        away = np.abs(near - np.array(SURFACE_COLOURS[name])).sum(axis=1).min()
        assert away < 150, name
    assert (drawn[:20, :200] == image[:20, :200, None]).all()


def test_scans_are_measured_in_order_and_counted(scans, folder):
    seen = []
    sources = folder_sources(folder) * 20
    done = list(
        measure_scans(sources, Truth(scans), progress=lambda n, total: seen.append((n, total)))
    )
    assert [one.source.file for one in done] == [one.file for one in sources]
    assert seen == [(n, 40) for n in range(1, 41)]
    assert (read_bscan(folder / "OD_vertical.png").pixels == scans["vertical"][0]).all()


def test_the_page_of_definitions_lists_every_measure(repository):
    page = (repository / "docs" / "reference" / "measures.md").read_text("utf-8")
    for one in DEFINITIONS:
        line = f"| `{one.name}` | {one.text} | {one.source} | {one.empty_if} |"
        assert line in page, one.name


def test_the_page_of_definitions_lists_every_range_of_healthy_eyes(repository):
    page = (repository / "docs" / "reference" / "measures.md").read_text("utf-8")
    for name, one in NORMAL_RANGES.items():
        low, high = one.limits
        line = f"| `{name}` | {low} to {high} | {one.mean:g}, {one.sd:g} | {one.source} |"
        assert line in page, name
