"""The index of OCT2017: nobody in two splits, every picture counted, wrong names refused."""

import pandas as pd
import pytest

from tests.datasets.raw_oct2017 import PICTURES, build


@pytest.fixture(scope="module")
def recipe(load_recipe):
    return load_recipe("oct2017")


@pytest.fixture
def raw(tmp_path):
    return build(tmp_path / "raw")


def scans_of(out):
    return pd.read_csv(out / "scans.csv", dtype=str)


def flow_of(out):
    return pd.read_csv(out / "flow.csv").set_index("step")["count"].to_dict()


def test_every_picture_is_listed_once_with_its_patient(recipe, raw, tmp_path):
    assert recipe.main([str(raw), str(tmp_path / "index")]) == 0
    scans = scans_of(tmp_path / "index").set_index("path")
    assert sorted(scans.index) == sorted(f"{picture}.jpeg" for picture in PICTURES)
    row = scans.loc["train/DRUSEN/DRUSEN-13-1.jpeg"]
    assert row.tolist() == ["13", "DRUSEN", "train", "train"]
    assert all((raw / path).is_file() for path in scans.index)


def test_nobody_stands_in_two_splits(recipe, raw, tmp_path):
    recipe.main([str(raw), str(tmp_path / "index")])
    scans = scans_of(tmp_path / "index")
    published = scans[["patient_id", "published_split"]].drop_duplicates()
    assert set(published["patient_id"][published["patient_id"].duplicated()]) == {"11", "17"}
    assert not scans[["patient_id", "split"]].drop_duplicates()["patient_id"].duplicated().any()
    by_patient = scans.groupby("patient_id")["split"].first()
    assert by_patient[["11", "12", "15", "16", "17"]].tolist() == [
        *("test", "train", "train", "val", "test")
    ]


def test_the_flow_balances_and_says_what_moved(recipe, raw, tmp_path):
    recipe.main([str(raw), str(tmp_path / "index")])
    flow = flow_of(tmp_path / "index")
    assert flow["pictures found"] == len(PICTURES) == 12
    assert [flow[f"in split {part}"] for part in ("train", "val", "test")] == [5, 1, 6]
    assert flow["of these moved to test with their patient"] == 3
    assert flow["numbers under more than one class"] == 2
    assert flow["patients"] == 8


def test_the_folder_of_the_archive_is_found_and_clutter_is_not_read(recipe, tmp_path):
    build(tmp_path / "raw" / "OCT2017")
    (tmp_path / "raw" / "OCT2017" / "train" / "CNV" / "._CNV-11-1.jpeg").write_bytes(b"mac")
    (tmp_path / "raw" / "OCT2017" / ".DS_Store").write_bytes(b"mac")
    assert recipe.main([str(tmp_path / "raw"), str(tmp_path / "index")]) == 0
    scans = scans_of(tmp_path / "index")
    assert len(scans) == 12
    assert (tmp_path / "raw" / scans["path"][0]).is_file()


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("train/CNV/CNV-11", "expected CLASS/CLASS-PATIENT-NUMBER.jpeg"),
        ("train/CNV/DME-11-4", "the name says DME, the folder CNV"),
        ("train/AMD/AMD-11-4", "expected CLASS/CLASS-PATIENT-NUMBER.jpeg"),
    ],
)
def test_a_wrong_name_is_one_message_and_nothing_is_written(
    recipe, raw, tmp_path, capsys, picture, words
):
    build(raw, [picture])
    assert recipe.main([str(raw), str(tmp_path / "index")]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert picture in captured.err
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_another_folder_is_refused_with_what_to_give(recipe, tmp_path, capsys):
    assert recipe.main([str(tmp_path), str(tmp_path / "index")]) == 2
    assert "the folder that the archive unpacks to" in capsys.readouterr().err


def test_an_index_that_exists_is_only_replaced_if_asked(recipe, raw, tmp_path, capsys):
    (tmp_path / "index").mkdir()
    assert recipe.main([str(raw), str(tmp_path / "index")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert recipe.main([str(raw), str(tmp_path / "index"), "--replace"]) == 0
    assert (tmp_path / "index" / "scans.csv").is_file()


def test_the_real_pictures_are_named_as_the_recipe_reads_them(recipe, real_data, tmp_path):
    if not (real_data / "kermany").is_dir():
        pytest.skip("no OCT2017 pictures among the real samples here")
    for path in (real_data / "kermany").glob("*.jpeg"):
        target = tmp_path / "raw" / "train" / path.name.split("-")[0] / path.name
        target.parent.mkdir(parents=True)
        target.write_bytes(path.read_bytes())
    assert recipe.main([str(tmp_path / "raw"), str(tmp_path / "index")]) == 0
    scans = scans_of(tmp_path / "index").set_index("diagnosis")["patient_id"]
    assert scans.to_dict() == {"CNV": "53018", "DME": "15208", "DRUSEN": "95633", "NORMAL": "12494"}
