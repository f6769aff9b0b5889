"""A plan says what it means, and a typo is named with file, key and fix."""

from pathlib import Path

import pytest

from benchmarks.comparison.job import make_jobs, training_arguments
from benchmarks.comparison.plan import read_plan
from ctt_net.errors import InputError

CONFIG = str(Path(__file__).resolve().parents[2] / "configs/ctt_net.yaml")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"seds": [1]}, r"plan.yaml: unknown key 'seds'; did you mean 'seeds'"),
        ({"cohort": None}, r"key 'cohort' is missing; name a cohort folder, or --cohort"),
        ({"seeds": [0, "1"]}, r"seeds: expected a whole number from 0 on, got '1'"),
        ({"seeds": [1, 1]}, r"seeds: a number stands there twice"),
        ({"seeds": []}, r"seeds must hold at least one"),
        ({"folds": [0]}, r"folds: expected a whole number from 1 on, got 0"),
        ({"folds_from": "seeds"}, r"folds_from: 'seeds' is none of cohort, seed"),
        ({"reference": "maen"}, r"reference 'maen' is no row; .* mean, ridge"),
        ({"reference": None}, r"reference '' is no row"),
        ({"rows": {}}, r"rows must hold"),
        ({"rows": {"a b": {"baseline": "mean"}}}, r"rows.a b: a row's name is made of"),
        ({"rows": {"../up": {"baseline": "mean"}}}, r"a row's name is made of"),
        (
            {"rows": {"mean": "mean"}},
            r"rows.mean must hold config, baseline, oracle or reader, got 'mean'",
        ),
        (
            {"rows": {"mean": {"basline": "mean"}}},
            r"unknown key 'basline'; did you mean 'baseline'",
        ),
        (
            {"rows": {"mean": {"baseline": "gbm"}}},
            r"rows.mean.baseline: 'gbm' is none of mean, median, pre",
        ),
        (
            {"rows": {"mean": {}}},
            r"rows.mean: give one of config, baseline, oracle or reader, not 0",
        ),
        ({"rows": {"mean": {"oracle": False}}}, r"rows.mean.oracle: False is none of True"),
        ({"rows": {"mean": {"config": "no.yaml"}}}, r"rows.mean.config: no.yaml: no such file"),
        (
            {"rows": {"mean": {"baseline": "mean", "overrides": {"a": 1}}}},
            r"rows.mean: only a row with a config has overrides",
        ),
        (
            {"rows": {"mean": {"config": CONFIG, "overrides": {"data.seed": 1}}}},
            r"data.seed is the same for every row; set it by 'seeds' of the plan",
        ),
        (
            {"rows": {"mean": {"config": CONFIG, "overrides": {"out": "x"}}}},
            r"out belongs to the comparison",
        ),
        ({"rows": {"mean": {"oracle": True, "training_eyes": 9}}}, r"the oracle learns from no"),
        ({"training_eyes": [10, 10]}, r"training_eyes: give different numbers"),
        ({"held_out": ["a/x", "b/x"]}, r"two held-out cohorts are called 'x'"),
        ({"held_out": 7}, r"held_out: expected a path or a list of paths, got 7"),
    ],
)
def test_a_wrong_plan_is_named_with_its_key_and_the_cure(write_plan, keys, said):
    with pytest.raises(InputError, match=said) as error:
        read_plan(write_plan(**keys))
    assert "plan.yaml" in str(error.value)


def test_several_seeds_deal_other_folds_and_one_takes_the_cohorts(write_plan):
    assert read_plan(write_plan()).folds_from == "cohort"
    assert read_plan(write_plan(seeds=[0, 1])).folds_from == "seed"
    assert read_plan(write_plan(seeds=[0, 1], folds_from="cohort")).folds_from == "cohort"


def test_numbers_of_training_eyes_make_rows_beside_the_reference_of_the_same_number(write_plan):
    plan = read_plan(
        write_plan(
            training_eyes=[10, 20, None],
            rows={
                "mean": {"baseline": "mean"},
                "ridge": {"baseline": "preop_only", "training_eyes": [20, 30]},
                "oracle": {"oracle": True},
            },
        )
    )
    assert plan.references == {
        "mean@10": "mean@10",
        "mean@20": "mean@20",
        "mean": "mean",
        "ridge@20": "mean@20",
        "ridge@30": "mean",
        "oracle": "mean",
    }
    fixed = read_plan(write_plan(training_eyes=[10, 20], reference="mean@20"))
    assert set(fixed.references.values()) == {"mean@20"}


def test_what_all_rows_share_cannot_be_changed_by_a_row(write_plan, bare_cohort, tmp_path):
    config = tmp_path / "own.yaml"
    config.write_text("seed_everything: 9\ndata: {cohort: elsewhere, fold: 4}\n", encoding="utf-8")
    plan = read_plan(
        write_plan(
            seeds=[3],
            training_eyes=20,
            overrides={"trainer.max_epochs": 2, "model.learning_rate": 0.1},
            rows={
                "mean": {
                    "config": [CONFIG, str(config)],
                    "overrides": {
                        "model.learning_rate": 0.2,
                        "model.fusion": "ctt_net.models.fusion.MeanFusion",
                        "data.augmentation": None,
                    },
                }
            },
        )
    )
    (job,) = make_jobs(plan, tmp_path / "out", [1, 2], bare_cohort, {})
    from ctt_net.training.config import TrainingConfig

    found = TrainingConfig(training_arguments(job.task)).config
    assert (found.seed_everything, found.data.seed, found.data.training_eyes) == (3, 3, 20)
    assert (found.folds, found.data.cohort) == ([1, 2], str(bare_cohort.root))
    assert (found.trainer.max_epochs, found.model.learning_rate) == (2, 0.2)
    assert found.model.fusion.class_path.endswith("MeanFusion")
    assert found.data.augmentation is None
    assert found.out == str(job.run)


def test_another_meaning_under_the_same_name_is_refused(write_plan, bare_cohort, tmp_path):
    config = tmp_path / "own.yaml"

    def job(text="trainer: {max_epochs: 3}\n", folds=(1,), held_out=None, **row):
        config.write_text(text, encoding="utf-8")
        plan = read_plan(write_plan(rows={"mean": {"config": str(config), **row}}))
        return make_jobs(plan, tmp_path / "out", folds, bare_cohort, held_out or {})[0]

    first = job()
    first.check_same()
    first.write_task()
    job().check_same()
    job("# a remark changes nothing\ntrainer:\n  max_epochs: 3\n").check_same()
    job(folds=(1, 2), held_out={"more": bare_cohort}).check_same()
    with pytest.raises(InputError, match="row 'mean' was made with other contents of its config"):
        job("trainer: {max_epochs: 4}\n").check_same()
    with pytest.raises(InputError, match="made with other overrides; give the row another name"):
        job(overrides={"model.learning_rate": 1}).check_same()


def test_a_run_of_somebody_else_is_left_alone(write_plan, bare_cohort, tmp_path):
    plan = read_plan(write_plan())
    job = make_jobs(plan, tmp_path / "out", [1], bare_cohort, {})[0]
    job.run.mkdir(parents=True)
    with pytest.raises(InputError, match="did not make"):
        job.check_same()


def test_a_changed_cohort_is_another_comparison(write_plan, bare_cohort, tmp_path):
    plan = read_plan(write_plan())
    make_jobs(plan, tmp_path / "out", [1], bare_cohort, {})[0].write_task()
    (bare_cohort.root / "manifest.csv").write_text("eye_id\ne1\n", encoding="utf-8")
    with pytest.raises(InputError, match="made with other tables of the cohort"):
        make_jobs(plan, tmp_path / "out", [1], bare_cohort, {})[0].check_same()


@pytest.mark.parametrize(
    "name",
    [
        "simulated",
        "chu_quebec",
        "deep_supervision",
        "learning_curve",
        "pretraining",
        "unseen_causes",
    ],
)
def test_the_plans_at_hand_can_be_read(repository, monkeypatch, name):
    monkeypatch.chdir(repository)
    plan = read_plan(repository / f"benchmarks/plans/{name}.yaml")
    assert plan.reference in {row.base for row in plan.rows}
