"""Burnt-in marks: do added ones change the predictions, are present ones tied to the outcome?"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.cohort_under_audit import ENOUGH_PATIENTS, CohortUnderAudit
from ctt_net.audit.metadata import one_hot
from ctt_net.audit.partial_r2 import PartialR2, partial_r2_of_kernel
from ctt_net.audit.resampling import mean_figure
from ctt_net.audit.result import AuditResult, AuditTest
from ctt_net.imaging import read_bscan
from ctt_net.imaging.artifacts.remove import without_text

Pixels = NDArray[np.uint8]

ADDED = AuditTest(
    "marks-added",
    "Sensitivity to added marks",
    "Do the predictions change when text, calipers or marked corners are drawn into the scans?",
    "check whether scans of the training had such marks, and whether these went with the outcome",
)
PRESENT = AuditTest(
    "marks-present",
    "Outcome explained by what lies outside the retina",
    "Does what lies outside the retina (corners, borders, faint patterns) explain the outcome?",
    "compare the outermost parts of the scans with best and worst outcomes; export them alike, and "
    "train again",
)
WITHIN_SITE = AuditTest(
    "marks-within-site",
    "The same within each site",
    "The same within each site: were the scans of one site marked by their outcome?",
    "ask that site how its scans were exported; leave it out until this is known",
)

# Mean change of a prediction, logMAR: one line. The whole interval must exceed half of it.
LARGE_CHANGE_LOGMAR = 0.1
LEAST_R2 = 0.1
_EYES = 30
_MOST_EYES = 800
_WHITE = 255


def added_test(audited: CohortUnderAudit) -> AuditResult:
    """Draw a mark into scan files, read them as usual, and measure the change of the predictions.

    The reader fills marks that it finds, so most never reach the model; a mark that it would miss
    is drawn into the network's input besides, for information only, since nearly every network
    reacts to a white square that was in no training scan.
    """
    some = audited.where(_sample(audited))
    originals = _originals(some)
    changes, missed = {}, {}
    for name, draw in MARKS.items():
        changes[name] = _change(some, _through_the_reader(some, originals, draw))
        marked = some.pixels.copy()
        for eye, view in np.argwhere(some.present):
            draw(marked[eye, view])
        missed[name] = _change(some, marked)
    largest = max(changes.values(), key=lambda change: change["value"])
    mean, low = largest["value"], largest["ci95"][0]
    listed = ", ".join(f"{name} {figure['value']:.3f}" for name, figure in changes.items())
    worst = max(figure["value"] for figure in missed.values())
    return ADDED.done(
        f"Mean change in logMAR: {listed} ({len(some.table)} eyes). A mark that the scan reader "
        f"missed would change them by up to {worst:.3f}.",
        mean > LARGE_CHANGE_LOGMAR and low is not None and low > LARGE_CHANGE_LOGMAR / 2,
        figures={
            **{name.replace(" ", "_"): figure for name, figure in changes.items()},
            **{f"missed_{name.replace(' ', '_')}": figure for name, figure in missed.items()},
        },
    )


def _sample(audited: CohortUnderAudit) -> NDArray[np.bool_]:
    """(E,) bool: eyes with a scan, few enough to read once more, evenly over the cohort."""
    there = np.flatnonzero(audited.present.any(axis=1))
    chosen = np.zeros(len(audited.table), bool)
    chosen[there[np.linspace(0, len(there) - 1, min(_EYES, len(there))).astype(int)]] = True
    return chosen


def _change(audited: CohortUnderAudit, marked: Pixels) -> dict:
    return mean_figure(np.abs(audited.predict(marked) - audited.predicted), audited.patients)


def _originals(audited: CohortUnderAudit) -> dict[tuple[int, int], Pixels]:
    """(eye, view of the network) to the scan as read from its file."""
    views, cohort = audited.predictor.spec.views, audited.cohort
    originals = {}
    for eye, row in enumerate(audited.table.to_dict("records")):
        for number, name in enumerate(views):
            path = cohort.scan_path(row, name) if name in cohort.spec.views else None
            if path is not None:
                originals[eye, number] = read_bscan(path).pixels
    return originals


def _through_the_reader(
    audited: CohortUnderAudit,
    originals: dict[tuple[int, int], Pixels],
    draw: Callable[[Pixels], None],
) -> Pixels:
    """(E, V, H, W) input from scans that were marked before they were read."""
    spec = audited.predictor.spec
    directions = [view.direction for view in spec.views.values()]
    laterality = audited.table["laterality"].to_list()
    marked = audited.pixels.copy()
    for (eye, number), original in originals.items():
        scan = original.copy()
        draw(scan)
        cleaned = without_text(scan, [])[0]
        marked[eye, number] = spec.preprocessing(cleaned, laterality[eye], directions[number])
    return marked


def write_text(scan: Pixels) -> None:
    """Write at the upper left; changes the scan in place."""
    size = scan.shape[0] / 320
    place = (round(0.03 * scan.shape[1]), round(0.12 * scan.shape[0]))
    cv2.putText(scan, "OCT 7", place, cv2.FONT_HERSHEY_SIMPLEX, size, _WHITE, 1)


def draw_calipers(scan: Pixels) -> None:
    """Draw a measured distance at the left; changes the scan in place."""
    height, width = scan.shape
    x, top, bottom, tick = width // 8, height // 3, 2 * height // 3, max(2, width // 48)
    cv2.line(scan, (x, top), (x, bottom), _WHITE, 1)
    for y in (top, bottom):
        cv2.line(scan, (x - tick, y), (x + tick, y), _WHITE, 1)


def mark_corners(scan: Pixels) -> None:
    """Draw a small square into every corner; changes the scan in place."""
    side = max(3, scan.shape[0] // 20)
    for rows in (slice(2, side + 2), slice(-side - 2, -2)):
        for columns in (slice(2, side + 2), slice(-side - 2, -2)):
            scan[rows, columns] = _WHITE


MARKS: dict[str, Callable[[Pixels], None]] = {
    "text": write_text,
    "calipers": draw_calipers,
    "marked corners": mark_corners,
}


def present_tests(audited: CohortUnderAudit) -> list[AuditResult]:
    """Partial R2 of the surroundings of the retina, over the whole cohort and within each site."""
    whole = outside_r2(audited, np.arange(len(audited.truth)))
    results = [
        PRESENT.done(
            f"Partial R2 beyond preoperative acuity, age, quality and device: {whole.text()}.",
            whole.value >= LEAST_R2,
            p_value=whole.p_value,
            figures={"partial_r2": whole.figure},
        )
    ]
    sites = (
        audited.table["site"].astype(str).to_numpy() if "site" in audited.table else np.array([])
    )
    groups = {name: np.flatnonzero(sites == name) for name in np.unique(sites) if name}
    groups = {
        str(name): eyes
        for name, eyes in groups.items()
        if len(set(audited.patients[eyes])) >= ENOUGH_PATIENTS
    }
    if len(groups) < 2:
        why = f"the cohort has fewer than two sites of {ENOUGH_PATIENTS} patients"
        return [*results, WITHIN_SITE.not_tested(why)]
    of = {name: outside_r2(audited, eyes) for name, eyes in groups.items()}
    worst = min(of.values(), key=lambda r2: (r2.p_value, -r2.value))
    listed = ", ".join(f"{name} {r2.text()}" for name, r2 in of.items())
    results.append(
        WITHIN_SITE.done(
            f"Partial R2 at each site: {listed}.",
            worst.value >= LEAST_R2,
            p_value=min(1.0, worst.p_value * len(of)),
            figures={f"site_{name}": r2.figure for name, r2 in of.items()},
        )
    )
    return results


def outside_r2(audited: CohortUnderAudit, eyes: NDArray[np.int64]) -> PartialR2:
    """Partial R2 of the pictures outside the retina for the outcome of some eyes.

    Beyond quality and device too: noise goes with the cataract, and devices differ in appearance.
    """
    if len(eyes) > _MOST_EYES:
        people = np.unique(audited.patients[eyes])
        order = np.random.default_rng(0).permutation(len(people))
        chosen = people[order[: int(len(people) * _MOST_EYES / len(eyes))]]
        eyes = eyes[np.isin(audited.patients[eyes], chosen)]
    flat = audited.read.outside[eyes].reshape(len(eyes), -1).astype(np.float32)
    device = (
        one_hot(audited.table["device"].iloc[eyes], audited.patients[eyes])
        if "device" in audited.table
        else np.zeros((len(eyes), 0))
    )
    given = np.column_stack([audited.given[eyes], audited.quality[eyes], device])
    kernel = (flat @ flat.T).astype(np.float64)
    return partial_r2_of_kernel(
        kernel, audited.truth[eyes], given, audited.patients[eyes], LEAST_R2
    )
