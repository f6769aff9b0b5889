"""Ophthalmic tomography in DICOM, written by pydicom."""

import imagecodecs
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID

from ctt_net.devices import read_acquisition
from ctt_net.errors import InputError

SYNTAX = "1.2.840.10008.1.2"


def coded(volume, codec, **options):
    """Encapsulated frames."""
    encode = getattr(imagecodecs, f"{codec}_encode")
    return encapsulate([encode(np.ascontiguousarray(frame), **options) for frame in volume])


def test_facts_of_a_volume(make, tmp_path):
    volume = make.volume(count=5)
    got = read_acquisition(make.dicom(tmp_path / "a.dcm", volume))
    assert np.array_equal(got.bscans, volume)
    assert (got.manufacturer, got.device, got.scan_date) == ("Maker", "Model", "2014-03-17")
    assert (got.laterality, got.pattern) == ("OD", "raster")
    assert got.axial_um_per_px == pytest.approx(3.9)
    assert got.lateral_um_per_px == pytest.approx(12)
    # Ten pixels of the reference picture, in which a B-scan of 128 pixels is 128 long.
    assert got.spacing_um == pytest.approx(120)
    assert got.positions[0].tolist() == pytest.approx([0.6, 4.8, 0.6 + 128 * 0.012, 4.8])


@pytest.mark.parametrize(
    ("number", "codec", "options", "off"),
    [
        ("4.50", "jpeg8", {"level": 98}, 25),
        ("4.70", "ljpeg", {}, 0),
        ("4.80", "jpegls", {}, 0),
        ("4.90", "jpeg2k", {"level": 0, "reversible": True, "codecformat": "J2K"}, 0),
        ("4.91", "jpeg2k", {"level": 45, "codecformat": "J2K"}, 40),
    ],
)
def test_compressed_frames(make, tmp_path, number, codec, options, off):
    volume = make.volume(count=3)
    path = make.dicom(
        tmp_path / "a.dcm",
        volume,
        syntax=UID(f"{SYNTAX}.{number}"),
        data=coded(volume, codec, **options),
    )
    got = read_acquisition(path)
    assert np.abs(got.bscans.astype(int) - volume).max() <= off
    assert np.abs(got.bscans.astype(int) - volume).mean() <= off / 6


@pytest.mark.parametrize("number", ["4.50", "4.90"])
def test_pydicom_with_pillow_decodes_the_same(make, tmp_path, number):
    from pydicom import dcmread

    volume = make.volume(count=3)
    codec = {"4.50": ("jpeg8", {"level": 90}), "4.90": ("jpeg2k", {"codecformat": "J2K"})}[number]
    path = make.dicom(
        tmp_path / "a.dcm", volume, syntax=UID(f"{SYNTAX}.{number}"),
        data=coded(volume, codec[0], **codec[1]),
    )  # fmt: skip
    assert np.abs(read_acquisition(path).bscans.astype(int) - dcmread(path).pixel_array).max() <= 1


def test_deep_lossless_frames(make, tmp_path):
    volume = make.volume(count=3).astype(np.uint16) * 16
    for number, codec in (("4.70", "ljpeg"), ("4.80", "jpegls"), ("4.90", "jpeg2k")):
        options = (
            {"level": 0, "reversible": True, "codecformat": "J2K"} if codec == "jpeg2k" else {}
        )
        path = make.dicom(
            tmp_path / "a.dcm", volume, syntax=UID(f"{SYNTAX}.{number}"),
            data=coded(volume, codec, **options), BitsStored=12, HighBit=11,
        )  # fmt: skip
        got = read_acquisition(path)
        assert np.array_equal(got.bscans, np.rint(volume / 4095 * 255).astype(np.uint8))


def test_run_length_frames(make, tmp_path):
    from pydicom import dcmread
    from pydicom.uid import RLELossless

    volume = make.volume(count=3)
    path = make.dicom(tmp_path / "a.dcm", volume)
    dataset = dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    assert np.array_equal(read_acquisition(path).bscans, volume)


@pytest.mark.parametrize(
    "syntax",
    [f"{SYNTAX}.1.99", f"{SYNTAX}.4.102", f"{SYNTAX}.4.201"],
    ids=["deflated", "film", "htj2k"],
)
def test_other_compressions_are_refused_with_a_cure(make, tmp_path, syntax):
    volume = make.volume(count=3)
    path = make.dicom(tmp_path / "a.dcm", volume, syntax=UID(syntax), data=coded(volume, "jpegls"))
    with pytest.raises(InputError, match=r"a\.dcm.*export it uncompressed"):
        read_acquisition(path)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("1.2.840.10008.5.1.4.1.1.77.1.5.1", "Ophthalmic Photography 8 Bit"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.7", "En Face"),
        ("1.2.840.10008.5.1.4.1.1.77.1.5.8", "Volume Analysis"),
    ],
)
def test_other_kinds_are_refused_by_name(make, tmp_path, kind, word):
    path = make.dicom(tmp_path / "a.dcm", make.volume(count=3), SOPClassUID=UID(kind))
    with pytest.raises(InputError, match=word):
        read_acquisition(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_inverted_grey(make, tmp_path, dtype):
    volume = make.volume(count=3)
    path = make.dicom(
        tmp_path / "a.dcm", (255 - volume).astype(dtype), PhotometricInterpretation="MONOCHROME1"
    )
    got = read_acquisition(path).bscans
    assert np.abs(got.astype(int) - volume).max() <= 1


def test_values_that_use_a_hundred_levels_of_sixteen_bits(make, tmp_path):
    volume = np.minimum(make.volume(count=4), 250).astype(np.uint16) * 100 // 250
    volume[1] //= 5
    got = read_acquisition(make.dicom(tmp_path / "a.dcm", volume))
    assert np.array_equal(got.bscans, np.rint(volume / 100 * 255).astype(np.uint8))
    assert "0 to 100" in " ".join(got.notes)


def test_the_files_own_window_is_used_when_it_is_one(make, tmp_path):
    volume = make.volume(count=2).astype(np.uint16) * 10
    got = read_acquisition(
        make.dicom(tmp_path / "a.dcm", volume, WindowCenter=1000, WindowWidth=1001)
    )
    share = (volume - 999.5) / 1000 + 0.5
    assert np.array_equal(got.bscans, np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8))
    assert "window" in " ".join(got.notes)

    shared = Dataset()
    voi, lut = Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth = 1900, 2001
    lut.RescaleSlope, lut.RescaleIntercept = 2, -100
    shared.FrameVOILUTSequence = Sequence([voi])
    shared.PixelValueTransformationSequence = Sequence([lut])
    got = read_acquisition(
        make.dicom(tmp_path / "b.dcm", volume, SharedFunctionalGroupsSequence=Sequence([shared]))
    )
    share = (2.0 * volume - 100 - 1899.5) / 2000 + 0.5
    assert np.array_equal(got.bscans, np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8))


def test_a_window_of_the_whole_container_does_not_blacken_a_shallow_volume(make, tmp_path):
    volume = np.minimum(make.volume(count=4), 250).astype(np.uint16) * 100 // 250
    got = read_acquisition(
        make.dicom(tmp_path / "a.dcm", volume, WindowCenter=32768, WindowWidth=65536)
    )
    assert np.array_equal(got.bscans, np.rint(volume / 100 * 255).astype(np.uint8))
    assert "was not used" in " ".join(got.notes)


def test_planes_in_space_without_lines_or_code_are_a_raster(make, tmp_path):
    frames = []
    for i in range(25):
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, 0.12 * i]
        frame.PlanePositionSequence = Sequence([place])
        frames.append(frame)
    got = read_acquisition(
        make.dicom(
            tmp_path / "a.dcm", make.volume(count=25),
            PerFrameFunctionalGroupsSequence=Sequence(frames),
        )
    )  # fmt: skip
    assert (got.pattern, got.positions) == ("raster", None)
    assert got.spacing_um == pytest.approx(120)


def test_lines_on_further_reference_pictures_do_not_hide_the_first(make, tmp_path):
    from pydicom import dcmread

    path = make.dicom(tmp_path / "a.dcm", make.volume(count=3))
    once = read_acquisition(path)
    dataset = dcmread(path)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        second = Dataset()
        second.ReferenceCoordinates = [1, 2, 3, 4]
        frame.OphthalmicFrameLocationSequence.append(second)
    dataset.save_as(path)
    assert np.array_equal(read_acquisition(path).positions, once.positions)


def test_windows_that_differ_between_frames_are_not_used(make, tmp_path):
    volume = make.volume(count=2)
    frames = []
    for centre in (50, 90):
        frame, voi = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 100
        frame.FrameVOILUTSequence = Sequence([voi])
        frames.append(frame)
    got = read_acquisition(
        make.dicom(tmp_path / "a.dcm", volume, PerFrameFunctionalGroupsSequence=Sequence(frames))
    )
    assert np.array_equal(got.bscans, volume)
    assert "not used" in " ".join(got.notes)


@pytest.mark.parametrize(
    ("changes", "eye"),
    [
        ({"frame_eye": "L"}, "OS"),
        ({"frame_eye": None, "ImageLaterality": "L"}, "OS"),
        ({"frame_eye": None, "Laterality": "R"}, "OD"),
        ({"frame_eye": None}, None),
        ({"frame_eye": None, "ImageLaterality": "B"}, None),
    ],
)
def test_the_eye_from_wherever_it_stands(make, tmp_path, changes, eye):
    path = make.dicom(tmp_path / "a.dcm", make.volume(count=2), **changes)
    assert read_acquisition(path).laterality == eye


def test_frames_of_both_eyes_are_refused(make, tmp_path):
    path = make.dicom(tmp_path / "a.dcm", make.volume(count=2), frame_eye="L", ImageLaterality="R")
    with pytest.raises(InputError, match="both eyes"):
        read_acquisition(path)


def test_a_circle_by_its_code_or_by_its_course(make, tmp_path):
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "128284", "DCM", "Circle"
    volume = make.volume(count=1)
    path = make.dicom(tmp_path / "a.dcm", volume, ScanPatternTypeCodeSequence=Sequence([code]))
    with pytest.raises(InputError, match="not macular"):
        read_acquisition(path)

    angle = np.linspace(0, 2 * np.pi, 100)
    course = np.stack([200 + 60 * np.sin(angle), 200 + 60 * np.cos(angle)], axis=1)
    frame, place = Dataset(), Dataset()
    place.ReferenceCoordinates = course.ravel().tolist()
    frame.OphthalmicFrameLocationSequence = Sequence([place])
    path = make.dicom(
        tmp_path / "b.dcm", volume, PerFrameFunctionalGroupsSequence=Sequence([frame])
    )
    with pytest.raises(InputError, match="not macular"):
        read_acquisition(path)


def test_unknown_scales_are_said(make, tmp_path):
    got = read_acquisition(make.dicom(tmp_path / "a.dcm", make.volume(count=2), pixel_mm=None))
    assert (got.axial_um_per_px, got.lateral_um_per_px, got.positions) == (None, None, None)
    assert "width of a pixel" in " ".join(got.notes)


def test_absurd_sizes_and_missing_frames_are_refused_from_the_header(make, tmp_path):
    volume = make.volume(count=2)
    path = make.dicom(tmp_path / "a.dcm", volume, Rows=60000, Columns=60000, NumberOfFrames=60000)
    with pytest.raises(InputError, match="limit 256 million"):
        read_acquisition(path)
    path = make.dicom(tmp_path / "b.dcm", volume, NumberOfFrames=9)
    with pytest.raises(InputError, match=r"b\.dcm"):
        read_acquisition(path)
    syntax = UID(f"{SYNTAX}.4.80")
    path = make.dicom(
        tmp_path / "c.dcm", volume, NumberOfFrames=3, syntax=syntax, data=coded(volume, "jpegls")
    )
    with pytest.raises(InputError, match=r"c\.dcm"):
        read_acquisition(path)


def test_colour_is_refused(make, tmp_path):
    path = make.dicom(tmp_path / "a.dcm", make.volume(count=2), PhotometricInterpretation="RGB")
    with pytest.raises(InputError, match="in colour"):
        read_acquisition(path)


def test_a_file_that_ends_in_its_header(make, tmp_path):
    from pydicom import dcmread

    path = make.dicom(tmp_path / "a.dcm", make.volume(count=2))
    dataset = dcmread(path)
    del dataset.PhotometricInterpretation, dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(InputError, match="ends in its header"):
        read_acquisition(path)


def test_nothing_about_the_patient_reaches_the_screen(make, tmp_path, capfd, recwarn):
    path = make.dicom(tmp_path / "a.dcm", make.volume(count=2))
    data = path.read_bytes().replace(b"19500203", b"Mustxxxx")  # an invalid date of birth
    path.write_bytes(data)
    read_acquisition(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError) as refused:
        read_acquisition(path)
    said = (
        "".join(capfd.readouterr()) + str(refused.value) + "".join(str(w.message) for w in recwarn)
    )
    assert "Must" not in said


def test_a_data_set_without_preamble_is_read(make, tmp_path):
    volume = make.volume(count=3)
    path = make.dicom(tmp_path / "a.dcm", volume)
    whole = path.read_bytes()
    path.write_bytes(whole[132:])
    assert np.array_equal(read_acquisition(path).bscans, volume)
    length = int.from_bytes(whole[140:144], "little")  # of the group of file facts
    (tmp_path / "bare").write_bytes(whole[144 + length :])
    assert np.array_equal(read_acquisition(tmp_path / "bare").bscans, volume)


def test_a_disc_stands_for_its_one_file_by_folder_or_index(make, tmp_path):
    from pydicom import dcmread
    from pydicom.fileset import FileSet

    volume = make.volume(count=3)
    dataset = dcmread(make.dicom(tmp_path / "a.dcm", volume))
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2", "1.3", "OPT"
    dataset.StudyID, dataset.StudyTime, dataset.SeriesNumber = "1", "101010", 1
    dataset.InstanceNumber = 1
    disc = FileSet()
    disc.add(dataset)
    disc.write(tmp_path / "disc")
    for path in (tmp_path / "disc", tmp_path / "disc" / "DICOMDIR"):
        assert np.array_equal(read_acquisition(path).bscans, volume)
    (tmp_path / "disc" / "DICOMDIR").rename(tmp_path / "index.dcm")
    with pytest.raises(InputError, match="Directory Storage"):
        read_acquisition(tmp_path / "index.dcm")


def test_a_folder_of_several_files_lists_them(make, tmp_path):
    for name in ("a.dcm", "b.dcm"):
        make.dicom(tmp_path / name, make.volume(count=1))
    (tmp_path / "viewer.xml").write_text("<settings/>")
    with pytest.raises(InputError, match=r"2 device files \(a\.dcm, b\.dcm\), each a DICOM file"):
        read_acquisition(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"without a device file; known are .*\.dcm"):
        read_acquisition(tmp_path / "none")
