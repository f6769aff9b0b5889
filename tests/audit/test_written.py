"""What the audit leaves behind, and its command."""

import json

import numpy as np
import pytest

from ctt_net import INTENDED_USE
from ctt_net.audit.report import page, write_audit
from ctt_net.cli import main
from ctt_net.model_folder.predictor import Predictor
from tests.audit.stand_in import Cohort, make_model, predictor, reads_the_lesion

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def few():
    return Cohort(n_patients=20, seed=3)


def test_both_files_say_the_same(few, ask, tmp_path):
    few.scans[4] = few.scans[1].copy()
    done = ask(few)
    write_audit(done, tmp_path / "out")
    told = json.loads((tmp_path / "out/audit.json").read_text(encoding="utf-8"))
    assert told["n_findings"] == 1
    assert told["verdict"] == done.verdict()
    assert told["intended_use"] == INTENDED_USE
    copies = next(p for p in told["results"] if p["code"] == "copies-across-patients")
    assert copies["finding"] is True
    assert [row["row"] for row in copies["rows"]] == [3, 6]
    html = (tmp_path / "out/audit.html").read_text(encoding="utf-8")
    for word in (
        INTENDED_USE,
        "Duplicate scans across patients",
        few.eyes["eye_id"][4],
        "not tested",
    ):
        assert word in html
    assert "http" not in html.replace("http-equiv", "")
    # A finding that names rows may be cut where the paper ends; the others stay whole.
    assert html.count('class="result found rows"') == 1
    assert f"stand_in: {len(few.eyes)} eyes of {few.eyes['patient_id'].nunique()} patients" in html


def test_what_a_cohort_says_is_text_in_the_page(few, ask):
    few.eyes.loc[[1, 4], "eye_id"] = [f"a{SCRIPT}", f"b{SCRIPT}"]
    few.scans[4] = few.scans[1].copy()
    done = ask(few)
    assert SCRIPT not in page(done)
    assert "&lt;script&gt;" in page(done)


def test_few_patients_are_asked_for_facts_only(few, ask):
    done = ask(few)
    last = done.results[-1]
    assert last.finding is None
    assert "fewer than 30 patients" in last.result
    assert "1 could not be done" in done.verdict()


def test_a_run_on_its_own_cohort_is_judged_out_of_fold(few, ask, tmp_path):
    patients = sorted(set(few.eyes["patient_id"]))
    folds = patients[::2], patients[1::2]
    members = [
        make_model(tmp_path / f"fold_{k}", lambda scan, k=k: 1.0 * k, known_patients=folds[1 - k])
        for k in (0, 1)
    ]
    done = ask(few, *members)
    assert done.findings == []
    assert "out of fold" in done.facts["predicted"]


def test_a_patient_that_every_fold_saw_is_no_longer_out_of_fold(few, ask, tmp_path):
    patients = sorted(set(few.eyes["patient_id"]))
    folds = patients[::2], [patients[0], *patients[1::2]]
    members = [
        make_model(tmp_path / f"fold_{k}", reads_the_lesion, known_patients=folds[1 - k])
        for k in (0, 1)
    ]
    done = ask(few, *members)
    assert [result.code for result in done.findings] == ["training-patients"]
    rows = np.flatnonzero(few.eyes["patient_id"] == patients[0]) + 2
    assert [row.row for row in done.findings[0].rows] == rows.tolist()


def test_the_cohort_of_a_single_training_is_called_so(few, ask, tmp_path):
    patients = sorted(set(few.eyes["patient_id"]))
    member = make_model(tmp_path / "model", reads_the_lesion, known_patients=patients[4:])
    done = ask(few, member)
    assert done.facts["model"] == "stand_in (1 member)"
    (found,) = done.findings
    assert found.result.startswith(f"{len(patients) - 4} of {len(patients)} patients are.")
    assert "This is the training cohort, or contains it" in found.result


@pytest.fixture
def command(few, tmp_path, monkeypatch):
    few.scans[4] = few.scans[1].copy()
    cohort = few.write(tmp_path / "cohort")
    ready = predictor(make_model(tmp_path / "model", reads_the_lesion))
    monkeypatch.setattr(Predictor, "load", lambda path: ready)
    return ["audit", str(tmp_path / "model"), str(cohort), "--out"]


def test_the_command_names_rows_and_ends_as_asked(command, tmp_path, capsys):
    assert main([*command, str(tmp_path / "out")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "finding: Duplicate scans across patients [copies-across-patients]" in said
    assert "row 3," in said
    assert str(tmp_path / "out/audit.html") in said
    assert main([*command, str(tmp_path / "out"), "--fail-on-findings"]) == 3


def test_places_that_are_inputs_are_refused_before_any_work(command, tmp_path, capsys):
    assert main([*command, str(tmp_path / "cohort/out")]) == 2
    assert "inside the cohort" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "model")]) == 2
    assert "model folder" in capsys.readouterr().err


def test_eyes_without_an_outcome_are_left_out_of_what_is_measured(few, ask):
    few.eyes["postop_va"] = few.eyes["postop_va"].where(np.arange(len(few.eyes)) > 2)
    done = ask(few)
    n = len(few.eyes)
    assert done.facts["eyes"].startswith(f"{n} of")
    assert done.facts["eyes with known outcome that were measured"].startswith(f"{n - 3} of")
