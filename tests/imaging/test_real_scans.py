"""The real exports, each looked at by eye when these facts were written down."""

import numpy as np
from PIL import Image

from ctt_net.imaging import UNUSABLE_NOTES, is_inverted, read_bscan

GREY_WITHOUT_MARK = {"10", "22", "51", "59", "76"}


def test_all_quebec_scans_lose_the_mark_and_nothing_else(quebec):
    assert len(quebec) == 104
    for path, got in quebec.items():
        stored = np.asarray(Image.open(path))[..., 0]
        changed = got.pixels != stored
        if path.name.split("_")[0] in GREY_WITHOUT_MARK:
            assert got.device_layout == "plain"
            assert not changed.any()
        else:
            assert got.device_layout == "cirrus_overlay", path.name
            assert changed[394, 40:100].mean() > 0.9, path.name
            changed[376:489, 17:124] = False
            assert not changed.any(), path.name
        assert not {note.code for note in got.notes} & UNUSABLE_NOTES, path.name


def test_the_heidelberg_export_is_cut_and_bare_scans_are_not(real_data):
    path = real_data / "heidelberg" / "spectralis_export_1264x496.tif"
    got = read_bscan(path)
    assert got.device_layout == "spectralis_panel"
    assert np.array_equal(got.pixels, np.asarray(Image.open(path))[:, 496:, 0])
    for path in (real_data / "kermany").glob("*.jpeg"):
        got = read_bscan(path)
        assert np.array_equal(got.pixels, np.asarray(Image.open(path)))
        assert (got.device_layout, got.notes) == ("plain", ())


def test_real_scans_stretched_to_the_export_size_are_not_cut(real_data, tmp_path):
    for path in (real_data / "kermany").glob("*.jpeg"):
        Image.open(path).resize((1264, 496)).save(tmp_path / "s.png")
        assert read_bscan(tmp_path / "s.png").pixels.shape == (496, 1264)


def test_turned_real_scans_are_said_to_be_upside_down(real_data, tmp_path):
    for path in [*(real_data / "kermany").glob("*.jpeg"), real_data / "octid" / "MH91.jpeg"]:
        turned = read_bscan(path).pixels[::-1]
        Image.fromarray(np.ascontiguousarray(turned)).save(tmp_path / "t.png")
        assert "upside_down" in {note.code for note in read_bscan(tmp_path / "t.png").notes}


def test_negatives_of_real_scans_are_said_to_be_inverted(quebec, real_data, tmp_path):
    others = [*(real_data / "kermany").glob("*.jpeg"), real_data / "octid" / "MH91.jpeg"]
    for scan in [*quebec.values(), *map(read_bscan, others)]:
        assert not is_inverted(scan.pixels)
        assert is_inverted(255 - scan.pixels)
    for path in others:
        Image.fromarray(255 - np.asarray(Image.open(path).convert("L"))).save(tmp_path / "n.png")
        codes = {note.code for note in read_bscan(tmp_path / "n.png").notes}
        assert codes & UNUSABLE_NOTES == {"inverted"}, path.name
