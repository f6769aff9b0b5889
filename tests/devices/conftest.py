"""Device files made byte by byte: raw ones of patients may not be kept here."""

import struct
from types import SimpleNamespace

import imagecodecs
import numpy as np
import pytest

NAME, NUMBER, BORN = "Mustermann", "PAT-4711", "19500203"


def make_volume(
    count=25, height=96, width=128, across_mm=6.0, along_mm=6.0, pit=(0.0, 0.0), seed=0, depth=0.45
):
    """Layered retina with a Gaussian pit; (N, H, W) uint8.

    `pit` is in mm from the middle, x to the right and y with the order of the B-scans; `depth`
    is the share of the retina's thickness that the pit takes away.
    """
    rng = np.random.default_rng(seed)
    x = np.linspace(-across_mm / 2, across_mm / 2, width)[None, :]
    y = np.linspace(-along_mm / 2, along_mm / 2, max(count, 2))[:count, None]
    away = (x - pit[0]) ** 2 + (y - pit[1]) ** 2
    outer = height * (0.62 + 0.02 * x / across_mm + 0.03 * y / along_mm)
    thick = height * (0.20 - 0.012 * away / 9) * (1 - depth * np.exp(-away / (2 * 0.35**2)))
    rows = np.arange(height)[None, :, None]
    outer, inner = outer[:, None, :], (outer - thick)[:, None, :]
    volume = np.full((count, height, width), 18.0)
    volume = np.where((rows >= inner) & (rows < outer), 95.0, volume)
    volume = np.where((rows >= outer - 0.03 * height) & (rows < outer), 210.0, volume)
    fading = 20 + 90 * np.exp(-np.maximum(rows - outer, 0) / (0.08 * height))
    volume = np.where(rows >= outer, fading, volume)
    volume *= rng.gamma(8, 1 / 8, volume.shape)  # speckle
    return np.clip(volume, 0, 255).astype(np.uint8)


def write_vol(
    path, floats, eye=b"OD", pattern=3, lines=None, scales=(0.012, 0.25, 0.0039), name=NAME
):
    """A .vol file of (N, H, W) floats; lines are (N, 4) mm."""
    count, height, width = floats.shape
    if lines is None:
        lines = [
            (1, 7 - i * scales[1], 1 + width * scales[0], 7 - i * scales[1]) for i in range(count)
        ]
    slo = 32
    data = struct.pack(
        "<12sIIIdddIIddId4sQiI", b"HSF-OCT-103", width, count, height, *scales, slo, slo,
        0.28, 0.28, 30, -1.0, eye, 131287048616218310, pattern, 512 + 4 * width,
    )  # fmt: skip
    data += struct.pack("<16s16sI24sdI24sd", b"1.1", b"", 1, name.encode("latin-1"), 18000.0, 2,
                        b"#visit", 42746.6)  # fmt: skip
    data = data.ljust(2048, b"\0") + bytes(slo * slo)
    for frame, line in zip(floats, lines, strict=True):
        head = struct.pack("<12sI4dIIf", b"HSF-BS-103", 512 + 4 * width, *line, 1, 256, 31.5)
        head = head.ljust(256, b"\0") + np.full(width, height / 2, "<f4").tobytes()
        data += head.ljust(512 + 4 * width, b"\0") + frame.astype("<f4").tobytes()
    path.write_bytes(data)
    return path


def write_xml(path, pictures, eye="R", lines=None, scale=0.012, encoding="utf-8"):
    """A HEYEX export folder: the table and a TIFF for each B-scan."""
    if lines is None:
        lines = [(1, 7 - i * 0.25, 1 + 128 * scale, 7 - i * 0.25) for i in range(len(pictures))]
    path.parent.mkdir(exist_ok=True)
    images = []
    for i, (pixels, line) in enumerate(zip(pictures, lines, strict=True)):
        (path.parent / f"{i:03}.tif").write_bytes(imagecodecs_tiff(pixels))
        context = (
            f"<OphthalmicAcquisitionContext><Width>{pixels.shape[1]}</Width>"
            f"<Height>{pixels.shape[0]}</Height><ScaleX>{scale}</ScaleX><ScaleY>0.0039</ScaleY>"
            f"<Start><Coord><X>{line[0]}</X><Y>{line[1]}</Y></Coord></Start>"
            f"<End><Coord><X>{line[2]}</X><Y>{line[3]}</Y></Coord></End>"
            f"<ImageQuality>28</ImageQuality></OphthalmicAcquisitionContext>"
        )
        images.append(
            f"<Image><ID>{i}</ID><ImageType><Type>OCT</Type></ImageType>{context}"
            f"<ImageData><ExamURL>C:\\HEYEX\\export\\{i:03}.tif</ExamURL></ImageData></Image>"
        )
    day = "<Date><Year>2016</Year><Month>5</Month><Day>9</Day></Date>"
    path.write_bytes(
        f'<?xml version="1.0" encoding="UTF-8"?><HEDX><BODY><Patient><ID>3</ID>'
        f"<LastName>{NAME}</LastName><FirstNames>Erika</FirstNames><PatientID>{NUMBER}</PatientID>"
        f"<Birthdate><Date><Year>1950</Year><Month>2</Month><Day>3</Day></Date></Birthdate>"
        f"<Study><StudyDate>{day}</StudyDate><Series><Laterality>{eye}</Laterality>"
        f"<Image><ImageType><Type>LOCALIZER</Type></ImageType>"
        f"<ImageData><ExamURL>slo.tif</ExamURL></ImageData></Image>"
        f"{''.join(images)}</Series></Study></Patient></BODY></HEDX>".encode(encoding)
    )
    return path


def write_e2e(path, floats, eye="R", pattern=3, degrees=None, quality=30.0):
    """A Heidelberg archive with one series of (N, H, W) floats, as eyepy understands archives."""
    count, height, width = floats.shape
    if degrees is None:
        degrees = [(-10, 5 - i, 10, 5 - i) for i in range(count)]
    # Six bits of exponent above ten of mantissa, whose lowest bit weighs most; no sign.
    power = np.clip(np.floor(np.log2(np.maximum(floats, 1e-30))), -63, 0)
    mantissa = np.clip(np.rint((floats / 2**power - 1) * 1024), 0, 1023).astype(int)
    turned = np.array([int(f"{m:010b}"[::-1], 2) for m in range(1024)])
    samples = ((power.astype(int) + 63) << 10 | turned[mantissa]).astype("<u2")
    items = [
        (-1, 9, struct.pack("<31s66sI1s25s", b"Erika", NAME.encode(), 0, b"F", NUMBER.encode()))
    ]
    items.append((-1, 11, bytes(14) + eye.encode() + bytes(12)))
    for i in range(count):
        x0, y0, x1, y1 = degrees[i]
        meta = struct.pack(
            "<III4fIfffI2fIIIIIffIQIff12sI16sf12sf", 0, height, width, x0, y0, x1, y1, 0, 0, 0.0039,
            0, 0, 0, 0, 0, width, count, i, pattern, 0, 0, 0, 131287048616218310, 1, 0, 0, b"", 9,
            b"", 0, b"", quality,
        )  # fmt: skip
        items.append((2 * i, 10004, meta.ljust(428, b"\0")))
        image = struct.pack("<IIIII", 2 * samples[i].size, 35652097, samples[i].size, height, width)
        items.append((2 * i, 1073741824, image + samples[i].tobytes()))
    head = struct.pack("<12sI20s", b"CMDb", 100, b"\xff" * 20)
    directory = struct.pack("<12sI20sIIII", b"MDbMDir", 100, b"\xff" * 20, 512, 88, 0, 0)
    place = 36 + 52 + 52 + 44 * len(items)
    folders, content = b"", b""
    for part, kind, data in items:
        at = place + len(content)
        ids = struct.pack("<4iHHII", 1, 2, 3, part, 1, 0, kind, 0)
        if kind == 9:
            ids = struct.pack("<4iHHII", 1, -1, -1, -1, 0, 0, kind, 0)
        folders += struct.pack("<4I", 0, at, len(data), 0) + ids
        content += struct.pack("<12s5I", b"MDbData", 0, 0, at, len(data), 0) + ids + data
    chunk = struct.pack("<12sI20sIIII", b"MDbDir", 100, b"\xff" * 20, len(items), 88, 0, 0)
    path.write_bytes(head + directory + chunk + folders + content)
    return path


def imagecodecs_tiff(pixels):
    """TIFF bytes of one grey picture."""
    import io

    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels)
    return stream.getvalue()


def write_topcon(path, volume, eye=0, code=2, sizes=(6.0, 6.0, 2.6)):
    """An .fda (8 bit, JPEG 2000) or .fds (16 bit, raw) file of (N, H, W)."""
    count, height, width = volume.shape
    if volume.dtype == np.uint8:
        picture = struct.pack("<BIIIIII", code, 0, 0, width, height, count, 0)
        for frame in volume:
            coded = imagecodecs.jpeg2k_encode(frame, level=0, reversible=True)
            picture += struct.pack("<I", len(coded)) + coded
        kind, name = b"FDA", b"@IMG_JPEG"
    else:
        raw = volume.astype("<u2").tobytes()
        picture = struct.pack("<BIIIIBI", code, width, height, 16, count, 0, len(raw)) + raw
        kind, name = b"FAA", b"@IMG_SCAN_03"
    patient = struct.pack("<32s32s32s8sB3H", NUMBER.encode(), b"Erika", NAME.encode(), b"", 2,
                          1950, 2, 3).ljust(700, b"\0")  # fmt: skip
    capture = struct.pack("<BBI100s6H", eye, 2, 1, b"", 2015, 5, 11, 9, 30, 0)
    lengths = struct.pack("<III5dBB", 2, 0, 0, *sizes, 0, 0, 0, 0)
    hardware = struct.pack("<16s16s16s16s16s", b"3DOCT-2000", b"123", b"", b"", b"").ljust(
        104, b"\0"
    )
    data = struct.pack("<4s3sII", b"FOCT", kind, 2, 1000)
    for chunk, content in (
        (b"@PATIENT_INFO_02", patient), (b"@CAPTURE_INFO_02", capture),
        (b"@PARAM_SCAN_04", lengths), (b"@HW_INFO_03", hardware), (name, picture),
    ):  # fmt: skip
        data += bytes([len(chunk)]) + chunk + struct.pack("<I", len(content)) + content
    path.write_bytes(data + b"\0")
    return path


def write_img(folder, volume, protocol=None, eye="OD"):
    """A Cirrus cube, named as the device names it."""
    count, _, width = volume.shape
    protocol = protocol or f"Macular Cube {width}x{count}"
    path = folder / f"{NUMBER}_{protocol}_5-11-2015_9-30-0_{eye}_sn1234_cube_z.img"
    path.write_bytes(np.ascontiguousarray(volume[:, ::-1, ::-1]).tobytes())
    return path


def write_dicom(path, volume, **changes):
    """An OPT image; keyword arguments overwrite its tags, None removes one."""
    from pydicom import Dataset
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import ExplicitVRLittleEndian, OphthalmicTomographyImageStorage

    lines, pixel_mm = changes.pop("lines", None), changes.pop("pixel_mm", (0.0039, 0.012))
    frame_eye = changes.pop("frame_eye", "R")
    count, height, width = volume.shape
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = changes.get("SOPClassUID", OphthalmicTomographyImageStorage)
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = changes.pop("syntax", ExplicitVRLittleEndian)
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3.4"
    dataset.PatientName, dataset.PatientID = f"{NAME}^Erika", NUMBER
    dataset.PatientBirthDate, dataset.StudyDate = BORN, "20140317"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Maker", "Model"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = count, height, width
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = volume.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(volume.dtype.kind == "i")
    shared, measures, anatomy = Dataset(), Dataset(), Dataset()
    if pixel_mm:
        measures.PixelSpacing, measures.SpacingBetweenSlices = list(pixel_mm), 0.25
        shared.PixelMeasuresSequence = Sequence([measures])
    if frame_eye:
        anatomy.FrameLaterality = frame_eye
        shared.FrameAnatomySequence = Sequence([anatomy])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for i in range(count):
        frame, place = Dataset(), Dataset()
        x0, y0, x1, y1 = (
            lines[i] if lines is not None else (50, 400 - 10 * i, 50 + width, 400 - 10 * i)
        )
        place.ReferenceCoordinates = [y0, x0, y1, x1]
        frame.OphthalmicFrameLocationSequence = Sequence([place])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.PixelData = changes.pop("data", None) or volume.tobytes()
    dataset["PixelData"].VR = "OB" if volume.dtype.itemsize == 1 else "OW"
    for tag, value in changes.items():
        if value is None:
            del dataset[tag]
        else:
            setattr(dataset, tag, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(scope="session")
def make():
    """The writers, by name."""
    return SimpleNamespace(
        volume=make_volume, vol=write_vol, xml=write_xml, e2e=write_e2e, topcon=write_topcon,
        img=write_img, dicom=write_dicom, secrets=(NAME, NUMBER, "Erika", "1950"),
    )  # fmt: skip


@pytest.fixture
def members(make, tmp_path):
    """One small file of every format that can be made, and the volume that is in all of them."""
    volume = make.volume(count=3)
    floats = (volume / 255.0) ** 4
    return volume, {
        "vol": make.vol(tmp_path / "a.vol", floats),
        "xml": make.xml(tmp_path / "heyex" / "a.xml", volume),
        "e2e": make.e2e(tmp_path / "a.e2e", floats),
        "fda": make.topcon(tmp_path / "a.fda", volume),
        "fds": make.topcon(tmp_path / "a.fds", volume.astype(np.uint16) * 257),
        "img": make.img(tmp_path, volume),
        "dcm": make.dicom(tmp_path / "a.dcm", volume),
    }
