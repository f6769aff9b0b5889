"""`ctt-net check` as a newcomer meets it."""

import json
import shutil

import pandas as pd
import pytest
import yaml

from ctt_net.cli import main


@pytest.fixture
def few(other_cohort, tmp_path):
    """A copy of a cohort of twenty eyes, where all scans are read."""
    return shutil.copytree(other_cohort, tmp_path / "few")


@pytest.mark.slow
def test_a_good_cohort_is_counted(small_cohort, capsys):
    assert main(["check", str(small_cohort)]) == 0
    said = capsys.readouterr().out
    assert "60" in said
    assert "120, 0 unreadable" in said
    assert "0 errors" in said


def test_a_wrong_unit_stops(cohort, capsys):
    path = cohort / "cohort.yaml"
    facts = yaml.safe_load(path.read_text())
    facts["acuity"] |= {"preop_va": "logmar", "postop_va": "logmar"}
    path.write_text(yaml.safe_dump(facts))
    manifest = pd.read_csv(cohort / "manifest.csv", dtype=str, keep_default_na=False)
    manifest = manifest.drop(columns=[c for c in manifest if c.endswith(("logmar", "chart"))])
    manifest.to_csv(cohort / "manifest.csv", index=False)
    assert main(["check", str(cohort), "--tables-only"]) == 2
    assert "may be inverted" in " ".join(capsys.readouterr().out.split())


def test_two_rows_for_one_eye_name_both_rows(cohort, capsys):
    path = cohort / "manifest.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    assert main(["check", str(cohort), "--tables-only"]) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "two rows for one eye" in said
    assert "row 62" in said


def test_a_text_file_named_png_is_found(few, capsys):
    (few / pd.read_csv(few / "manifest.csv")["vertical"][3]).write_text("hello")
    assert main(["check", str(few)]) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "row 5, column vertical" in said
    assert "1 error," in said


def test_blank_lines_do_not_shift_the_row_of_a_broken_scan(few, capsys):
    path = few / "manifest.csv"
    (few / pd.read_csv(path)["vertical"][3]).write_text("hello")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1], "", "", *lines[2:]]) + "\n")
    assert main(["check", str(few)]) == 2
    assert "row 7, column vertical" in " ".join(capsys.readouterr().out.split())


def test_a_missing_scan_is_named(few, capsys, edit):
    edit(few, "horizontal", 0, "images/absent.png")
    assert main(["check", str(few)]) == 2
    assert "images/absent.png" in " ".join(capsys.readouterr().out.split())


def test_a_folder_that_is_no_cohort(tmp_path, fails):
    assert "cohort.yaml" in fails("check", tmp_path)
    assert "no such folder" in fails("check", tmp_path / "absent")


def test_an_output_folder_gets_table_page_and_json(cohort, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["check", str(cohort), "--tables-only", "--out", str(out)]) == 0
    assert {"findings.json", "findings.csv", "check.html"} <= {path.name for path in out.iterdir()}
    assert "0 errors" in capsys.readouterr().out


def test_json_on_stdout_is_json_and_nothing_else(cohort, edit, capsys):
    edit(cohort, "laterality", 3, "left")
    assert main(["check", str(cohort), "--tables-only", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["findings"][0]["check"] == "laterality-unreadable"
    assert told["findings"][0]["rows"] == [5]


def test_a_place_inside_the_cohort_is_refused(cohort, fails):
    assert "outside it" in fails("check", cohort, "--out", cohort / "out")
    assert not (cohort / "out").exists()
