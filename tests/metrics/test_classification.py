import numpy as np
import pytest
from sklearn import metrics as oracle

from ctt_net.metrics.classification import (
    auroc,
    average_precision,
    brier,
    f1,
    npv,
    precision,
    sensitivity,
    specificity,
)


@pytest.fixture(params=[0, 1, 2], ids=["no ties", "many ties", "two scores"])
def scored(request):
    rng = np.random.default_rng(request.param)
    label = (rng.random(50) < 0.4).astype(float)
    score = np.clip(0.5 + 0.25 * (label - 0.4) + rng.normal(0, 0.2, 50), 0, 1)
    score = score.round([6, 1, 0][request.param])
    return score, label, rng.integers(0, 4, (20, 50)).astype(float)


def of_the_negative(figure):
    return lambda y, called, sample_weight: figure(
        y, called, pos_label=0, sample_weight=sample_weight
    )


OF_SCORES = {
    auroc: oracle.roc_auc_score,
    average_precision: oracle.average_precision_score,
    brier: oracle.brier_score_loss,
}
OF_CALLS = {
    sensitivity: oracle.recall_score,
    specificity: of_the_negative(oracle.recall_score),
    precision: oracle.precision_score,
    npv: of_the_negative(oracle.precision_score),
    f1: oracle.f1_score,
}


@pytest.mark.parametrize("figure", [*OF_SCORES, *OF_CALLS], ids=lambda figure: figure.__name__)
def test_every_figure_equals_scikit_learn_with_sample_weight(scored, figure):
    score, label, weights = scored
    given = score if figure in OF_SCORES else score >= 0.5
    found = figure(given, label, weights)
    expected = (OF_SCORES | OF_CALLS)[figure]
    for row, weight in enumerate(weights):
        assert found[row] == pytest.approx(expected(label, given, sample_weight=weight), abs=1e-12)
        assert figure(given, label, weight) == pytest.approx(found[row], abs=1e-12)
    plain = expected(label, given, sample_weight=None)
    assert figure(given, label) == pytest.approx(plain, abs=1e-12)


def test_one_class_has_no_area():
    assert np.isnan(auroc([0.2, 0.9], [1, 1]))
    assert np.isnan(average_precision([0.2, 0.9], [0, 0]))
    assert np.isnan(sensitivity([1, 0], [0, 0]))


def test_a_resample_without_one_class_is_undefined_and_others_are_not():
    weights = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    area = auroc(np.array([0.1, 0.2, 0.9]), np.array([0.0, 0.0, 1.0]), weights)
    assert np.isnan(area[0])
    assert area[1] == 1.0
