"""Faults to plant in the tables: each function changes a cohort and returns the rows it spoilt.

None stands for a fault of the whole cohort, whose rows nobody needs.
"""

import numpy as np

from ctt_net.acuity import parse_va

FAULTS = {}


def fault(check, severity):
    """Register what is to be named, and how severely."""

    def register(plant):
        FAULTS[plant.__name__] = (plant, check, severity)
        return plant

    return register


def logmar(cohort, column="postop_va"):
    return cohort.table[column].map(lambda text: parse_va(text, "decimal").logmar).astype(float)


@fault("column-missing", "error")
def a_column_by_another_name(cohort):
    cohort.table = cohort.table.rename(columns={"patient_id": "who"})


@fault("id-unusable", "error")
def a_patient_without_id(cohort):
    cohort.table.loc[4, "patient_id"] = ""
    return [4]


@fault("patient-ids-alike", "warning")
def fellow_eyes_under_two_spellings(cohort):
    first, second = cohort.both_eyes()[0]
    cohort.table.loc[first, "patient_id"] = cohort.table.loc[second, "patient_id"].upper() + " "
    return [first, second]


@fault("laterality-unreadable", "error")
def a_side_in_another_language(cohort):
    cohort.table.loc[[4, 9], "laterality"] = "droite"
    return [4, 9]


@fault("eye-twice", "error")
def a_second_visit_of_one_eye(cohort):
    alone = cohort.alone()[5]
    return [alone, cohort.add_row(alone)]


@fault("eye-twice", "error")
def one_id_for_two_eyes(cohort):
    cohort.table.loc[7, "eye_id"] = cohort.table.loc[20, "eye_id"]
    return [7, 20]


@fault("more-than-two-eyes", "error")
def three_eyes_of_a_patient(cohort):
    first, second = cohort.both_eyes()[2]
    return [first, second, cohort.add_row(second)]


@fault("patient-in-two-splits", "error")
def fellow_eyes_in_two_splits(cohort):
    cohort.table["split"] = "train"
    pairs = cohort.both_eyes()
    cohort.table.loc[[row for pair in pairs[1:15] for row in pair], "split"] = "test"
    cohort.table.loc[pairs[0][1], "split"] = "test"
    return pairs[0]


@fault("split-unreadable", "error")
def a_split_of_another_name(cohort):
    cohort.table["split"] = "train"
    alone = cohort.alone()[3]
    cohort.table.loc[alone, "split"] = "holdout"
    return [alone]


@fault("va-unreadable", "error")
def a_fraction_among_decimals(cohort):
    cohort.table.loc[3, "preop_va"] = "20/40"
    return [3]


@fault("va-columns-disagree", "error")
def a_logmar_beside_another_acuity(cohort):
    cohort.table["postop_logmar"] = logmar(cohort).map("{:.3f}".format)
    cohort.table.loc[6, "postop_logmar"] = "1.7"
    return [6]


@fault("unit-inverted", "error")
def columns_swapped(cohort):
    names = {"preop_va": "postop_va", "postop_va": "preop_va"}
    cohort.table = cohort.table.rename(columns=names)


@fault("va-notation", "warning")
def letter_scored_logmar_declared_as_decimal(cohort):
    letters = (logmar(cohort, "preop_va").clip(upper=1.4) / 0.02).round() * 0.02
    noise = np.random.default_rng(0).integers(-2, 3, len(letters)) * 0.02
    cohort.table["preop_va"] = (letters + noise).clip(lower=0.02).map("{:.2f}".format)


@fault("va-all-equal", "warning")
def an_outcome_filled_in(cohort):
    cohort.table["postop_va"] = "1.0"
    return cohort.table.index


@fault("va-unchanged", "warning")
def an_outcome_copied_from_before(cohort):
    copied = cohort.table.index[:180]
    cohort.table.loc[copied, "postop_va"] = cohort.table.loc[copied, "preop_va"]


@fault("va-gain-impossible", "warning")
def twenty_five_lines_gained(cohort):
    cohort.table.loc[8, ["preop_va", "postop_va"]] = ["0.005", "1.5"]
    return [8]


@fault("va-rounded", "warning")
def decimals_rounded_by_a_spreadsheet(cohort):
    better = logmar(cohort) <= 0.1
    cohort.table["postop_va"] = np.where(better, "2", "1")


@fault("off-chart-share", "warning")
def counting_fingers_in_a_third(cohort):
    few = cohort.table.index[::3]
    cohort.table.loc[few, "preop_va"] = "CF"


@fault("outcome-missing", "warning")
def lost_to_followup(cohort):
    cohort.table.loc[[2, 5, 8], "postop_va"] = ""
    return [2, 5, 8]


@fault("alarm-off", "warning")
def the_alarm_switched_off(cohort):
    cohort.spec["acuity"]["expect_improvement"] = False


@fault("covariate-unreadable", "error")
def a_level_not_declared(cohort):
    cohort.table.loc[[12, 13], "sex"] = "X"
    return [12, 13]


@fault("covariate-constant", "warning")
def a_default_of_the_export(cohort):
    cohort.table["diabetes"] = "0"


@fault("covariate-mostly-missing", "warning")
def a_covariate_seldom_measured(cohort):
    cohort.table.loc[cohort.table.index[:200], "axial_length_mm"] = ""


@fault("fellow-eyes-disagree", "warning")
def two_people_under_one_id(cohort):
    pair = cohort.both_eyes()[3]
    cohort.table.loc[pair, "sex"] = ["F", "M"]
    return pair


@fault("fellow-eyes-disagree", "warning")
def twenty_years_between_fellow_eyes(cohort):
    pair = cohort.both_eyes()[4]
    cohort.table.loc[pair, "age_years"] = ["60", "80"]
    return pair


@fault("stratum-small", "warning")
def a_device_seen_three_times(cohort):
    cohort.table.loc[[30, 31, 32], "device"] = "borrowed"
    return [30, 31, 32]


@fault("folds-unfit", "error")
def folds_of_another_cohort(cohort):
    (cohort.root / "folds.csv").write_text("eye_id,fold\nx,1\ny,2\n")


@fault("folds-impossible", "warning")
def one_patient_outside_the_test_split(cohort):
    cohort.table["split"] = "test"
    cohort.table.loc[cohort.alone()[0], "split"] = ""


@fault("scan-path", "error")
def a_scan_that_is_not_there(cohort):
    cohort.table.loc[14, "vertical"] = "images/absent.png"
    return [14]


@fault("scan-path", "error")
def a_scan_outside_the_folder(cohort):
    cohort.table.loc[15, "vertical"] = "../elsewhere.png"
    return [15]


@fault("scan-named-twice", "error")
def one_scan_for_two_eyes(cohort):
    cohort.table.loc[21, "horizontal"] = cohort.table.loc[40, "horizontal"]
    return [21, 40]


@fault("no-view", "warning")
def an_eye_without_scans(cohort):
    cohort.table.loc[16, ["horizontal", "vertical"]] = ""
    return [16]


@fault("view-missing", "warning")
def a_view_seldom_taken(cohort):
    rows = cohort.table.index[::3]
    cohort.table.loc[rows, "vertical"] = ""
    return rows


@fault("covariate-impossible", "error")
def a_slipped_decimal_point(cohort):
    cohort.table.loc[[5, 11], "axial_length_mm"] = ["233.3", "2.41"]
    return [5, 11]


@fault("covariate-impossible", "error")
def an_undeclared_sign_for_unknown(cohort):
    alone = cohort.alone()[2]
    cohort.table.loc[alone, "age_years"] = "-9"
    return [alone]


@fault("patients-few", "warning")
def few_patients(cohort):
    cohort.table = cohort.table.iloc[:40]


@fault("column-missing", "error")
def an_outcome_column_that_is_not_there(cohort):
    cohort.table = cohort.table.drop(columns="postop_va")
