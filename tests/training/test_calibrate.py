"""Coverage of a run's intervals on simulated errors: unseen eyes, every band, a shifted device."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ctt_net.acuity import BANDS, preop_band
from ctt_net.baselines.clinical_start import ClinicalStart, image_weight
from ctt_net.inference.recalibrate import recalibration
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.model_folder.ensemble import estimate
from ctt_net.model_folder.provenance import Provenance
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.training.calibrate import (
    FoldEyes,
    HeldOut,
    calibrated,
    for_report,
    with_image_weight,
)
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.abstention_limits import Abstention
from ctt_net.uncertainty.calibration import Calibration

FOLDS = 5
SPEC = SimpleNamespace(outcomes=DEFAULT_OUTCOMES)
PROVENANCE = Provenance(0, 1, 80, 20, "00", (), (), "CPU")


def simulate(rng, n_patients, correlation, *, shift=1.0, bias=0.0):
    """Patients, a quarter with two eyes, and what five networks say of each eye.

    Errors are heavy-tailed and grow with the preoperative acuity; half of that the networks know.
    In eyes off the chart they are surer than they should be.
    """
    patient = np.repeat(np.arange(n_patients), 1 + (np.arange(n_patients) % 4 == 0))
    n = len(patient)
    preop = rng.gamma(3, 0.22, n)
    off_chart = rng.random(n) < 0.12
    preop[off_chart] = 2.3
    preop[rng.random(n) < 0.03] = np.nan
    known = np.nan_to_num(np.minimum(preop, 1.5), nan=0.6)
    sigma = (0.06 + 0.12 * known) * np.where(off_chart, 1.3, 1) * shift
    fellow = rng.standard_t(5, n_patients)[patient]
    common = np.sqrt(0.5) * fellow + np.sqrt(0.5) * rng.standard_t(5, n)
    common /= np.sqrt(5 / 3)
    own = rng.normal(size=(FOLDS, n))
    error = sigma * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own) + bias
    scale = (0.06 + 0.12 * known) * np.exp(rng.normal(0, 0.1, (FOLDS, n)))
    scale *= np.array([0.8, 0.9, 1.0, 1.1, 1.2])[:, None]
    table = pd.DataFrame(
        {
            "eye_id": [f"e{i}" for i in range(n)],
            "patient_id": patient.astype(str),
            "preop_logmar": preop,
            "postop_logmar": 0.2,
            "preop_off_chart": np.where(off_chart, "HM", ""),
        }
    )
    # Too sure, and too hopeful.
    logit = 2 * (0.3 - (0.2 + error)) / 0.1 + 1
    raws = [
        ModelOutput(0.2 + error[k], scale[k], np.repeat(logit[k][:, None], 2, 1))
        for k in range(FOLDS)
    ]
    return table, raws


def rows_of(raw, chosen):
    return ModelOutput(
        raw.postop_logmar[chosen], raw.scale_logmar[chosen], raw.recovery_logit[chosen]
    )


def eyes_of(table, raw, chosen, clinical=None):
    return HeldOut(table[chosen], rows_of(raw, chosen), clinical)


def run_of(rng, folder, correlation, n_patients=600):
    """Folds of a simulated run, calibrated as training does at its end."""
    table, raws = simulate(rng, n_patients, correlation)
    patient = table["patient_id"].astype(int).to_numpy()
    folds = []
    for k in range(FOLDS):
        val = (patient % FOLDS != k) & (rng.random(n_patients) < 0.15)[patient]
        (folder / str(k)).mkdir(exist_ok=True)
        member = SimpleNamespace(
            spec=SPEC, folder=folder / str(k), provenance=PROVENANCE, clinical_start=None
        )
        test = eyes_of(table, raws[k], patient % FOLDS == k)
        folds.append(FoldEyes(k, member, test, eyes_of(table, raws[k], val)))
    atomic_write_all(folder, calibrated(folds, folder))
    return folds, (table, raws), [Calibration.read(folder / str(k)) for k in range(FOLDS)]


def held(table, raws, calibrations):
    """Whether each eye lies in its interval."""
    preop = table["preop_logmar"].to_numpy()
    off = table["preop_off_chart"].to_numpy() != ""
    said = estimate(raws, calibrations, DEFAULT_OUTCOMES, preop, off)
    truth = table["postop_logmar"].to_numpy()
    return (said.lower_logmar <= truth) & (truth <= said.upper_logmar)


@pytest.mark.parametrize("correlation", [0.7, 0.9])
def test_the_ensemble_holds_its_level_on_unseen_eyes_and_in_every_band(tmp_path, correlation):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(8):
        _, _, calibrations = run_of(rng, tmp_path, correlation)
        table, raws = simulate(rng, 1600, correlation)
        off = table["preop_off_chart"].to_numpy() != ""
        band = preop_band(table["preop_logmar"], off)
        inside = held(table, raws, calibrations)
        found.append([inside.mean(), *(inside[band == name].mean() for name in BANDS)])
    overall, *by_band = np.mean(found, axis=0)
    assert 0.88 <= overall <= 0.92
    assert min(by_band) >= 0.85
    single = np.mean([held(table, raws[k : k + 1], calibrations[k : k + 1]) for k in range(FOLDS)])
    assert 0.87 <= single <= 0.93


def test_out_of_fold_intervals_hold_their_level_and_come_from_the_other_folds(tmp_path):
    rng = np.random.default_rng(1)
    coverage = []
    for _ in range(4):
        folds, (table, raws), _ = run_of(rng, tmp_path, 0.8)
        patient = table["patient_id"].astype(int).to_numpy()
        for k in range(FOLDS):
            here = patient % FOLDS == k
            _, own = for_report(folds, k)
            coverage.append(held(table[here], [rows_of(raws[k], here)], [own]).mean())
            others = sum(len(one.test_eyes) for one in folds if one.fold != k)
            assert own.n_patients == others
    assert 0.88 <= np.mean(coverage) <= 0.92


def test_one_fold_alone_is_reported_by_its_validation_split(tmp_path):
    folds, _, _ = run_of(np.random.default_rng(2), tmp_path, 0.8)
    _, alone = for_report(folds[:1], 0)
    assert alone.n_patients == len(folds[0].val_eyes)
    assert "validation split" in alone.measured_on
    atomic_write_all(tmp_path, calibrated(folds[:1], tmp_path))
    kept = Calibration.read(tmp_path / "0")
    assert kept.n_patients == len(
        folds[0].test_eyes
    )  # for patients to come, its own fold is honest
    assert kept.error_correlation == 1.0


def test_probabilities_of_unseen_eyes_mean_what_they_say(tmp_path):
    rng = np.random.default_rng(3)
    _, _, calibrations = run_of(rng, tmp_path, 0.8)
    table, raws = simulate(rng, 4000, 0.8)
    # Truth drawn from what calibrated odds would be: half the logit, less one half.
    logit = np.mean([raw.recovery_logit[:, 0] for raw in raws], axis=0)
    assert len({(one.recovery["gains_0.20"]) for one in calibrations}) == 1
    off = table["preop_off_chart"].to_numpy() != ""
    said = estimate(raws, calibrations, DEFAULT_OUTCOMES, table["preop_logmar"].to_numpy(), off)
    line = calibrations[0].recovery["gains_0.20"]
    expected = 1 / (1 + np.exp(-(line.intercept + line.slope * logit)))
    np.testing.assert_allclose(said.p_recovery[:, 1], expected, rtol=1e-6)
    truth = DEFAULT_OUTCOMES[1].label(table["preop_logmar"], table["postop_logmar"])
    known = np.isfinite(truth)
    assert said.p_recovery[known, 1].mean() == pytest.approx(truth[known].mean(), abs=0.03)


def test_a_shifted_device_loses_coverage_and_a_hundred_local_eyes_bring_it_back(tmp_path):
    rng = np.random.default_rng(4)
    _, _, calibrations = run_of(rng, tmp_path, 0.8)
    table, raws = simulate(rng, 2000, 0.8, shift=1.6, bias=0.08)
    assert held(table, raws, calibrations).mean() < 0.75
    patients = table["patient_id"].to_numpy()
    after = []
    for _ in range(30):
        local = np.isin(patients, rng.choice(np.unique(patients), 100, replace=False))
        said = [rows_of(raw, local) for raw in raws]
        fresh = recalibration(calibrations, SPEC, said, table[local], "cohort elsewhere")
        assert fresh.n_patients == 100
        rest = [rows_of(raw, ~local) for raw in raws]
        after.append(held(table[~local], rest, [fresh] * FOLDS).mean())
    assert 0.87 <= np.mean(after) <= 0.93
    # 100 patients leave 3 points (one standard deviation) to chance: Beta(91, 10).
    assert np.std(after) == pytest.approx(0.03, abs=0.015)


class StartedMember(SimpleNamespace):
    """A member that knows its clinical start and its abstention limits only."""

    def starting_from(self, start, abstention):
        return StartedMember(**{**vars(self), "clinical_start": start, "abstention": abstention})


def started_folds(rng, share):
    """Five folds whose networks move by this share of what the clinical prediction lacks."""
    table, raws = simulate(rng, 300, 0.8)
    patient = table["patient_id"].astype(int).to_numpy()
    truth = rng.normal(0.4, 0.3, len(table))
    table = table.assign(postop_logmar=truth)
    start = ClinicalStart(None, {}, 0.25, 1.0, 20)
    folds = []
    for k, raw in enumerate(raws):
        clinical = np.full(len(table), 0.4)
        network = clinical + share * (truth - clinical) + rng.normal(0, 0.05, len(table))
        limits = Abstention(20, 9.9, "a test", {}, {}, 80, {}, {})
        member = StartedMember(spec=SPEC, clinical_start=start, abstention=limits)
        test, val = patient % FOLDS == k, patient % FOLDS == (k + 1) % FOLDS
        said = replace(raw, postop_logmar=network)
        parts = [eyes_of(table, said, one, clinical[one]) for one in (test, val)]
        folds.append(FoldEyes(k, member, *parts))
    return folds


def test_the_image_weight_of_a_run_is_that_of_all_eyes_out_of_fold():
    folds = started_folds(np.random.default_rng(5), 2.0)
    truth, clinical, network = (
        np.concatenate(column)
        for column in zip(
            *(
                (one.test.truth_logmar, one.test.clinical_logmar, one.test.network.postop_logmar)
                for one in folds
            ),
            strict=True,
        )
    )
    expected = image_weight(truth, clinical, network, 1)
    assert expected == pytest.approx(0.5, abs=0.05)
    for one in with_image_weight(folds):
        assert one.member.clinical_start.image_weight == expected
        assert one.member.clinical_start.n_eyes == len(truth)
        assert one.member.abstention.scale_limit_logmar < 9.9  # measured anew, on the val split
    assert folds[0].member.clinical_start.image_weight == 1.0


def test_no_eye_has_a_say_in_the_image_weight_of_its_own_report():
    folds = started_folds(np.random.default_rng(6), 2.0)
    before = for_report(folds, 2)[0].clinical_start
    table = folds[2].test.table
    other = replace(folds[2].test, table=table.assign(postop_logmar=rng_like(table)))
    changed = [replace(one, test=other) if one.fold == 2 else one for one in folds]
    assert for_report(changed, 2)[0].clinical_start == before
    assert for_report(changed, 1)[0].clinical_start != for_report(folds, 1)[0].clinical_start
    # With no other fold, the weight of the validation split stays.
    assert for_report(folds[:1], 0)[0].clinical_start.image_weight == 1.0


def rng_like(table):
    """Other outcomes."""
    return np.random.default_rng(7).normal(0.4, 0.3, len(table))
