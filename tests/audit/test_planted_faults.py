"""Six shortcuts and leaks, one at a time: each is found, and by the questions made for it."""

import numpy as np
import pytest

from ctt_net.audit import marks
from ctt_net.cohort import Covariate
from ctt_net.imaging import Preprocessing
from tests.audit.stand_in import (
    HEIGHT,
    SALT,
    WIDTH,
    Cohort,
    make_model,
    reads_the_corner,
    reads_the_lesion,
)


def names(done):
    return {result.code for result in done.findings}


def named(done, name):
    return next(result for result in done.results if result.code == name)


def white_corner(scan):
    scan[-8:-2, -8:-2] = scan[-8:-2, 2:8] = 255  # both sides, as left eyes are mirrored


def reads_the_middle(scan):
    return (scan[62:68, 94:98].mean() - 100) / 100


def as_input(cohort, eye):
    preprocessing = Preprocessing(HEIGHT, WIDTH, "none")
    return preprocessing(cohort.scans[eye], cohort.eyes["laterality"][eye], "horizontal")


@pytest.mark.slow
def test_an_overlay_that_marks_the_outcome(cohort, ask, tmp_path):
    for eye in np.flatnonzero(cohort.worse):
        white_corner(cohort.scans[eye])
    done = ask(cohort, make_model(tmp_path / "model", reads_the_corner))
    assert {"marks-present", "borders-only", "retina-masked"} <= names(done)
    # The reader of files takes such a square out, so that none of these would reach the model.
    added = named(done, "marks-added")
    assert added.finding is False
    assert added.figures["missed_marked_corners"]["value"] > 0.1
    assert added.figures["missed_text"]["value"] == 0


def test_a_mark_that_the_reader_of_files_leaves_and_the_model_reads(ask, tmp_path, monkeypatch):
    monkeypatch.setattr(marks, "without_text", lambda pixels, notes: (pixels, ()))
    done = ask(Cohort(n_patients=40, seed=4), make_model(tmp_path / "model", reads_the_corner))
    assert names(done) == {"marks-added"}


def test_an_overlay_is_found_even_if_the_model_does_not_read_it(cohort, ask):
    for eye in np.flatnonzero(cohort.worse):
        white_corner(cohort.scans[eye])
    found = names(ask(cohort))
    assert "marks-present" in found
    assert not found & {"borders-only", "retina-masked", "marks-added"}


def test_a_device_that_is_the_outcome(cohort, ask):
    cohort.eyes["device"] = np.where(cohort.worse, "two", "one")
    done = ask(cohort)
    assert {"device-as-shortcut", "metadata"} <= names(done)
    assert "device" in named(done, "metadata").result
    assert "site-as-shortcut" not in names(done)


def test_a_device_that_the_embedding_does_not_hold_is_no_shortcut(cohort, ask, tmp_path):
    cohort.eyes["device"] = np.where(cohort.worse, "two", "one")
    blind = np.random.default_rng(0)
    member = make_model(
        tmp_path / "model", reads_the_lesion, embed=lambda scan: blind.normal(size=3)
    )
    done = ask(cohort, member)
    assert "metadata" in names(done)
    assert named(done, "device-as-shortcut").finding is False
    assert "the model's embedding" in named(done, "device-as-shortcut").question


def test_patients_that_occur_twice(cohort, ask):
    cohort.scans[40] = cohort.scans[3].copy()
    cohort.scans[41] = np.ascontiguousarray(cohort.scans[7][:, ::-1])
    done = ask(cohort)
    assert names(done) == {"copies-across-patients"}
    assert {row.row for row in named(done, "copies-across-patients").rows} == {5, 9, 42, 43}


def test_patients_and_scans_of_the_training_by_row(cohort, ask, tmp_path):
    patient = cohort.eyes["patient_id"][10]
    member = make_model(
        tmp_path / "model",
        reads_the_lesion,
        known_patients=[patient],
        known_scans=[as_input(cohort, 20)],
    )
    done = ask(cohort, member)
    assert names(done) == {"training-patients", "training-scans"}
    rows = set(np.flatnonzero(cohort.eyes["patient_id"] == patient) + 2)
    assert {row.row for row in named(done, "training-patients").rows} == rows
    scans = named(done, "training-scans")
    assert [row.row for row in scans.rows] == [22]
    assert "Of 1 of these eyes the patient is not in the training data" in scans.result
    assert SALT not in str(done.to_dict())


def test_a_scan_of_after_surgery_by_its_date_or_name(cohort, ask):
    cohort.eyes["surgery_date"] = "2024-03-01"
    cohort.eyes["scan_date"] = "2024-02-20"
    cohort.eyes.loc[[5, 9], "scan_date"] = "2024-04-02"
    done = ask(cohort)
    assert names(done) == {"postoperative-scans"}
    assert [row.row for row in named(done, "postoperative-scans").rows] == [7, 11]


def test_scans_that_know_the_outcome_too_well(ask, tmp_path):
    cohort = Cohort(n_patients=60, seed=1)
    after = cohort.eyes["postop_va"] + np.random.default_rng(0).normal(0, 0.02, len(cohort.eyes))
    for scan, value in zip(cohort.scans, after, strict=True):
        scan[62:68, 92:100] = np.clip(100 + 100 * value, 0, 255)  # as a clear lens would show it
    done = ask(cohort, make_model(tmp_path / "model", reads_the_middle))
    assert names(done) == {"too-good"}


def test_a_covariate_that_is_the_outcome(cohort, ask):
    noise = np.random.default_rng(0).normal(0, 2.5, len(cohort.eyes))
    cohort.eyes["score"] = (50 - 50 * cohort.eyes["postop_va"] + noise).round(3)
    cohort.covariates["score"] = Covariate(kind="numeric")
    done = ask(cohort)
    assert names(done) == {"covariate-is-outcome"}
    assert "score" in named(done, "covariate-is-outcome").result


def test_a_model_that_lives_off_that_covariate(cohort, ask, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.05, len(cohort.eyes))
    cohort.eyes["score"] = (cohort.eyes["postop_va"] + noise).round(3)
    cohort.covariates["score"] = Covariate(kind="numeric")
    member = make_model(
        tmp_path / "model",
        reads_the_lesion,
        covariates={"score": Covariate(kind="numeric")},
        covariate=0,
    )
    done = ask(cohort, member)
    assert {"covariate-is-outcome", "scans-permuted"} <= names(done)
    assert "The model takes score" in named(done, "covariate-is-outcome").result


def test_a_site_whose_acuities_were_shifted(cohort, ask):
    west = (cohort.eyes["site"] == "west").to_numpy()
    cohort.eyes.loc[west, "postop_va"] = (cohort.eyes["postop_va"] + 0.25).round(2)[west]
    done = ask(cohort)
    assert {"errors-by-site", "metadata"} <= names(done)
    assert {row.row for row in named(done, "errors-by-site").rows} == set(np.flatnonzero(west) + 2)


@pytest.mark.slow
def test_a_site_whose_scans_bear_a_faint_pattern(ask):
    cohort = Cohort(n_patients=130, seed=2)
    marked = (cohort.eyes["site"] == "north").to_numpy() & cohort.worse
    rows, columns = np.mgrid[: cohort.scans[0].shape[0], : cohort.scans[0].shape[1]]
    pattern = 3 * np.sin(rows / 1.5) * np.sin(columns / 1.5)
    for eye in np.flatnonzero(marked):
        faint = np.clip(cohort.scans[eye] + pattern, 0, 255)
        cohort.scans[eye][:] = faint.astype(np.uint8)
    done = ask(cohort)
    assert "marks-within-site" in names(done)
    within = named(done, "marks-within-site").figures
    assert max(within, key=lambda site: within[site]["value"]) == "site_north"
