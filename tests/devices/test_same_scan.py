"""One real scan by three roads: the raw file, the picture export, and DICOM."""

import numpy as np

from ctt_net.devices import foveal_sections, read_acquisition
from ctt_net.imaging import read_bscan


def test_raw_file_picture_export_and_dicom_give_the_same_bscan(real_data, make, tmp_path):
    folder = real_data / "heidelberg"
    raw = read_acquisition(folder / "spectralis_line_od.vol")
    picture = read_bscan(folder / "spectralis_export_1264x496.tif").pixels
    left, row, right, _ = raw.positions[0] / 0.0118
    dicom = read_acquisition(
        make.dicom(
            tmp_path / "scan.dcm", raw.bscans, lines=[(left, row, right, row)],
            pixel_mm=(raw.axial_um_per_px / 1000, raw.lateral_um_per_px / 1000),
        )
    )  # fmt: skip
    deep = read_acquisition(make.dicom(tmp_path / "deep.dcm", raw.bscans.astype(np.uint16) * 257))
    from_raw = foveal_sections(raw)["horizontal"].astype(int)
    for other in (picture, foveal_sections(dicom)["horizontal"], deep.bscans[0]):
        assert other.shape == (496, 768)
        assert np.abs(from_raw - other).max() <= 1
    assert np.allclose(dicom.positions, raw.positions, atol=0.01)
    assert dicom.laterality == raw.laterality == "OD"
