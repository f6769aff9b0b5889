"""A manifest is opened in spreadsheets: none of its cells runs there, and no id hides anything."""

import csv

import pytest

from ctt_net.cohort import CohortError, inspect_cohort, read_cohort, write_cohort

FORMULAS = [
    "=1+1",
    "+A1",
    "-A1",
    "@SUM(A1)",
    "＝1+1",
    "＋A1",
    "－A1",
    "＠A1",
    "-1+1",
    '=cmd|"x"!A1',
]
BAD_IDS = [
    *FORMULAS,
    *("a\x07b", "a\nb", "a\tb", "a\x85b", "a\u2028b", "a\u202eb", "a\u2066b", "a\u2069b"),
    *("a\u200bb", "a\ufeffb", "x" * 201),
]


@pytest.mark.parametrize("column", ["eye_id", "patient_id"])
@pytest.mark.parametrize("text", BAD_IDS, ids=[ascii(text)[:20] for text in BAD_IDS])
def test_an_id_that_runs_or_hides_something_is_refused(make_cohort, eye, column, text):
    found = inspect_cohort(make_cohort([eye(0), eye(2, **{column: text})]))[1]
    (problem,) = (p for p in found if p.severity == "error")
    assert (problem.row, problem.column) == (3, column)
    assert len(problem.message) < 300
    assert problem.message.isprintable()


@pytest.mark.parametrize("text", ["-17", "+3.5", "1e5", "p 7", "眼_7", "Zoë-3", "a=b", "x" * 200])
def test_an_ordinary_id_is_read_as_it_stands(make_cohort, eye, text):
    assert read_cohort(make_cohort([eye(0, eye_id=text)])).table["eye_id"].tolist() == [text]


def test_an_apostrophe_does_not_smuggle_a_formula_into_an_id(make_cohort, eye):
    with pytest.raises(CohortError, match="as a formula"):
        read_cohort(make_cohort([eye(0, eye_id="'=1+1")]))


@pytest.mark.parametrize(
    "text", [*FORMULAS, "\t=1", "\n=1", " =1", "'=1", "''=1", "-0.5", "-", "'"]
)
def test_free_text_is_written_so_that_nothing_runs_and_reads_back(make_cohort, eye, text):
    root = make_cohort([eye(0), eye(1)])
    rows = [eye(n, site=text, device=text, note=text) for n in range(2)]
    for row in rows:
        row[text.strip() + " column"] = "x"
    cohort = write_cohort(root, read_cohort(root).spec, rows)
    for column in ("site", "device", "note"):
        assert read_cohort(root).table[column].tolist() == [text, text]
        assert cohort.table[column].tolist() == [text, text]
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    for cell in cells:
        assert not cell.lstrip().startswith(("=", "@", "＝", "＋", "－", "＠")), cell
        assert not cell.startswith(("\t", "\r", "\n")), cell
        if cell.startswith(("+", "-")) and cell != "-":
            float(cell)


def test_a_level_that_looks_like_a_formula_stays_a_level(make_cohort, eye, spec_text):
    spec = spec_text.replace("[male, female]", '["=m", "+f"]')
    root = make_cohort([eye(0, sex="=m"), eye(1, sex="+f")], spec)
    cohort = read_cohort(root)
    written = write_cohort(root, cohort.spec, cohort.table)
    assert written.table["sex"].tolist() == ["=m", "+f"]
    assert "'=m" in (root / "manifest.csv").read_text()
