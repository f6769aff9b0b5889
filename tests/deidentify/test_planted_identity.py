"""A person planted in every corner of a cohort is in no byte that leaves, nor in what follows."""

import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.deidentify.key import Codes
from ctt_net.imaging import Preprocessing, read_bscan
from tests.deidentify.conftest import KEY, MRN, NAME, PLANTED


def spellings(text: str) -> set[bytes]:
    codecs = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
    return {form.encode(codec) for form in (text, text.lower(), text.upper()) for codec in codecs}


def streams(data: bytes) -> list[bytes]:
    """A file's bytes, and whatever zlib streams begin anywhere in it."""
    found = [data]
    rest = memoryview(data)
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            found.append(zlib.decompressobj().decompress(rest[match.start() :]))
        except zlib.error:
            continue
    return found


def planted_in(*places: Path) -> list[str]:
    """Where a planted text occurs in names and bytes below some folders."""
    needles = {spelling for text in PLANTED for spelling in spellings(text)}
    hits = []
    for place in places:
        files = [path for path in place.rglob("*") if path.is_file()]
        assert files
        for path in files:
            hits += [f"name {path}" for n in needles if n in str(path.relative_to(place)).encode()]
            for data in streams(path.read_bytes()):
                hits += [f"{path}: {needle!r}" for needle in needles if needle in data]
    return hits


@pytest.mark.slow
def test_the_search_of_these_tests_finds_what_was_planted(export):
    hits = " ".join(planted_in(export.original))
    for place in ("name ", "manifest.csv", "cohort.yaml", "flow.csv", "_OD.png", ".jpg", ".tif"):
        assert place in hits


def test_nothing_planted_leaves(export):
    assert planted_in(export.out, export.review) == []
    assert not [text for text in PLANTED if text.lower() in export.printed.lower()]


def test_only_the_files_of_a_cohort_are_there(export):
    names = {path.name for path in export.out.iterdir()}
    tables = {"cohort.yaml", "manifest.csv", "folds.csv", "flow.csv"}
    assert names == {*tables, "deidentified.yaml", "scans"}
    flow = (export.out / "flow.csv").read_text()
    assert flow == "step,count,unit\n1,30,rows\n2 left out,2,rows\n"
    assert "files not copied: 1" in export.printed
    assert "remarks, birth_date, mrn" in export.printed


def test_eyes_acuities_and_intervals_stay(export):
    old, new = read_cohort(export.original).table, read_cohort(export.out).table
    codes = Codes(bytes.fromhex(KEY))
    old["code"] = [codes.code("eye", eye) for eye in old["eye_id"]]
    both = old.merge(new, left_on="code", right_on="eye_id", suffixes=("_old", "_new"))
    assert len(both) == len(old) == len(new)
    for column in ("preop_logmar", "postop_logmar"):
        assert np.allclose(both[f"{column}_old"], both[f"{column}_new"], rtol=0, atol=1e-9)
    for column in ("preop_off_chart", "laterality", "split", "sex", "followup_days"):
        assert both[f"{column}_old"].equals(both[f"{column}_new"])
    assert {"HM", "CF"} <= set(both["preop_off_chart_new"])
    old_age, new_age = both["age_years_old"], both["age_years_new"]
    assert (new_age == old_age.where(old_age <= 89, 90.0)).all()
    assert (old_age > 89).any()
    back = {}
    for column in ("surgery_date", "postop_date", "scan_date"):
        known = both[both[f"{column}_old"] != ""]
        shift = pd.to_datetime(known[f"{column}_old"]) - pd.to_datetime(known[f"{column}_new"])
        for patient, days in zip(known["patient_id_old"], shift.dt.days, strict=True):
            back.setdefault(patient, set()).add(days)
    assert all(len(days) == 1 and 1 <= min(days) <= 365 for days in back.values())
    assert len(set.union(*back.values())) > len(back) / 2


def test_patients_and_folds_join_as_before(export):
    old, new = read_cohort(export.original), read_cohort(export.out)
    code = Codes(bytes.fromhex(KEY)).code
    patients = {
        code("eye", e): code("patient", p)
        for e, p in old.table[["eye_id", "patient_id"]].to_numpy()
    }
    assert patients == dict(new.table[["eye_id", "patient_id"]].to_numpy())
    assert {code("eye", eye): fold for eye, fold in old.folds().items()} == new.folds().to_dict()
    assert new.table["eye_id"].is_monotonic_increasing
    assert new.table["site"].nunique() == old.table["site"].nunique()
    assert not set(new.table["site"]) & set(old.table["site"])


def test_a_network_sees_the_same_pictures(export):
    old, new = read_cohort(export.original), read_cohort(export.out)
    code = Codes(bytes.fromhex(KEY)).code
    rows = {code("eye", row["eye_id"]): row for row in old.table.to_dict("records")}
    prepare = Preprocessing(64, 96)
    eyes = [code("eye", eye) for eye in old.table["eye_id"][:8]]
    for row in new.table[new.table["eye_id"].isin(eyes)].to_dict("records"):
        for view in old.spec.views:
            before, after = (
                prepare(read_bscan(path).pixels, row["laterality"], view)
                for path in (old.scan_path(rows[row["eye_id"]], view), new.scan_path(row, view))
            )
            assert np.array_equal(before, after)


def test_burnt_in_writing_is_gone(export):
    row = read_cohort(export.original).table.iloc[6]
    drawn = cv2.imread(str(export.original / row["horizontal"]), cv2.IMREAD_UNCHANGED)
    code = Codes(bytes.fromhex(KEY)).code("eye", row["eye_id"])
    path = export.out / "scans" / f"{code}_horizontal.png"
    written = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    letters = drawn == 255
    letters[40:] = False
    assert letters.sum() > 100
    assert (written[letters] < 255).mean() > 0.99
    assert "text" in read_bscan(export.original / row["horizontal"]).overlays
    assert "text" not in read_bscan(path).overlays


@pytest.mark.slow
@pytest.mark.usefixtures("traced_once")
def test_nothing_planted_appears_in_what_is_made_of_it(export, tiny_network, tmp_path, capsys):
    cohort, run = str(export.out), tmp_path / "run"
    assert main(["check", cohort, "--tables-only", "--json", "--out", str(tmp_path / "check")]) == 0
    keys = ["--data.cohort", cohort, "--folds", "1", "--out", str(run)]
    keys += ["--trainer.max_epochs", "1"]
    assert main(["train", *tiny_network, *keys]) == 0
    assert main(["evaluate", str(run), cohort, "--out", str(tmp_path / "held_out")]) == 0
    row = read_cohort(export.out).table.iloc[0]
    patient = tmp_path / "patient"
    patient.mkdir()
    for view in ("horizontal", "vertical"):
        scan = (export.out / row[view]).read_bytes()
        (patient / f"{row['laterality']}_{view}.png").write_bytes(scan)
    out = str(tmp_path / "prediction")
    acuity = ["--preop-va", f"{row['laterality']}=20/60"]
    assert main(["predict", str(patient), "--model", str(run), "--out", out, *acuity]) == 0
    said = "".join(capsys.readouterr()).lower()
    assert not [text for text in (*PLANTED, NAME, MRN) if text.lower() in said]
    assert planted_in(tmp_path) == []
