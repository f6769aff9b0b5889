"""Findings as files: for programs, for a spreadsheet, for a reader."""

import csv
import json
import re
import shutil

import pytest

from ctt_net import INTENDED_USE
from ctt_net.check import examine
from ctt_net.cli import main
from ctt_net.errors import InputError


@pytest.fixture
def faulty(tables):
    """Two faults: one of a row, one that a spreadsheet and a browser would run."""
    tables.table.loc[3, "preop_va"] = "=HYPERLINK(<script>alert(1)</script>)"
    tables.table.loc[8, "followup_days"] = "900"
    return tables


def test_json_and_terminal_tell_the_same(faulty, capsys):
    faulty.examine()
    assert main(["check", str(faulty.root), "--tables-only", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["intended_use"] == INTENDED_USE
    assert (told["errors"], told["warnings"]) == (1, 1)
    assert told["facts"]["eyes"] == "300"
    first = told["findings"][0]
    assert (first["check"], first["severity"], first["rows"]) == ("va-unreadable", "error", [5])
    assert first["title"] == "Visual acuity unreadable"
    assert first["column"] == "preop_va"
    assert first["why"]
    assert first["fix"]
    assert main(["check", str(faulty.root), "--tables-only"]) == 2
    said = capsys.readouterr().out
    for finding in told["findings"]:
        assert f"[{finding['check']}]" in said
    assert "error: Visual acuity unreadable (row 5, column preop_va)" in said
    assert "fix: " in said
    assert told["verdict"] in said


def test_the_output_folder_holds_a_table_a_page_and_json(faulty, tmp_path):
    out = tmp_path / "out"
    findings = faulty.examine(out=out)
    assert json.loads((out / "findings.json").read_text())["errors"] == 1
    with (out / "findings.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == sum(max(1, len(finding.rows)) for finding in findings.findings)
    assert [line["row"] for line in lines[:2]] == ["5", "10"]
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.values()
    )


def test_the_page_loads_nothing_and_runs_nothing(faulty, tmp_path):
    faulty.examine(out=tmp_path / "out")
    page = (tmp_path / "out" / "check.html").read_text(encoding="utf-8")
    assert INTENDED_USE in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert page.index("va-unreadable") < page.index("followup-unusual")


def test_the_page_shows_flagged_scans_and_a_contact_sheet(scans, kept):
    scans.table.loc[[3, 4], "laterality"] = scans.table.loc[[4, 3], "laterality"].to_list()
    scans.examine(open_scans=True, out=kept)
    page = (kept / "check.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/jpeg;base64,') > 120  # the sheet, and the flagged again
    assert 'class="flagged"' in page
    assert "120 of 120 scans" in page


def test_nothing_is_written_without_an_output_folder(scans, tmp_path):
    scans.examine()
    before = snapshot(tmp_path)
    examine(scans.root, open_scans=False)
    assert snapshot(tmp_path) == before


def test_the_cohort_folder_is_never_written_to(scans, kept, tmp_path):
    scans.examine()
    before = snapshot(scans.root)
    examine(scans.root, out=kept)
    assert snapshot(scans.root) == before
    with pytest.raises(InputError, match="inside the cohort folder"):
        examine(scans.root, out=scans.root / "check")
    assert snapshot(scans.root) == before


def test_an_output_folder_that_cannot_be_is_refused_before_reading(tables, tmp_path):
    (tmp_path / "file").write_text("x")
    tables.examine()
    with pytest.raises(InputError, match="is a file"):
        examine(tables.root, out=tmp_path / "file" / "out")


def snapshot(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_the_page_shows_how_rows_became_eyes(small_cohort, tmp_path):
    cohort = shutil.copytree(small_cohort, tmp_path / "cohort")
    (cohort / "flow.csv").write_text("step,count,unit\nleft out: <b>rupture</b>,3,rows\n")
    examine(cohort, open_scans=False, out=tmp_path / "out")
    page = (tmp_path / "out/check.html").read_text(encoding="utf-8")
    assert "left out: &lt;b&gt;rupture" in page
    (cohort / "flow.csv").write_bytes(b"\x00")  # a page without it is better than none
    examine(cohort, open_scans=False, out=tmp_path / "out")
    assert "rupture" not in (tmp_path / "out/check.html").read_text(encoding="utf-8")
