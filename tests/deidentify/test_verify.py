"""The last look finds what the steps before it let through."""

import shutil
import struct
import zlib

import pandas as pd
import pytest

from ctt_net.cohort import read_cohort
from ctt_net.deidentify.scans import bare_png, picture_of
from ctt_net.deidentify.verify import verify
from ctt_net.errors import InputError

NAMES = {"Jane Q. Doe": "column remarks, row 7", "17": "patient_id of row 3"}


@pytest.fixture
def look(export, tmp_path):
    """The last look at a copy of an export that is right, with two names to find."""
    folder = shutil.copytree(export.out, tmp_path / "copy")
    for path in sorted((folder / "scans").iterdir())[6:]:
        path.unlink()
    scans = [f"scans/{path.name}" for path in (folder / "scans").iterdir()]
    spec = read_cohort(export.out).spec

    def at(change):
        change(folder)
        with pytest.raises(InputError) as said:
            verify(folder, spec, scans, NAMES)
        assert "Jane" not in str(said.value)
        return str(said.value)

    verify(folder, spec, scans, NAMES)
    return at


def set_cell(column, value):
    def change(folder):
        path = folder / "manifest.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.loc[1, column] = value
        table.to_csv(path, index=False)

    return change


@pytest.mark.parametrize(
    ("column", "value", "place"),
    [
        ("patient_id", "jane_q_doe", "column patient_id"),
        ("site", "ward 17", "column site"),
        ("preop_va", "HM Jane", "an unexpected text"),
        ("surgery_date", "2023-03-09 Jane", "an unexpected text"),
        ("axial_length_mm", "23 Jane", "an unexpected text"),
        ("laterality", "OD Jane", "an unexpected text"),
    ],
)
def test_in_a_cell(look, column, value, place):
    said = look(set_cell(column, value))
    assert "manifest.csv, row 3" in said
    assert place in said


def test_in_the_bytes_of_a_picture(look):
    def hide(folder):
        path = sorted((folder / "scans").iterdir())[5]
        pixels = picture_of(path.read_bytes())
        rows = [b"\0" + bytes(row) for row in pixels]
        rows[3] = rows[3][:40] + b"Jane Q. Doe" + rows[3][51:]
        stored = zlib.compress(b"".join(rows), 0)  # as some writers do: not compressed at all
        chunks = [(b"IHDR", path.read_bytes()[16:29]), (b"IDAT", stored), (b"IEND", b"")]
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(data))
                + kind
                + data
                + struct.pack(">I", zlib.crc32(kind + data))
                for kind, data in chunks
            )
        )

    assert "column remarks, row 7" in look(hide)


def test_grey_levels_that_spell_a_date_are_no_find(export, tmp_path):
    folder = shutil.copytree(export.out, tmp_path / "copy")
    scans = sorted(f"scans/{path.name}" for path in (folder / "scans").iterdir())
    pixels = picture_of((folder / scans[0]).read_bytes()).copy()
    pixels[3, 40:48] = list(b"20240210")  # a dark vitreous holds such levels
    (folder / scans[0]).write_bytes(bare_png(pixels))
    verify(folder, read_cohort(export.out).spec, scans, {"20240210": "surgery_date of row 2"})


def test_behind_a_picture(look):
    def append(folder):
        path = sorted((folder / "scans").iterdir())[5]
        path.write_bytes(path.read_bytes() + b"x")

    assert "behind the end of the picture" in look(append)


def test_in_a_file_or_its_name(look):
    assert "not written on purpose" in look(lambda folder: (folder / "scans/a.txt").write_text("x"))


def test_in_the_report(look):
    def write(folder):
        with (folder / "deidentified.yaml").open("a") as file:
            file.write("by: jane q doe\n")

    assert "deidentified.yaml" in look(write)


def test_in_another_table(look):
    def write(folder):
        path = folder / "folds.csv"
        pd.read_csv(path, dtype=str).assign(by="Jane").to_csv(path, index=False)

    assert "folds.csv, row 2, column by" in look(write)
