"""The evaluation log: none is lost, the same eyes are known again, and no result is kept."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import Cohort
from ctt_net.data.scans import Scans
from ctt_net.inference.evaluate import evaluate_model
from ctt_net.inference.evaluation_log import EVALUATIONS_FOLDER, record_evaluation, record_folder


def eyes(n, first=0, prefix="e"):
    """A cohort of n eyes, and their scans; the same numbers are the same eyes."""
    numbers = np.arange(first, first + n)
    table = pd.DataFrame(
        {
            "eye_id": [f"{prefix}{i}" for i in numbers],
            "patient_id": [f"{prefix}p{i // 2}" for i in numbers],
            "preop_logmar": 0.5 + 0.01 * (numbers % 40),
            "postop_logmar": 0.1 + 0.01 * (numbers % 30),
        }
    )
    pixels = np.stack([np.random.default_rng(i).integers(0, 255, (2, 4, 6)) for i in numbers])
    present = np.ones((n, 2), dtype=bool)
    cohort = Cohort(Path("nowhere"), SimpleNamespace(name=prefix), table, tuple(range(2, n + 2)))
    return cohort, Scans(pixels.astype(np.uint8), present, np.ones((n, 2)))


@pytest.fixture
def model(tmp_path):
    """Make a model in a run folder: all of one that the log asks for."""

    def make(run="run", weights=b"weights", salt="ab" * 16, folds=2):
        members = []
        for fold in range(1, folds + 1):
            folder = tmp_path / "runs" / run / f"fold_{fold}" / "model"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "model.safetensors").write_bytes(weights + bytes([fold]))
            members.append(SimpleNamespace(folder=folder, provenance=SimpleNamespace(salt=salt)))
        return SimpleNamespace(members=members)

    return make


def test_every_evaluation_is_one_more_and_a_warning(model):
    first = record_evaluation(model(), *eyes(50))
    assert (first.figures["evaluations"], first.figures["earlier"], first.warnings) == (1, [], [])
    again = record_evaluation(model(), *eyes(50))
    assert again.figures["evaluations"] == again.figures["by_this_model"] == 2
    assert again.figures["first"] == first.figures["now"]
    assert again.figures["cohort_digest"] == first.figures["cohort_digest"]
    (said,) = again.warnings
    assert "evaluated on 2 times by this model" in said


def test_the_best_of_several_models_is_said_plainly(model):
    for weights in (b"first", b"second", b"third"):
        last = record_evaluation(model(weights=weights), *eyes(50))
    assert last.figures["by_other_models"] == last.figures["other_models"] == 2
    (said,) = last.warnings
    assert "3 times" in said
    assert (
        "2 of them by 2 other models: the smallest error of several evaluations is too small"
        in said
    )


def test_runs_beside_each_other_know_of_each_other_though_their_keys_differ(model):
    record_evaluation(model("one", b"one", "11" * 16), *eyes(50))
    seen = record_evaluation(model("two", b"two", "22" * 16), *eyes(50))
    assert seen.figures["by_other_models"] == 1
    assert seen.figures["earlier"][0]["run"] == "one"


def test_a_copied_run_does_not_count_its_evaluations_twice(model, tmp_path):
    record_evaluation(model(), *eyes(50))
    shutil.copytree(tmp_path / "runs/run", tmp_path / "runs/copy")
    assert record_evaluation(model("copy"), *eyes(50)).figures["evaluations"] == 2


@pytest.mark.parametrize(
    ("now", "shared"),
    [
        (eyes(50), 50),
        (eyes(8), 8),  # a subset
        (eyes(400), 50),  # a superset
        (eyes(50, first=40), 10),
        (eyes(50, prefix="renamed-"), 50),  # by their scans
        (eyes(50, first=47), 0),  # 3 of 50 may be chance
        (eyes(50, first=1000), 0),
    ],
)
def test_the_same_eyes_are_known_again(model, now, shared):
    record_evaluation(model(), *eyes(50))
    figures = record_evaluation(model(), *now).figures
    assert [one["shared_eyes"] for one in figures["earlier"]] == ([shared] if shared else [])


def test_eyes_seen_under_another_preprocessing_are_known_by_their_ids(model):
    cohort, scans = eyes(50)
    record_evaluation(model(), cohort, scans)
    other = replace(scans, pixels=scans.pixels + 1)
    assert record_evaluation(model(), cohort, other).figures["evaluations"] == 2


def test_eyes_without_an_outcome_show_nothing_and_do_not_count(model):
    cohort, scans = eyes(50)
    cohort.table.loc[10:, "postop_logmar"] = np.nan
    assert record_evaluation(model(), cohort, scans).figures["evaluations"] == 1
    (path,) = record_folder(model()).glob(f"{EVALUATIONS_FOLDER}/*.json")
    assert json.loads(path.read_text())["n_eyes"] == 10
    cohort.table["postop_logmar"] = np.nan
    assert record_evaluation(model(), cohort, scans).figures == {}


def test_evaluations_at_the_same_moment_lose_none(model):
    one = model()
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: record_evaluation(one, *eyes(20)).figures, range(16)))
    assert max(count["evaluations"] for count in counts) == 16
    assert record_evaluation(one, *eyes(20)).figures["evaluations"] == 17


def test_a_record_names_nobody_and_holds_no_figure(model):
    record_evaluation(model(), *eyes(50, prefix="Miller-"))
    (path,) = record_folder(model()).glob(f"{EVALUATIONS_FOLDER}/*.json")
    record = json.loads(path.read_text())
    assert record.pop("cohort") == "Miller-"  # the cohort's own name, which its owner chose
    assert "Miller" not in json.dumps(record)
    assert not any(isinstance(value, float) for value in record.values())
    assert len(set(record["eyes"]) | set(record["scans"])) == 100
    # Keyed: another key, other fingerprints.
    record_evaluation(model("other", salt="cd" * 16), *eyes(50, prefix="Miller-"))
    (path,) = record_folder(model("other")).glob(f"{EVALUATIONS_FOLDER}/*.json")
    assert not set(json.loads(path.read_text())["eyes"]) & set(record["eyes"])


def test_a_model_without_a_key_gets_one(model):
    record_evaluation(model(salt=""), *eyes(20))
    (path,) = record_folder(model()).glob(f"{EVALUATIONS_FOLDER}/*.json")
    assert len(json.loads(path.read_text())["salt"]) == 32
    assert record_evaluation(model(salt=""), *eyes(20)).figures["evaluations"] == 2


def test_where_nothing_may_be_written_it_is_said(model, monkeypatch):
    one = model()
    (record_folder(one) / EVALUATIONS_FOLDER).write_text("in the way")
    seen = record_evaluation(one, *eyes(20))
    assert seen.figures["recorded"] is False
    assert "could not be recorded" in seen.warnings[0]


def test_a_damaged_record_is_told_and_the_others_count(model):
    one = model()
    for _ in range(2):
        record_evaluation(one, *eyes(20))
    place = record_folder(one) / EVALUATIONS_FOLDER
    (place / "20250101T000000Z-00000000.json").write_text('{"opened": 3}')
    (place / "20250101T000000Z-00000001.json").write_text("half of a")
    seen = record_evaluation(one, *eyes(20))
    assert seen.figures["evaluations"] == 3
    assert "2 records of earlier evaluations cannot be read" in seen.warnings[1]


def test_the_log_is_kept_by_the_run_or_by_a_model_on_its_own(model, tmp_path):
    run = tmp_path / "runs/run"
    assert record_folder(model()) == run
    assert record_folder(model(folds=1)) == run
    alone = SimpleNamespace(members=[SimpleNamespace(folder=tmp_path / "my_model")])
    assert record_folder(alone) == tmp_path / "my_model"


def test_evaluating_counts_in_metrics_json(small_run, other_cohort, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "runs/run")
    shutil.rmtree(run / EVALUATIONS_FOLDER, ignore_errors=True)
    evaluate_model(run, other_cohort, tmp_path / "once")
    evaluate_model(run / "fold_1/model", other_cohort, tmp_path / "twice")
    told = [json.loads((tmp_path / out / "metrics.json").read_text()) for out in ("once", "twice")]
    assert [metrics["test_set"]["evaluations"] for metrics in told] == [1, 2]
    assert told[1]["test_set"]["by_other_models"] == 1  # one fold is not the ensemble
    assert any("too small" in warning for warning in told[1]["warnings"])
    assert len(list((run / EVALUATIONS_FOLDER).glob("*.json"))) == 2
