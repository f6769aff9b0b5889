"""`ctt-net prepare` as a newcomer meets it, mistakes first."""

import pytest

from ctt_net.cli import main
from tests.prepare.conftest import EYES, Raw


@pytest.fixture
def raw(tmp_path):
    """A table, a mapping and four scans."""
    made = Raw(tmp_path)
    made.export("00017_R_h.png", "00017_L_h.png", "00018_R_h.png", "00099_R_h.png")
    made.scans("{patient_id}_{laterality}_{view}.png", laterality={"OD": ["R"], "OS": ["L"]})
    made.mapping()
    return made


def arguments(raw):
    return ["prepare", str(raw.folder / "mapping.yaml"), str(raw.out)]


def test_a_cohort_and_its_flow(raw, capsys):
    assert main(arguments(raw)) == 0
    said = capsys.readouterr().out
    for words in ("in the table", "in the cohort", "3 ", "2 patients", f"ctt-net check {raw.out}"):
        assert words in said
    assert "1 scan files belong to no eye of the cohort (00099_R_h.png)" in said
    assert main(["check", str(raw.out), "--tables-only"]) == 0


def test_warnings_are_told(raw, capsys):
    (raw.folder / "exports/00017_L_h.png").write_text("hello")
    raw.sections["scans"]["unreadable"] = "leave_out"
    raw.mapping()
    assert main(arguments(raw)) == 0
    assert "warning: missing view: row 3, column horizontal" in capsys.readouterr().out


def test_mistakes_in_paths(raw, fails):
    assert "no such file" in fails("prepare", raw.folder / "none.yaml", raw.out)
    assert "is a table, not a mapping" in fails("prepare", raw.folder / "eyes.csv", raw.out)
    assert "Is a directory" in fails("prepare", raw.folder, raw.out)
    assert "which is read" in fails("prepare", raw.folder / "mapping.yaml", raw.folder)
    said = fails(*arguments(raw), "--raw", raw.folder / "elsewhere")
    assert "no such file; correct table.file" in said
    assert not raw.out.exists()


def test_an_existing_cohort_is_exchanged_only_on_request(raw, fails):
    assert main(arguments(raw)) == 0
    assert "--replace" in fails(*arguments(raw))
    assert main([*arguments(raw), "--replace", "--tables-only"]) == 0
    assert not (raw.out / "scans").exists()


def test_no_folder_to_make(raw, fails):
    assert "name the cohort folder to make" in fails("prepare", raw.folder / "mapping.yaml")


def test_a_wrong_unit(raw, fails):
    raw.table([{**EYES[0], "Before": "70", "After": "80"}])
    said = fails(*arguments(raw))
    assert "eyes.csv: 2 problems" in said
    assert "row 2, column Before" in said
    assert "etdrs" in said


def test_a_broken_scan(raw, fails):
    (raw.folder / "exports/00017_L_h.png").write_text("hello")
    said = fails(*arguments(raw))
    assert "row 3, column horizontal: 00017_L_h.png" in said
    assert "unreadable: leave_out" in said
    assert not raw.out.exists()


def test_a_folder_that_is_missing(raw, fails):
    raw.sections["scans"]["folder"] = "export"
    raw.mapping()
    assert "no such folder; correct scans.folder" in fails(*arguments(raw))


def test_patients_are_held_out_by_a_share(raw, capsys):
    rows = [{**EYES[0], "MRN": f"{n}"} for n in range(20)]
    raw.table([*EYES, *rows])
    assert main([*arguments(raw), "--hold-out", "30%", "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert f"held out: {raw.folder / 'out_held_out'}, to evaluate on" in said
    assert "patients held out" in said
    assert main(["check", str(raw.folder / "out_held_out"), "--tables-only"]) == 0


@pytest.mark.parametrize("share", ["0", "100%", "20", "a fifth", "nan"])
def test_a_share_lies_between_none_and_all(raw, capsys, share):
    with pytest.raises(SystemExit) as caught:
        main([*arguments(raw), "--hold-out", share])
    assert caught.value.code == 2
    assert "must be a share such as 20% or 0.2" in capsys.readouterr().err


def test_a_seed_alone_draws_nothing(raw, fails):
    assert "say --hold-out too" in fails(*arguments(raw), "--seed", "3")
