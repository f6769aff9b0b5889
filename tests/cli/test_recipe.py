"""What every recipe shares: its options, and a table changed on its way into the cohort."""

import pytest

from ctt_net.cli.recipe import recipe_parser, run_recipe
from ctt_net.cohort import read_cohort
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.tables.read_table import read_table

MAPPING = {
    "cohort": {"name": "made", "source": "made", "licence": "none", "citation": "none"},
    "table": {"file": "eyes.csv", "separator": ";"},
    "columns": {
        "patient_id": "who",
        "laterality": {"column": "eye", "OD": ["R"], "OS": ["L"]},
        "preop_va": {"column": "before", "notation": "decimal"},
        "postop_va": {"column": "after", "notation": "decimal"},
    },
    "views": {"horizontal": {"direction": "horizontal"}},
}
# A blank line stands between the header and the second eye, as in a person's spreadsheet.
TABLE = "who;eye;before;after\n1;R;0.1;0.5\n;;;\n2;L;0.2;0.8\n"


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "eyes.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path / "raw"


def run(raw, out, *options, mapping=MAPPING, change=None):
    def complete(given):
        _, table = read_table(TableSource(file="eyes.csv", separator=";"), given.raw)
        return mapping, None if change is None else change(table)

    return run_recipe(recipe_parser("made").parse_args([str(raw), str(out), *options]), complete)


def test_a_mapping_reads_the_raw_folder(raw, tmp_path):
    assert run(raw, tmp_path / "out") == 0
    assert read_cohort(tmp_path / "out").table["eye_id"].tolist() == ["1_OD", "2_OS"]


def test_a_changed_table_takes_the_place_of_the_file(raw, tmp_path):
    done = run(raw, tmp_path / "out", change=lambda table: table.assign(after=["0.6", "1.0"]))
    assert done == 0
    assert read_cohort(tmp_path / "out").table["postop_va"].tolist() == ["0.6", "1.0"]
    assert (raw / "eyes.csv").read_text(encoding="utf-8") == TABLE


def test_an_error_names_file_and_row_of_the_raw_folder(raw, tmp_path, capsys):
    assert run(raw, tmp_path / "out", change=lambda table: table.assign(after=["0.6", "73"])) == 2
    error = capsys.readouterr().err
    assert f"{raw}/eyes.csv" in error
    assert "row 4" in error
    assert "recipe-" not in error
    assert not (tmp_path / "out").exists()


def test_the_cohort_holds_no_path_of_this_machine(raw, tmp_path):
    run(raw, tmp_path / "out", change=lambda table: table)
    for file in (tmp_path / "out").rglob("*.*"):
        assert str(tmp_path) not in file.read_text(encoding="utf-8")
        assert "recipe-" not in file.read_text(encoding="utf-8")


def test_a_cohort_is_only_replaced_if_asked(raw, tmp_path, capsys):
    assert run(raw, tmp_path / "out") == 0
    assert run(raw, tmp_path / "out") == 2
    assert "--replace" in capsys.readouterr().err
    assert run(raw, tmp_path / "out", "--replace") == 0
