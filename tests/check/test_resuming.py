"""An interrupted run resumes where it stopped, with the same findings in the end."""

import os
import shutil

import pytest

from ctt_net.biomarkers.macular import read_macular_bscan
from ctt_net.check import examine
from ctt_net.check.scans import cache, record


@pytest.fixture
def read_files(monkeypatch):
    """Names of the files that are opened as scans."""
    names = []

    def counting(path):
        names.append(path.name)
        return read_macular_bscan(path)

    monkeypatch.setattr(record, "read_macular_bscan", counting)
    return names


def test_a_second_run_reads_nothing_and_finds_the_same(scans, kept, examined, read_files):
    again = examine(scans.root, out=kept)
    assert read_files == []
    assert again.findings == examined[1].findings
    assert again.facts == examined[1].facts


def test_only_what_is_new_or_changed_is_read(scans, kept, read_files):
    changed, touched = scans.scan(3, "vertical"), scans.scan(4, "vertical")
    shutil.copyfile(scans.scan(9, "vertical"), changed)
    os.utime(touched, ns=(1, 1))
    examine(scans.root, out=kept)
    assert sorted(read_files) == sorted([changed.name, touched.name])


def test_half_a_line_is_read_again(scans, kept, examined, read_files):
    kept_lines = (kept / "scans.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (kept / "scans.jsonl").write_text("".join(kept_lines[:100]) + kept_lines[100][:50])
    found = examine(scans.root, out=kept)
    assert len(read_files) == 20
    assert found.findings == examined[1].findings
    read_files.clear()
    examine(scans.root, out=kept)
    assert read_files == []


def test_an_interruption_keeps_what_was_read(scans, tmp_path, monkeypatch, read_files):
    def interrupted(path):
        if len(read_files) == 13:
            raise KeyboardInterrupt
        read_files.append(path.name)
        return read_macular_bscan(path)

    monkeypatch.setattr(record, "read_macular_bscan", interrupted)
    monkeypatch.setattr(cache, "_CHUNK", 4)
    out = tmp_path / "fresh"
    with pytest.raises(KeyboardInterrupt):
        examine(scans.root, out=out)
    assert not (out / "check.html").exists()
    assert len((out / "scans.jsonl").read_text(encoding="utf-8").splitlines()) >= 8


def test_records_of_another_reader_are_not_believed(scans, kept, read_files):
    lines = (kept / "scans.jsonl").read_text(encoding="utf-8").splitlines()
    old = [line.replace('{"reader": "', '{"reader": "another') for line in lines[:2]]
    (kept / "scans.jsonl").write_text("\n".join([*old, *lines[2:]]) + "\n", encoding="utf-8")
    examine(scans.root, out=kept)
    assert len(read_files) == 2


def test_a_scan_outside_the_cohort_folder_is_never_opened(scans, kept, read_files):
    scans.scan(3, "vertical").rename(scans.root.parent / "outside.png")
    scans.table.loc[3, "vertical"] = "../outside.png"
    findings = scans.examine(open_scans=True, out=kept)
    assert [f.code for f in findings.findings if f.severity == "error"] == ["scan-path"]
    assert read_files == []
    assert dict(findings.facts)["scans read"] == "119, 0 unreadable"
