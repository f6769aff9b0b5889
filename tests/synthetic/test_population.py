"""Rates of the population of the additive rule against real ones; foveal: `test_foveal`."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ctt_net.acuity import parse_va
from ctt_net.outcome import Outcome
from ctt_net.synthetic import draw_eyes
from ctt_net.synthetic.eye import chart_text, measure, retest_sd_logmar

REACHES = Outcome("reaches_0.30", "reach", 0.30)


@pytest.fixture(scope="module")
def eyes():
    return draw_eyes(9000, seed=2, rule="additive")


@pytest.fixture(scope="module")
def potential(eyes):
    return np.array([eye.potential_logmar for eye in eyes])


@pytest.fixture(scope="module")
def recorded(eyes, potential):
    """Preoperative and postoperative logMAR as a clinic would record them."""
    rng = np.random.default_rng(0)
    known: dict[str, float] = {}

    def read(logmar):
        text = measure(logmar, rng)
        if text not in known:
            known[text] = parse_va(text, "decimal").logmar
        return known[text]

    lens = np.array([eye.lens_logmar for eye in eyes])
    return np.array([read(x) for x in potential + lens]), np.array([read(x) for x in potential])


def test_a_third_has_a_known_copathology(eyes):
    assert np.mean([eye.known_copathology for eye in eyes]) == pytest.approx(0.369, abs=0.03)


@pytest.mark.parametrize(("copathology", "rate"), [(False, 0.946), (True, 0.799)])
def test_as_many_reach_half_sight_as_in_the_national_data_set(eyes, recorded, copathology, rate):
    known = np.array([eye.known_copathology for eye in eyes])
    reached = REACHES.label(*recorded)
    assert reached[known == copathology].mean() == pytest.approx(rate, abs=0.03)


def test_a_third_sees_half_or_better_before_surgery(recorded):
    assert REACHES.label(recorded[0], recorded[0]).mean() == pytest.approx(0.36, abs=0.06)


def test_means_before_and_after_are_those_of_a_clinic(recorded):
    preop, postop = recorded
    assert preop.mean() == pytest.approx(0.60, abs=0.06)
    assert postop.mean() == pytest.approx(0.14, abs=0.03)


def test_a_perfect_reader_still_errs_by_the_noise_of_the_chart(potential, recorded):
    floor = np.abs(recorded[1] - potential).mean()
    assert 0.04 < floor < 0.07


def test_retest_noise_of_recorded_acuity_is_that_of_the_literature():
    rng = np.random.default_rng(0)
    for truth, low, high in ((0.0, 0.035, 0.075), (0.8, 0.09, 0.13)):
        readings = [parse_va(measure(truth, rng), "decimal").logmar for _ in range(1500)]
        assert low < np.std(readings) < high
    assert retest_sd_logmar(0.6) > retest_sd_logmar(0.1)


def test_preoperative_acuity_alone_predicts_little_and_both_views_are_needed(eyes, recorded):
    preop, postop = recorded
    line = np.polyval(np.polyfit(preop, postop, 1), preop)
    alone = np.abs(postop - line).mean()
    truth = np.array([eye.potential_logmar for eye in eyes])
    floor = np.abs(postop - truth).mean()

    def unseen(view):
        return np.array([sum(x.cost_logmar for x in e.lesions if x.seen_in == view) for e in eyes])

    one_view = min(
        np.abs(postop - (truth - unseen(view))).mean() for view in ("horizontal", "vertical")
    )
    assert floor + 0.01 < one_view < alone - 0.03


def test_a_quarter_of_lesions_lies_in_each_view_alone(eyes):
    counts = Counter(lesion.seen_in for eye in eyes for lesion in eye.lesions)
    total = sum(counts.values())
    for seen_in, share in (("horizontal", 0.25), ("vertical", 0.25), ("both", 0.5)):
        assert counts[seen_in] / total == pytest.approx(share, abs=0.03)


def test_fellow_eyes_resemble_each_other(eyes):
    pairs: dict[str, list[float]] = {}
    for eye in eyes:
        pairs.setdefault(eye.patient_id, []).append(eye.potential_logmar)
    both = np.array([pair for pair in pairs.values() if len(pair) == 2])
    assert 0.3 < len(both) / len(pairs) < 0.6
    assert 0.5 <= np.corrcoef(both.T)[0, 1] <= 0.7


def test_the_cataract_is_independent_of_the_retina_at_equal_age(eyes):
    age = np.array([eye.age_years for eye in eyes])
    columns = [
        np.log([eye.lens_logmar for eye in eyes]),
        np.array([eye.potential_logmar for eye in eyes]),
    ]
    rest = [column - np.polyval(np.polyfit(age, column, 2), age) for column in columns]
    assert abs(np.corrcoef(*rest)[0, 1]) < 0.05


def test_a_denser_cataract_worsens_preoperative_acuity_and_signal(eyes, recorded):
    lens = np.array([eye.lens_logmar for eye in eyes])
    loss = np.array([eye.signal_loss_db for eye in eyes])
    dense = lens > np.median(lens)
    assert recorded[0][dense].mean() > recorded[0][~dense].mean() + 0.3
    assert 0.5 < np.corrcoef(lens, loss)[0, 1] < 0.95
    assert loss.max() <= 7.2


def test_some_eyes_cannot_read_the_chart(eyes):
    rng = np.random.default_rng(1)
    texts = [measure(eye.potential_logmar + eye.lens_logmar, rng) for eye in eyes]
    for word in ("CF", "HM"):
        assert 0.003 < texts.count(word) / len(texts) < 0.04


@pytest.mark.parametrize("logmar", np.arange(-0.2, 1.5, 0.037))
def test_recorded_text_parses_back_to_the_nearest_line(logmar):
    assert parse_va(chart_text(logmar), "decimal").logmar == pytest.approx(logmar, abs=0.075)


def test_patients_of_different_seeds_share_no_id_and_later_ranges_are_others():
    ids = [
        {eye.patient_id for eye in draw_eyes(50, seed, first)}
        for seed, first in ((0, 0), (1, 0), (0, 100))
    ]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]


def test_a_patient_does_not_depend_on_how_many_are_drawn():
    assert draw_eyes(50, seed=4)[:20] == draw_eyes(20, seed=4)


def test_unseen_causes_cost_acuity_and_change_nothing_that_a_scan_could_show():
    plain, affected = (
        draw_eyes(3000, seed=6, unseen_causes=share, rule="additive") for share in (0.0, 0.15)
    )
    lost = np.array([b.own_logmar - a.own_logmar for a, b in zip(plain, affected, strict=True)])
    assert np.mean(lost > 0) == pytest.approx(0.15, abs=0.02)
    assert lost[lost > 0].min() > 0.19
    assert lost.max() < 0.81
    for a, b in zip(plain, affected, strict=True):
        assert replace(b, own_logmar=a.own_logmar) == a
