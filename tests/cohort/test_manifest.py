"""What a row may hold, and that every fault names its row, column, value and fix."""

import numpy as np
import pytest

from ctt_net.cohort import CohortError, inspect_cohort, read_cohort
from ctt_net.errors import InputError


def problems_of(root, severity="error"):
    return [p for p in inspect_cohort(root)[1] if p.severity == severity]


def test_a_right_cohort_is_typed(make_cohort, eye):
    rows = [eye(0, age_years="-9.0", diabetes="", sex="", v="NA"), eye(1, postop_va="")]
    table = read_cohort(make_cohort(rows)).table
    assert table["preop_logmar"].iloc[0] == pytest.approx(1.0)
    assert np.isnan(table["postop_logmar"].iloc[1])
    assert table.loc[0, ["age_years", "diabetes", "sex"]].isna().all()
    assert table.loc[1, "sex"] == "female"
    assert table["v"].tolist() == ["", "scans/1_v.png"]
    assert table.index.tolist() == [0, 1]


FAULTS = [
    ("eye_id", "", "an id of its own"),
    ("eye_id", "-", "'-' is no id"),
    ("patient_id", " ", "give the patient's id"),
    ("laterality", "left", "must be OD (right) or OS (left), got 'left'"),
    ("preop_va", "6-Sep", "'6-Sep'"),
    ("preop_va", "-0.1", "'-0.1'"),
    ("postop_va", "0", "'0'"),
    ("age_years", "63,5", "'63,5' is no number; write it like 63.5"),
    ("age_years", "inf", "'inf'"),
    ("diabetes", "2", "2.0 is not 0 (no) or 1 (yes)"),
    ("diabetes", "Yes", "'Yes' is not 0 or 1; write it so"),
    ("sex", "Man ", "'Man' is none of the declared levels male, female"),
    ("split", "training", "must be train, val, test or empty, got 'training'"),
    ("followup_days", "-30", "-30 days after surgery"),
    ("followup_days", "soon", "'soon' is no number"),
    ("preop_logmar", "0.1", "0.1 does not agree with preop_va '0.3'"),
    ("preop_off_chart", "CF", "'CF' does not agree with preop_va '0.3'"),
    ("h", "/etc/passwd", "leaves the cohort folder"),
    ("h", "../cohort/scans/2_h.png", "leaves the cohort folder"),
    ("h", "scans/../scans/2_h.png", "leaves the cohort folder"),
    ("h", "C:\\scans\\2_h.png", "leaves the cohort folder"),
    ("h", "c:2_h.png", "leaves the cohort folder"),
    ("h", "\\\\server\\scans\\2_h.png", "leaves the cohort folder"),
    ("h", "scans\\2_h.png", "write '/'"),
    ("h", "scans/none.png", "no such file"),
    ("h", "scans", "no such file"),
    ("h", "x" * 5000, "cannot be read"),
    ("v", "scans/1_h.png", "stands in row 3, column h already"),
]


@pytest.mark.parametrize(
    ("column", "value", "words"), FAULTS, ids=[f"{c}={v[:12]}" for c, v, _ in FAULTS]
)
def test_a_fault_names_row_column_value_and_cure(make_cohort, eye, column, value, words):
    (problem,) = problems_of(make_cohort([eye(0), eye(1), eye(2, **{column: value}), eye(3)]))
    assert (problem.row, problem.column) == (4, column)
    assert words in problem.message


def test_all_faults_are_told_at_once(make_cohort, eye):
    rows = [eye(0, laterality="R"), eye(1, preop_va="6/9"), eye(2, sex="?m", age_years="old")]
    with pytest.raises(CohortError) as caught:
        read_cohort(make_cohort(rows))
    places = {(p.row, p.column) for p in caught.value.problems}
    assert places == {(2, "laterality"), (3, "preop_va"), (4, "sex"), (4, "age_years")}
    assert str(caught.value).splitlines()[0].endswith("manifest.csv: 4 problems")


def test_a_thousand_faults_are_counted_not_all_shown(make_cohort, eye):
    rows = [
        eye(n % 40, eye_id=f"e{n}", patient_id=f"p{n}", laterality="R", h="", v="")
        for n in range(1000)
    ]
    with pytest.raises(CohortError) as caught:
        read_cohort(make_cohort(rows))
    assert len(caught.value.problems) == 1000
    assert len(str(caught.value).splitlines()) < 30
    assert "rows 2, 3, 4, 5, 6, 7, 8, 9 and 992 more, column laterality" in str(caught.value)


def test_many_faults_of_one_kind_share_a_line_and_hide_no_other(make_cohort, eye):
    rows = [eye(n, preop_va="x") for n in range(25)] + [eye(n, preop_va="y") for n in (25, 26)]
    root = make_cohort([*rows, eye(27, laterality="R"), eye(28, preop_va="0")])
    with pytest.raises(CohortError) as caught:
        read_cohort(root)
    said = str(caught.value).splitlines()[1:]
    assert len(said) == 3
    many, others = said[-2], [said[0], said[-1]]
    assert "column preop_va: 27 times ('x' ×25, 'y' ×2): cannot read 'x'" in many
    assert others[0].startswith("  row 29, column laterality: must be OD")
    assert others[1].startswith("  row 30, column preop_va: cannot read '0'")


def test_missing_columns_are_named_with_the_likely_spelling(make_cohort, as_csv, eye):
    text = as_csv([eye(0)]).replace("patient_id", "patientid").replace("sex", "gender")
    columns = {p.column: p.message for p in problems_of(make_cohort(text))}
    assert set(columns) == {"patient_id", "sex"}
    assert "'patientid'" in columns["patient_id"]


@pytest.mark.parametrize(
    "again", [{"eye_id": "e0", "patient_id": "p9"}, {"patient_id": "p0", "laterality": "OD"}]
)
def test_two_rows_for_one_eye_are_one_problem(make_cohort, eye, again):
    (problem,) = problems_of(make_cohort([eye(0), eye(2), eye(4, **again)]))
    assert problem.row == 2
    assert "stands again in row 4" in problem.message


def test_missing_patient_ids_are_not_taken_for_one_patient(make_cohort, eye):
    found = problems_of(make_cohort([eye(0, patient_id=""), eye(2, patient_id="")]))
    assert [(p.row, p.column) for p in found] == [(2, "patient_id"), (3, "patient_id")]
    assert not any("two rows" in p.message for p in found)


def test_links_out_of_the_folder_are_refused_and_inside_it_followed(make_cohort, eye, tmp_path):
    root = make_cohort([eye(0, h="out.png"), eye(1, h="gone/0.png"), eye(2, h="in.png")])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "0.png").write_bytes(b"scan")
    (root / "out.png").symlink_to(outside / "0.png")
    (root / "gone").symlink_to(outside)
    (root / "in.png").symlink_to(root / "scans" / "2_h.png")
    found = problems_of(root)
    assert [p.row for p in found] == [2, 3]
    assert all("links out of the cohort folder" in p.message for p in found)


def test_a_link_to_itself_is_no_file(make_cohort, eye):
    root = make_cohort([eye(0, h="loop.png"), eye(1, h="ring/1.png")])
    (root / "loop.png").symlink_to(root / "loop.png")
    (root / "ring").symlink_to(root / "ring")
    assert [p.row for p in problems_of(root)] == [2, 3]


def test_a_cohort_folder_reached_by_a_link_is_read(make_cohort, eye, tmp_path):
    (tmp_path / "alias").symlink_to(make_cohort([eye(0)]))
    assert read_cohort(tmp_path / "alias").scan_path({"h": "scans/0_h.png"}, "h").is_file()


def test_a_logmar_column_may_be_rounded_but_not_be_another_line(make_cohort, eye):
    rows = [
        eye(0, preop_va="0.5", preop_logmar="0.30"),
        eye(1, preop_va="0.5", preop_logmar="0.28"),
    ]
    (problem,) = problems_of(make_cohort(rows))
    assert problem.row == 3
    assert "0.301" in problem.message


def test_a_logmar_beside_an_empty_text_is_refused(make_cohort, eye):
    (problem,) = problems_of(make_cohort([eye(0, postop_va="", postop_logmar="0")]))
    assert "unknown" in problem.message


def test_an_unreadable_text_is_told_once_though_its_logmar_is_there(make_cohort, eye):
    (problem,) = problems_of(make_cohort([eye(0, preop_va="6-Sep", preop_logmar="0.18")]))
    assert problem.column == "preop_va"


def test_off_chart_words_follow_the_declared_policy(make_cohort, eye, spec_text):
    spec = spec_text.replace("postop_va: decimal}", "postop_va: decimal, off_chart_policy: lange}")
    table = read_cohort(make_cohort([eye(0, preop_va="CF 1m")], spec)).table
    assert table["preop_logmar"].tolist() == [1.98]
    assert table["preop_off_chart"].tolist() == ["CF"]


@pytest.mark.parametrize("splits", [("train", "test"), ("", "test"), ("val", "train"), ("", "val")])
def test_a_patient_on_two_sides_is_refused(make_cohort, eye, splits):
    (problem,) = problems_of(make_cohort([eye(0, split=splits[0]), eye(1, split=splits[1])]))
    assert (problem.row, problem.column) == (3, "split")
    assert "'p0'" in problem.message


def test_an_eye_without_any_view_is_a_warning(make_cohort, eye):
    root = make_cohort([eye(0, h="", v=""), eye(1)])
    (problem,) = problems_of(root, "warning")
    assert problem.row == 2
    assert read_cohort(root).warnings == (problem,)


def logmar_rows(eye, flip):
    """Twenty eyes that gain 0.2 logMAR, written in decimal (`flip`) or in logMAR."""
    rows = []
    for n in range(20):
        pre, post = 0.4 + 0.02 * n, 0.2 + 0.02 * n
        texts = [f"{10**-x:.4f}" if flip else f"{x:.2f}" for x in (pre, post)]
        rows.append(eye(n, preop_va=texts[0], postop_va=texts[1]))
    return rows


@pytest.mark.parametrize(("written", "declared"), [("logmar", "decimal"), ("decimal", "logmar")])
def test_an_inverted_unit_stops_with_the_cure_and_a_switch(
    make_cohort, eye, spec_text, written, declared
):
    rows = logmar_rows(eye, flip=written == "decimal")
    right, wrong = (
        spec_text.replace("decimal, postop_va: decimal", f"{unit}, postop_va: {unit}")
        for unit in (written, declared)
    )
    assert problems_of(make_cohort(rows, right)) == []
    (problem,) = problems_of(make_cohort(rows, wrong))
    assert "the unit may be inverted" in problem.message
    assert f"preop_va as {declared}" in problem.message
    assert "cohort.yaml" in problem.message
    off = wrong.replace("acuity: {", "acuity: {expect_improvement: false, ")
    assert problems_of(make_cohort(rows, off)) == []


def test_few_eyes_raise_no_alarm(make_cohort, eye):
    rows = [eye(n, preop_va="0.8", postop_va="0.5") for n in range(9)]
    assert problems_of(make_cohort(rows)) == []


@pytest.mark.parametrize("count", [1, 12])
def test_any_number_of_views_works(make_cohort, eye, spec_text, count):
    views = "".join(f"  r{k}: {{direction: oblique, angle_deg: {15 * k}}}\n" for k in range(count))
    head, tail = spec_text.split("  h:")[0], spec_text[spec_text.index("covariates:") :]
    rows = [eye(n, **{f"r{k}": "" for k in range(1, count)}, r0=f"scans/{n}_h.png") for n in (0, 1)]
    cohort = read_cohort(make_cohort(rows, head + views + tail))
    assert list(cohort.spec.views) == [f"r{k}" for k in range(count)]
    assert cohort.scan_path(cohort.table.iloc[0], "r0").is_file()


def test_a_misspelt_file_is_an_input_error_not_a_traceback(make_cohort, eye):
    with pytest.raises(InputError):
        read_cohort(make_cohort([eye(0, h="scans/0_h.png\u0000")]))
