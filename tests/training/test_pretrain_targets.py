"""What simulated eyes teach equals what their truth says, read by other means."""

import csv
import json
import shutil

import numpy as np
import pytest

from ctt_net.cohort import read_cohort
from ctt_net.errors import InputError
from ctt_net.synthetic import KINDS
from ctt_net.training.pretrain.data import PretrainDataModule, read_targets


def test_targets_are_those_of_the_truth(small_cohort):
    cohort = read_cohort(small_cohort)
    targets = read_targets(cohort)
    with (small_cohort / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["eye_id"]: row for row in csv.DictReader(file)}
    lesions = 0
    for eye, eye_id in enumerate(cohort.table["eye_id"]):
        row = truth[eye_id]
        assert targets.potential[eye] == pytest.approx(float(row["potential_logmar"]), abs=1e-6)
        for k, kind in enumerate(KINDS):
            of_kind = [one for one in json.loads(row["lesions"]) if one["kind"] == kind]
            total = sum(one["cost_logmar"] for one in of_kind)
            assert targets.cost[eye, k] == pytest.approx(total, abs=1e-6)
            for v, view in enumerate(cohort.spec.views):
                crossed = [one for one in of_kind if one["seen_in"] in (view, "both")]
                lesions += len(crossed)
                assert targets.presence[eye, v, k] == (len(crossed) > 0)
                cost = sum(one["cost_logmar"] for one in crossed)
                assert targets.view_cost[eye, v, k] == pytest.approx(cost, abs=1e-6)
    assert lesions > 20  # else the loop has seen nothing


def test_a_view_is_known_by_its_direction_not_its_name(small_cohort, tmp_path):
    root = shutil.copytree(small_cohort, tmp_path / "cohort")
    for name in ("cohort.yaml", "manifest.csv"):
        text = (root / name).read_text()
        text = text.replace("  vertical:\n", "  up:\n").replace(",vertical,", ",up,", 1)
        (root / name).write_text(text)
    renamed = read_cohort(root)
    assert list(renamed.spec.views) == ["horizontal", "up"]
    for ours, theirs in zip(
        read_targets(renamed), read_targets(read_cohort(small_cohort)), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_real_eyes_and_eyes_without_truth_are_refused(small_cohort, tmp_path):
    root = shutil.copytree(small_cohort, tmp_path / "cohort")
    (root / "truth.csv").unlink()
    with pytest.raises(InputError, match=r"truth\.csv: no such file.*--eyes 5000"):
        read_targets(read_cohort(root))
    text = (root / "cohort.yaml").read_text()
    (root / "cohort.yaml").write_text(text.replace("synthetic: true", "synthetic: false"))
    with pytest.raises(InputError, match="not a simulated cohort"):
        _ = PretrainDataModule(cohort=str(root)).cohort


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-1], "is missing; simulate anew"),
        (lambda lines: [*lines, lines[-1]], "stands twice"),
        (lambda lines: [lines[0].replace("lesions", "notes"), *lines[1:]], "column 'lesions'"),
        (lambda lines: [lines[0], lines[1].replace(",[],", ",gone,"), *lines[2:]], "row 2"),
    ],
)
def test_a_damaged_truth_is_named(small_cohort, tmp_path, change, said):
    root = shutil.copytree(small_cohort, tmp_path / "cohort")
    path = root / "truth.csv"
    lines = path.read_text().splitlines()
    # A healthy eye first, whose lesions are a short text without commas.
    lines = [lines[0], *sorted(lines[1:], key=lambda line: ",[]," not in line)]
    path.write_text("\n".join(change(lines)) + "\n")
    with pytest.raises(InputError, match=said):
        read_targets(read_cohort(root))


def test_the_parts_share_no_patient_and_hold_every_eye(small_cohort):
    data = PretrainDataModule(cohort=str(small_cohort), val_fraction=0.2)
    train, val = data.part("train"), data.part("val")
    assert not set(train["patient_id"]) & set(val["patient_id"])
    assert sorted([*train["eye_id"], *val["eye_id"]]) == sorted(data.cohort.table["eye_id"])
    assert 0.1 < len(val) / len(data.cohort.table) < 0.3
    everyone = read_targets(data.cohort).potential
    row = data.cohort.table["eye_id"].tolist().index(val["eye_id"].iloc[3])
    assert data.targets_of("val").potential[3] == everyone[row]
    again = PretrainDataModule(cohort=str(small_cohort), val_fraction=0.2)
    assert again.part("val")["eye_id"].tolist() == val["eye_id"].tolist()
