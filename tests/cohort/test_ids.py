"""One person under two spellings is named, and never stands on both sides of a split."""

import unicodedata

import pandas as pd
import pytest

from ctt_net.cohort import inspect_cohort, make_folds
from ctt_net.cohort.ids import one_spelling, spelled_alike, spelling

ALIKE = [
    ("P7", "p7"),
    ("P 7", "P  7"),
    ("MARIA ANNA", "MariaAnna"),
    ("Mü7", unicodedata.normalize("NFD", "Mü7")),
    ("0007", "7"),
    ("A-0012", "A-12"),
    ("P-7", "P–7"),
    ("1−7", "1-7"),
    ("P7", "Ｐ７"),
    ("BC1", "ВС1"),  # the second one in Cyrillic letters
    ("Weiß", "WEISS"),
    ("P_7", "P7"),
    ("1--23", "1-23"),
]
APART = [
    ("P7", "P8"),
    ("1-23", "12-3"),
    ("1-23", "123"),
    ("P70", "P7"),
    ("7a", "7b"),
    ("王1", "玉1"),
    ("Mü", "Mu"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_alike(one, other):
    assert one != other
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_apart(one, other):
    assert spelling(one) != spelling(other)


def test_the_first_spelling_stands_for_all():
    ids = pd.Series(["p7", "Q1", "P7", "P 7"])
    assert spelled_alike(ids) == {"P7": "P 7", "p7": "P 7"}
    assert list(one_spelling(ids)) == ["P 7", "Q1", "P 7", "P 7"]


def test_a_manifest_with_two_spellings_is_warned_of(make_cohort, eye):
    root = make_cohort([eye(0, patient_id="007"), eye(1, patient_id="7"), eye(2), eye(3)])
    (problem,) = (p for p in inspect_cohort(root)[1] if "two spellings" in p.message)
    assert (problem.severity, problem.column) == ("warning", "patient_id")
    assert "'7' and '007' in row 2" in problem.message


def test_fellow_eyes_of_two_spellings_are_in_one_fold():
    n = 20
    table = pd.DataFrame(
        {
            "eye_id": [f"e{i}" for i in range(2 * n)],
            "patient_id": [f"P{i}" for i in range(n)] + [f"p0{i}" for i in range(n)],
            "postop_logmar": 0.1,
        }
    )
    folds = make_folds(table)
    assert list(folds[[f"e{i}" for i in range(n)]]) == list(folds[[f"e{i + n}" for i in range(n)]])
    assert folds.nunique() == 5
