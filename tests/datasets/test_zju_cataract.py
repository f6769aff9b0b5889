"""The recipe of the hospital layout: on made exports, right ones and wrong ones."""

import pandas as pd
import pytest

from ctt_net.check import examine
from ctt_net.cohort import read_cohort
from ctt_net.imaging import read_bscan
from tests.datasets.raw_zju_cataract import ROWS, build, write_pictures

ASKED = ("--eye-column", "D", "--scans", "oct")
CARRIED = ",,,,,,,,,,,d,20191001,x,0.9,海德堡,"
OWN_VALUES = ",,1,左眼,70,黄斑,d,20190909,x,0.05,海德堡,d,20191111,x,0.4,海德堡,"


@pytest.fixture(scope="module")
def recipe(load_recipe):
    return load_recipe("zju_cataract")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return build(tmp_path_factory.mktemp("zju") / "raw")


@pytest.fixture(scope="module")
def cohort(recipe, raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("zju") / "cohort"
    assert recipe.main([str(raw), str(out), *ASKED]) == 0
    return out


def flow_of(out):
    return pd.read_csv(out / "flow.csv").set_index("step")["count"].to_dict()


def refused(recipe, raw, tmp_path, capsys, *options):
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out), *options]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert not out.exists()
    return captured.err


def test_the_made_export_becomes_a_right_cohort(cohort):
    table = read_cohort(cohort).table.set_index("patient_id")
    assert table["laterality"].to_dict() == {
        **{"101": "OD", "102": "OS", "103": "OD", "104": "OS", "105": "OD"}
    }
    assert table["preop_va"].tolist() == ["0.3", "指数/眼前30cm", "HM/20cm", "0.1", "0.2"]
    assert table["preop_logmar"].tolist() == pytest.approx(
        [0.52288, 1.9, 2.3, 1.0, 0.69897], abs=1e-5
    )
    assert table["postop_logmar"]["102"] == pytest.approx(0.30103, abs=1e-5)
    assert table["device"].fillna("").tolist() == ["heidelberg", "zeiss", "kelin", "", "heidelberg"]
    assert not examine(cohort, open_scans=False).has_errors


def test_every_row_is_counted_in_or_out(cohort):
    flow = flow_of(cohort)
    left_out = {step: count for step, count in flow.items() if step.startswith("left out")}
    assert left_out == {"left out: no postoperative acuity": 1, "left out: no scan": 1}
    assert flow["in the table"] == 7 == flow["in the cohort"] + sum(left_out.values())


def test_only_scans_from_before_surgery_are_taken(cohort, raw):
    table = read_cohort(cohort).table.set_index("patient_id")
    folder = raw / "oct" / "101"
    for view, word in (("horizontal", "横扫"), ("vertical", "纵扫")):
        copy = cohort / table[view]["101"]
        assert (
            copy.read_bytes() == (folder / f"张一_1_2019_01_02_黄斑_{word}_海德堡.tif").read_bytes()
        )
    assert len(list((cohort / "scans").iterdir())) == 10
    assert read_bscan(cohort / table["horizontal"]["101"]).pixels.shape == (496, 768)


def test_no_name_of_a_person_reaches_the_cohort(cohort):
    text = "".join(
        path.read_text(encoding="utf-8") for path in cohort.iterdir() if path.is_file()
    ) + " ".join(str(path) for path in cohort.rglob("*"))
    assert not [row.split(",")[1] for row in ROWS if row.split(",")[1] in text]


def test_the_eye_is_never_invented(recipe, raw, tmp_path):
    with pytest.raises(SystemExit) as stop:
        recipe.main([str(raw), str(tmp_path / "cohort")])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("column", "words"),
    [("Z", "no column 'Z' for --eye-column"), ("E", "'70' is no word for OD or OS")],
)
def test_a_column_that_does_not_say_the_eye_is_refused(
    recipe, raw, tmp_path, capsys, column, words
):
    error = refused(recipe, raw, tmp_path, capsys, "--eye-column", column, "--scans", "oct")
    assert words in error


def test_a_blank_id_stops_with_its_row_unless_it_is_settled(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", [ROWS[0], ROWS[1], CARRIED])
    error = refused(recipe, raw, tmp_path, capsys, *ASKED)
    assert "row 4, column A: blank" in error
    assert "--blank-id leave-out" in error
    out = tmp_path / "left_out"
    assert recipe.main([str(raw), str(out), *ASKED, "--blank-id", "leave-out"]) == 0
    assert flow_of(out)["left out: no folder id"] == 1
    assert flow_of(out)["in the cohort"] == 2


def test_a_row_of_the_same_patient_keeps_its_own_acuity_and_scan(recipe, tmp_path):
    raw = build(tmp_path / "raw", [ROWS[0], OWN_VALUES])
    write_pictures(raw, ["101", "张一", *OWN_VALUES.split(",")[2:]], level=50)
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out), *ASKED, "--blank-id", "same-patient"]) == 0
    table = read_cohort(out).table.set_index("eye_id")
    assert table["patient_id"].tolist() == ["101", "101"]
    assert table["preop_va"].to_dict() == {"101_OD": "0.3", "101_OS": "0.05"}
    assert (out / table["horizontal"]["101_OD"]).read_bytes() != (
        out / table["horizontal"]["101_OS"]
    ).read_bytes()


def test_a_carried_row_without_an_eye_is_no_eye(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", [ROWS[0], CARRIED])
    error = refused(recipe, raw, tmp_path, capsys, *ASKED, "--blank-id", "same-patient")
    assert "row 3" in error
    assert "nobody knows which eye this is" in error


def test_a_row_under_another_name_is_nobody_elses(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", [ROWS[0], OWN_VALUES.replace(",,", ",李二,", 1)])
    error = refused(recipe, raw, tmp_path, capsys, *ASKED, "--blank-id", "same-patient")
    assert "row 3, column B: another name" in error


def test_a_blank_id_in_the_first_row_has_nobody_above(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", [OWN_VALUES, ROWS[0]])
    error = refused(recipe, raw, tmp_path, capsys, *ASKED, "--blank-id", "same-patient")
    assert "row 2, column A: blank, and no row is above it" in error


def test_two_rows_for_one_eye_stop(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", [ROWS[0], ROWS[0].replace("0.8", "0.9")])
    error = refused(recipe, raw, tmp_path, capsys, *ASKED)
    assert "row 3" in error
    assert "a second row for eye" in error


def test_a_picture_named_for_both_dates_is_left_out(recipe, tmp_path):
    raw = build(tmp_path / "raw", [ROWS[0], ROWS[1].replace("20190405", "20190203")])
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out), *ASKED]) == 0
    assert flow_of(out)["left out: the same picture is named before and after surgery"] == 1


def test_the_published_selection_keeps_one_maker_and_reads_every_word_as_a_hundredth(
    recipe, raw, tmp_path
):
    out = tmp_path / "cohort"
    assert recipe.main([str(raw), str(out), *ASKED, "--as-published"]) == 0
    flow = flow_of(out)
    assert flow["left out: another maker after surgery"] == 1
    assert flow["left out: not all four pictures before and after surgery"] == 1
    table = read_cohort(out).table.set_index("patient_id")
    assert list(table.index) == ["101", "102", "103", "104"]
    assert table["preop_logmar"][["102", "103"]].tolist() == [2.0, 2.0]


def test_without_postoperative_pictures_the_published_selection_has_nobody(
    recipe, tmp_path, capsys
):
    raw = build(tmp_path / "raw", ROWS[:2], after=False)
    assert recipe.main([str(raw), str(tmp_path / "all"), *ASKED]) == 0
    error = refused(recipe, raw, tmp_path, capsys, *ASKED, "--as-published")
    assert "no eye is left" in error


def test_a_table_in_chinese_encoding_is_read_if_named(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", ROWS[:2], encoding="gb18030")
    assert "encoding" in refused(recipe, raw, tmp_path, capsys, *ASKED)
    out = tmp_path / "named"
    assert recipe.main([str(raw), str(out), *ASKED, "--encoding", "gb18030"]) == 0
    assert len(read_cohort(out).table) == 2


def test_an_unread_acuity_names_row_and_column_of_the_export(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", [ROWS[0], ROWS[1].replace("指数/眼前30cm", "眼前")])
    error = refused(recipe, raw, tmp_path, capsys, *ASKED)
    assert f"{raw}/eyes.csv" in error
    assert "row 3" in error
    assert "column J" in error


def test_a_table_of_another_layout_is_refused(recipe, tmp_path, capsys):
    raw = build(tmp_path / "raw", [])
    (raw / "eyes.csv").write_text("id,eye,before,after\n1,R,0.1,0.5\n", encoding="utf-8")
    assert "4 columns; the layout has 16" in refused(recipe, raw, tmp_path, capsys, *ASKED)


def test_the_same_export_gives_the_same_bytes(recipe, raw, cohort, tmp_path):
    assert recipe.main([str(raw), str(tmp_path / "again"), *ASKED]) == 0
    for name in ("manifest.csv", "cohort.yaml", "folds.csv", "flow.csv", "mapping.yaml"):
        assert (tmp_path / "again" / name).read_bytes() == (cohort / name).read_bytes()
