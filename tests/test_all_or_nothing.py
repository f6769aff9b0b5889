"""Every command on a disk that fills up: all files of a result are the old ones or the new ones."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ctt_net.audit.report import write_audit
from ctt_net.audit.run import Audit
from ctt_net.cli import main
from ctt_net.cohort import read_cohort
from ctt_net.cohort.predictions import read_predictions, write_predictions
from ctt_net.errors import InputError
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.report import results
from ctt_net.report.results import Setting, write_results
from tests.full_disk import assert_all_or_nothing

# Their inputs do not exist, so that whoever reads them first says so.
COMMANDS = {
    "evaluate": ["model", "cohort"],
    "report": ["run"],
    "compare": ["run", "other"],
    "audit": ["model", "cohort"],
    "plan": ["--from", "run"],
    "check": ["cohort"],
    "predict": ["patient", "--model", "model"],
    "explain": ["patient", "--model", "model"],
    "recalibrate": ["model", "cohort"],
    "convert": ["file.vol"],
    "bundle": ["model"],
}
WITHOUT_A_FLAG = {"convert", "bundle"}


@pytest.fixture
def command(capsys):
    """Run a command with its folder as the last argument."""

    def prepared(name, *arguments):
        def run(out):
            place = [str(out)] if name in WITHOUT_A_FLAG else ["--out", str(out)]
            split = 1 if name in WITHOUT_A_FLAG else len(arguments)
            given = [*map(str, arguments)]
            code = main([name, *given[:split], *place, *given[split:]])
            return code, capsys.readouterr().err

        return run

    return prepared


@pytest.fixture(scope="module", autouse=True)
def measured_once():
    """The same table has the same metrics, which take longer than writing them."""
    known, evaluate = {}, results.evaluate

    def once(predictions, *args, **kwargs):
        key = predictions.to_csv()
        if key not in known:
            known[key] = evaluate(predictions, *args, **kwargs, bootstrap=20)
        return dict(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "evaluate", once)
        yield


@pytest.fixture(scope="module")
def tables(small_cohort, tmp_path_factory):
    """Predictions of one cohort by two models."""
    table = pd.read_csv(small_cohort / "manifest.csv", dtype={"eye_id": str, "patient_id": str})
    made = []
    for number, noise in enumerate((0.05, 0.2)):
        predicted = table["postop_logmar"] + np.random.default_rng(0).normal(0, noise, len(table))
        rows = table[["eye_id", "patient_id", "preop_logmar", "postop_logmar"]].assign(
            predicted_logmar=predicted.round(4),
            lower_logmar=(predicted - 0.2).round(4),
            upper_logmar=(predicted + 0.2).round(4),
            p_recovery=0.5,
            flags="",
        )
        made.append(tmp_path_factory.mktemp("tables") / f"{number}.csv")
        write_predictions(rows, made[-1])
    return made


@pytest.mark.slow
def test_evaluate_and_report(command, tables, small_cohort, tmp_path):
    first, second = (command("evaluate", table, small_cohort) for table in tables)
    assert_all_or_nothing(first, second, tmp_path / "evaluate")
    of_both = [tmp_path / "evaluate" / name for name in ("old", "new")]
    both, turned = command("compare", *of_both), command("compare", *reversed(of_both))
    assert_all_or_nothing(both, turned, tmp_path / "compare")


def test_plan(command, tmp_path):
    assert_all_or_nothing(command("plan"), command("plan", "--eyes", 300), tmp_path)


def test_check(command, small_cohort, other_cohort, tmp_path):
    kept = ["scans.jsonl"]  # what was read of each scan stays, for the next time
    old, new = (command("check", one, "--tables-only") for one in (small_cohort, other_cohort))
    assert_all_or_nothing(old, new, tmp_path, kept)


def test_predict(command, small_run, other_cohort, tmp_path):
    row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).dropna(subset="horizontal").iloc[0]
    patient = tmp_path / "patient"
    patient.mkdir()
    shutil.copy(other_cohort / row["horizontal"], patient / f"{row['laterality']}_horizontal.png")
    fold = small_run / "fold_1/model"
    old, new = (
        command(
            *("predict", patient, "--model", fold, "--overwrite"),
            *("--preop-va", f"{row['laterality']}={preop}"),
        )
        for preop in ("20/60", "20/100")
    )
    assert_all_or_nothing(old, new, tmp_path)


def test_audit(tmp_path):
    def of(cohort):
        def write(out):
            try:
                write_audit(
                    Audit({"model": "m", "cohort": cohort, "eyes": "2 of 2"}, (), False), out
                )
            except InputError as error:
                return 2, str(error)
            return 0, ""

        return write

    assert_all_or_nothing(of("one"), of("two"), tmp_path)


@pytest.mark.parametrize("name", [*COMMANDS])
def test_a_cohort_folder_is_never_written_to(name, command, small_cohort):
    if name in ("recalibrate", *WITHOUT_A_FLAG):
        pytest.skip("makes a new folder")
    code, said = command(name, *COMMANDS[name])(small_cohort / "results")
    assert code == 2
    assert "inside the cohort folder" in said


@pytest.mark.slow
def test_a_run_with_the_calibration_of_its_models(tables, small_cohort, tmp_path):
    cohort = read_cohort(small_cohort)
    setting = Setting(title="run", evaluated="all", model={}, interval_level=0.9)

    def of(number):
        table = read_predictions(tables[number])
        also = {
            f"fold_{fold}/model/{name}": f"{number}"
            for fold in (1, 2)
            for name in ("calibration.json", "provenance.json")
        }

        def write(out):
            try:
                write_results(out, table, None, DEFAULT_OUTCOMES, cohort, setting, also)
            except InputError as error:
                return 2, str(error)
            return 0, ""

        return write

    assert_all_or_nothing(of(0), of(1), tmp_path, files=12)


def test_an_evaluation_without_baselines_leaves_none_of_the_one_before(
    tables, small_cohort, tmp_path
):
    cohort = read_cohort(small_cohort)
    setting = Setting(title="run", evaluated="all", model={}, interval_level=0.9)
    table = read_predictions(tables[0])
    baselines = pd.DataFrame({"mean": 0.3}, index=table["eye_id"])
    for given in (baselines, None):
        write_results(tmp_path, table, given, DEFAULT_OUTCOMES, cohort, setting)
        assert (tmp_path / "baseline_predictions.csv").exists() == (given is not None)


@pytest.mark.slow
def test_a_report_does_not_take_the_place_of_that_of_other_eyes(
    command, tables, small_cohort, tmp_path
):
    for number, table in enumerate(tables):
        assert command("evaluate", table, small_cohort)(tmp_path / str(number))[0] == 0
    page = (tmp_path / "1/report.html").read_bytes()
    for name, *given in (("report", tmp_path / "0"), ("compare", tmp_path / "0", tmp_path / "1")):
        code, said = command(name, *given)(tmp_path / "1")
        assert code == 2
        assert "holds an evaluation" in said
    assert (tmp_path / "1/report.html").read_bytes() == page
    assert command("report", tmp_path / "1")(tmp_path / "1")[0] == 0


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a place where nobody may write")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(name, command):
    code, said = command(name, *COMMANDS[name])(Path("/proc/nowhere/out"))
    assert code == 2
    assert "/proc/nowhere" in said
    assert "may not be written" in said
