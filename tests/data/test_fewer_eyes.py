"""Learning curves and repeated folds: nested eyes, whole patients, folds dealt anew."""

import pytest

from ctt_net.cohort import make_folds, read_cohort
from ctt_net.errors import InputError


def eyes(module, *parts):
    return {eye for part in parts for eye in module.part(part)["eye_id"]}


@pytest.mark.parametrize("seed", range(3))
def test_fewer_eyes_lie_within_more_of_them_and_no_patient_is_torn(data, seed):
    every = data(seed=seed, val_fraction=0.25)
    before = set()
    for count in (12, 20, 30):
        module = data(seed=seed, training_eyes=count, val_fraction=0.25)
        used = eyes(module, "train", "val")
        assert count <= len(used) <= count + 1
        assert before < used < eyes(every, "train", "val")
        assert not eyes(module, "train") & eyes(module, "val")
        assert eyes(module, "test") == eyes(every, "test")
        table = every.cohort.table.set_index("eye_id")["patient_id"]
        development = table[sorted(eyes(every, "train", "val"))]
        left = set(development[sorted(set(development.index) - used)])
        assert not left & set(development[sorted(used)])
        before = used


def test_another_seed_takes_other_eyes(data):
    first, second = (
        data(seed=seed, fold_seed=0, training_eyes=12, val_fraction=0.25) for seed in (1, 2)
    )
    assert eyes(first, "train", "val") != eyes(second, "train", "val")


def test_more_eyes_than_there_are_is_refused_with_how_many_there_are(data):
    with pytest.raises(InputError, match=r"training_eyes: 99 eyes are wanted and 3\d lie outside"):
        data(training_eyes=99).part("train")


def test_folds_are_dealt_anew_by_their_own_seed_and_else_stay_those_of_the_folder(
    data, cohort_folder
):
    cohort = read_cohort(cohort_folder)
    for seed in (0, 3, 4):
        assert data(fold_seed=seed).folds.equals(make_folds(cohort.table, 5, seed))
        assert data(seed=seed).folds.equals(cohort.folds())
    assert not data(fold_seed=3).folds.equals(data(fold_seed=4).folds)
