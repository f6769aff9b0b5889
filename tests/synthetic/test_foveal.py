"""The foveal rule against its text, its rates against the literature, and the reader's floor."""

import hashlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ctt_net.acuity import parse_va
from ctt_net.errors import InputError
from ctt_net.outcome import Outcome
from ctt_net.synthetic import CohortPlan, Lesion, draw_eyes
from ctt_net.synthetic.eye import chart_text, healthy_logmar, retest_sd_logmar
from ctt_net.synthetic.floor import readable_logmar
from ctt_net.synthetic.foveal import SHORT_AND_LONG_MM, foveal_cost_logmar
from ctt_net.synthetic.lesions import SEMI_AXIS_MM
from ctt_net.synthetic.simulate import manifest_row, truth_table
from ctt_net.synthetic.unseen import UNSEEN_CAUSES, draw_unseen

PLAN = CohortPlan(n_eyes=2500, seed=2, rule="foveal")


@pytest.fixture(scope="module")
def eyes():
    return draw_eyes(PLAN.n_eyes, PLAN.seed, rule=PLAN.rule)


@pytest.fixture(scope="module")
def recorded(eyes):
    rows = [manifest_row(eye, PLAN) for eye in eyes]
    return pd.DataFrame(rows), np.array(
        [parse_va(row["postop_va"], "decimal").logmar for row in rows]
    )


def written_out(lesions):
    """The rule as documented, place by place on a square grid."""
    inside = {"ez_loss": 0.9, "atrophy": 1.3, "macular_hole": 1.3}
    reach = {"drusen": 0.3, "erm": 0.6, "ez_loss": 0.1, "cystoid": 0.5, "atrophy": 0.16}
    grades = {"drusen": (0.0, 0.12), "erm": None, "cystoid": (0.1, 0.5)}
    x, y = np.meshgrid(*[np.arange(-1.4, 1.401, 0.01)] * 2)
    worst = np.zeros_like(x)
    for one in lesions:
        dx, dy = x - one.x_mm, y - one.y_mm
        if one.kind == "macular_hole":
            beyond, depth, fades = np.hypot(dx, dy) - (0.1 + 0.3 * one.severity), 1.3, 0.24
        else:
            r = np.sqrt((dx / one.semi_x_mm) ** 2 + (dy / one.semi_y_mm) ** 2)
            beyond = np.hypot(dx, dy) - np.hypot(dx, dy) / np.maximum(r, 1e-9)
            fades = reach[one.kind]
            if one.kind == "cystoid":
                area = (one.semi_x_mm * one.semi_y_mm - 0.25**2) / (1.1**2 - 0.25**2)
                depth = np.interp(area, [0, 1 / 3, 2 / 3, 1], [0.1, 0.23, 0.37, 0.5])
            elif one.kind == "erm":
                depth = np.interp(one.severity, [0, 1 / 3, 2 / 3, 1], [0.05, 0.1, 0.2, 0.35])
            else:
                depth = inside.get(one.kind, one.severity * grades["drusen"][1])
        share = np.where(
            beyond <= 0,
            1.0,
            np.where(beyond >= fades, 0.0, np.cos(np.pi * beyond / fades / 2) ** 2),
        )
        worst = np.maximum(worst, depth * share)
    away = np.maximum(np.hypot(x, y) - 0.12, 0.0)
    return (np.log10(1 + away / 0.15) + worst).min()


def gap(semi_x, semi_y, x=0.0, y=0.0):
    return Lesion("ez_loss", x, y, semi_x, semi_y, 0.5, "both", seed=1)


def test_costs_are_those_of_the_rule_written_out(eyes):
    diseased = [eye for eye in eyes if eye.lesions]
    kinds = {lesion.kind for eye in diseased[:60] for lesion in eye.lesions}
    assert len(kinds) == 6
    for eye in diseased[:60]:
        assert foveal_cost_logmar(eye.lesions) == pytest.approx(written_out(eye.lesions), abs=0.02)


def test_only_the_shorter_extent_of_a_gap_counts_whichever_scan_shows_it():
    small = foveal_cost_logmar((gap(0.15, 0.15),))
    assert foveal_cost_logmar((gap(1.0, 0.15),)) == pytest.approx(small, abs=0.03)
    assert foveal_cost_logmar((gap(0.15, 1.0),)) == pytest.approx(small, abs=0.03)
    assert foveal_cost_logmar((gap(1.0, 1.0),)) > small + 0.4


def test_a_lesion_further_from_the_foveola_never_costs_more_and_at_last_nothing():
    costs = [foveal_cost_logmar((gap(0.4, 0.4, x=at),)) for at in np.arange(0.0, 1.0, 0.05)]
    assert all(later <= sooner + 1e-9 for sooner, later in pairwise(costs))
    assert costs[0] > 0.4
    assert costs[-1] == 0.0


def test_the_worst_limit_counts_and_not_the_sum(eyes):
    eye = next(eye for eye in eyes if foveal_cost_logmar(eye.lesions) > 0.2)
    retina = foveal_cost_logmar(eye.lesions)
    without = replace(eye, unseen_logmar=0.0).potential_logmar
    assert without == pytest.approx(healthy_logmar(eye.age_years) + eye.own_logmar + retina)
    assert replace(eye, unseen_logmar=0.9 * retina).potential_logmar == without
    assert replace(eye, unseen_logmar=retina + 0.2).potential_logmar == pytest.approx(without + 0.2)
    assert foveal_cost_logmar((*eye.lesions, *eye.lesions)) == retina


def test_extents_are_independent_and_each_lesion_keeps_to_its_scans(eyes):
    lesions = [one for eye in eyes for one in eye.lesions if one.kind in SHORT_AND_LONG_MM]
    ez = np.array([(one.semi_x_mm, one.semi_y_mm) for one in lesions if one.kind == "ez_loss"])
    assert abs(np.corrcoef(ez.T)[0, 1]) < 4 / np.sqrt(len(ez))
    assert np.mean(ez > 0.5) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(ez.size))
    for one in lesions:
        missed = {"horizontal": (one.x_mm, one.semi_x_mm), "vertical": (one.y_mm, one.semi_y_mm)}
        for view, (centre, half) in missed.items():
            if one.seen_in == view:
                assert abs(centre) - half > 0.12  # clear of the other scan
            elif one.seen_in == "both":
                assert abs(centre) < 0.2 * half
    rest = [one for eye in eyes for one in eye.lesions if one.kind not in SHORT_AND_LONG_MM]
    for one in rest:
        low, high = SEMI_AXIS_MM[one.kind]
        along = low + one.severity * (high - low)
        assert max(one.semi_x_mm, one.semi_y_mm) == pytest.approx(along)


def test_unseen_causes_are_as_common_and_as_bad_as_said():
    rng = np.random.default_rng(1)
    drawn = pd.DataFrame([draw_unseen(rng) for _ in range(30000)], columns=["kind", "logmar"])
    for cause in UNSEEN_CAUSES:
        mine = drawn[drawn["kind"] == cause.kind]["logmar"]
        sd = np.sqrt(cause.rate * (1 - cause.rate) / len(drawn))
        assert len(mine) / len(drawn) == pytest.approx(cause.rate, abs=4 * sd)
        assert mine.median() == pytest.approx(np.interp(0.5, cause.shares, cause.logmar), abs=0.1)
    assert (drawn[drawn["kind"].isna()]["logmar"] == 0).all()
    # Attebo 1998: a fifth of amblyopic eyes reads 20/200 or worse, half 20/40 to 20/63.
    lazy = drawn[drawn["kind"] == "amblyopia"]["logmar"]
    assert (lazy > 0.95).mean() == pytest.approx(0.19, abs=0.08)
    assert lazy.between(0.25, 0.55).mean() == pytest.approx(0.52, abs=0.1)


@pytest.mark.parametrize(("copathology", "rate"), [(False, 0.946), (True, 0.799)])
def test_as_many_reach_half_sight_as_in_the_national_data_set(eyes, recorded, copathology, rate):
    known = np.array([eye.known_copathology for eye in eyes]) == copathology
    reached = Outcome("reaches_0.30", "reach", 0.30).label(recorded[1], recorded[1])[known]
    noise = 2 * np.sqrt(rate * (1 - rate) / known.sum())
    assert reached.mean() == pytest.approx(rate, abs=0.03 + noise)


def test_preop_va_tells_a_perfect_reader_what_no_scan_does(eyes, recorded):
    some, rows, postop = eyes[:1200], recorded[0][:1200], recorded[1][:1200]
    knows_all = np.array([eye.potential_logmar for eye in some])
    reader = readable_logmar(some, list(rows["preop_va"]))
    blind = readable_logmar(some, None)
    unseen = np.array([eye.unseen is not None for eye in some])

    def error(predicted, which=slice(None)):
        return np.abs(postop - predicted)[which].mean()

    assert error(knows_all) + 0.01 < error(reader) < error(blind) - 0.005
    assert error(reader, unseen) < error(blind, unseen) - 0.1
    # A fitted line of the reader's own answers cannot do better than they do.
    slope = np.polyval(np.polyfit(reader, postop, 1), reader)
    assert error(reader) < error(slope) + 0.002


def test_the_reader_answers_the_median_of_eyes_that_look_and_read_alike(eyes, recorded):
    rng = np.random.default_rng(3)
    n = 400_000
    ill_from = next(
        number for number, one in enumerate(eyes) if foveal_cost_logmar(one.lesions) > 0.1
    )
    for eye, text in zip(
        (eyes[0], eyes[ill_from]), recorded[0]["preop_va"][[0, ill_from]], strict=True
    ):
        which, how_bad = rng.uniform(size=(2, n))
        unseen, start = np.zeros(n), 0.0
        for cause in UNSEEN_CAUSES:
            ill = (which >= start) & (which < start + cause.rate)
            unseen[ill] = np.interp(how_bad[ill], cause.shares, cause.logmar)
            start += cause.rate
        limit = np.maximum(unseen, foveal_cost_logmar(eye.lesions))
        potential = healthy_logmar(eye.age_years) + rng.normal(0.0, 0.06, n) + limit
        potential = np.minimum(potential, 1.7)
        log_lens = 0.78 * rng.normal(size=n) + 0.012 * (eye.age_years - 73)
        lens = np.minimum(0.34 * np.exp(log_lens), 2.0)
        factor = {"nuclear": 0.75, "cortical": 1.0, "posterior": 1.3}[eye.cataract]
        signal = 6 * (1 - np.exp(-lens / 0.75)) * factor * np.exp(0.2 * rng.normal(size=n))
        like = np.abs(signal / eye.signal_loss_db - 1) < 0.05
        true = (potential + lens)[like]
        sd = np.array([retest_sd_logmar(one) for one in true])
        read = np.array([chart_text(one) for one in true + sd * rng.normal(size=true.size)])
        alike = potential[like][read == text]
        assert alike.size > 200
        assert readable_logmar([eye], [text])[0] == pytest.approx(np.median(alike), abs=0.02)


def test_the_truth_names_what_no_scan_shows_and_the_manifest_does_not(eyes, recorded):
    some = eyes[:200]
    table = truth_table(some, recorded[0][:200].to_dict("records"))
    assert {"unseen", "unseen_logmar", "readable_logmar"} <= set(table)
    assert not {"unseen", "unseen_logmar", "readable_logmar"} & set(recorded[0])
    assert set(table["unseen"]) > {""}
    first = table["readable_logmar"]
    again = truth_table(some[:50], recorded[0][:50].to_dict("records"))["readable_logmar"]
    assert (again == first[:50]).all()


def test_an_eye_depends_on_seed_and_patient_alone(eyes):
    assert draw_eyes(30, seed=2, rule="foveal") == eyes[:30]
    others = draw_eyes(30, seed=3, rule="foveal")
    assert not {eye.patient_id for eye in others} & {eye.patient_id for eye in eyes}


@pytest.mark.parametrize(
    ("unseen", "manifest", "truth"),
    [
        (
            0.0,
            "753c78f3cc41d18782a7b1b1d33791d6e1bbc444dbc4134ca058c4eb61592c42",
            "fb13eca0964e3648d73a02811e41812ac68f38633638fb60b995d6a914afc9ce",
        ),
        (
            0.3,
            "3fb35f02e3a1e68552294e6ea95fb9bd7983cdbf6125b05ac9766849430ca646",
            "0bfd08b668277fa62b5941cadd10f27036b9ecb11268a889521e134c65af3bed",
        ),
    ],
)
def test_the_additive_rule_still_writes_the_same_bytes(unseen, manifest, truth):
    plan = CohortPlan(n_eyes=400, seed=8, unseen_causes=unseen, rule="additive")
    drawn = draw_eyes(plan.n_eyes, plan.seed, unseen_causes=unseen, rule=plan.rule)
    for expected, rows in (
        (manifest, [manifest_row(eye, plan) for eye in drawn]),
        (truth, truth_table(drawn, []).to_dict("records")),
    ):
        text = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
        assert hashlib.sha256(text.encode()).hexdigest() == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"rule": "sum"}, "rule must be one of additive, foveal, got 'sum'"),
        ({"rule": "foveal", "unseen_causes": 0.1}, "unseen causes are part of the foveal rule"),
    ],
)
def test_impossible_rules_are_refused(wish, message):
    with pytest.raises(InputError, match=message):
        CohortPlan(n_eyes=10, **wish)
