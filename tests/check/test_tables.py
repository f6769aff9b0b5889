"""The tables: facts a person can count after, and findings in the order of their weight."""

import json
import re

import pytest

from ctt_net.check import examine
from ctt_net.cli import main
from tests.cohort.conftest import SPEC, as_csv, eye


@pytest.fixture
def make_cohort(tmp_path):
    """Write a small cohort folder from rows or from the manifest's very text."""

    def make(manifest, spec=SPEC):
        root = tmp_path / "cohort"
        (root / "scans").mkdir(parents=True)
        for number in range(40):
            for view in "hv":
                (root / "scans" / f"{number}_{view}.png").write_bytes(b"scan")
        text = manifest if isinstance(manifest, str) else as_csv(manifest)
        (root / "manifest.csv").write_text(text, encoding="utf-8", newline="")
        (root / "cohort.yaml").write_text(spec, encoding="utf-8")
        return root

    return make


def checked(root):
    return examine(root, open_scans=False)


def test_the_facts_are_those_of_the_table(make_cohort):
    rows = [
        eye(0, preop_va="CF 1m", v="", device="a", hba1c="7"),
        eye(1, preop_va="HM", postop_va="", device="b"),
        eye(2, device="a", age_years="-9"),
        eye(4, device=""),
    ]
    facts = dict(checked(make_cohort(rows)).facts)
    assert facts["eyes"] == "4"
    assert facts["patients"] == "3 (1 with both eyes)"
    assert facts["right / left eyes"] == "3 / 1"
    assert facts["device"] == "a 2, b 1, not given 1"
    assert facts["view h"] == "4 scans, 0 missing (horizontal, 0 degrees)"
    assert facts["view v"] == "3 scans, 1 missing (vertical, 90 degrees)"
    assert facts["preop acuity (decimal)"] == "0.52 to 2.30, median 1.45 logMAR (0 missing)"
    assert facts["preop off-chart (bach)"] == "CF 1, HM 1"
    postop = facts["postop acuity (decimal)"]
    assert postop == "0.30 to 0.70, median 0.70 logMAR (1 missing)"
    assert facts["covariate age_years"] == "60 to 64, median 61 years (1 missing)"
    assert facts["covariate sex"] == "male 3, female 1 (0 missing)"
    assert facts["columns not declared, so not used"] == "hba1c"


def test_fold_sizes_say_whether_the_folds_are_written(make_cohort):
    root = make_cohort([eye(n) for n in range(40)])
    facts = dict(checked(root).facts)
    assert facts["eyes per fold (not yet stored)"] == "8, 8, 8, 8, 8"
    (root / "folds.csv").write_text(
        "eye_id,fold\n" + "".join(f"e{n},{n // 2 % 2 + 1}\n" for n in range(40))
    )
    assert dict(checked(root).facts)["eyes per fold"] == "20, 20"


def test_too_few_patients_for_folds_is_only_a_warning(make_cohort):
    findings = checked(make_cohort([eye(0)]))
    assert not findings.has_errors
    told = [finding for finding in findings.findings if finding.code == "folds-impossible"]
    assert "not trained on" in told[0].message


def test_a_cohort_for_evaluation_is_not_called_too_small(tables):
    tables.table["split"] = "test"
    findings = tables.examine()
    told = {finding.code: finding for finding in findings.findings}
    assert told["only-test-eyes"].severity == "note"
    assert not set(told) & {"folds-impossible", "patients-few"}
    assert findings.verdict().startswith("Not to be trained on")


def few_patients(tables):
    tables.table = tables.table.iloc[:38]
    findings = tables.examine()
    return findings, next(f for f in findings.findings if f.code == "patients-few")


def test_the_verdict_says_whether_to_train(tables):
    assert tables.examine().verdict() == "Ready to train."
    patients = tables.table["patient_id"].iloc[:38].nunique()
    findings, few = few_patients(tables)
    assert few.message.startswith(f"{patients} patients with an outcome to train on: too few")
    assert "too few patients" in findings.verdict()
    tables.table.loc[3, "age_years"] = "171"
    assert tables.examine().verdict().startswith("Not ready to train: 1 error ")


def test_the_number_of_patients_needed_is_that_of_the_plan(tables, capsys):
    _, few = few_patients(tables)
    needed, arguments = re.search(r"about (\d+) .*\(ctt-net (plan [^)]*)\)", few.message).groups()
    assert main([*arguments.split(), "--sd-error", "0.2", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)["development"]["needed"]
    assert int(needed) == pytest.approx(planned, rel=0.1)  # the SD is rounded in the message


def test_one_is_written_in_the_singular(make_cohort):
    rows = [eye(n) for n in range(12)]
    rows[3] = eye(3, followup_days="900", v="", postop_va="")
    said = [finding.message for finding in checked(make_cohort(rows)).findings]
    plural = re.compile(r"\b1 (eyes|scans|patients|days)\b")
    assert not [message for message in said if plural.search(message)]
    assert any(message.startswith("1 eye without postop_va") for message in said)


@pytest.mark.parametrize("absent", ["preop_va", "postop_va", "h", "eye_id"])
def test_no_column_in_use_is_advised_for_one_that_is_missing(make_cohort, absent):
    rows = [eye(n) for n in range(4)]
    spec = SPEC.replace("  v: {", "  h2: {") if absent == "h" else SPEC
    for row in rows:
        row["h2"] = row["v"]
        del row[absent]
    problem = next(f for f in checked(make_cohort(rows, spec)).findings if f.severity == "error")
    assert problem.code == "column-missing"
    assert "Rename" not in problem.message


def test_a_misspelt_column_is_advised(make_cohort):
    rows = [{("Laterality " if k == "laterality" else k): c for k, c in eye(0).items()}]
    problem = next(f for f in checked(make_cohort(rows)).findings if f.severity == "error")
    assert "is it 'Laterality'? Rename that" in problem.message


def test_errors_come_first_and_the_facts_are_still_told(make_cohort):
    rows = [
        eye(0, h="", v=""),
        eye(1, laterality="R"),
        eye(5, eye_id="e1"),
        eye(3, followup_days="900"),
    ]
    findings = checked(make_cohort(rows))
    kinds = [finding.severity for finding in findings.findings]
    assert kinds == sorted(kinds, key=["error", "warning", "note"].index)
    assert kinds.count("error") == 2
    assert dict(findings.facts)["eyes"] == "4"
    assert any(finding.column == "followup_days" for finding in findings.findings)


def test_a_missing_column_stops_the_facts_not_the_validation(make_cohort):
    rows = [eye(0, preop_logmar="1.0", postop_logmar="0.7")]
    findings = examine(make_cohort(as_csv(rows).replace("patient_id", "who")))
    assert findings.has_errors
    assert findings.facts == ()


def test_a_hundred_equal_faults_are_one_finding(make_cohort):
    rows = [eye(n, sex="X", h=f"scans/absent_{n}.png", diabetes=str(n // 4 % 2)) for n in range(40)]
    errors = [f for f in checked(make_cohort(rows)).findings if f.severity == "error"]
    assert sorted(f.code for f in errors) == ["covariate-unreadable", "scan-path"]
    for finding in errors:
        assert finding.rows == tuple(range(2, 42))
        assert "40 times" in finding.message
        assert len(finding.message) < 1000
        assert finding.place().startswith("rows 2, 3, 4, 5, 6, ... (40 in all)")


def test_a_shifted_table_whose_days_all_lie_ahead_is_a_note(make_cohort):
    rows = [eye(n, surgery_date=f"2150-01-{n % 20 + 1:02}", sex="male") for n in range(20)]
    told = [f for f in checked(make_cohort(rows)).findings if f.code == "date-in-future"]
    assert [f.severity for f in told] == ["note"]


@pytest.mark.parametrize(
    ("declared", "values", "named"),
    [
        ("logmar", ("0.15", "0.25", "0.05", "1.0"), True),
        ("logmar", ("0.14", "0.22", "0.3", "1.0"), False),
        ("decimal", ("0.14", "0.22", "0.38", "1.1"), True),
        ("decimal", ("0.15", "0.25", "0.5", "1.2"), False),
        ("etdrs", ("1", "2", "0", "3"), True),
        ("etdrs", ("55", "70", "35", "85"), False),
    ],
)
def test_values_speak_for_their_notation(declared, values, named, make_cohort):
    spec = SPEC.replace("preop_va: decimal", f"preop_va: {declared}")
    spec = spec.replace("postop_va: decimal", "postop_va: snellen")
    rows = [eye(n, preop_va=values[n % 4], postop_va="20/16") for n in range(40)]
    checks = {finding.code for finding in checked(make_cohort(rows, spec)).findings}
    assert ("va-notation" in checks) == named


@pytest.mark.parametrize("other", ["logmar", "snellen"])
def test_two_notations_of_plain_numbers_are_asked_about(other, make_cohort):
    """Values such as 0.5 and 0.6 are read in either, so that no value tells."""
    spec = SPEC.replace("postop_va: decimal", f"postop_va: {other}")
    after = {"logmar": "0.1", "snellen": "20/25"}[other]
    rows = [eye(n, preop_va="0.6", postop_va=after) for n in range(20)]
    told = [f for f in checked(make_cohort(rows, spec)).findings if f.code == "va-notation"]
    assert [f.severity for f in told] == ["warning"] * (other == "logmar")
    assert all("preop_va is declared as decimal and postop_va as logmar" in f.message for f in told)
