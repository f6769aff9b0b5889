"""Many patients: the numbers of one alone, whatever stops the run, and no patient stops another."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

import ctt_net
from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.cohort.predictions import read_predictions
from ctt_net.data.scans import load_scans
from ctt_net.errors import InputError
from ctt_net.inference.evaluate import evaluate_table
from ctt_net.inference.many import Pages, predict_each, predict_many
from ctt_net.inference.many_rows import eye_lines
from ctt_net.inference.patient_list import ListedPatient, is_one_patient, list_patients
from ctt_net.inference.predict import predict_patient
from ctt_net.inference.shard import Shard
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import predict_eyes

COVARIATES = ("age_years", "sex", "axial_length_mm", "diabetes")
VIEWS = ("horizontal", "vertical")
FILES = ("predictions.jsonl", "predictions.csv", "failed.csv", "run.json")


@pytest.fixture(scope="module")
def predictor(small_run):
    return Predictor.load(small_run)


@pytest.fixture(scope="module")
def clinic(other_cohort, tmp_path_factory):
    """A folder of six patient folders, some with both eyes; read-only for tests."""
    folder = tmp_path_factory.mktemp("many") / "clinic"
    table = read_cohort(other_cohort).table
    for name in list(dict.fromkeys(table["patient_id"]))[:6]:
        one = folder / name
        one.mkdir(parents=True)
        rows = table[table["patient_id"] == name].to_dict("records")
        facts = {
            "notation": "decimal",
            "preop_va": {row["laterality"]: row["preop_va"] for row in rows},
            "covariates": {
                covariate: {row["laterality"]: row[covariate] for row in rows}
                for covariate in COVARIATES
            },
        }
        (one / "patient.yaml").write_text(yaml.safe_dump(facts))
        for row in rows:
            for view in VIEWS:
                shutil.copy(other_cohort / row[view], one / f"{row['laterality']}_{view}.png")
    return folder


@pytest.fixture(scope="module")
def whole(clinic, predictor, tmp_path_factory):
    """What a run that nothing stops writes."""
    out = tmp_path_factory.mktemp("whole") / "out"
    predict_many(clinic, predictor, out, workers=1)
    return out


def eyes_of(out):
    return [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]


def contents(out):
    return {name: (out / name).read_bytes() for name in FILES}


def test_each_row_is_the_prediction_of_that_patient_alone(clinic, whole, small_run, tmp_path):
    eyes = eyes_of(whole)
    assert len({eye["source"] for eye in eyes}) == 6
    for folder in sorted(clinic.iterdir())[:3]:
        out = tmp_path / folder.name
        assert main(["predict", str(folder), "--model", str(small_run), "--out", str(out)]) == 0
        alone = json.loads((out / "prediction.json").read_text())
        found = [eye for eye in eyes if eye["source"] == folder.name]
        assert len(found) == len(alone["eyes"])
        for line, eye in zip(found, alone["eyes"], strict=True):
            ours = ("source", "patient_id", "eye_id", "intended_use")
            assert {key: line[key] for key in line if key not in ours} == eye
            assert line["patient_id"] == alone["patient_id"]
            assert line["intended_use"] == ctt_net.INTENDED_USE


def test_the_table_says_what_the_lines_say(whole):
    table = pd.read_csv(whole / "predictions.csv", keep_default_na=False, dtype=str)
    read = read_predictions(whole / "predictions.csv")
    eyes = eyes_of(whole)
    assert list(table["eye_id"]) == [eye["eye_id"] for eye in eyes] == list(read["eye_id"])
    for row, eye in zip(table.to_dict("records"), eyes, strict=True):
        assert float(row["predicted_logmar"]) == eye["postop"]["logmar"]
        assert float(row["upper_logmar"]) == eye["interval"]["upper_logmar"]
        assert float(row["p_gains_0.20"]) == eye["p_recovery"]["gains_0.20"]
        assert row["flags"] == ";".join(eye["flags"])
        assert row["laterality"] == eye["laterality"]
        assert row["predicted_snellen"] == eye["postop"]["snellen_20ft"]
        assert row["postop_logmar"] == ""


def test_shards_together_are_the_whole(clinic, whole, small_run, tmp_path):
    out = tmp_path / "out"
    for number in (1, 2, 3):
        keys = ["--model", str(small_run), "--out", str(out), "--workers", "1"]
        assert main(["predict", str(clinic), *keys, "--shard", f"{number}/3"]) == 0
    parts = [eyes_of(out / f"shard_{number}_of_3") for number in (1, 2, 3)]
    together = sorted((eye for part in parts for eye in part), key=lambda eye: eye["eye_id"])
    assert together == sorted(eyes_of(whole), key=lambda eye: eye["eye_id"])
    assert sum(map(bool, parts)) > 1
    # Others that come do not move those who are there.
    names = [f"patient_{number}" for number in range(3000)]
    sizes = [sum(map(Shard(number, 3).has, names)) for number in (1, 2, 3)]
    assert sum(sizes) == 3000
    assert min(sizes) > 900


@pytest.mark.parametrize("shard", ["0/3", "4/3", "3", "a/b", "1/"])
def test_a_shard_that_is_none_is_refused(shard):
    with pytest.raises(InputError, match=f"--shard {shard}"):
        Shard.parse(shard)


@pytest.mark.parametrize("cut", [1, 40, "line", "patient", "all", "table"])
def test_a_run_that_was_stopped_goes_on_without_loss_or_repeat(
    clinic, whole, predictor, tmp_path, cut
):
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    run = json.loads((out / "run.json").read_text())
    del run["summary"]
    (out / "run.json").write_text(json.dumps(run))
    lines = (out / "predictions.jsonl").read_bytes()
    ends = [place + 1 for place, byte in enumerate(lines) if byte == ord("\n")]
    keep = {"line": ends[-2], "patient": ends[2], "all": 0, "table": len(lines)}.get(cut)
    (out / "predictions.jsonl").write_bytes(lines[: len(lines) - cut if keep is None else keep])
    if cut == "table":
        table = (out / "predictions.csv").read_bytes()
        (out / "predictions.csv").write_bytes(table[: len(table) // 2])
    predicted = []
    done = predict_many(
        clinic, predictor, out, workers=1, progress=lambda done, total: predicted.append(done)
    )
    assert contents(out) == contents(whole)
    assert done.kept + len(predicted) == done.patients == 6
    assert (done.kept == 0) == (cut == "all")
    # A run that is complete has nothing to do.
    assert predict_many(clinic, predictor, out, workers=1).kept == 6
    assert contents(out) == contents(whole)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal on this system")
def test_a_killed_run_goes_on_and_leaves_no_process(clinic, whole, small_run, predictor, tmp_path):
    out = tmp_path / "out"
    code = "import sys; from ctt_net.cli import main; main(sys.argv[1:])"
    arguments = ["predict", clinic, "--model", small_run, "--out", out, "--workers", "2"]
    begun = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)])
    children = Path(f"/proc/{begun.pid}/task/{begun.pid}/children")
    workers = []
    while begun.poll() is None:
        lines = out / "predictions.jsonl"
        if lines.exists() and lines.stat().st_size:
            workers = children.read_text().split() if children.exists() else []
            begun.kill()
            break
        time.sleep(0.005)
    begun.wait()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{one}").exists() for one in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert [one for one in workers if Path(f"/proc/{one}").exists()] == []
    predict_many(clinic, predictor, out, workers=1)
    assert contents(out) == contents(whole)


def test_one_bad_patient_stops_no_other(clinic, whole, small_run, tmp_path, capsys):
    ours = shutil.copytree(clinic, tmp_path / "clinic")
    names = sorted(one.name for one in ours.iterdir())
    broken, without, twin = names[0], names[2], names[4]
    next((ours / broken).glob("*.png")).write_text("no picture")
    (ours / without / "patient.yaml").unlink()
    facts = (ours / twin / "patient.yaml").read_text()
    (ours / twin / "patient.yaml").write_text(f"patient_id: {names[1]}\n{facts}")
    (ours / "zz_empty").mkdir()
    (ours / ".hidden").mkdir()
    out = tmp_path / "out"
    command = ["predict", str(ours), "--model", str(small_run), "--out", str(out)]
    assert main([*command, "--workers", "1"]) == 2
    printed = capsys.readouterr().out
    assert "4 patients not predicted" in printed
    assert "Research use only" in printed
    failed = pd.read_csv(out / "failed.csv", dtype=str)
    assert list(failed["patient"]) == [broken, without, twin, "zz_empty"]
    for message, words in zip(
        failed["message"],
        ("png: found", "acuity of", f"{names[1]!r} is that of", "no scan here"),
        strict=True,
    ):
        assert words in message
    kept = [eye for eye in eyes_of(whole) if eye["source"] in (names[1], names[3], names[5])]
    assert eyes_of(out) == kept
    # Mended, they are predicted by the next call; the others stay as they are.
    shutil.rmtree(ours / "zz_empty")
    for name in (broken, without, twin):
        shutil.copytree(clinic / name, ours / name, dirs_exist_ok=True)
    assert main([*command, "--workers", "1"]) == 0
    assert eyes_of(out)[: len(kept)] == kept
    by_source = sorted(eyes_of(out), key=lambda eye: eye["source"])
    assert by_source == sorted(eyes_of(whole), key=lambda eye: eye["source"])
    assert len(pd.read_csv(out / "failed.csv")) == 0


class EndsItsProcess:
    """Whatever process reads it, ends: as where a decoder crashes or the memory is full."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_patient_that_ends_its_process_is_named_and_the_others_go_on(clinic, predictor, whole):
    listed = list_patients(clinic, predictor).patients
    listed.insert(2, ListedPatient("crash", EndsItsProcess()))
    answers = list(predict_each(listed, predictor, workers=2))
    assert [one.patient.name for one in answers] == [one.name for one in listed]
    assert [one.patient.name for one in answers if one.error] == ["crash"]
    assert "process" in answers[2].error
    found = [one for one in answers if not one.error]
    lines = [eye for one in found for eye in eye_lines(one.patient, one.prediction)]
    assert json.loads(json.dumps(lines)) == eyes_of(whole)


def test_a_cohort_needs_no_outcome_and_gets_what_evaluate_predicts(
    other_cohort, predictor, tmp_path
):
    given = shutil.copytree(other_cohort, tmp_path / "cohort")
    table = pd.read_csv(given / "manifest.csv", dtype=str, keep_default_na=False)
    after = [name for name in table if name.startswith("postop")]
    table.drop(columns=after).to_csv(given / "manifest.csv", index=False)
    done = predict_many(given, predictor, tmp_path / "out", workers=1)
    assert done.eyes == len(table)
    cohort = read_cohort(other_cohort)
    scans = load_scans(cohort, predictor.spec.preprocessing)
    expected = predict_eyes(predictor, cohort.table, scans).set_index("eye_id")
    found = read_predictions(tmp_path / "out/predictions.csv").set_index("eye_id")
    assert set(found.index) == set(expected.index)
    for column in ("preop_logmar", "predicted_logmar", "lower_logmar", "p_recovery"):
        assert (found[column] - expected.loc[found.index, column]).abs().max() <= 5.1e-5
    assert (found["flags"] == expected.loc[found.index, "flags"]).all()
    # When the outcomes are known, the table is measured as it is.
    assert evaluate_table(tmp_path / "out/predictions.csv", other_cohort).metrics["n_eyes"]


def of_files(cohort, folder, n_patients=4):
    """A table of files, as a hospital would export it."""
    table = read_cohort(cohort).table
    names = list(dict.fromkeys(table["patient_id"]))[:n_patients]
    table = table[table["patient_id"].isin(names)]
    (folder / "scans").mkdir(parents=True)
    for view in VIEWS:
        for path in table[view]:
            shutil.copy(cohort / path, folder / "scans" / Path(path).name)
    rows = table[["patient_id", "laterality", "preop_va", *COVARIATES]].assign(
        notation="decimal",
        **{view: ["scans/" + Path(path).name for path in table[view]] for view in VIEWS},
    )
    return rows.reset_index(drop=True)


def test_a_table_of_files_gives_the_same(other_cohort, whole, predictor, tmp_path):
    rows = of_files(other_cohort, tmp_path / "files")
    rows.to_csv(tmp_path / "files/eyes.csv", index=False)
    predict_many(tmp_path / "files/eyes.csv", predictor, tmp_path / "out", workers=1)
    names = set(rows["patient_id"])
    expected = [eye for eye in eyes_of(whole) if eye["source"] in names]
    found = sorted(eyes_of(tmp_path / "out"), key=lambda eye: eye["eye_id"])
    assert len(found) == len(rows)
    for ours, theirs in zip(found, sorted(expected, key=lambda eye: eye["eye_id"]), strict=True):
        for eye in (ours, theirs):
            for view in eye["views"]:
                view["file"] = None
        assert ours == theirs
    # The same acuities in logMAR, in a column that needs no notation.
    logmar = rows.drop(columns=["notation", "preop_va"])
    acuity = {(eye["patient_id"], eye["laterality"]): eye["preop"]["logmar"] for eye in found}
    logmar["preop_logmar"] = [
        acuity[ids] for ids in zip(rows["patient_id"], rows["laterality"], strict=True)
    ]
    (tmp_path / "files/logmar.csv").write_text(logmar.to_csv(index=False))
    predict_many(tmp_path / "files/logmar.csv", predictor, tmp_path / "logmar", workers=1)
    for ours, theirs in zip(eyes_of(tmp_path / "logmar"), eyes_of(tmp_path / "out"), strict=True):
        assert abs(ours["postop"]["logmar"] - theirs["postop"]["logmar"]) < 2e-4


def test_a_bad_row_fails_its_patient_only(other_cohort, predictor, tmp_path):
    rows = of_files(other_cohort, tmp_path / "files")
    names = list(dict.fromkeys(rows["patient_id"]))
    first = [int((rows["patient_id"] == name).idxmax()) for name in names]
    rows["preop_va"] = rows["preop_va"].astype(object)
    rows.loc[first[0], "preop_va"] = ""
    rows.loc[first[1], "horizontal"] = "../secret.png"
    rows.loc[first[2], "age_years"] = 400
    rows.to_csv(tmp_path / "files/eyes.csv", index=False)
    done = predict_many(tmp_path / "files/eyes.csv", predictor, tmp_path / "out", workers=1)
    assert (done.patients, done.failed) == (1, 3)
    failed = pd.read_csv(tmp_path / "out/failed.csv", dtype=str).set_index("patient")["message"]
    assert f"row {first[0] + 2}, column preop_va" in failed[names[0]]
    assert "unknown if nobody measured it" in failed[names[0]]
    assert f"row {first[1] + 2}, column horizontal" in failed[names[1]]
    assert "leaves" in failed[names[1]]
    assert "400 is no possible age" in failed[names[2]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.rename(columns={"age_years": "age_year"}), "is it 'age_years'"),
        (lambda t: t.assign(postop_va="0.5"), "'postop_va' is not known"),
        (lambda t: t.assign(preop_logmar="0.3"), "in one column"),
        (lambda t: t.drop(columns="preop_va"), "in one column"),
        (lambda t: t.drop(columns="laterality"), "'laterality' is missing"),
        (lambda t: t.drop(columns=list(VIEWS)), "no column of a view"),
    ],
)
def test_a_table_that_is_wrong_as_a_whole_is_one_message(
    other_cohort, predictor, tmp_path, change, words
):
    rows = of_files(other_cohort, tmp_path / "files", 1)
    change(rows).to_csv(tmp_path / "files/eyes.csv", index=False)
    with pytest.raises(InputError, match=words):
        predict_many(tmp_path / "files/eyes.csv", predictor, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_plain_number_needs_a_notation(other_cohort, predictor, tmp_path):
    rows = of_files(other_cohort, tmp_path / "files", 1).drop(columns="notation")
    rows.to_csv(tmp_path / "files/eyes.csv", index=False)
    (one,) = list_patients(tmp_path / "files/eyes.csv", predictor).patients
    assert "could be of several notations" in one.wrong
    (one,) = list_patients(tmp_path / "files/eyes.csv", predictor, "decimal").patients
    assert not one.wrong


def test_rows_of_two_runs_are_never_mixed(clinic, whole, small_run, tmp_path):
    out = shutil.copytree(whole, tmp_path / "out")
    before = contents(out)
    with pytest.raises(InputError, match="model_digest"):
        predict_many(clinic, small_run / "fold_1/model", out)
    other = shutil.copytree(clinic, tmp_path / "other")
    with pytest.raises(InputError, match="run with input"):
        predict_many(other, small_run, out)
    assert contents(out) == before
    foreign = tmp_path / "evaluated"
    foreign.mkdir()
    (foreign / "predictions.csv").write_text("somebody's\n")
    with pytest.raises(InputError, match="something else"):
        predict_many(clinic, small_run, foreign)
    assert (foreign / "predictions.csv").read_text() == "somebody's\n"
    with pytest.raises(InputError, match="lies inside"):
        predict_many(clinic, small_run, clinic / "out")
    shutil.rmtree(next(other.iterdir()))
    done = predict_many(other, small_run, out, workers=1, overwrite=True)
    assert (done.patients, done.kept) == (5, 0)


def test_two_processes_do_not_write_one_run(clinic, predictor, tmp_path):
    pytest.importorskip("fcntl", reason="no locks on this system")
    from ctt_net.io.atomic_write import only_writer

    (tmp_path / "out").mkdir()
    with (
        only_writer(tmp_path / "out/predictions.jsonl"),
        pytest.raises(InputError, match="another process"),
    ):
        predict_many(clinic, predictor, tmp_path / "out")


def test_pages_are_those_of_the_patient_alone(clinic, predictor, tmp_path):
    given = tmp_path / "clinic"
    one = sorted(clinic.iterdir())[0]
    shutil.copytree(one, given / one.name)
    pages = Pages(tmp_path / "out/patients", "zh", "letters")
    predict_many(given, predictor, tmp_path / "out", workers=1, pages=pages)
    shown = {"language": "zh", "report_notation": "letters"}
    predict_patient(one, predictor, tmp_path / "alone", **shown)
    for name in ("prediction.json", "report.html"):
        written = (tmp_path / "out/patients" / one.name / name).read_text()
        assert written == (tmp_path / "alone" / name).read_text()


def test_in_python_it_is_an_iterator_over_the_same(clinic, whole, small_run):
    model = ctt_net.load_model(small_run)
    found = list(model.predict_many(clinic, workers=1))
    assert [eye["postop"] for one in found for eye in one["eyes"]] == [
        eye["postop"] for eye in eyes_of(whole)
    ]
    first = sorted(clinic.iterdir())[0]
    alone = model.predict(first).to_dict()
    assert alone.pop("details")
    assert found[0] == alone


def test_what_is_one_patient_and_what_are_many(clinic, other_cohort, tmp_path):
    (tmp_path / "empty").mkdir()
    assert is_one_patient(next(clinic.iterdir()))
    assert is_one_patient(tmp_path / "empty")
    assert is_one_patient(tmp_path / "nowhere")
    assert not is_one_patient(clinic)
    assert not is_one_patient(other_cohort)
    assert not is_one_patient(tmp_path / "eyes.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preop-va", "OD=20/60"], "for one patient"),
        (["--notation", "decimal"], "leave it out"),
        (["--workers", "0"], "workers must be 1 or more"),
    ],
)
def test_options_that_do_not_fit_are_refused(clinic, small_run, tmp_path, capsys, options, words):
    command = ["predict", clinic, "--model", small_run, "--out", tmp_path / "out", *options]
    assert main(list(map(str, command))) == 2
    assert words in capsys.readouterr().err
    one = next(clinic.iterdir())
    command = ["predict", one, "--model", small_run, "--out", tmp_path / "out", "--workers", "2"]
    assert main(list(map(str, command))) == 2
    assert "for many patients" in capsys.readouterr().err


def test_names_are_plain_file_names_on_every_system(predictor, tmp_path):
    from ctt_net.inference.many import _file_name

    names = ["0042", "a/b", "a\\b", "..", ".", "x.", "CON:1", "A b", "%2E", "患者"]
    made = [_file_name(name) for name in names]
    assert len({one.casefold() for one in made}) == len(names)
    for one in made:
        assert not set(one) & set('/\\:*?"<>|')
        assert one.strip(". ") == one
    assert made[0] == "0042"


def test_what_is_wrong_already_is_an_answer(predictor, tmp_path):
    listed = [replace(ListedPatient("p1", tmp_path), wrong="eyes.csv: row 2: wrong")]
    (answer,) = predict_each(listed, predictor)
    assert (answer.prediction, answer.error) == (None, "eyes.csv: row 2: wrong")
