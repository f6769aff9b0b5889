"""The recipe of the Québec eyes: on an export made in exactly that layout, and on the real one."""

import csv
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile

from ctt_net.check import examine
from ctt_net.cohort import read_cohort
from ctt_net.imaging import read_bscan

HEADER = (
    "id,age,sex,pseudophakic,mh_duration,elevated_edge,mh_size,"
    "VA_baseline,VA_2weeks,VA_3months,VA_6months,VA_12months"
)
TRAIN = [
    "0,73,2,0,3,1,336,58,68,,78,78",
    "1,69,2,0,-9,1,552,33,0,66,71,",
    "2,67,1,1,8,-9,761,-9,63,56,77,",
    "3,56,2,0,9,1,467,0,63,,77,78",
    "4,71,1,0,4,0,200,40,50,,,",
    "5,71,1,0,4,0,200,40,50,,0,",
    "6,60,2,0,4,0,210,40,50,,60,",
    "7,61,2,0,4,0,220,40,50,,62,",
]
TEST = ["0,80,1,1,12,1,500,21,40,49,55,58"]
INK = {
    "T": ["#######"] + ["...#..."] * 7,
    "N": ["#....#", "##...#", "##...#", "#.#..#", "#..#.#", "#...##", "#...##", "#....#"],
}


def scan(ends, seed=0):
    """A Cirrus line scan: noise, one bright layer, the scan-direction mark with its two ends."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(40, 6, (500, 750))
    rows = np.arange(500)[:, None]
    pixels += 150 * np.exp(-(((rows - 300) / 12.0) ** 2))
    pixels += 60 * ((rows > 220) & (rows < 300))
    grey = np.clip(pixels, 0, 255).astype(np.uint8)
    if ends:
        cv2.rectangle(grey, (31, 394), (106, 469), 255, 1)
        cv2.arrowedLine(grey, (31, 431), (105, 431), 255, 1, tipLength=0.08)
        for letter, left in zip(ends, (20, 113), strict=True):
            for y, row in enumerate(INK[letter]):
                for x, sign in enumerate(row):
                    if sign == "#":
                        grey[426 + y, left + x] = 245
    return np.dstack([grey, grey, grey, np.full_like(grey, 200)])


def write_split(raw, split, rows, ends, vertical=()):
    (raw / split / "octs").mkdir(parents=True)
    table = "\r\n".join([HEADER, *rows]) + "\r\n"
    (raw / split / "clinical_data.csv").write_text(table, newline="")
    for number, letters in ends.items():
        picture = scan(letters, number)
        target = raw / split / "octs" / f"{number}_baseline_H.tiff"
        tifffile.imwrite(target, picture, compression="zlib", photometric="rgb")
        after = raw / split / "octs" / f"{number}_6months_H.tiff"
        tifffile.imwrite(after, picture, compression="zlib", photometric="rgb")
    for number in vertical:
        target = raw / split / "octs" / f"{number}_baseline_V.tiff"
        tifffile.imwrite(target, scan("", 90 + number), photometric="rgb")


@pytest.fixture(scope="module")
def made_export(tmp_path_factory):
    raw = tmp_path_factory.mktemp("quebec") / "raw"
    ends = {0: "TN", 1: "NT", 2: "TN", 3: "NT", 4: "TN", 5: "TN", 7: ""}
    write_split(raw, "train", TRAIN, ends)
    write_split(raw, "test", TEST, {0: "NT"})
    return raw


@pytest.fixture
def raw(made_export, tmp_path):
    return shutil.copytree(made_export, tmp_path / "raw")


@pytest.fixture(scope="module")
def recipe(load_recipe):
    return load_recipe("chu_quebec")


def by_eye(out):
    return read_cohort(out).table.set_index("eye_id")


def flow_of(out):
    with (out / "flow.csv").open() as file:
        return {(row["split"], row["step"]): int(row["eyes"]) for row in csv.DictReader(file)}


def test_the_made_export_becomes_a_right_cohort(recipe, raw, tmp_path, capsys):
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out)]) == 0
    table = by_eye(out)
    assert list(table.index) == ["train_0", "train_1", "train_2", "train_3", "test_0"]
    assert table["laterality"].tolist() == ["OD", "OS", "OD", "OS", "OS"]
    assert table["split"].tolist() == ["train"] * 4 + ["test"]
    assert table["preop_va"].tolist() == ["58", "33", "", "", "21"]
    assert table.loc["train_0", "postop_logmar"] == pytest.approx(1.7 - 0.02 * 78)
    assert np.isnan(table.loc["train_1", "mh_duration"])
    assert np.isnan(table.loc["train_2", "elevated_edge"])
    assert table.loc["train_0", ["age_years", "mh_size_um", "sex"]].tolist() == [73.0, 336.0, "2"]
    assert "5 eyes" in capsys.readouterr().out
    assert not examine(out, open_scans=False).has_errors


def test_every_eye_is_counted_in_or_out(recipe, raw, tmp_path):
    recipe.main([str(raw), str(tmp_path / "cohort")])
    flow = flow_of(tmp_path / "cohort")
    assert flow["train", "in the table"] == 8
    assert flow["train", "in the cohort"] == 4
    out = {step: n for (split, step), n in flow.items() if split == "train" and "left out" in step}
    assert out == {
        "left out: acuity at 6months is missing": 1,
        "left out: acuity at 6months is 0, unexplained": 1,
        "left out: no preoperative scan": 1,
        "left out: no mark says which eye it is (say it with --sides)": 1,
    }
    assert flow["train", "of these: acuity before surgery unknown"] == 2


@pytest.mark.parametrize(
    ("zero", "before", "after", "words"),
    [("off-chart", "CF", 1.9, "counting fingers"), ("as-read", "0", 1.7, "0 letters")],
)
def test_an_acuity_of_zero_is_read_as_asked(recipe, raw, tmp_path, zero, before, after, words):
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out), "--zero", zero]) == 0
    table = by_eye(out)
    assert table.loc["train_3", "preop_va"] == before
    assert table.loc["train_5", "postop_logmar"] == pytest.approx(after)
    assert flow_of(out)["train", f"of these: an acuity of 0 taken for {words}"] == 2


def test_the_follow_up_is_the_one_asked_for(recipe, raw, tmp_path):
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out), "--followup", "3months", "--splits", "train"]) == 0
    table = by_eye(out)
    assert table["postop_va"].to_dict() == {"train_1": "66", "train_2": "56"}
    assert table["followup_days"].unique().tolist() == [91]


def test_vertical_scans_are_used_where_there_are_any(recipe, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "cohort"
    write_split(raw, "train", TRAIN[:3], {0: "TN", 1: "NT", 2: "NT"}, vertical=[1])
    assert recipe.main([str(raw), str(out)]) == 0
    cohort = read_cohort(out)
    assert {name: view.direction for name, view in cohort.spec.views.items()} == {
        "horizontal": "horizontal",
        "vertical": "vertical",
    }
    assert (cohort.table["vertical"] != "").tolist() == [False, True, False]


def test_scans_are_copies_of_the_preoperative_ones_only(recipe, raw, tmp_path):
    out = tmp_path / "cohort"
    recipe.main([str(raw), str(out)])
    for eye, row in by_eye(out).iterrows():
        split, number = eye.split("_")
        source = raw / split / "octs" / f"{number}_baseline_H.tiff"
        copy = out / row["horizontal"]
        assert not copy.is_symlink()
        assert copy.read_bytes() == source.read_bytes()
    assert len(list((out / "images").iterdir())) == 5


def test_the_same_export_gives_the_same_bytes(recipe, raw, tmp_path):
    for name in ("a", "b"):
        recipe.main([str(raw), str(tmp_path / name)])
    for file in ("manifest.csv", "cohort.yaml", "folds.csv", "flow.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def damage_nothing_there(raw):
    for split in ("train", "test"):
        (raw / split / "clinical_data.csv").unlink()


def damage_column(raw):
    path = raw / "train" / "clinical_data.csv"
    path.write_text(path.read_text().replace("mh_size", "size"))


def damage_twice(raw):
    path = raw / "train" / "clinical_data.csv"
    path.write_text(path.read_text() + TRAIN[0] + "\n")


def damage_id(raw):
    path = raw / "train" / "clinical_data.csv"
    path.write_text(path.read_text() + TRAIN[0].replace("0,", "../0,", 1) + "\n")


def damage_scan(raw):
    path = raw / "train" / "octs" / "1_baseline_H.tiff"
    path.write_bytes(path.read_bytes()[:2000])


def damage_acuity(raw):
    path = raw / "train" / "clinical_data.csv"
    path.write_text(path.read_text().replace("58,68,,78,78", "58,68,,178,78"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_nothing_there, "give the folder that holds the published splits"),
        (damage_column, "the column 'mh_size' is missing"),
        (damage_twice, "row 10: id '0' stands twice"),
        (damage_id, "row 10, column id: '../0' is no id"),
        (damage_scan, "1_baseline_H.tiff"),
        (damage_acuity, "clinical_data.csv, row 2: cannot read '178'"),
    ],
)
def test_a_wrong_export_is_one_message_and_nothing_is_written(
    recipe, raw, tmp_path, capsys, damage, words
):
    damage(raw)
    assert recipe.main([str(raw), str(tmp_path / "cohort")]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_folder_that_exists_is_never_touched(recipe, raw, tmp_path, capsys):
    out = tmp_path / "cohort"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert recipe.main([str(raw), str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_a_split_that_is_not_there_is_named(recipe, raw, tmp_path, capsys):
    assert recipe.main([str(raw), str(tmp_path / "cohort"), "--splits", "val"]) == 2
    assert "val/clinical_data.csv" in capsys.readouterr().err


@pytest.mark.slow
def test_the_real_eyes_come_out_as_the_card_says(recipe, real_data, tmp_path):
    raw, out = real_data / "chu_quebec_macular_hole", tmp_path / "cohort"
    if not raw.is_dir():
        pytest.skip("the Québec eyes are not among the real samples here")
    assert recipe.main([str(raw), str(out)]) == 0
    cohort = read_cohort(out)
    table = cohort.table.set_index("eye_id")
    assert table["split"].value_counts().to_dict() == {"train": 83, "": 21}
    assert table["laterality_from"].value_counts().to_dict() == {"mark": 99, "sides.csv": 5}
    marked = table[table["laterality_from"] == "mark"]
    assert marked["laterality"].value_counts().to_dict() == {"OD": 52, "OS": 47}
    published = pd.read_csv(raw / "train" / "clinical_data.csv")
    train = table[table["split"] == "train"]
    letters = (1.7 - train["postop_logmar"]) / 0.02
    assert np.allclose(letters, published["VA_6months"])
    assert sorted(cohort.folds().value_counts()) == [20, 21, 21, 21, 21]
    bscan = read_bscan(cohort.scan_path(table.iloc[0], "horizontal"))
    assert bscan.device_layout == "cirrus_overlay"


@pytest.mark.parametrize(("followup", "eyes"), [("2weeks", 88), ("3months", 73), ("12months", 49)])
def test_other_follow_ups_leave_the_eyes_the_card_counts(
    recipe, real_data, tmp_path, monkeypatch, followup, eyes
):
    raw = real_data / "chu_quebec_macular_hole"
    if not raw.is_dir():
        pytest.skip("the Québec eyes are not among the real samples here")
    # The scans are looked at in the test above; here only the table matters.
    monkeypatch.setattr(recipe, "side_from_mark", lambda file: "OD")
    monkeypatch.setattr(recipe, "read_bscan", lambda file: None)
    assert recipe.main([str(raw), str(tmp_path / "cohort"), "--followup", followup]) == 0
    assert len(read_cohort(tmp_path / "cohort").table) == eyes


def test_the_sides_of_unmarked_eyes_are_well_formed(recipe):
    sides = recipe.read_sides(recipe.SIDES_FILE)
    assert set(sides.values()) <= {"OD", "OS"}
    assert {split for split, _ in sides} <= set(recipe.SPLITS)


def test_whoever_is_left_out_is_named_on_screen_and_in_the_flow(recipe, raw, tmp_path, capsys):
    assert recipe.main([str(raw), str(tmp_path / "cohort")]) == 0
    said = capsys.readouterr().out
    assert "train: left out: no mark says which eye it is (say it with --sides): 7" in said
    assert "train: left out: no preoperative scan: 6" in said
    with (tmp_path / "cohort/flow.csv").open() as file:
        named = {row["step"]: row["ids"] for row in csv.DictReader(file) if row["ids"]}
    assert sorted(named.values()) == ["4", "5", "6", "7"]


def test_a_table_of_sides_brings_an_unmarked_eye_in(recipe, raw, tmp_path):
    sides, out = tmp_path / "sides.csv", tmp_path / "cohort"
    sides.write_text("split,id,laterality\ntrain,7,OS\n")
    assert recipe.main([str(raw), str(out), "--sides", str(sides)]) == 0
    eye = by_eye(out).loc["train_7"]
    assert (eye["laterality"], eye["laterality_from"]) == ("OS", "sides.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("split,id\ntrain,7\n", "'laterality' is missing"),
        ("split,id,laterality\ntrain,7,left\n", "row 2, column laterality: must be one of OD, OS"),
        ("split,id,laterality\ntraining,7,OS\n", "row 2, column split"),
        ("split,id,laterality\ntrain,7,OS\ntrain,7,OD\n", "row 3: that eye stands twice"),
        ("split,id,laterality\ntrain,77,OS\n", "train, id '77'"),
    ],
)
def test_a_wrong_table_of_sides_is_refused(recipe, raw, tmp_path, capsys, text, words):
    sides = tmp_path / "sides.csv"
    sides.write_text(text)
    assert recipe.main([str(raw), str(tmp_path / "cohort"), "--sides", str(sides)]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "cohort").exists()
