"""What `cohort.yaml` may declare."""

import pytest

from ctt_net.cohort import CohortSpec, read_cohort
from ctt_net.errors import InputError

BROKEN = [
    ("name: small", "name: [2020]", "line 1: name must be text, got [2020]"),
    ("name: small", "name: ' '", "name must be text, got ' '"),
    ("licence: none", "", "licence is missing; terms of use"),
    ("licence: none", "license: none", "did you mean 'licence'?"),
    ("preop_va: decimal, ", "", "acuity.preop_va is missing"),
    ("preop_va: decimal, ", "preop_va: letters, ", "must be one of decimal, logmar"),
    ("postop_va: decimal}", "postop_va: decimal, off_chart_policy: back}", "bach"),
    ("postop_va: decimal}", "postop_va: decimal, expect_improvement: 1}", "true or false"),
    ("direction: horizontal", "direction: across", "views.h.direction"),
    ("angle_deg: 90", "angle_deg: steep", "views.v.angle_deg must be a number"),
    ("angle_deg: 90", "angle_deg: .nan", "must be a number"),
    ("angle_deg: 90", "angel_deg: 90", "did you mean 'angle_deg'?"),
    ("  h: {", "  eye_id: {", "has a meaning of its own"),
    ("  h: {", "  age_years: {", "is a view and a covariate"),
    ("  age_years:", "  postop_cst_um:", "after surgery cannot be an input"),
    ("  age_years:", "  preop_va:", "has a meaning of its own"),
    ("kind: binary", "kind: bool", "covariates.diabetes.kind must be one of numeric"),
    ("levels: [male, female]", "levels: male", "covariates.sex.levels must be a list"),
    ("levels: [male, female]", "levels: [male, null]", "put quotes"),
    ("levels: [male, female]", "missing: [-9]", "needs its 'levels'"),
    ("missing: [-9]", "missing: -9", "must be a list such as [-9]"),
    ("unit: years", "unit: 1", "covariates.age_years.unit must be text, got 1"),
    ("citation: none", "citation: none\ndevices: {cirrus: {axial_um_per_px: 0}}", "above 0"),
    (
        "citation: none",
        "citation: none\ndevices: {cirrus: 5}",
        "devices.cirrus must hold axial_um_per_px, lateral_um_per_px",
    ),
    ("citation: none", "citation: none\ncitation: two", "line 5"),
    ("citation: none", "citation: [none", "not valid YAML"),
]


@pytest.mark.parametrize(("old", "new", "words"), BROKEN, ids=[new[:30] for _, new, _ in BROKEN])
def test_a_wrong_declaration_names_file_key_and_cure(make_cohort, eye, spec_text, old, new, words):
    assert old in spec_text
    with pytest.raises(InputError) as caught:
        read_cohort(make_cohort([eye(0)], spec_text.replace(old, new, 1)))
    assert "cohort.yaml" in str(caught.value)
    assert words in str(caught.value)


def test_views_must_be_named(make_cohort, eye, spec_text):
    without = spec_text[: spec_text.index("views:")]
    for text in (without, f"{without}views: {{}}\n"):
        with pytest.raises(InputError, match=r"views is (missing|empty); .* at least one"):
            read_cohort(make_cohort([eye(0)], text))


def test_declarations_round_trip(make_cohort, eye):
    spec = read_cohort(make_cohort([eye(0)])).spec
    assert CohortSpec.parse(spec.to_dict(), "again") == spec
    assert spec.covariates["age_years"].missing == ("-9",)
    assert spec.views["v"].direction == "vertical"


def test_names_and_levels_are_those_typed(make_cohort, eye, spec_text):
    text = spec_text.replace("name: small", "name: 2020.10").replace("male, female", "male, 1.0")
    text = text.replace("missing: [-9]", "missing: [-9.0, 077]")
    spec = read_cohort(make_cohort([eye(0)], text)).spec
    assert spec.name == "2020.10"
    assert spec.covariates["sex"].levels == ("male", "1.0")
    assert spec.covariates["age_years"].missing == ("-9.0", "077")


@pytest.mark.parametrize(
    ("typed", "flag"), [("true", True), ("Yes", True), ("FALSE", False), ("no", False)]
)
def test_a_flag_may_be_spelt_in_any_way_of_yaml(make_cohort, eye, spec_text, typed, flag):
    text = f"{spec_text}\nsynthetic: {typed}\n"
    assert read_cohort(make_cohort([eye(0)], text)).spec.synthetic is flag
