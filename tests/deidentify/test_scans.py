"""A written scan reads as it was written, so a network sees the same as in the original."""

import numpy as np
import pytest

from ctt_net.deidentify.png import bare_png
from ctt_net.imaging import read_bscan

SAMPLES = (
    "heidelberg/spectralis_export_1264x496.tif",
    "kermany/CNV-53018-1.jpeg",
    "kermany/NORMAL-12494-3.jpeg",
    "octid/MH91.jpeg",
)


@pytest.mark.parametrize("name", SAMPLES)
def test_real_scans_are_steady(real_data, tmp_path, name):
    first = read_bscan(real_data / name)
    (tmp_path / "scan.png").write_bytes(bare_png(first.pixels))
    again = read_bscan(tmp_path / "scan.png")
    assert np.array_equal(first.pixels, again.pixels)
    assert again.overlays == ()


@pytest.mark.slow
def test_what_was_found_in_each_scan_is_told(export):
    assert "removed from scans: " in export.printed
    assert "text 1" in export.printed
    assert "change when read again" not in export.printed
