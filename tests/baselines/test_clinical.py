import json
import re

import numpy as np
import pandas as pd
import pytest

from ctt_net.baselines.clinical import Baselines, average_baselines, cross_fit_baselines
from ctt_net.baselines.linear import Feature, LinearModel, design, fit_pipeline
from ctt_net.cohort import Covariate
from ctt_net.errors import InputError


def holed(eyes):
    """The same eyes with unknown values in every column."""
    eyes = eyes.copy()
    eyes.loc[::7, "preop_logmar"] = np.nan
    eyes.loc[1::9, "age"] = ""
    eyes.loc[2::11, "sex"] = ""
    eyes.loc[5, "sex"] = "X"
    return eyes


def test_preop_only_is_the_least_squares_line(eyes, spec):
    slope, intercept = np.polyfit(eyes["preop_logmar"], eyes["postop_logmar"], 1)
    predicted = Baselines.fit(eyes, spec).predict(eyes)
    np.testing.assert_allclose(
        predicted["preop_only"], intercept + slope * eyes["preop_logmar"], atol=1e-12
    )
    np.testing.assert_allclose(predicted["mean"], eyes["postop_logmar"].mean())


def test_the_numbers_read_out_predict_what_the_pipeline_predicts(eyes, spec):
    train, test = holed(eyes.iloc[:80]), holed(eyes.iloc[80:].reset_index(drop=True))
    features = [Feature("preop_logmar"), Feature("age"), Feature("sex", ("F", "M"))]
    target = train["postop_logmar"].to_numpy()
    for groups in (None, list(train["patient_id"])):
        pipeline = fit_pipeline(design(train, features), target, groups)
        model = LinearModel.fit(train, features, target, groups)
        for table in (train, test):
            expected = pipeline.predict(design(table, features))
            np.testing.assert_allclose(model.predict(table), expected, atol=1e-10)
    assert model.penalty > 0


def test_numbers_survive_json(eyes, spec):
    baselines = Baselines.fit(holed(eyes), spec)
    mapping = json.loads(json.dumps(baselines.to_dict(), allow_nan=False))
    assert mapping == baselines.to_dict()
    pd.testing.assert_frame_equal(
        Baselines.from_dict(mapping).predict(holed(eyes)),
        baselines.predict(holed(eyes)),
        check_exact=True,
    )


def test_a_damaged_mapping_is_refused(eyes, spec):
    mapping = Baselines.fit(eyes, spec).to_dict()
    del mapping["preop_only"]["slopes"]
    with pytest.raises(InputError, match="slopes"):
        Baselines.from_dict(mapping)


OLD_LINE = {
    "features": [{"column": "preop_logmar", "levels": [], "missing": []}],
    "intercept": 0.1,
    "slopes": [0.2],
    "fills": [0.5],
    "missing_shifts": [0.05],
    "penalty": 0.0,
}
OLD_TREES = {
    "features": OLD_LINE["features"],
    "start": 0.3,
    "size": "3",
    "feature": "0 -1 -1",
    "left": "1 0 0",
    "right": "2 0 0",
    "missing_left": "1 0 0",
    "threshold": "0.7 0.0 0.0",
    "value": "0.0 -0.1 0.2",
}


def test_model_folders_of_older_versions_are_read():
    rows = pd.DataFrame({"preop_logmar": [0.7, 0.71, np.nan]})
    first = {"mean_logmar": 0.25, "preop_only": OLD_LINE, "covariates": None}
    predicted = Baselines.from_dict({**first, "boosting": OLD_TREES}).predict(rows)
    assert list(predicted) == ["mean", "preop_only", "boosting"]
    np.testing.assert_allclose(predicted["preop_only"], [0.24, 0.242, 0.25])
    np.testing.assert_allclose(predicted["boosting"], [0.2, 0.5, 0.2])
    assert list(Baselines.from_dict(first).predict(rows)) == ["mean", "preop_only"]


@pytest.mark.parametrize("name", ["boosting", "svm"])
def test_damaged_parts_are_refused(eyes, spec, name):
    mapping = Baselines.fit(eyes, spec).to_dict()
    for damaged in ({"features": []}, {**mapping[name], "features": []}, {"start": "x"}):
        with pytest.raises(InputError, match="baselines: cannot be read"):
            Baselines.from_dict({**mapping, name: damaged})


def test_no_training_eye_lies_in_what_is_stored(eyes, spec):
    """Support vectors would be patients: age, acuity and sex of each."""
    text = json.dumps(Baselines.fit(eyes, spec).svm.to_dict())
    stored = {round(float(number), 6) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text)}
    assert not stored & set(eyes["preop_logmar"].round(6))


def test_covariates_only_stand_there_if_the_cohort_declares_them(eyes, spec):
    bare = type(spec)(**{**spec.__dict__, "covariates": {}})
    plain = ["mean", "median", "preop_only", "boosting", "svm"]
    assert list(Baselines.fit(eyes, bare).predict(eyes)) == plain
    full = ["mean", "median", "preop_only", "covariates", "boosting", "svm"]
    assert list(Baselines.fit(eyes, spec).predict(eyes)) == full


def test_an_informative_covariate_lowers_the_error_and_a_category_counts(eyes, spec):
    eyes["postop_logmar"] = 0.2 + 0.01 * eyes["age"].astype(float) - 0.3 * (eyes["sex"] == "M")
    predicted = Baselines.fit(eyes, spec).predict(eyes)
    error = (predicted.sub(eyes["postop_logmar"], axis=0)).abs().mean()
    assert error["covariates"] < 0.01 < error["preop_only"]
    assert error["boosting"] < 0.5 * error["preop_only"]


def test_unknown_values_count_as_the_training_mean_and_never_as_nan(eyes, spec):
    baselines = Baselines.fit(eyes, spec)
    nothing = pd.DataFrame({"eye_id": ["x"], "preop_logmar": [np.nan]})
    predicted = baselines.predict(nothing).iloc[0]
    linear = predicted[["mean", "preop_only", "covariates"]]
    np.testing.assert_allclose(linear, eyes["postop_logmar"].mean(), atol=1e-9)
    assert predicted["median"] == eyes["postop_logmar"].median()
    assert eyes["postop_logmar"].quantile(0.2) < predicted[["boosting", "svm"]].min()
    assert predicted[["boosting", "svm"]].max() < eyes["postop_logmar"].quantile(0.8)


def test_sentinels_are_unknown_and_whole_numbers_read_alike(eyes, spec):
    covariates = {"age": Covariate(kind="numeric", unit="years", missing=("-9",))}
    spec = type(spec)(**{**spec.__dict__, "covariates": covariates})
    marked, blank = eyes.copy(), eyes.copy()
    marked.loc[::5, "age"], blank.loc[::5, "age"] = "-9", ""
    as_float = blank.assign(age=pd.to_numeric(blank["age"]))
    expected = Baselines.fit(blank, spec).predict(blank)
    for table in (marked, as_float):
        pd.testing.assert_frame_equal(Baselines.fit(table, spec).predict(table), expected)


def test_a_word_in_a_numeric_covariate_is_refused_by_name(eyes, spec):
    eyes.loc[3, "age"] = "old"
    with pytest.raises(InputError, match=r"'age'.*'old'"):
        Baselines.fit(eyes, spec)


def test_eyes_without_truth_do_not_take_part_in_the_fit(eyes, spec):
    holes = eyes.copy()
    holes.loc[10:, "postop_logmar"] = np.nan
    fitted = Baselines.fit(holes, spec)
    assert fitted.to_dict() == Baselines.fit(eyes.iloc[:10], spec).to_dict()
    with pytest.raises(InputError, match="no eye has a postoperative acuity"):
        Baselines.fit(eyes.assign(postop_logmar=np.nan), spec)


@pytest.mark.slow
def test_cross_fitting_never_shows_a_fold_its_own_truth(eyes, spec):
    fold = eyes.groupby("patient_id", sort=True).ngroup() % 4
    before = cross_fit_baselines(eyes, spec, fold)
    changed = eyes.copy()
    changed.loc[fold == 2, "postop_logmar"] += 1.0
    after = cross_fit_baselines(changed, spec, fold)
    pd.testing.assert_frame_equal(after[fold == 2], before[fold == 2])
    assert (after[fold != 2]["mean"] > before[fold != 2]["mean"]).all()
    assert before.index.equals(eyes.index)


def test_folds_that_tear_a_patient_or_leave_out_an_eye_are_refused(eyes, spec):
    with pytest.raises(InputError, match="more than one fold"):
        cross_fit_baselines(eyes, spec, pd.Series(np.arange(len(eyes)) % 2))
    fold = eyes.groupby("patient_id").ngroup() % 2
    with pytest.raises(InputError, match="'e0119' has no fold"):
        cross_fit_baselines(eyes, spec, fold.iloc[:-1])
    with pytest.raises(InputError, match="at least two"):
        cross_fit_baselines(eyes, spec, fold * 0)


def test_an_ensemble_is_the_mean_of_its_members(eyes, spec):
    members = [Baselines.fit(eyes.iloc[:60], spec), Baselines.fit(eyes.iloc[60:], spec)]
    expected = (members[0].predict(eyes) + members[1].predict(eyes)) / 2
    pd.testing.assert_frame_equal(average_baselines(members, eyes), expected)
    with pytest.raises(ValueError, match="at least one"):
        average_baselines([], eyes)


def test_levels_that_were_not_declared_are_those_of_the_training_eyes(eyes, spec):
    undeclared = Covariate.model_construct(kind="categorical")
    open_spec = spec.model_copy(update={"covariates": {"sex": undeclared}})
    shut = {"sex": Covariate(kind="categorical", levels=("F", "M"))}
    shut_spec = spec.model_copy(update={"covariates": shut})
    assert Baselines.fit(eyes, open_spec) == Baselines.fit(eyes, shut_spec)
    never = eyes.assign(sex="")
    Baselines.fit(never, open_spec).predict(eyes)
