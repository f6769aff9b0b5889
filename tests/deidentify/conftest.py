"""A cohort with a person planted wherever a hospital's files name one, and its export."""

import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from PIL import Image, PngImagePlugin

from ctt_net.cli import main

NAME, MRN = "Wilhelmina Planted-Mueller", "4711-880123"
BIRTH, VISIT, SCANNED = "1931-07-14", "2023-03-09", "2023-02-20"
KEY = "5a" * 32
EYES = 40
PLANTED = (
    *("Wilhelmina", "Mueller", "wilhelmina_planted", MRN, "4711880123", KEY),
    *(BIRTH, VISIT, SCANNED, "19310714", "20230309", "14.07.1931", "09.03.2023"),
)


@dataclass(frozen=True)
class Export:
    """The original, the export, and what the command printed."""

    original: Path
    out: Path
    review: Path
    printed: str


@pytest.fixture(scope="session")
def planted_cohort(small_cohort, tmp_path_factory) -> Path:
    """Forty simulated eyes, some of them for testing; rows 0 to 7 name the person."""
    root = tmp_path_factory.mktemp("hospital") / f"{NAME} and others"
    table = _first_eyes(small_cohort, root, EYES)
    old_eyes = table["eye_id"].tolist()
    first = table["patient_id"][0]
    table.loc[table["patient_id"] == first, "patient_id"] = f"{NAME} ({MRN})"
    table.loc[2, "eye_id"] = f"{MRN}_OD_{BIRTH}"
    for path in table.loc[8:, "vertical"]:  # one scan of these eyes is enough
        (root / path).unlink()
    table.loc[8:, "vertical"] = ""
    _plant_scans(root, table)
    table["remarks"] = ["called in by Dr Planted-Mueller, " + VISIT, *[""] * (EYES - 1)]
    table["birth_date"] = [BIRTH, *["1950-01-01"] * (EYES - 1)]
    table["mrn"] = [MRN, *[f"77{n:06d}" for n in range(EYES - 1)]]
    days = pd.Timestamp(VISIT) + pd.to_timedelta(np.arange(EYES) * 11, unit="D")
    table["surgery_date"] = days.strftime("%Y-%m-%d")
    table["postop_date"] = (
        days + pd.to_timedelta(table["followup_days"].astype(int), "D")
    ).dt.strftime("%Y-%m-%d")
    table["scan_date"] = [SCANNED, *[""] * (EYES - 1)]
    table.loc[3, ["preop_va", "preop_logmar"]] = ["ＨＭ／20cm ", ""]
    table.loc[4, ["preop_va", "preop_logmar"]] = ["指数/眼前30cm", ""]
    table.loc[5, "age_years"] = "93.4"
    table["split"] = _split(table["patient_id"])
    table.to_csv(root / "manifest.csv", index=False)
    new_eye = dict(zip(old_eyes, table["eye_id"], strict=True))
    for name in ("truth.csv", "folds.csv"):
        small = pd.read_csv(root / name, dtype=str, keep_default_na=False)
        small["eye_id"] = small["eye_id"].map(new_eye)
        if name == "folds.csv":
            small = small[small["eye_id"].isin(table["eye_id"][table["split"] == ""])]
        small.to_csv(root / name, index=False)
    facts = yaml.safe_load((root / "cohort.yaml").read_text())
    facts |= {"name": f"eyes of {NAME}", "source": f"ward of {NAME}, {MRN}, {VISIT}"}
    (root / "cohort.yaml").write_text(yaml.safe_dump(facts))
    (root / "flow.csv").write_text(
        f"step,count,unit\nrows of {NAME},30,rows\nleft out: {MRN},2,rows\n"
    )
    (root / f"letter to {NAME}.txt").write_text(f"Dear {NAME}, born {BIRTH}")
    return root


def _first_eyes(cohort: Path, root: Path, count: int) -> pd.DataFrame:
    """Copy the first eyes of a cohort with all that belongs to them; returns their rows."""
    shutil.copytree(cohort, root, ignore=shutil.ignore_patterns("*.png"))
    rows = {}
    for name in ("manifest.csv", "truth.csv", "folds.csv"):
        table = pd.read_csv(root / name, dtype=str, keep_default_na=False)
        known = rows.get("manifest.csv", table[:count])["eye_id"]
        rows[name] = table[table["eye_id"].isin(known)].reset_index(drop=True)
        rows[name].to_csv(root / name, index=False)
    manifest = rows["manifest.csv"]
    for path in manifest[["horizontal", "vertical"]].to_numpy().ravel():
        shutil.copy(cohort / path, root / path)
    return manifest


def _split(patients: pd.Series) -> list[str]:
    """The last patients, about six eyes, are for testing."""
    tested = set(patients[-6:]) - set(patients[:8])
    return ["test" if patient in tested else "" for patient in patients]


def _plant_scans(root: Path, table: pd.DataFrame) -> None:
    folder = root / f"{NAME} {BIRTH}"
    folder.mkdir()

    def pixels(row: int) -> np.ndarray:
        return cv2.imread(str(root / table.loc[row, "horizontal"]), cv2.IMREAD_UNCHANGED)

    def place(row: int, name: str) -> Path:
        (root / table.loc[row, "horizontal"]).unlink()
        table.loc[row, "horizontal"] = f"{folder.name}/{name}"
        return folder / name

    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", NAME)
    info.add_text("Patient-zipped", f"{NAME} {MRN}" * 9, zip=True)
    info.add_itxt("Geburtstag", f"{NAME} {BIRTH}")
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = f"{NAME} {VISIT}", MRN
    Image.fromarray(pixels(0)).save(file, "PNG", pnginfo=info, exif=exif)
    place(0, f"{NAME}_OD.png").write_bytes(file.getvalue() + f"\n{NAME} {MRN}".encode("utf-16-le"))
    file = io.BytesIO()
    Image.fromarray(pixels(1)).save(file, "JPEG", quality=97, exif=exif, comment=f"{NAME} {BIRTH}")
    place(1, f"{MRN}_{VISIT}.jpg").write_bytes(file.getvalue())
    plain = pixels(2)
    tifffile.imwrite(
        place(2, "wilhelmina_planted.tif"),
        plain,
        description=f"{NAME} {VISIT}",
        metadata=None,
        extratags=[(315, "s", 0, NAME, True), (65000, "s", 0, f"{MRN} {BIRTH}", True)],
    )
    drawn = pixels(6).copy()
    cv2.putText(drawn, NAME, (12, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1, cv2.LINE_AA)
    cv2.imwrite(str(place(6, "burnt_in.png")), drawn)


@pytest.fixture(scope="session")
def export(planted_cohort, tmp_path_factory) -> Export:
    """The planted cohort, de-identified by the command."""
    from contextlib import redirect_stderr, redirect_stdout

    place = tmp_path_factory.mktemp("outside")
    key = place / "key.txt"
    key.write_text(KEY)
    key.chmod(0o600)
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        arguments = ["deidentify", planted_cohort, place / "export", "--key", key]
        assert main([str(argument) for argument in arguments]) == 0
    return Export(planted_cohort, place / "export", place / "export_review", printed.getvalue())


@pytest.fixture
def key_file(tmp_path) -> Path:
    """A key that others may not read."""
    path = tmp_path / "key.txt"
    path.write_text("c3" * 32)
    path.chmod(0o600)
    return path


@pytest.fixture
def few_eyes(small_cohort, tmp_path) -> Path:
    """Four eyes with one scan each in a folder of their own, to be spoilt."""
    root = tmp_path / "few"
    table = _first_eyes(small_cohort, root, 4)
    table["vertical"] = ""
    table.to_csv(root / "manifest.csv", index=False)
    (root / "folds.csv").unlink()
    return root


@pytest.fixture
def edit():
    """Change cells of a manifest: one value for all rows, or one per row."""

    def change(root: Path, **columns: object) -> None:
        path = root / "manifest.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        for column, cells in columns.items():
            table[column] = cells
        table.to_csv(path, index=False)

    return change


@pytest.fixture
def declare():
    """Change cohort.yaml of a cohort."""

    def change(root: Path, **facts: object) -> None:
        path = root / "cohort.yaml"
        path.write_text(json.dumps(yaml.safe_load(path.read_text()) | facts))

    return change
