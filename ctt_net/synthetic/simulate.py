"""A whole simulated cohort folder: scans, manifest and, in a file of its own, the truth."""

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from ctt_net.cohort import (
    AcuityColumns,
    Cohort,
    CohortSpec,
    Covariate,
    View,
    read_cohort,
    write_cohort,
)
from ctt_net.cohort import (
    Device as PixelSize,
)
from ctt_net.cohort.folder import READABLE_COLUMN, TRUTH_FILE
from ctt_net.errors import InputError
from ctt_net.io.atomic_folder import new_folder
from ctt_net.io.atomic_write import atomic_write
from ctt_net.synthetic.device import DEVICES, NAMED_DEVICES, Device
from ctt_net.synthetic.extras import draw_extras
from ctt_net.synthetic.eye import DEFAULT_RULE, RULES, AcuityRule, SimulatedEye, measure
from ctt_net.synthetic.floor import readable_logmar
from ctt_net.synthetic.labels import index_png, surfaces_csv, values_csv
from ctt_net.synthetic.population import draw_eyes
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan


@dataclass(frozen=True)
class CohortPlan:
    """What to simulate.

    Args:
        n_eyes: Operated eyes, 3 or more.
        seed: Same seed, same bytes.
        first_patient: Index of the first patient, to draw further patients of the same seed.
        id_prefix: Start of every patient id; by default it holds the seed, so that cohorts of
            different seeds never share a patient.
        devices: Names of the devices in use; every patient is scanned on one of them by chance.
        missing_views: Share of eyes that lack one of their two scans.
        unseen_causes: Share of eyes that something no scan shows keeps from seeing well: amblyopia,
            a diseased optic nerve. Nothing else of an eye depends on it. Of the additive rule; the
            foveal rule has its own (`UNSEEN_CAUSES`).
        extras: Draw eyes with extras (`draw_extras`). They show in the scans and cost no acuity:
            for segmentation, not for predicting acuity.
        labels: Write the true layers and lesions of every scan to `labels/`.
        rule: How acuity follows from what an eye has: `additive`, the sum of what each lesion
            costs; or `foveal`, the best place that lesions leave, with extents of lesions that only
            both scans tell, and with causes that no scan shows.

    Raises:
        InputError: If a value makes no cohort.
    """

    n_eyes: int
    seed: int = 0
    first_patient: int = 0
    id_prefix: str | None = None
    devices: tuple[str, ...] = tuple(device.name for device in DEVICES)
    missing_views: float = 0.0
    unseen_causes: float = 0.0
    extras: bool = False
    labels: bool = False
    rule: AcuityRule = DEFAULT_RULE

    def __post_init__(self) -> None:
        if self.n_eyes < 3:  # two eyes may be one patient's, and folds need two patients
            raise InputError(f"eyes must be 3 or more, got {self.n_eyes}")
        if self.seed < 0 or self.first_patient < 0:
            raise InputError(
                f"seed and first patient must be 0 or more, got {self.seed}, {self.first_patient}"
            )
        for name in ("missing_views", "unseen_causes"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise InputError(f"{name.replace('_', ' ')} is a share in 0..1, got {share}")
        if self.rule not in RULES:
            raise InputError(f"rule must be one of {', '.join(RULES)}, got {self.rule!r}")
        if self.unseen_causes and self.rule == "foveal":
            raise InputError(
                "unseen causes are part of the foveal rule, at rates of their own; leave the share "
                "out, or take the additive rule"
            )
        known = {device.name for device in NAMED_DEVICES}
        if not self.devices or not set(self.devices) <= known:
            raise InputError(
                f"devices must be among {', '.join(sorted(known))}; got {', '.join(self.devices)}"
            )


def cohort_spec(plan: CohortPlan) -> CohortSpec:
    """Declarations of a simulated cohort."""
    return CohortSpec(
        name="synthetic",
        source=f"simulated by ctt_net.synthetic, seed {plan.seed}; no clinical validity",
        licence="Apache-2.0",
        citation="none: these eyes do not exist",
        synthetic=True,
        acuity=AcuityColumns(preop_va="decimal", postop_va="decimal"),
        views={
            "horizontal": View(direction="horizontal", angle_deg=0.0),
            "vertical": View(direction="vertical", angle_deg=90.0),
        },
        covariates={
            "age_years": Covariate(kind="numeric", unit="years"),
            "sex": Covariate(kind="categorical", levels=("F", "M")),
            "axial_length_mm": Covariate(kind="numeric", unit="mm"),
            "diabetes": Covariate(kind="binary"),
        },
        devices={
            device.name: PixelSize(
                axial_um_per_px=device.axial_um_per_px, lateral_um_per_px=device.lateral_um_per_px
            )
            for device in NAMED_DEVICES
            if device.name in plan.devices
        },
    )


SITES = ("north", "south", "west")
# Speckle repeats nowhere: looking for repeats costs twice the time and gives larger files.
PNG_OPTIONS = (
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
)


def simulate_cohort(
    out: Path, plan: CohortPlan, workers: int = 1, on_eye: Callable[[], None] | None = None
) -> Cohort:
    """Simulate a cohort folder; it appears whole or not at all.

    Args:
        out: Folder to make; must not exist.
        plan: What to simulate.
        workers: Processes that draw scans; the result does not depend on it.
        on_eye: Called after every finished eye.

    Raises:
        InputError: If `out` exists.
    """
    eyes = draw_eyes(
        plan.n_eyes,
        plan.seed,
        plan.first_patient,
        plan.id_prefix,
        plan.unseen_causes,
        plan.rule,
    )
    if plan.extras:
        eyes = [with_extras(eye) for eye in eyes]
    rows = [manifest_row(eye, plan) for eye in eyes]
    with new_folder(out) as beside:
        (beside / "images").mkdir()
        if plan.labels:
            (beside / "labels").mkdir()
            atomic_write(beside / "labels" / "values.csv", values_csv())
        for _ in _write_scans(eyes, rows, beside, workers, plan.labels):
            if on_eye is not None:
                on_eye()
        patients = len({eye.patient_id for eye in eyes})
        write_cohort(
            beside, cohort_spec(plan), rows, n_folds=min(5, max(2, patients // 4)), seed=plan.seed
        )
        truth = io.StringIO()
        truth_table(eyes, rows).to_csv(truth, index=False, lineterminator="\n")
        atomic_write(beside / TRUTH_FILE, truth.getvalue())
    return read_cohort(out)


def truth_table(eyes: list[SimulatedEye], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Contents of `truth.csv`; by the foveal rule with what a perfect reader would predict."""
    table = pd.DataFrame([eye.truth() for eye in eyes])
    if eyes[0].rule == "foveal":
        readable = readable_logmar(eyes, [row["preop_va"] for row in rows])
        table.insert(2, READABLE_COLUMN, readable.round(4))
    return table


def device_of(eye: SimulatedEye, plan: CohortPlan) -> Device:
    """Device of this eye's patient, by chance: it says nothing about the eye."""
    rng = np.random.default_rng((*eye.seed[:2], 41))
    chosen = plan.devices[int(rng.integers(len(plan.devices)))]
    return next(device for device in NAMED_DEVICES if device.name == chosen)


def with_extras(eye: SimulatedEye) -> SimulatedEye:
    """The same eye with extras, drawn from its own seed."""
    rng = np.random.default_rng((*eye.seed, 44))
    return replace(eye, extras=draw_extras(rng, eye.lesions))


def manifest_row(eye: SimulatedEye, plan: CohortPlan) -> dict[str, Any]:
    """What a hospital would know of this eye: recorded acuities, no truth."""
    rng = np.random.default_rng((*eye.seed, 42))
    patient = np.random.default_rng((*eye.seed[:2], 43))
    row: dict[str, Any] = {
        "eye_id": eye.eye_id,
        "patient_id": eye.patient_id,
        "laterality": eye.laterality,
        "preop_va": measure(eye.potential_logmar + eye.lens_logmar, rng),
        "postop_va": measure(eye.potential_logmar, rng),
    }
    paths: dict[str, str] = {view: f"images/{eye.eye_id}_{view}.png" for view in DIRECTIONS}
    if rng.uniform() < plan.missing_views:
        paths[DIRECTIONS[int(rng.integers(2))]] = ""
    return {
        **row,
        **paths,
        "site": SITES[int(patient.integers(len(SITES)))],
        "device": device_of(eye, plan).name,
        "followup_days": int(rng.triangular(21, 32, 90)),
        "age_years": f"{eye.age_years:.1f}",
        "sex": eye.sex,
        "axial_length_mm": f"{eye.axial_length_mm:.2f}",
        "diabetes": int(eye.diabetes),
    }


def _write_scans(
    eyes: list[SimulatedEye], rows: list[dict[str, Any]], root: Path, workers: int, labels: bool
) -> Iterable[None]:
    """Draw and write every scan, eye by eye, in any order."""
    tasks = list(zip(eyes, rows, strict=True))
    write = partial(_write_eye, root=root, labels=labels)
    if workers <= 1:
        yield from (write(*task) for task in tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(write, *task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


def _write_eye(eye: SimulatedEye, row: dict[str, Any], root: Path, labels: bool) -> None:
    """Draw and write the scans of one eye, and their labels if asked to."""
    cv2.setNumThreads(1)  # one process per core already
    device = next(device for device in NAMED_DEVICES if device.name == row["device"])
    for view in DIRECTIONS:
        if row[view]:
            image, truth = labelled_scan(eye, device, view)
            done, data = cv2.imencode(".png", image, PNG_OPTIONS)
            if not done:
                raise RuntimeError(f"{row[view]}: the scan could not be encoded as PNG")
            (root / row[view]).write_bytes(data.tobytes())
            if labels:
                stem = root / "labels" / f"{eye.eye_id}_{view}"
                stem.with_name(stem.name + ".png").write_bytes(index_png(truth))
                stem.with_name(stem.name + "_surfaces.csv").write_bytes(surfaces_csv(truth))
