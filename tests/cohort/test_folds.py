"""No patient in two folds, outcomes spread evenly, the same folds whatever the row order."""

import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import development_rows, make_folds, read_folds, val_rows, write_folds
from ctt_net.errors import InputError


def random_table(seed, patients=None):
    """Bilateral patients whose two eyes have like outcomes."""
    rng = np.random.default_rng(seed)
    patients = patients or int(rng.integers(6, 14))
    eyes = rng.integers(1, 3, patients)
    patient = np.repeat(np.arange(patients), eyes)
    outcome = np.repeat(rng.gamma(1.0, 0.3, patients), eyes) + rng.normal(0, 0.05, len(patient))
    return pd.DataFrame(
        {
            "eye_id": [f"e{n}" for n in rng.permutation(len(patient))],
            "patient_id": [f"p{n}" for n in patient],
            "postop_logmar": np.round(outcome, 2),
            "device": rng.choice(["a", "b"], len(patient)),
        }
    )


@pytest.mark.slow
def test_no_patient_is_in_two_folds_in_a_thousand_random_cohorts():
    for seed in range(1000):
        table = random_table(seed)
        folds = make_folds(table, 5, seed)
        patient = dict(zip(table["eye_id"], table["patient_id"], strict=True))
        assert set(folds.index) == set(patient)
        pairs = {(patient[eye], fold) for eye, fold in folds.items()}
        assert len(pairs) == len(set(patient.values()))
        assert {fold for _, fold in pairs} == {1, 2, 3, 4, 5}


def test_outcome_bands_are_spread_evenly():
    table = random_table(3, patients=300)
    folds = make_folds(table)
    good = table.set_index("eye_id")["postop_logmar"].reindex(folds.index) <= 0.305
    share = good.groupby(folds).mean()
    assert share.max() - share.min() < 0.03
    assert folds.value_counts().max() - folds.value_counts().min() <= 4


def test_bands_as_rare_as_the_folds_are_many_are_still_dealt():
    table = pd.DataFrame(
        {
            "eye_id": [f"e{n}" for n in range(5)],
            "patient_id": [f"p{n}" for n in range(5)],
            "postop_logmar": [0.0, 0.2, 0.4, 0.8, 1.9],
        }
    )
    assert sorted(make_folds(table)) == [1, 2, 3, 4, 5]


def test_row_order_does_not_matter_and_the_seed_does():
    table = random_table(1, patients=60)
    folds = make_folds(table, seed=4)
    shuffled = make_folds(table.sample(frac=1, random_state=0), seed=4)
    assert folds.to_dict() == shuffled.to_dict() == make_folds(table, seed=4).to_dict()
    assert folds.to_dict() != make_folds(table, seed=5).to_dict()


def test_held_out_eyes_and_unknown_outcomes_are_never_dealt():
    table = random_table(2, patients=40)
    number = table["patient_id"].str[1:].astype(int)
    table["split"] = np.select(
        [number < 10, number < 20, number < 30], ["test", "val", "train"], ""
    )
    table.loc[table.index[-1], "postop_logmar"] = np.nan
    table.loc[table.index[table["split"] == "val"][0], "postop_logmar"] = np.nan
    dealt = set(make_folds(table).index)
    assert dealt == set(table["eye_id"][number >= 20][:-1])
    val = set(val_rows(table)["eye_id"])
    assert val == set(table["eye_id"][number.between(10, 19)][1:])
    assert val | dealt == set(development_rows(table)["eye_id"])


def test_an_eye_of_split_val_that_has_a_fold_is_refused(tmp_path):
    table = random_table(3, patients=20)
    write_folds(make_folds(table), tmp_path / "folds.csv")
    first = table["patient_id"] == table["patient_id"].iloc[0]
    table["split"] = np.where(first, "val", "")
    eye = min(table["eye_id"][first])
    with pytest.raises(InputError, match=f"stand as split val .* {eye!r}.* Delete the file"):
        read_folds(tmp_path / "folds.csv", table)
    write_folds(make_folds(table), tmp_path / "folds.csv")
    assert set(read_folds(tmp_path / "folds.csv", table).index) == set(table["eye_id"][~first])


def test_a_cohort_of_split_val_only_cannot_be_trained_on():
    with pytest.raises(InputError, match="outside the splits test and val: too few"):
        make_folds(random_table(3).assign(split="val"))


@pytest.mark.parametrize(("n_folds", "words"), [(1, "2 or more"), (9, "at most 8")])
def test_folds_that_cannot_be_dealt_are_refused(n_folds, words):
    with pytest.raises(InputError, match=words):
        make_folds(random_table(0, patients=8), n_folds)


def test_folds_are_read_as_written(tmp_path):
    table = random_table(5)
    folds = make_folds(table)
    write_folds(folds, tmp_path / "folds.csv")
    assert read_folds(tmp_path / "folds.csv", table).to_dict() == folds.to_dict()


BROKEN = [
    (lambda text: text.replace("eye_id,fold", "eye,fold"), "expected the columns eye_id,fold"),
    (lambda text: text.replace("e0,", "other,"), "2 eyes differ"),
    (lambda text: text + text.splitlines()[1] + "\n", "stands twice"),
    (lambda text: text.rsplit("\n", 2)[0] + "\n", "1 eyes differ"),
    (lambda text: text[:-2] + "0\n", "must be 1, 2, ..., got '0'"),
    (lambda text: text[:-2] + "one\n", "must be 1, 2, ..., got 'one'"),
]


@pytest.mark.parametrize(("damage", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_folds_that_do_not_fit_are_refused(tmp_path, damage, words):
    table = random_table(6)
    path = tmp_path / "folds.csv"
    write_folds(make_folds(table), path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError) as caught:
        read_folds(path, table)
    assert words in str(caught.value)
    assert "folds.csv" in str(caught.value)


def test_folds_that_tear_a_patient_apart_are_refused(tmp_path):
    table = random_table(7)
    patient = table["patient_id"][table["patient_id"].duplicated()].iloc[0]
    folds = make_folds(table)
    eye = table["eye_id"][table["patient_id"] == patient].iloc[0]
    folds[eye] = folds[eye] % 5 + 1
    write_folds(folds, tmp_path / "folds.csv")
    with pytest.raises(InputError, match=f"patient '{patient}' stands in two folds"):
        read_folds(tmp_path / "folds.csv", table)


def test_one_fold_for_all_divides_nothing(tmp_path):
    table = random_table(8)
    write_folds(make_folds(table) * 0 + 1, tmp_path / "folds.csv")
    with pytest.raises(InputError, match="all eyes are in one fold"):
        read_folds(tmp_path / "folds.csv", table)
