"""Writing a cohort folder, and reading it back."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ctt_net.cohort import (
    AcuityColumns,
    CohortError,
    CohortSpec,
    Covariate,
    View,
    read_cohort,
    write_cohort,
)
from ctt_net.errors import InputError

SPEC = CohortSpec(
    name="written",
    source="made for a test",
    licence="none",
    citation="none",
    acuity=AcuityColumns(preop_va="snellen", postop_va="etdrs"),
    views={"h": View(), "v": View(direction="vertical", angle_deg=90.0)},
    covariates={
        "age_years": Covariate(kind="numeric", unit="years"),
        "diabetes": Covariate(kind="binary"),
    },
)


def rows_of(root, count=12):
    rows = []
    for n in range(count):
        (root / f"{n}.png").write_bytes(b"scan")
        rows.append(
            {
                "eye_id": f"e{n}",
                "patient_id": 1000000000 + n,
                "laterality": "OD",
                "preop_va": "20/200",
                "postop_va": 60 + n,
                "h": f"{n}.png",
                "v": "",
                "age_years": 71.123456789 if n else None,
                "diabetes": bool(n % 2),
            }
        )
    return rows


def files_of(root):
    return {path.name for path in root.iterdir() if path.suffix != ".png"}


def test_a_cohort_reads_back_as_written(tmp_path):
    cohort = write_cohort(tmp_path, SPEC, rows_of(tmp_path))
    assert files_of(tmp_path) == {"cohort.yaml", "manifest.csv", "folds.csv"}
    assert cohort.spec == SPEC
    row = cohort.table.iloc[1]
    assert row["preop_va"] == "20/200"
    assert row["preop_logmar"] == pytest.approx(1.0)
    assert row["postop_logmar"] == pytest.approx(1.7 - 0.02 * 61)
    assert row["patient_id"] == "1000000001"
    assert row["age_years"] == 71.123456789
    assert row["diabetes"] == 1.0
    assert pd.isna(cohort.table["age_years"].iloc[0])


def test_ids_beside_a_gap_are_not_rounded(tmp_path):
    frame = pd.DataFrame(rows_of(tmp_path))
    frame["patient_id"] = frame["patient_id"].astype(float)
    table = write_cohort(tmp_path, SPEC, frame).table
    assert table["patient_id"].iloc[3] == "1000000003"


def test_the_same_rows_give_the_same_bytes(tmp_path):
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_cohort(tmp_path / name, SPEC, rows_of(tmp_path / name), seed=3)
        texts.append({f: (tmp_path / name / f).read_bytes() for f in files_of(tmp_path / name)})
    assert texts[0] == texts[1]


def test_what_was_written_can_be_written_again(tmp_path):
    cohort = write_cohort(tmp_path, SPEC, rows_of(tmp_path))
    before = (tmp_path / "manifest.csv").read_text()
    write_cohort(tmp_path, cohort.spec, cohort.table)
    assert (tmp_path / "manifest.csv").read_text() == before


def test_nothing_is_written_when_a_row_is_wrong(tmp_path):
    rows = rows_of(tmp_path)
    rows[4]["laterality"] = "left"
    with pytest.raises(CohortError, match="row 6, column laterality"):
        write_cohort(tmp_path, SPEC, rows)
    assert files_of(tmp_path) == set()


def test_nothing_is_written_when_a_declaration_is_wrong(tmp_path):
    wrong = SPEC.model_copy(update={"acuity": SPEC.acuity.model_copy(update={"preop_va": "feet"})})
    with pytest.raises(InputError, match=r"acuity\.preop_va must be one of"):
        write_cohort(tmp_path, wrong, rows_of(tmp_path))
    assert files_of(tmp_path) == set()


def test_no_rows_make_no_cohort(tmp_path):
    with pytest.raises(InputError):
        write_cohort(tmp_path, SPEC, [])
    with pytest.raises(InputError, match="no rows"):
        write_cohort(tmp_path, SPEC, pd.DataFrame(rows_of(tmp_path)).head(0))
    assert files_of(tmp_path) == set()


def test_a_held_out_cohort_needs_no_folds_and_keeps_no_stale_ones(tmp_path):
    rows = rows_of(tmp_path)
    write_cohort(tmp_path, SPEC, rows)
    held_out = write_cohort(tmp_path, SPEC, [{**row, "split": "test"} for row in rows])
    assert files_of(tmp_path) == {"cohort.yaml", "manifest.csv"}
    with pytest.raises(InputError, match="not trained on"):
        held_out.folds()


def test_fewer_patients_than_folds_get_fewer_folds(tmp_path):
    assert set(write_cohort(tmp_path, SPEC, rows_of(tmp_path, 3)).folds()) == {1, 2, 3}


def test_folds_are_read_from_the_folder_not_dealt_again(tmp_path):
    cohort = write_cohort(tmp_path, SPEC, rows_of(tmp_path), n_folds=3, seed=9)
    assert cohort.folds(n_folds=5, seed=0).nunique() == 3


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example(note="\r0")
@example(note='a"b,\r\n"')
@given(note=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_any_text_in_an_undeclared_column_survives(tmp_path_factory, note):
    root = tmp_path_factory.mktemp("any")
    rows = [{**row, "note": note} for row in rows_of(root, 2)]
    read = write_cohort(root, SPEC, rows).table["note"].tolist()
    assert read == [note.replace("\r\n", "\n").replace("\r", "\n")] * 2


def test_the_true_potential_of_simulated_eyes_is_read(tmp_path):
    cohort = write_cohort(tmp_path, SPEC, rows_of(tmp_path, 2))
    assert cohort.potential() is None
    (tmp_path / "truth.csv").write_text("eye_id,potential_logmar\ne0,0.1\ne1,0.25\n")
    assert cohort.potential().to_dict() == {"e0": 0.1, "e1": 0.25}
    (tmp_path / "truth.csv").write_text("eye_id,other\ne0,0.1\n")
    with pytest.raises(InputError, match=r"truth\.csv"):
        cohort.potential()


def test_reading_leaves_the_folder_as_it_is(tmp_path):
    write_cohort(tmp_path, SPEC, rows_of(tmp_path))
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
    read_cohort(tmp_path)
    assert before == {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
