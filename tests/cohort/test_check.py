"""The doctor: facts a person can count after, and findings in the order of their weight."""

import subprocess
import sys

from ctt_net.cohort import check_cohort


def facts_of(root):
    return dict(check_cohort(root).facts)


def test_the_facts_are_those_of_the_table(make_cohort, eye):
    rows = [
        eye(0, preop_va="CF 1m", v="", device="a", hba1c="7"),
        eye(1, preop_va="HM", postop_va="", device="b"),
        eye(2, device="a", age_years="-9"),
        eye(4, device=""),
    ]
    facts = facts_of(make_cohort(rows))
    assert facts["eyes"] == "4"
    assert facts["patients"] == "3 (1 with both eyes)"
    assert facts["right / left eyes"] == "3 / 1"
    assert facts["device"] == "a 2, b 1, not said 1"
    assert facts["view h"] == "4 scans, 0 missing (horizontal, 0 degrees)"
    assert facts["view v"] == "3 scans, 1 missing (vertical, 90 degrees)"
    assert facts["preop acuity (decimal)"] == "0.52 to 2.30, median 1.45 logMAR (0 missing)"
    assert facts["preop off-chart (bach)"] == "CF 1, HM 1"
    postop = facts["postop acuity (decimal)"]
    assert postop == "0.30 to 0.70, median 0.70 logMAR (1 missing)"
    assert facts["covariate age_years"] == "60 to 64, median 61 years (1 missing)"
    assert facts["covariate sex"] == "male 3, female 1 (0 missing)"
    assert facts["columns not declared, so not used"] == "hba1c"


def test_fold_sizes_say_whether_the_folds_are_written(make_cohort, eye):
    root = make_cohort([eye(n) for n in range(40)])
    assert facts_of(root)["eyes per fold (as they would be dealt)"] == "8, 8, 8, 8, 8"
    (root / "folds.csv").write_text(
        "eye_id,fold\n" + "".join(f"e{n},{n // 2 % 2 + 1}\n" for n in range(40))
    )
    assert facts_of(root)["eyes per fold"] == "20, 20"


def test_folds_that_do_not_fit_are_an_error(make_cohort, eye):
    root = make_cohort([eye(n) for n in range(10)])
    (root / "folds.csv").write_text("eye_id,fold\ne0,1\n")
    assert check_cohort(root).has_errors


def test_too_few_patients_for_folds_is_only_a_warning(make_cohort, eye):
    report = check_cohort(make_cohort([eye(0)]))
    assert not report.has_errors
    assert "not trained on" in str(report.problems[-1])


def test_errors_come_first_and_the_facts_are_still_told(make_cohort, eye):
    rows = [
        eye(0, h="", v=""),
        eye(1, laterality="R"),
        eye(5, eye_id="e1"),
        eye(3, followup_days="900"),
    ]
    report = check_cohort(make_cohort(rows))
    kinds = [problem.severity for problem in report.problems]
    assert kinds == sorted(kinds)
    assert kinds.count("error") == 2
    assert dict(report.facts)["eyes"] == "4"
    assert any(p.column == "followup_days" for p in report.problems)


def test_a_missing_column_stops_the_facts_not_the_doctor(make_cohort, eye, as_csv):
    rows = [eye(0, preop_logmar="1.0", postop_logmar="0.7")]
    report = check_cohort(make_cohort(as_csv(rows).replace("patient_id", "who")))
    assert report.has_errors
    assert report.facts == ()


def test_a_switched_off_alarm_is_said(make_cohort, eye, spec_text):
    spec = spec_text.replace("acuity: {", "acuity: {expect_improvement: false, ")
    report = check_cohort(make_cohort([eye(0), eye(2)], spec))
    assert any("alarm is switched off" in str(problem) for problem in report.problems)


def test_checking_imports_no_torch():
    code = "import sys, ctt_net.cohort; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
