"""A mapping that is wrong says where, what, and how to mend it."""

import pytest

from tests.prepare.conftest import COLUMNS, VIEWS

DECIMAL = {"notation": "decimal"}


@pytest.mark.parametrize(
    ("section", "keys", "said"),
    [
        ("cohort", {"name": None}, "cohort.name is missing"),
        ("cohort", {"licence": ["3"]}, "cohort.licence must be text, got ['3']"),
        ("columns", {"patient_id": None}, "columns.patient_id is missing; name the column that"),
        ("columns", {"patient_id": {"value": "1"}}, "columns.patient_id: column is missing"),
        ("columns", {"preop_va": None}, "columns.preop_va is missing"),
        ("columns", {"preop_va": "Before"}, "columns.preop_va.notation is missing; one of decimal"),
        ("columns", {"preop_va": {"column": "Before", "notation": "letters"}}, "etdrs"),
        ("columns", {"preop_va": DECIMAL}, "columns.preop_va: column is missing"),
        ("columns", {"patient": "MRN"}, "'patient_id' is given already"),
        ("columns", {"laterality": None}, "columns.laterality is missing; write {column"),
        ("columns", {"laterality": "Eye"}, "columns.laterality is missing its words; write"),
        (
            "columns",
            {"laterality": {"column": "Eye", "OD": ["R"], "OS": ["r"]}},
            "'R' and 'r' are one word",
        ),
        ("columns", {"laterality": {"column": "Eye", "OD": ["OS"]}}, "'OS' means OD and OS"),
        (
            "columns",
            {"laterality": {"from": "names"}},
            "columns.laterality.from must be",
        ),
        ("columns", {"laterality": {"from": "files"}}, "needs scans.names"),
        ("columns", {"site": {"column": "A", "value": "B"}}, "column and value cannot both"),
        ("columns", {"site": {"value": True}}, "put quotes around the text"),
        ("columns", {"site": {"column": "Eye", "extract": "("}}, "no regular expression"),
        ("columns", {"site": {"column": "Eye", "extract": "R"}}, "exactly one group"),
        ("columns", {"site": {"column": "Eye", "recode": ["R"]}}, "columns.site.recode must hold"),
        ("columns", {"site": {"colum": "Eye"}}, "did you mean 'column'?"),
        ("columns", {"site": ["Eye"]}, "columns.site must be a column name or"),
        ("columns", {"surgery_date": {"column": "D", "format": "%d.%m."}}, "does not tell year"),
        ("columns", {"surgery_date": {"column": "D", "format": "%m/%Y"}}, "does not tell year"),
        ("columns", {"surgery_date": {"column": "D", "format": "dd.mm.yyyy"}}, "%d.%m.%Y"),
        ("columns", {"surgery_date": {"column": "D", "format": "%Q"}}, "%d.%m.%Y"),
        ("columns", {"surgery_date": {"column": "D", "format": 8}}, "%d.%m.%Y"),
        ("acuity", {"off_chart_policy": "mine"}, "off_chart_policy must be one of bach"),
        ("acuity", {"preop_va": "logmar"}, "acuity: unknown key 'preop_va'"),
        ("covariates", {"age": {"column": "A"}}, "covariates.age.kind is missing; `numeric`"),
        ("covariates", {"age": {"kind": "numeric"}}, "covariates.age.column is missing"),
        ("covariates", {"age": {"column": "A", "kind": "categorical"}}, "needs its 'levels'"),
        ("covariates", {"postop_oct": {"column": "A", "kind": "numeric"}}, "cannot be an input"),
        ("visit", {"column": "Visit", "preop": ["1"]}, "'one_row_per: visit' belong together"),
        ("table", {"one_row_per": "visit"}, "add the section or change table.one_row_per"),
        ("views", {"horizontal": {"section": "line 6 of 5"}}, "'line 2 of 5'"),
        ("views", {"horizontal": {"section": "middle"}}, "'line 2 of 5'"),
        ("views", {"horizontal": {"direction": "horizonal"}}, "direction"),
    ],
)
def test_what_is_wrong_is_named(raw, section, keys, said):
    raw.say(section, **keys).fails("mapping.yaml", said)


@pytest.mark.parametrize(
    ("section", "value", "said"),
    [
        ("exclude", {"reason": "x"}, "exclude must be a list, got"),
        ("exclude", ["x"], "exclude[1] must hold reason, column and a test"),
        ("exclude", [{"reason": "x", "is": ["1"]}], "exclude[1].column is missing"),
        ("exclude", [{"column": "Eye", "is": ["1"]}], "exclude[1].reason is missing"),
        ("exclude", [{"reason": "x", "column": "Eye"}], "exclude[1]: nothing to test"),
        ("exclude", [{"reason": "x", "column": "Eye", "below": "18"}], "must be a number"),
        ("exclude", [{"reason": "x", "column": "Eye", "is": [None]}], "put quotes around"),
        ("exclude", [{"reason": "x", "column": "Eye", "is": "yes"}], "list such as [yes]"),
        ("exclude", [{"reason": "x", "column": "Eyes", "missing": True}], "did you mean 'Eye'?"),
        ("require", "postop_va", "require must be a list"),
        (
            "require",
            ["postop"],
            "require[1] must be one of preop_va, postop_va, any_view or",
        ),
        ("require", ["any_view"], "there is no scans section"),
        ("followup_window_days", [14], "two numbers such as [14, 120]"),
        ("followup_window_days", [120, 14], "120 is above 14; exchange them"),
        ("views", {}, "views is empty; give at least one"),
        ("views", None, "views is empty; give at least one"),
        ("table", "eyes.csv", "table must hold file, one_row_per,"),
        ("tables", {}, "'table' is given already"),
    ],
)
def test_a_wrong_section_is_named(raw, section, value, said):
    raw.sections[section] = value
    raw.fails(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "key: value"), ("a: [", "line 1"), ("a: 1\na: 2", "line 2"), ("- a", "key: value")],
)
def test_a_file_that_is_no_mapping(raw, text, said):
    path = raw.mapping()
    path.write_text(text)
    raw.mapping = lambda: path
    raw.fails("mapping.yaml", said)


def test_no_mapping_at_all(raw):
    raw.mapping = lambda: raw.folder / "none.yaml"
    raw.fails("none.yaml: no such file")


def test_a_column_that_is_not_there_names_the_likely_one(raw):
    raw.say("columns", site="Eyes").fails(
        "eyes.csv: no column 'Eyes', which columns.site names; did you mean 'Eye'?"
    )
    raw.say("columns", site="mrn").fails("did you mean 'MRN'?")
    raw.say("columns", site="Hospital").fails("there are: MRN, Eye, Before, After")


@pytest.mark.parametrize("column", ["MRN", "Eye", "Before", "After"])
def test_every_column_is_asked_for(raw, column):
    rows = [{"MRN": "1", "Eye": "R", "Before": "0.1", "After": "0.5"}]
    raw.table([{name: cell for name, cell in row.items() if name != column} for row in rows])
    raw.fails("eyes.csv", f"no column {column!r}", "which columns.")


def test_what_the_mapping_does_not_say_is_not_used(raw):
    eyes = raw.eyes()
    used = {"eye_id", "patient_id", "laterality", *VIEWS}
    assert {name for name in eyes if not name.startswith(("preop", "postop"))} == used


def test_without_an_outcome_every_one_is_unknown(raw):
    raw.sections["columns"] = {k: v for k, v in COLUMNS.items() if k != "postop_va"}
    assert list(raw.eyes()["postop_va"]) == ["", "", ""]


def test_a_wrong_unit_is_said_in_terms_of_the_mapping(raw):
    raw.table(
        [
            {"MRN": str(n), "Eye": "R", "Before": f"0.{n % 4 + 1}", "After": f"0.{n % 4 + 5}"}
            for n in range(12)
        ]
    )
    raw.say("columns", preop_va={"column": "Before", "notation": "logmar"})
    raw.say("columns", postop_va={"column": "After", "notation": "logmar"})
    message = raw.fails("the unit may be inverted", "notation in mapping.yaml")
    assert "cohort.yaml" not in message
    assert len(raw.say("acuity", expect_improvement=False).eyes()) == 12


def test_one_word_cannot_mean_the_right_eye_here_and_the_left_one_there(raw):
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality={"OD": ["L"], "OS": ["R"]})
    raw.fails("'L' means OS in columns.laterality and OD in scans.laterality")


@pytest.mark.parametrize(("column", "role"), [("After", "postop_va"), ("MRN", "patient_id")])
def test_what_came_after_surgery_is_no_covariate_under_another_name(raw, column, role):
    raw.say("covariates", age_years={"column": column, "kind": "numeric", "unit": "years"})
    raw.fails("covariates.age_years", f"columns.{role}", f"the same column {column!r}")


def test_both_acuities_from_one_column_are_refused(raw):
    raw.say("columns", postop_va={"column": "Before", "notation": "decimal"})
    raw.fails("name the same column", "one_row_per: visit")
