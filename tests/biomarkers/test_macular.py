"""Pictures that are no macular B-scan are known by their layers, and B-scans are let through."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.not_macular import KINDS, bscans, outcome, simulated
from ctt_net.biomarkers.macular import LIMITS, macular_signs, not_macular, read_macular_bscan
from ctt_net.imaging import UNUSABLE_NOTES, BScan, Note, read_bscan
from ctt_net.synthetic.device import CIRRUS_LIKE, TOPCON_LIKE
from ctt_net.synthetic.scan import labelled_scan
from ctt_net.synthetic.training_eyes import training_eye

# A montage of scans of one macula has a macula's layers; see docs/experiments.md.
REFUSED_KINDS = [kind for kind in KINDS if kind != "montage"]


def saved(folder, pixels):
    Image.fromarray(pixels).save(folder / "scan.png")
    return folder / "scan.png"


@pytest.mark.parametrize("kind", REFUSED_KINDS)
def test_two_pictures_of_each_kind_are_refused(kind, tmp_path):
    pytest.importorskip("skimage", reason="its sample pictures are needed")
    make = KINDS[kind][1]
    for number in range(2):
        path = saved(tmp_path, make(np.random.default_rng((5, number)), number))
        assert outcome(path) != "accepted", number


def test_simulated_scans_of_every_device_look_are_let_through():
    for kind, pixels in bscans(3, seed=3):
        assert not_macular(pixels) is None, kind


@pytest.mark.parametrize(
    ("device", "number"), [(CIRRUS_LIKE, 0), (CIRRUS_LIKE, 87), (TOPCON_LIKE, 45)]
)
def test_a_retina_without_its_outer_layers_in_the_picture_is_one(device, number, tmp_path):
    """Cut off by the lower edge, twice; and a bright layer that is no burnt-in text."""
    place = {CIRRUS_LIKE.name: 1, TOPCON_LIKE.name: 2}[device.name]
    pixels = simulated(np.random.default_rng((2, 99, place, number)), device)
    assert outcome(saved(tmp_path, pixels)) == "accepted"


def test_a_retina_that_the_upper_edge_cuts_off_is_one():
    eye, device = training_eye(np.random.default_rng(3))
    pixels, truth = labelled_scan(eye, replace(device, direction_mark=False), "horizontal")
    first = int(truth.surface("ilm").max()) + 5
    assert not_macular(pixels) is None
    assert np.isnan(macular_signs(pixels[first:]).border)
    assert not_macular(pixels[first:]) is None


def test_real_scans_are_let_through(real_data):
    paths = [*(real_data / "kermany").glob("*.jpeg"), real_data / "octid" / "MH91.jpeg",
             real_data / "heidelberg" / "spectralis_export_1264x496.tif",
             *sorted((real_data / "chu_quebec_macular_hole").rglob("*.tiff"))[::8]]  # fmt: skip
    assert len(paths) > 15
    for path in paths:
        codes = {note.code for note in read_macular_bscan(path).notes}
        assert not codes & UNUSABLE_NOTES, path.name


def test_a_turned_real_scan_shows_no_macula(real_data):
    for path in (real_data / "kermany").glob("*.jpeg"):
        assert not_macular(np.rot90(read_bscan(path).pixels).copy()) is not None


def test_the_note_says_why_and_leaves_the_pixels(tmp_path):
    rows, columns = np.mgrid[:496, :768]
    depth = rows - 240 - 50 * np.sin(columns / 90)
    hill = np.where(depth > 0, 180 * np.exp(-depth / 250), 20)
    grain = np.random.default_rng(0).normal(0, 15, rows.shape)
    path = saved(tmp_path, np.clip(hill + grain, 0, 255).astype(np.uint8))
    plain, got = read_bscan(path), read_macular_bscan(path)
    assert plain.notes == ()
    assert [note.code for note in got.notes] == ["not_macular"]
    signs = vars(macular_signs(plain.pixels))
    wrong = [text for name, (low, high, text) in LIMITS.items() if not low <= signs[name] <= high]
    assert wrong[0] in got.notes[0].text
    assert np.array_equal(got.pixels, plain.pixels)


def test_a_clear_macula_refutes_a_coarse_doubt_and_no_other(monkeypatch, tmp_path):
    pixels = next(picture for kind, picture in bscans(1, seed=3) if kind == "cirrus_like")
    panel = Note("panel_cut", "cut")

    def read(code, shown):
        scan = BScan(np.ascontiguousarray(shown), notes=(panel, Note(code, "a doubt")))
        monkeypatch.setattr("ctt_net.biomarkers.macular.read_bscan", lambda _: scan)
        return [note.code for note in read_macular_bscan(tmp_path / "scan.png").notes]

    for code in ("upside_down", "not_a_bscan"):
        assert read(code, pixels) == ["panel_cut"]
        assert read(code, pixels[::-1]) == ["panel_cut", code]
    for code in ("inverted", "report_page"):
        assert read(code, pixels) == ["panel_cut", code]


def test_turned_over_real_scans_are_still_said_to_be_upside_down(real_data, tmp_path):
    for path in [*(real_data / "kermany").glob("*.jpeg"), real_data / "octid" / "MH91.jpeg"]:
        turned = saved(tmp_path, np.ascontiguousarray(read_bscan(path).pixels[::-1]))
        assert {note.code for note in read_macular_bscan(turned).notes} & UNUSABLE_NOTES
