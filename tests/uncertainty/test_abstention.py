"""Abstention: limits, reference embeddings, reasons, and pictures that are no OCT."""

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from ctt_net.cohort import read_cohort
from ctt_net.data.scans import Scans, load_scans
from ctt_net.errors import InputError
from ctt_net.imaging import ImagingError, Preprocessing, read_bscan, signal_quality
from ctt_net.metrics.selective import REASONS
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.abstention import ABSTENTION_REASONS, abstention_reasons, with_abstention
from ctt_net.uncertainty.abstention_limits import UNSURE, Abstention, scale_limit, upper_limit
from ctt_net.uncertainty.reference_embeddings import (
    ReferenceEmbeddings,
    features_of,
    read_embeddings,
    write_embeddings,
)
from tests.uncertainty.no_oct import PICTURES

PREPARE = Preprocessing(96, 144, "flat")


def points(n=300, D=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (n, D)) @ rng.normal(0, 1, (D, D)) + 3


def test_a_distance_is_that_of_scipy():
    reference = ReferenceEmbeddings.fit(points())
    inverse = np.linalg.inv(reference.covariance)
    expected = [mahalanobis(one, reference.mean, inverse) for one in points(seed=1)]
    np.testing.assert_allclose(reference.distance(points(seed=1)), expected, rtol=1e-9)
    np.testing.assert_allclose(
        reference.covariance, np.cov(points().T, bias=True), rtol=0.1, atol=0.1
    )


def test_what_never_varied_is_no_division_by_zero():
    still = np.column_stack([points(), np.full(300, 0.7)])
    reference = ReferenceEmbeddings.fit(still)
    assert np.isfinite(reference.distance(still)).all()
    away = still[:1] + np.r_[np.zeros(5), 5.0]
    assert reference.distance(away) > 10 * reference.distance(still).max()


def test_embeddings_read_back_and_damage_is_named(tmp_path):
    reference = ReferenceEmbeddings.fit(points())
    write_embeddings({"scan": reference}, tmp_path)
    read = read_embeddings(tmp_path)["scan"]
    np.testing.assert_array_equal(read.covariance, reference.covariance)
    (tmp_path / "reference_embeddings.safetensors").write_bytes(b"no tensors")
    with pytest.raises(InputError, match=r"reference_embeddings\.safetensors"):
        read_embeddings(tmp_path)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(12, 0.975, 1.0), (60, 0.98, 1.0), (400, 0.985, 0.995)]
)
def test_a_limit_holds_its_share_of_further_eyes(count, low, high):
    rng = np.random.default_rng(count)
    inside = [
        np.mean(rng.lognormal(1, 0.4, 500) <= upper_limit(rng.lognormal(1, 0.4, count)))
        for _ in range(300)
    ]
    assert low <= np.mean(inside) <= high


def test_a_limit_is_the_corrected_quantile_and_none_of_nothing():
    values = np.random.default_rng(0).permutation(np.arange(1.0, 200.0))
    assert upper_limit(values) == 198  # rank 200 * 0.99 of 199
    assert upper_limit(values[:4]) is None


def test_a_scale_is_too_large_where_half_of_the_eyes_beyond_miss():
    scale = np.linspace(0.01, 0.4, 400)
    hit = np.where(np.arange(400) < 300, True, np.arange(400) % 4 == 0)  # 3 of 4 miss at the end
    limit, source = scale_limit(scale, hit)
    beyond = hit[scale >= limit]
    assert beyond.mean() < 0.5
    assert hit[scale >= limit - 0.003].mean() > 0.45
    assert "within 0.2 logMAR" in source


def limited(limit, source):
    return Abstention(
        200, limit, source, {"scan": 4.0}, {}, 900, {}, {"scan": ReferenceEmbeddings.fit(points())}
    )


def test_answers_end_at_the_same_width_after_recalibration():
    """Where the limit asks for hits: errors of twice the size halve the scale that is trusted."""
    scores = np.abs(np.random.default_rng(0).normal(0, 2, 100))
    before = limited(0.24, UNSURE)
    after = before.recalibrated(0.5, scores, "cohort x")
    assert after.scale_limit_logmar == pytest.approx(0.12)
    assert after.scale_limit_from == f"{UNSURE}, moved with the intervals to cohort x"
    assert after.recalibrated(2.0, scores, "y").scale_limit_logmar == pytest.approx(0.24)
    # What lies far from the training does so here, too.
    assert after.distance_limits == before.distance_limits
    assert after.n_eyes == 200
    # Intervals without any width say nothing.
    assert before.recalibrated(np.inf, scores, "cohort x") == before


def test_a_limit_that_nothing_failed_at_falls_only_where_half_miss_now():
    rng = np.random.default_rng(0)
    small, large = (np.abs(rng.normal(0, sd, 4000)) for sd in (0.9, 3.0))
    source = "larger than 99% of those measured"
    before = limited(0.2, source)
    assert before.recalibrated(0.9, small, "cohort x") is before
    after = before.recalibrated(0.3, large, "cohort x")
    # Normal errors of three times a scale: half of them lie within 0.6745 of that.
    assert after.scale_limit_logmar == pytest.approx(0.2 / (3 * 0.6745), rel=0.05)
    errors = after.scale_limit_logmar * 3 * rng.normal(size=4000)
    assert (np.abs(errors) <= 0.2).mean() == pytest.approx(0.5, abs=0.05)
    assert limited(None, source).recalibrated(0.3, large, "x").scale_limit_logmar == pytest.approx(
        after.scale_limit_logmar
    )
    assert limited(None, source).recalibrated(1.0, np.zeros(50), "x").scale_limit_logmar is None


def test_a_network_that_never_fails_is_doubted_beyond_what_was_measured():
    scale = np.random.default_rng(0).lognormal(-3, 0.3, 200)
    limit, source = scale_limit(scale, np.ones(200, bool))
    assert np.quantile(scale, 0.98) < limit <= scale.max()
    assert source.startswith("larger than")
    few, _ = scale_limit(scale[:3], np.zeros(3, bool))
    assert few is None


def abstention(seen=50, n=200):
    rng = np.random.default_rng(0)
    reference = ReferenceEmbeddings.fit(points())
    return Abstention.measure(
        scale_logmar=rng.uniform(0.05, 0.2, n),
        error_logmar=rng.normal(0, 0.05, n),
        features={"embedding": points(n, seed=1)},
        references={"embedding": reference},
        training_eyes=1000,
        training_counts={"no_preop_va": seen, "off_chart_preop": seen},
    )


def test_limits_read_back_and_damage_is_named(tmp_path):
    assert Abstention.read(tmp_path) is None
    made = abstention()
    made.write(tmp_path)
    read = Abstention.read(tmp_path)
    assert read.distance_limits == made.distance_limits
    assert read.scale_limit_logmar == made.scale_limit_logmar
    place = tmp_path / "abstention.json"
    place.write_text(
        place.read_text().replace('"scale_limit_logmar": 0', '"scale_limit_logmar": -1')
    )
    with pytest.raises(InputError, match=r"abstention\.json"):
        Abstention.read(tmp_path)
    made.write(tmp_path)
    (tmp_path / "reference_embeddings.safetensors").unlink()
    with pytest.raises(InputError, match=r"reference_embeddings\.safetensors"):
        Abstention.read(tmp_path)


def judged(rule, *, scale=0.1, embedding=None, quality=0.6, preop=0.5, off_chart=False):
    """Why one eye of two views is not answered."""
    quality = np.broadcast_to(quality, (1, 2)).astype(float)
    scans = Scans(np.full((1, 2, 64, 96), 90, np.uint8), np.isfinite(quality), quality)
    embedding = points(300).mean(axis=0) if embedding is None else embedding
    raw = ModelOutput(np.zeros(1), np.array([scale]), np.zeros((1, 2)), embedding[None])
    rules = rule if isinstance(rule, list) else [rule]
    said = abstention_reasons(
        rules, [raw] * len(rules), scans, np.array([preop]), np.array([off_chart])
    )
    return said[0]


@pytest.mark.parametrize(
    ("eye", "because"),
    [
        ({}, []),
        ({"scale": 0.5}, ["wide_interval"]),
        ({"embedding": np.full(5, 90.0)}, ["out_of_distribution"]),
        ({"quality": [0.1, 0.6]}, []),
        ({"quality": [0.1, 0.2]}, ["low_quality"]),
        ({"quality": [0.1, np.nan]}, ["low_quality"]),
        ({"quality": np.nan, "embedding": np.full(5, 90.0)}, ["no_view"]),
        ({"preop": np.nan, "scale": 0.5}, ["wide_interval"]),
        ({"preop": 2.0, "off_chart": True}, []),
    ],
)
def test_every_part_of_the_rule(eye, because):
    assert judged(abstention(), **eye) == because


def test_a_state_of_too_few_training_eyes_is_not_answered():
    assert judged(abstention(seen=3), preop=np.nan) == ["no_preop_va"]
    assert judged(abstention(seen=3), off_chart=True) == ["off_chart_preop"]
    assert judged(abstention(seen=3)) == []


def test_an_older_model_folder_has_no_say_and_hinders_none():
    assert judged(None, scale=9, embedding=np.full(5, 90.0), preop=np.nan) == []
    assert judged(None, quality=np.nan) == ["no_view"]
    assert judged([None, abstention()], scale=9) == ["wide_interval"]


def test_flags_name_abstention_once_and_last():
    assert set(REASONS) == set(ABSTENTION_REASONS)  # a report counts every reason there can be
    assert with_abstention(["low_quality"], []) == ["low_quality"]
    found = with_abstention(["low_quality", "missing_view:v"], ["low_quality", "wide_interval"])
    assert found == ["low_quality", "missing_view:v", "wide_interval", "abstain"]
    assert all(sentence.endswith(".") for sentence in ABSTENTION_REASONS.values())


@pytest.fixture(scope="module")
def of_scans(small_cohort):
    """Limits for scans alone: two thirds of the small cohort train, one third sets the limit."""
    cohort = read_cohort(small_cohort)
    scans = load_scans(cohort, PREPARE)
    looks = features_of(scans.pixels, scans.present)
    train = np.arange(len(looks)) % 3 > 0
    flat = looks[train].reshape(-1, looks.shape[-1])
    rule = Abstention.measure(
        scale_logmar=np.full((~train).sum(), 0.1),
        error_logmar=np.zeros((~train).sum()),
        features={"scan": looks[~train]},
        references={"scan": ReferenceEmbeddings.fit(flat[np.isfinite(flat).all(axis=1)])},
        training_eyes=int(train.sum()),
        training_counts={},
    )
    return rule, scans


def scans_judged(rule, scans):
    E = len(scans.present)
    raw = ModelOutput(np.zeros(E), np.full(E, 0.05), np.zeros((E, 2)))
    return abstention_reasons([rule], [raw], scans, np.full(E, 0.5), np.zeros(E, bool))


@pytest.mark.slow
@pytest.mark.parametrize("draw", PICTURES)
def test_a_picture_that_is_no_oct_is_not_answered(of_scans, draw, tmp_path):
    rule, _ = of_scans
    picture = draw(np.random.default_rng(0))
    cv2.imwrite(str(tmp_path / "scan.png"), picture)
    try:
        pixels = read_bscan(tmp_path / "scan.png").pixels
    except ImagingError:
        return  # the reader has refused it
    one = PREPARE(pixels, "OD", "horizontal")[None, None]
    (said,) = scans_judged(
        rule, Scans(one, np.ones((1, 1), bool), np.array([[signal_quality(pixels)]]))
    )
    assert "out_of_distribution" in said


def test_a_scan_upside_down_is_not_answered(of_scans):
    rule, scans = of_scans
    turned = Scans(scans.pixels[:, :, ::-1], scans.present, scans.quality)
    said = scans_judged(rule, turned)
    assert np.mean(["out_of_distribution" in one for one in said]) > 0.9


def test_few_clean_eyes_of_others_are_taken_for_strange(of_scans, other_cohort):
    rule, _ = of_scans
    said = scans_judged(rule, load_scans(read_cohort(other_cohort), PREPARE))
    assert len(said) == 20
    assert sum("out_of_distribution" in one for one in said) <= 2
