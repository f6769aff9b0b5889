"""What a covariate's value can be."""

import pytest

from ctt_net.cohort import CohortError, Covariate, impossible_value, read_cohort
from ctt_net.cohort.covariate import level_of
from ctt_net.errors import InputError


@pytest.mark.parametrize(
    ("name", "unit", "value"),
    [
        ("age_years", "years", -5),
        ("age_years", None, 700),
        ("AgeAtSurgery", None, "121"),
        ("age_months", None, 1500),
        ("axial_length_mm", "mm", 233.3),
        ("AL_mm", None, 2.34),
        ("iop", None, -3),
        ("IOP_mmHg", "mmHg", 215),
        ("k1", "D", 435),
        ("bmi", "kg/m²", 2.5),
        ("HbA1c", "%", 70),
        ("hole_size_um", "um", -5),
        ("anything", None, 1e300),
        ("anything", None, float("nan")),
        ("anything", None, float("inf")),
        ("anything", None, 10**400),
        ("anything", None, True),
        ("anything", None, "nan"),
        ("anything", None, "1_000"),
        ("anything", None, "63,5"),
        ("anything", None, [1]),
    ],
)
def test_nonsense_is_impossible(name, unit, value):
    reason = impossible_value(name, Covariate(kind="numeric", unit=unit), value)
    assert reason is not None
    assert str(value)[:3] in reason


@pytest.mark.parametrize(
    ("name", "unit", "value"),
    [
        ("age_years", "years", 0),
        ("age_years", "years", "71.5"),
        ("age_months", None, 500),
        ("age_zscore", None, -1.5),
        ("stage", None, -1),
        ("axial_length_mm", "mm", 31.9),
        ("axial_length", "um", 23400),
        ("IOP_change", "mmHg", -8),
        ("k1", "mm", 7.7),
        ("k1", None, 7.7),
        ("HbA1c", "mmol/mol", 70),
        ("refraction", "D", -22.5),
        ("anything", None, -1e3),
    ],
)
def test_what_can_be_is_possible(name, unit, value):
    assert impossible_value(name, Covariate(kind="numeric", unit=unit), value) is None


def test_other_kinds_take_their_own_values_only():
    levels = Covariate(kind="categorical", levels=("1", "F"))
    assert impossible_value("sex", levels, 1) is None
    assert impossible_value("sex", levels, "M") == "'M' is none of the levels 1, F"
    assert impossible_value("sex", levels, True) is not None
    assert level_of(levels, " f ") == level_of(levels, "Ｆ") == "F"
    assert level_of(levels, 1.0) == "1"
    assert level_of(levels, "01") is None
    assert impossible_value("sex", levels, "f") is None
    binary = Covariate(kind="binary")
    assert impossible_value("diabetes", binary, 1.0) is None
    assert impossible_value("diabetes", binary, 2) == "2 is not 0 (no) or 1 (yes)"
    assert impossible_value("diabetes", binary, "yes") == "'yes' is not 0 (no) or 1 (yes)"


def test_a_declared_range_goes_first_and_into_the_model_folder():
    wide = Covariate(kind="numeric", unit="mm", range=(10.0, 300.0))
    assert impossible_value("axial_length_mm", wide, 233.3) is None
    assert impossible_value("axial_length_mm", wide, 301) is not None
    assert Covariate.model_validate(wide.to_dict()) == wide
    older = {"kind": "numeric", "unit": "mm", "levels": []}  # of a folder without ranges
    assert Covariate.model_validate(older) == Covariate(kind="numeric", unit="mm")


@pytest.mark.parametrize("text", ["-8", "171", "1e300"])
def test_an_impossible_cell_is_an_error_with_its_row(make_cohort, eye, text):
    root = make_cohort(
        [eye(number, age_years=text if number == 2 else "60") for number in range(4)]
    )
    with pytest.raises(
        CohortError, match=rf"row 4, column age_years: .* no possible age .*{'missing'}"
    ):
        read_cohort(root)


def test_a_range_can_be_declared_in_cohort_yaml(make_cohort, eye, spec_text):
    spec = spec_text.replace("unit: years,", "unit: years, range: [0, 200],")
    cohort = read_cohort(make_cohort([eye(number, age_years="171") for number in range(4)], spec))
    assert cohort.spec.covariates["age_years"].range == (0.0, 200.0)
    assert cohort.spec.to_dict()["covariates"]["age_years"]["range"] == [0.0, 200.0]


@pytest.mark.parametrize("written", ["[9, 1]", "[0]", "5", "[0, .inf]", "[a, b]"])
def test_a_range_that_is_none_is_refused(make_cohort, eye, spec_text, written):
    spec = spec_text.replace("unit: years,", f"unit: years, range: {written},")
    with pytest.raises(InputError, match=r"covariates\.age_years\.range"):
        read_cohort(make_cohort([eye(0), eye(1)], spec))
