import csv
import io
import os
import random
import re
import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import parse_yaml
from ctt_net.prepare import prepare_cohort, read_mapping
from ctt_net.prepare.draft.draft import draft_mapping


def write_scans(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (72, 96), dtype=np.uint8)
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        coded = cv2.imencode(".png", noise + np.uint8(number))[1]
        (folder / name).write_bytes(coded.tobytes())


def write_csv(path, lines, encoding="utf-8", separator=","):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(lines)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def drafted(table, folder=None):
    return parse_yaml(draft_mapping(table, folder).text, "draft")


def prepared(tmp_path, text, answers, tables_only=False):
    """The cohort of a drafted mapping in which every CHOOSE was answered, line by line."""
    for line, answer in answers.items():
        assert text.count(line) >= 1, text
        text = text.replace(line, answer)
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    prepare_cohort(read_mapping(path), tmp_path / "cohort", tables_only=tables_only)
    return read_cohort(tmp_path / "cohort")


@pytest.fixture
def eyes_of_a_clinic(tmp_path):
    """One row per eye, XLSX, with scans before and after surgery."""
    lines = [
        ["MRN", "Patient name", "Eye", "VA before", "VA 3 months", "Date of surgery"],
    ]
    lines[0] += ["Date 3 months", "Age", "Sex", "PCR", "Phone"]
    files = []
    for number in range(12):
        for side in "RL":
            acuity = ("0.3", "0.5", "0.15", "CF")[number % 4]
            lines.append([f"{number + 1:05d}", f"Person{number}", side, acuity, "0.8"])
            lines[-1] += ["03.02.2024", "12.03.2024", str(60 + number), "MF"[number % 2], "no"]
            lines[-1].append(f"0151{number:07d}")
            for view in ("横扫", "纵扫"):
                files += [f"{number + 1:05d}_{side}_{view}_{time}.png" for time in ("pre", "post")]
    lines[3][7] = "-9"
    book = Workbook()
    for line in lines:
        book.active.append(line)
    book.save(tmp_path / "eyes.xlsx")
    write_scans(tmp_path / "exports", files)
    return tmp_path


def test_drafted_mapping_is_refused_until_every_choice_is_made(eyes_of_a_clinic):
    folder = eyes_of_a_clinic
    draft = draft_mapping(folder / "eyes.xlsx", folder / "exports")
    path = folder / "mapping.yaml"
    path.write_text(draft.text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        prepare_cohort(read_mapping(path), folder / "cohort")
    for place in ("preop_va.notation", "postop_va.notation", "surgery_date.format"):
        assert f"columns.{place}" in str(error.value)
    assert "CHOOSE" in str(error.value)
    assert not (folder / "cohort").exists()
    assert draft.undecided == 4


def test_answered_draft_makes_the_cohort(eyes_of_a_clinic):
    folder = eyes_of_a_clinic
    text = draft_mapping(folder / "eyes.xlsx", folder / "exports").text
    cohort = prepared(
        folder,
        text,
        {"notation: CHOOSE": "notation: decimal", "format: CHOOSE": 'format: "%d.%m.%Y"'},
    )
    table = cohort.table
    assert len(table) == 24
    assert table["patient_id"].nunique() == 12
    first = table[table["eye_id"] == "00001_OD"].iloc[0]
    assert first["preop_logmar"] == pytest.approx(-np.log10(0.3), abs=1e-6)
    assert first["followup_days"] == 38  # 3 February to 12 March of a leap year
    assert set(table["sex"]) == {"F", "M"}
    assert table["age_years"].isna().sum() == 1
    assert (table[["horizontal", "vertical"]] != "").all(axis=None)
    # Files after surgery must not get in: every scan is the one named "pre".
    order = [
        f"{n + 1:05d}_{s}_{v}_pre.png" for n in range(12) for s in "RL" for v in ("横扫", "纵扫")
    ]
    ours = table[["horizontal", "vertical"]].to_numpy().ravel()
    for written, source in zip(ours, order, strict=True):
        raw = (folder / "exports" / source).read_bytes()
        assert (cohort.root / written).read_bytes() == raw


def test_draft_says_what_it_saw_and_shows_nobody(eyes_of_a_clinic):
    text = draft_mapping(eyes_of_a_clinic / "eyes.xlsx", eyes_of_a_clinic / "exports").text
    assert "they identify persons: 'Patient name', 'Phone'" in text
    assert "in every column: '-9' 1" in text
    assert "24 eyes found; 48 of 96 files find none" in text
    assert "left alone: 'post'" in text
    assert "decimal or logmar" in text
    for number in range(12):
        assert f"{number + 1:05d}" not in text
        assert f"Person{number}" not in text
        assert f"0151{number:07d}" not in text


def test_table_of_patients(tmp_path):
    lines = [["Pat.-Nr.", "Geschlecht", "Visus RA präop", "Visus LA präop", "Visus RA 3 Monate"]]
    lines[0] += ["Visus LA 3 Monate", "OP-Datum RA", "OP-Datum LA"]
    for number in range(12):
        right = ["0,3", "0,8", f"{number + 10}.1.2024"]
        left = ["", "", ""] if number % 3 else ["0,5", "1,0", "14.2.2024"]
        pairs = [cell for both in zip(right, left, strict=True) for cell in both]
        lines.append([str(1000 + number), "MW"[number % 2], *pairs])
    table = write_csv(tmp_path / "augen.csv", lines, "cp1252", ";")
    draft = draft_mapping(table)
    given = parse_yaml(draft.text, "draft")
    assert given["table"]["one_row_per"] == "patient"
    assert given["table"]["encoding"] == "cp1252"
    assert given["table"]["separator"] == ";"
    assert given["columns"]["surgery_date"]["format"] == "%d.%m.%Y"  # day 13 decides
    cohort = prepared(tmp_path, draft.text, {"notation: CHOOSE": "notation: decimal"})
    assert len(cohort.table) == 16
    assert (cohort.table["laterality"] == "OS").sum() == 4
    left = cohort.table[cohort.table["laterality"] == "OS"]
    assert np.allclose(left["preop_logmar"], -np.log10(0.5))
    assert np.allclose(left["postop_logmar"], 0)


def test_rows_that_repeat_an_eye_are_asked_about(tmp_path):
    lines = [["Subject", "Eye", "Visit", "BCVA"]]
    for number in range(6):
        for side in ("OD", "OS"):
            for at, visit in enumerate(("Baseline", "Week 4", "Month 3")):
                lines.append([f"S{number}", side, visit, f"20/{(100, 40, 25)[at]}"])
    draft = draft_mapping(write_csv(tmp_path / "visits.csv", lines))
    given = parse_yaml(draft.text, "draft")
    assert given["table"]["one_row_per"] == "CHOOSE"
    assert "24 rows repeat an eye" in draft.text
    assert given["columns"]["preop_va"] == {"column": "CHOOSE", "notation": "snellen"}


def test_chinese_table_from_windows(tmp_path):
    lines = [
        ["病历号", "姓名", "性别", "年龄", "眼别", "术前视力", "术后3月视力", "手术日期", "糖尿病"]
    ]
    files = []
    for number in range(9):
        for side in ("右眼", "左眼"):
            acuity = ("0.3", "指数/眼前30cm", "0.12")[number % 3]
            lines.append([f"P{number:03d}", f"张{number}", "男女"[number % 2], str(60 + number)])
            lines[-1] += [side, acuity, "0.8", f"2024/3/{number + 1}", "有无"[number % 2]]
            files += [f"P{number:03d}{side}{view}_术前.png" for view in ("横扫", "纵扫")]
    table = write_csv(tmp_path / "表.csv", lines, "gb18030")
    write_scans(tmp_path / "图", files)
    draft = draft_mapping(table, tmp_path / "图")
    assert parse_yaml(draft.text, "draft")["table"]["encoding"] == "gb18030"
    cohort = prepared(tmp_path, draft.text, {"notation: CHOOSE": "notation: decimal"})
    assert len(cohort.table) == 18
    assert (cohort.table["preop_off_chart"] == "CF").sum() == 6
    assert set(cohort.table["diabetes"]) == {0.0, 1.0}
    assert set(cohort.table["sex"]) == {"男", "女"}
    assert (cohort.table["vertical"] != "").all()
    assert "张" not in draft.text


def test_sides_1_and_2_and_nameless_times_are_not_guessed(tmp_path):
    lines = [["ID", "Eye", "VA1", "VA2"]]
    lines += [[str(n), "12"[n % 2], "0.3", "0.6"] for n in range(10)]
    given = drafted(write_csv(tmp_path / "t.csv", lines))
    assert given["columns"]["laterality"] == {"column": "Eye", "OD": ["CHOOSE"], "OS": ["CHOOSE"]}
    assert given["columns"]["preop_va"]["column"] == "CHOOSE"
    assert given["columns"]["postop_va"]["column"] == "CHOOSE"


def test_several_outcomes_are_offered_not_chosen(tmp_path):
    lines = [["ID", "Eye", "VA pre", "VA 1 month", "VA 3 months"]]
    lines += [[str(n), "RL"[n % 2], "40", "60", "70"] for n in range(10)]
    draft = draft_mapping(write_csv(tmp_path / "t.csv", lines))
    assert parse_yaml(draft.text, "d")["columns"]["postop_va"]["column"] == "CHOOSE"
    assert "'VA 1 month', 'VA 3 months'" in draft.text


def test_every_column_is_accounted_for(tmp_path):
    names = ["MRN", "Eye", "UCVA pre", "BCVA pre", "BCVA post", "HbA1c", "Blank", "Surgeon"]
    lines = [names, *([str(n), "RL"[n % 2], "0.2", "0.4", "0.9", "6.5", "", "x"] for n in range(9))]
    draft = draft_mapping(write_csv(tmp_path / "t.csv", lines))
    assert parse_yaml(draft.text, "d")["columns"]["preop_va"]["column"] == "BCVA pre"
    for name in names:
        assert name in draft.text


def test_a_name_is_never_an_id(tmp_path):
    lines = [["姓名", "眼别", "术前视力"], ["甲", "右", "0.5"], ["乙", "左", "0.6"]]
    draft = draft_mapping(write_csv(tmp_path / "t.csv", lines))
    assert parse_yaml(draft.text, "d")["columns"]["patient_id"] == "CHOOSE"
    assert "identify persons: '姓名'" in draft.text


def test_side_from_the_names_of_files(tmp_path):
    lines = [["ID", "VA pre", "VA post"]] + [[f"K{n}", "20/60", "20/25"] for n in range(8)]
    table = write_csv(tmp_path / "t.csv", lines)
    write_scans(tmp_path / "x", [f"K{n}/{'OD' if n % 2 else 'OS'}_h.png" for n in range(8)])
    draft = draft_mapping(table, tmp_path / "x")
    assert draft.undecided == 0
    cohort = prepared(tmp_path, draft.text, {})
    sides = dict(zip(cohort.table["patient_id"], cohort.table["laterality"], strict=True))
    assert sides == {f"K{n}": "OD" if n % 2 else "OS" for n in range(8)}


def test_direction_of_unnamed_scans_is_asked(tmp_path):
    lines = [["ID", "Eye", "VA pre"]] + [[f"K{n}", "OD", "20/60"] for n in range(8)]
    write_scans(tmp_path / "x", [f"K{n}_OD.png" for n in range(8)])
    given = drafted(write_csv(tmp_path / "t.csv", lines), tmp_path / "x")
    assert given["views"] == {"scan": {"direction": "CHOOSE"}}


def test_lost_zeros_are_told(tmp_path):
    lines = [["ID", "Eye", "VA pre"]] + [[str(n), "OD", "20/60"] for n in range(1, 9)]
    write_scans(tmp_path / "x", [f"{n:05d}_OD_h.png" for n in range(1, 9)])
    text = draft_mapping(write_csv(tmp_path / "t.csv", lines), tmp_path / "x").text
    assert "Without zeros in front the ids agree" in text
    assert "scans" not in parse_yaml(text, "draft")


def test_odd_names_of_columns_survive_yaml(tmp_path):
    names = ["yes", "a: b", "# c", "{x}", "- d", "null", "1", "'q\"", "è\u2028é", "&z", "CHOOSE me"]
    lines = [["MRN", "Eye", "VA pre: [best]", *names]]
    lines += [[f"K{n}", "RL"[n % 2], "20/60", *("01"[n % 2] for _ in names)] for n in range(8)]
    draft = draft_mapping(write_csv(tmp_path / "t.csv", lines))
    path = tmp_path / "mapping.yaml"
    path.write_text(draft.text, encoding="utf-8")
    assert read_mapping(path).rules["preop_va"].column == "VA pre: [best]"
    # A suggested line holds too, once its sign is taken away.
    uncommented = re.sub(r"^  # (?=.*kind: binary)", "", draft.text, flags=re.MULTILINE)
    lines = [line for line in uncommented.splitlines() if "kind: binary" in line]
    assert [parse_yaml(line, "l").popitem()[1]["column"] for line in lines] == names


def test_command_prints_the_draft_and_notes_apart(eyes_of_a_clinic, capsys):
    arguments = [str(eyes_of_a_clinic / "eyes.xlsx"), str(eyes_of_a_clinic / "exports")]
    assert main(["prepare", "--draft", *arguments]) == 0
    out, err = capsys.readouterr()
    assert parse_yaml(out, "stdout")["columns"]["patient_id"] == "MRN"
    assert "4 places say CHOOSE" in err


def test_redirected_draft_is_utf8_whatever_the_console(tmp_path):
    table = write_csv(tmp_path / "t.csv", [["病历号", "眼别", "术前视力"], ["1", "右", "20/40"]])
    done = subprocess.run(
        [sys.executable, "-m", "ctt_net.cli", "prepare", "--draft", str(table)],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert parse_yaml(done.stdout.decode("utf-8"), "x")["columns"]["patient_id"] == "病历号"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--draft", "nothing.csv"], "no such file"),
        (["--draft", "."], "a folder"),
        (["--draft", "empty.csv"], "is blank"),
        (["--draft", "picture.png"], "a table of kind"),
        (["--draft", "noise.xlsx"], "not a readable XLSX"),
        (["--draft", "good.csv", "nowhere"], "no such folder"),
        (["--draft", "good.csv", "--replace"], "leave out"),
        (["mapping.yaml"], "name the cohort folder"),
    ],
)
def test_wrong_use_is_said(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "picture.png").write_bytes(b"x")
    (tmp_path / "noise.xlsx").write_bytes(b"PK\x03\x04 nothing")
    write_csv(tmp_path / "good.csv", [["ID", "Eye", "VA"], ["1", "OD", "0.5"]])
    assert main(["prepare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert not out


def test_real_tables(real_data, tmp_path):
    olives = drafted(real_data / "olives_labels" / "prime_trex_sample.csv")
    assert olives["table"]["one_row_per"] == "CHOOSE"
    assert olives["columns"]["patient_id"] == "Patient_ID"
    assert olives["columns"]["laterality"] == "CHOOSE"
    assert olives["columns"]["preop_va"]["notation"] == "etdrs"
    amd = drafted(real_data / "moorfields_amd" / "AMD_baseline_sample.csv")
    assert amd["table"]["missing"] == ["NULL"]
    assert amd["columns"]["laterality"] == {"column": "Eye", "OD": ["Right"], "OS": ["Left"]}


def test_real_scans_are_joined(real_data, tmp_path):
    place = real_data / "chu_quebec_macular_hole" / "train"
    draft = draft_mapping(place / "clinical_data.csv", place / "octs")
    assert "83 eyes found; 0 of 83 files find none" in draft.text
    # Nothing there says the side; to say the same of all is for the test only.
    cohort = prepared(
        tmp_path,
        draft.text,
        {
            "laterality: CHOOSE": "laterality: {value: OD, OD: [OD]}",
            "column: CHOOSE": "column: VA_6months",
        },
        tables_only=True,  # reading 83 scans takes long, and is tested elsewhere
    )
    raw = pd.read_csv(place / "clinical_data.csv", dtype=str).set_index("id")
    table = cohort.table.set_index("patient_id")
    assert len(table) == raw["VA_6months"].notna().sum()
    letters = raw["VA_baseline"].astype(float)[table.index]
    assert np.allclose(table["preop_logmar"], 1.7 - 0.02 * letters)


_NAMES = (
    *(
        "MRN",
        "Eye",
        "VA_OD_pre",
        "VA_OS_pre",
        "VA",
        "BCVA post",
        "术前视力",
        "病历号",
        "眼别",
        "Date",
    ),
    *(
        "Date of surgery",
        "Age",
        "Sex",
        "DM",
        "Visit",
        "",
        "name",
        "{x}",
        "a: b",
        "# c",
        "\n",
        "yes",
    ),
    *("CHOOSE", "device", "*", "&a", "😀", "\u2028", "=1", "VA 3m", "VA 6m", "oct date"),
)
_CELLS = (
    *("", "R", "L", "OD", "右", "1", "2", "0.5", "-0.1", "20/40", "CF", "80", "-9", "999", "NULL"),
    *("nan", "none", "2024-01-02", "03.02.2024", "13/12/2024", "yes", "no", "a\nb", '"', "'", "{"),
    *(":", "#", "0,5", "1e400", "-inf", "٣", "1" * 400, "😀", "/p/OD/1.tif", "S-01", "00042", "W0"),
)


def _garbage(rng, place):
    """A random table and, often, a random folder."""
    width = rng.randint(0, 8)
    pools = [[rng.choice(_CELLS) for _ in range(rng.randint(1, 4))] for _ in range(width)]
    lines = [[rng.choice(_NAMES) for _ in range(width)]]
    lines += [[rng.choice(pool) for pool in pools] for _ in range(rng.randint(0, 30))]
    kind = rng.choice(("csv", "csv", "xlsx", "damaged", "bytes"))
    path = place / f"table.{'xlsx' if kind in ('xlsx', 'damaged') else 'csv'}"
    if path.suffix == ".xlsx":
        book = Workbook()
        for line in lines:
            book.active.append(line)
        book.save(path)
    elif kind == "csv":
        encoding = rng.choice(("utf-8", "utf-8-sig", "gb18030", "utf-16"))
        write_csv(path, lines, encoding, rng.choice(",;\t|"))
    if kind == "damaged":
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 255
        path.write_bytes(data)
    elif kind == "bytes":
        path.write_bytes(rng.randbytes(rng.randint(0, 300)))
    if rng.random() < 0.5:
        return path, None
    folder = place / "scans"
    folder.mkdir()
    pieces = [cell for cell in _CELLS if 0 < len(cell) < 9 and "/" not in cell]
    for _ in range(rng.randint(0, 6)):
        name = "_".join(rng.choice([*pieces, "h", "v", "{", "*"]) for _ in range(rng.randint(1, 5)))
        (folder / (name + rng.choice((".png", ".tif", ".vol", ".txt", "")))).touch()
    return path, folder


def _refusal(call, *arguments):
    """What a call gives, and the message of its InputError, if any."""
    try:
        return call(*arguments), ""
    except InputError as error:
        return None, str(error)


def test_garbage_is_a_draft_or_an_error_that_is_said(tmp_path):
    drafts = 0
    for seed in range(int(os.environ.get("CTT_NET_FUZZ", "60"))):
        place = tmp_path / str(seed)
        place.mkdir()
        table, folder = _garbage(random.Random(seed), place)
        draft, message = _refusal(draft_mapping, table, folder)
        if draft is None:
            assert str(table) in message, seed
            continue
        drafts += 1
        (place / "mapping.yaml").write_text(draft.text, encoding="utf-8")
        read, message = _refusal(read_mapping, place / "mapping.yaml")
        # Open questions are all that may be wrong with it.
        assert (read is None) == bool(draft.undecided), seed
        assert read is not None or "still to be decided" in message, seed
    assert drafts > 10


def test_hidden_rows_and_decimal_commas_are_seen(tmp_path):
    book = Workbook()
    book.active.append(["MRN", "Eye", "VA before", "VA after", "Age"])
    for n in range(12):
        book.active.append([f"{n:04d}", "R", "0,3", "0,8", f"{60 + n},5"])
    book.active.row_dimensions[4].hidden = True
    book.save(tmp_path / "eyes.xlsx")
    given = drafted(tmp_path / "eyes.xlsx")
    assert (given["table"]["decimal"], given["table"]["hidden_rows"]) == (",", "CHOOSE")
    assert given["covariates"]["age_years"]["kind"] == "numeric"


@pytest.mark.parametrize("first", [["MRN", "", "", "", ""], ["", "", "", "", ""]])
def test_names_over_two_rows_are_joined(tmp_path, first):
    upper = [first[0], "VA preop", "", "VA postop", ""]
    lower = ["" if first[0] else "MRN", "OD", "OS", "OD", "OS"]
    rows = [[f"{n:04d}", "0.3", "0.4", "0.8", "0.9"] for n in range(12)]
    table = write_csv(tmp_path / "eyes.csv", [upper, lower, *rows])
    draft = draft_mapping(table)
    given = parse_yaml(draft.text, "d")
    assert given["table"]["header_row"] == [1, 2]
    assert given["table"]["one_row_per"] == "patient"
    assert given["columns"]["preop_va"]["OS"] == "VA preop OS"
    assert "names over 2 rows" in draft.text
    cohort = prepared(tmp_path, draft.text, {"notation: CHOOSE": "notation: decimal"})
    assert len(cohort.table) == 24


def test_a_row_of_data_is_no_second_row_of_names(tmp_path):
    lines = [["ID", "Eye", "VA pre", ""], ["K", "R", "CF", "x"]]
    lines += [[f"{n}", "L", "0.3", "x"] for n in range(9)]
    assert "header_row" not in drafted(write_csv(tmp_path / "t.csv", lines))["table"]
