"""Marks put on scans that had none: do they move the model?"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.audit.chance import mean_figure
from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.probe import Probe, Question
from ctt_net.imaging import read_bscan
from ctt_net.imaging.artifacts.cover import without_text

Pixels = NDArray[np.uint8]

ADDED = Question(
    "marks-added",
    "Do the predictions move when writing, calipers or marked corners are put on the scans?",
    "look whether scans of the training bore such marks, and whether these went with the outcome",
)

# Mean movement, logMAR: a line. Half of it, the whole interval must exceed.
MOVES = 0.1
_EYES = 30
_WHITE = 255


def added_probe(subject: Subject) -> Probe:
    """Put a mark on scan files, read them as ever, and see how far the predictions go.

    What the reader finds it fills, so most marks never reach the model; a mark that it overlooks
    is put on the network's input beside that, for the reader of the page only, as nearly every
    network is moved by a white square it was never shown.
    """
    some = subject.where(_sample(subject))
    originals = _originals(some)
    moved, overlooked = {}, {}
    for name, draw in MARKS.items():
        moved[name] = _movement(some, _through_the_reader(some, originals, draw))
        marked = some.pixels.copy()
        for eye, view in np.argwhere(some.present):
            draw(marked[eye, view])
        overlooked[name] = _movement(some, marked)
    most = max(moved, key=lambda name: moved[name]["value"])
    mean, (low, _) = moved[most]["value"], moved[most]["ci95"]
    said = ", ".join(f"{name} {figure['value']:.3f}" for name, figure in moved.items())
    worst = max(figure["value"] for figure in overlooked.values())
    return ADDED.answered(
        f"On average by, in logMAR: {said} ({len(some.table)} eyes). A mark that the reader of "
        f"files overlooked would move them by up to {worst:.3f}.",
        mean > MOVES and low is not None and low > MOVES / 2,
        figures={
            **{name.replace(" ", "_"): figure for name, figure in moved.items()},
            **{f"overlooked_{name.replace(' ', '_')}": one for name, one in overlooked.items()},
        },
    )


def _sample(subject: Subject) -> NDArray[np.bool_]:
    """(E,) bool: eyes with a scan, few enough to read once more, evenly over the cohort."""
    there = np.flatnonzero(subject.present.any(axis=1))
    chosen = np.zeros(len(subject.table), bool)
    chosen[there[np.linspace(0, len(there) - 1, min(_EYES, len(there))).astype(int)]] = True
    return chosen


def _movement(subject: Subject, marked: Pixels) -> dict:
    shift = np.abs(subject.predict(marked) - subject.predicted)
    return mean_figure(shift, subject.patients)


def _originals(subject: Subject) -> dict[tuple[int, int], Pixels]:
    """(eye, view of the network) to the scan as read from its file."""
    views, cohort = subject.predictor.spec.views, subject.cohort
    originals = {}
    for eye, row in enumerate(subject.table.to_dict("records")):
        for number, name in enumerate(views):
            path = cohort.scan_path(row, name) if name in cohort.spec.views else None
            if path is not None:
                originals[eye, number] = read_bscan(path).pixels
    return originals


def _through_the_reader(
    subject: Subject,
    originals: dict[tuple[int, int], Pixels],
    draw: Callable[[Pixels], None],
) -> Pixels:
    """(E, V, H, W) input from scans that were marked before they were read."""
    spec = subject.predictor.spec
    directions = [view.direction for view in spec.views.values()]
    sides = subject.table["laterality"].to_list()
    marked = subject.pixels.copy()
    for (eye, number), original in originals.items():
        scan = original.copy()
        draw(scan)
        cleaned = without_text(scan, [])[0]
        marked[eye, number] = spec.preprocessing(cleaned, sides[eye], directions[number])
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
    """Paint a small square into every corner; changes the scan in place."""
    side = max(3, scan.shape[0] // 20)
    for rows in (slice(2, side + 2), slice(-side - 2, -2)):
        for columns in (slice(2, side + 2), slice(-side - 2, -2)):
            scan[rows, columns] = _WHITE


MARKS: dict[str, Callable[[Pixels], None]] = {
    "writing": write_text,
    "calipers": draw_calipers,
    "marked corners": mark_corners,
}
