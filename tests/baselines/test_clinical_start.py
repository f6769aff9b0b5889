"""What a prediction starts from, and how far a network may move it."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from ctt_net.baselines.clinical import Baselines
from ctt_net.baselines.clinical_start import (
    PRIOR_WEIGHTS,
    ClinicalStart,
    image_weight,
    image_weight_in_words,
    stack_weights,
)
from ctt_net.errors import InputError
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.types import ModelOutput

OUTCOMES = DEFAULT_OUTCOMES[:2]


@pytest.fixture
def start(eyes, spec):
    return ClinicalStart.fit(eyes, spec, spec.covariates)[0]


def output(rng, n):
    return ModelOutput(
        rng.normal(0.3, 0.2, n),
        rng.uniform(0.05, 0.2, n),
        rng.normal(0, 2, (n, 2)),
        np.ones((n, 3)),
    )


@pytest.mark.parametrize("k", [1.0, 2.0])
def test_the_image_weight_is_the_written_out_formula(k):
    rng = np.random.default_rng(0)
    clinical, network = rng.normal(0.4, 0.2, 40), rng.normal(0.4, 0.2, 40)
    truth = clinical + 0.6 * (network - clinical) + rng.normal(0, 0.15, 40)
    d, r = (network - clinical)[:, None], truth - clinical
    line = LinearRegression(fit_intercept=False).fit(d, r)
    b = line.coef_[0]
    error = np.sqrt(((r - line.predict(d)) ** 2).sum() / 39 / (d**2).sum())
    assert 0 < b - (k * error) ** 2 / b < b
    assert image_weight(truth, clinical, network, k) == pytest.approx(b - (k * error) ** 2 / b)


@pytest.mark.parametrize("n", [12, 30, 200])
def test_images_of_other_eyes_get_no_weight_and_those_that_tell_all_nearly_one(n):
    rng = np.random.default_rng(n)
    shuffled, telling = [], []
    for _ in range(400):
        clinical = rng.normal(0.4, 0.1, n)
        truth = clinical + rng.normal(0, 0.2, n)
        seen = truth + rng.normal(0, 0.05, n)
        telling.append(image_weight(truth, clinical, seen, 2))
        shuffled.append(image_weight(truth, clinical, rng.permutation(seen), 2))
    # A permuted correction still holds the clinical prediction's own error, so it points the way a
    # little: what is left of its error says how little.
    assert np.mean(shuffled) < 0.05
    assert np.mean(np.array(shuffled) == 0) > 0.9
    assert np.mean(telling) > 0.9


@pytest.mark.parametrize(
    ("network", "weight"), [([0.2, 0.4, 0.6], 0.0), ([0.0, 0.0, 0.0], 0.0), ([1.0, 2.0, 3.0], 1.0)]
)
def test_a_correction_of_nothing_or_the_wrong_way_has_no_weight(network, weight):
    clinical = np.array([0.2, 0.4, 0.6])
    assert image_weight(np.array([1.0, 2.0, 3.0]), clinical, np.array(network), 1) == weight
    assert image_weight(np.array([1.0]), np.array([0.2]), np.array([1.0]), 1) == 0


def test_the_stack_follows_the_prior_at_few_eyes_and_the_truth_at_many():
    rng = np.random.default_rng(0)

    def weights(n, better):
        truth = rng.normal(0.4, 0.2, n)
        names = ("mean", "preop_only", "covariates", "svm")
        noise = {name: 0.05 if name == better else 0.3 for name in names}
        table = pd.DataFrame({name: truth + rng.normal(0, noise[name], n) for name in names})
        return stack_weights(table, truth)

    few, many = weights(4, None), weights(3000, "covariates")
    for found in (few, many):
        assert sum(found.values()) == pytest.approx(1)
        assert min(found.values()) >= 0
    assert few["svm"] == pytest.approx(PRIOR_WEIGHTS["svm"], abs=0.3)
    assert many["covariates"] > 0.9


def test_the_stack_is_the_weighted_sum_of_predictors_fitted_on_the_same_eyes(eyes, spec, start):
    fitted = Baselines.fit(eyes, spec).predict(eyes)
    expected = sum(weight * fitted[name] for name, weight in start.weights.items())
    np.testing.assert_allclose(start.predict(eyes), expected)
    assert start.image_weight == 0


def test_out_of_fold_predictions_never_saw_the_patient(eyes, spec):
    _, unseen = ClinicalStart.fit(eyes, spec, spec.covariates)
    changed = eyes.copy()
    one = changed["patient_id"] == "p007"
    changed.loc[one, "postop_logmar"] += 0.02  # too little to move an eye to another band
    _, after = ClinicalStart.fit(changed, spec, spec.covariates)
    # The weights of the stack are of all eyes; each predictor is not.
    assert np.abs(after[one] - unseen[one]).max() < 0.003
    assert list(unseen.index) == list(eyes.index)


def test_covariates_that_the_network_does_not_take_are_left_out(eyes, spec):
    start, _ = ClinicalStart.fit(eyes, spec, {"age": spec.covariates["age"]})
    other = eyes.assign(sex="M", diabetes="1")
    np.testing.assert_array_equal(start.predict(eyes), start.predict(other))
    assert "sex" in spec.covariates


def test_at_weight_0_it_is_the_clinical_prediction_and_at_1_the_network(start):
    rng = np.random.default_rng(0)
    raw, clinical, preop = output(rng, 9), rng.normal(0.3, 0.2, 9), rng.normal(0.6, 0.2, 9)
    none, whole, half = (
        ClinicalStart(start.baselines, start.weights, 0.2, weight, 9).blend(
            raw, clinical, preop, OUTCOMES
        )
        for weight in (0.0, 1.0, 0.5)
    )
    np.testing.assert_array_equal(none.postop_logmar, clinical)
    np.testing.assert_array_equal(none.scale_logmar, np.full(9, 0.2))
    assert whole is raw
    for name in ("postop_logmar", "scale_logmar", "recovery_logit"):
        middle = (getattr(none, name) + getattr(raw, name)) / 2
        np.testing.assert_allclose(getattr(half, name), middle)
    np.testing.assert_array_equal(half.embedding, raw.embedding)


def test_the_clinical_logit_says_what_errors_of_its_size_do(start):
    rng = np.random.default_rng(0)
    sd, clinical = 0.2, np.full(1, 0.25)
    alone = ClinicalStart(start.baselines, start.weights, sd, 0.0, 9)
    logit = alone.blend(output(rng, 1), clinical, np.array([0.6]), OUTCOMES).recovery_logit
    truth = rng.logistic(0.25, sd * np.sqrt(3) / np.pi, 200_000)
    assert truth.std() == pytest.approx(sd, rel=0.02)
    for k, recovered in enumerate((truth <= 0.30, 0.6 - truth >= 0.20)):
        assert 1 / (1 + np.exp(-logit[0, k])) == pytest.approx(recovered.mean(), abs=0.01)


def test_an_unknown_preop_leaves_the_gain_unknown_and_the_rest_known(eyes, start):
    unknown = eyes.assign(preop_logmar=np.nan, age="", sex="", diabetes="").iloc[:5]
    clinical = start.predict(unknown)
    assert np.isfinite(clinical).all()
    raw = output(np.random.default_rng(0), 5)
    raw.recovery_logit[:, 1] = np.nan  # as a network is read
    for weight in (0.0, 0.4):
        some = ClinicalStart(start.baselines, start.weights, 0.2, weight, 9)
        found = some.blend(raw, clinical, np.full(5, np.nan), OUTCOMES)
        assert np.isfinite(found.postop_logmar).all()
        assert np.isfinite(found.recovery_logit[:, 0]).all()
        assert np.isnan(found.recovery_logit[:, 1]).all()


def test_it_survives_json_and_refuses_impossible_numbers(eyes, start, tmp_path):
    truth = np.array([0.0, 1.0])
    earned = start.with_image_weight(truth, np.array([0.5, 0.5]), truth, 1)
    earned.write(tmp_path)
    again = ClinicalStart.read(tmp_path)
    assert (again.image_weight, again.n_eyes) == (1.0, 2)
    np.testing.assert_array_equal(again.predict(eyes), start.predict(eyes))
    assert ClinicalStart.read(tmp_path / "elsewhere") is None
    file = tmp_path / "clinical_start.json"
    for key, value in (("image_weight", 1.2), ("scale_logmar", 0), ("weights", {"svm": "much"})):
        file.write_text(json.dumps({**again.to_dict(), key: value}))
        with pytest.raises(InputError, match=r"clinical_start\.json: damaged"):
            ClinicalStart.read(tmp_path)


def test_words_name_the_share_and_what_none_means():
    assert image_weight_in_words([]) == ""
    assert image_weight_in_words([0.0, 0.0]).startswith("0%: the network changes nothing")
    assert image_weight_in_words([0.2, 0.4]).startswith("30% (20% to 40% by network): ")
