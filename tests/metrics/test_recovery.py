import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from ctt_net.metrics.recovery import FIGURES, auroc, recovery_figures


@pytest.fixture(params=[0, 1, 2], ids=["no ties", "many ties", "two scores"])
def scored(request):
    rng = np.random.default_rng(request.param)
    label = (rng.random(50) < 0.4).astype(float)
    score = np.clip(0.5 + 0.25 * (label - 0.4) + rng.normal(0, 0.2, 50), 0, 1)
    score = score.round([6, 1, 0][request.param])
    return score, label, rng.integers(0, 4, (20, 50)).astype(float)


def test_every_figure_equals_scikit_learn_with_sample_weight(scored):
    score, label, weights = scored
    figures = recovery_figures(score, label, weights)
    called = score >= 0.5
    for row, weight in enumerate(weights):
        kw = {"sample_weight": weight}
        expected = {
            "auroc": roc_auc_score(label, score, **kw),
            "auprc": average_precision_score(label, score, **kw),
            "sensitivity": recall_score(label, called, **kw),
            "specificity": recall_score(label, called, pos_label=0, **kw),
            "precision": precision_score(label, called, **kw),
            "npv": precision_score(label, called, pos_label=0, **kw),
            "f1": f1_score(label, called, **kw),
            "brier": brier_score_loss(label, score, **kw),
        }
        assert set(expected) == set(FIGURES)
        for name, value in expected.items():
            assert figures[(name,)][row] == pytest.approx(value, abs=1e-12), name


def test_one_class_gives_no_figures():
    figures = recovery_figures(np.array([0.2, 0.9]), np.array([1.0, 1.0]), np.ones((3, 2)))
    assert all(np.isnan(value).all() for value in figures.values())


def test_a_resample_without_one_class_is_undefined_and_others_are_not():
    weights = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    area = auroc(np.array([0.1, 0.2, 0.9]), np.array([0.0, 0.0, 1.0]), weights)
    assert np.isnan(area[0])
    assert area[1] == 1.0


def test_half_counts_as_called():
    figures = recovery_figures(np.array([0.5, 0.1]), np.array([1.0, 0.0]), np.ones((1, 2)))
    assert figures[("sensitivity",)][0] == 1.0
