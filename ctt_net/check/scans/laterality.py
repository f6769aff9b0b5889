"""Whether the manifest's laterality is what name, mark and anatomy of each scan say."""

from collections.abc import Callable
from functools import lru_cache

from ctt_net.check.finding import Check, Finding
from ctt_net.check.scans.reading import Scan
from ctt_net.check.scans.words import eye_said
from ctt_net.errors import count_of
from ctt_net.imaging.contradiction import CLEAR_DISC, DISC_END, EYE_OF_ENDS

_CURE = "look at the scan in the device's software and correct laterality or the path"
NAME = Check(
    "laterality-vs-file-name",
    "left eyes are mirrored, so a wrong side swaps nasal and temporal retina, and the acuity may "
    "be the other eye's",
    _CURE,
)
MARK = Check(
    "laterality-vs-mark",
    "the device's own scan-direction mark names the other eye",
    _CURE,
)
DISC = Check(
    "laterality-vs-disc",
    "the optic disc lies nasal: to the right in a right eye, unless the export was mirrored",
    "look at the scans; if the export mirrors left eyes, undo that, since ctt-net mirrors them",
)

# A cohort is named where so many discs disagree, however clear each of them is.
_MANY, _ENOUGH = 0.3, 10


def side_findings(scans: list[Scan]) -> list[Finding]:
    """Names, marks and discs that contradict the manifest."""
    eye_of = lru_cache(maxsize=None)(eye_said)
    horizontal = [scan for scan in scans if scan.direction == "horizontal"]
    found = _contradictions(NAME, "name", scans, lambda scan: eye_of(scan.record.path))
    found += _contradictions(
        MARK,
        "scan-direction mark",
        horizontal,
        lambda scan: EYE_OF_ENDS.get(scan.record.ends or ""),
    )
    return found + _discs(horizontal)


def _contradictions(
    check: Check, what: str, scans: list[Scan], eye_of: Callable[[Scan], str | None]
) -> list[Finding]:
    telling = [(scan, eye) for scan in scans if (eye := eye_of(scan)) is not None]
    wrong = [
        (scan, eye)
        for scan, eye in telling
        if scan.laterality in DISC_END and scan.laterality != eye
    ]
    if not wrong:
        return []
    scan, eye = wrong[0]
    message = (
        f"the {what} tells the other eye in {len(wrong)} of {count_of(len(telling), 'scan')}: "
        f"row {scan.row} is {scan.laterality}, but the {what} of {scan.record.path!r} says {eye}"
    )
    return [
        check.found(
            "warning",
            message,
            [scan.row for scan, _ in wrong],
            "laterality",
            [scan.record.path for scan, _ in wrong],
        )
    ]


def _discs(scans: list[Scan]) -> list[Finding]:
    telling = [s for s in scans if s.record.disc_end and s.laterality in DISC_END]
    wrong = [s for s in telling if s.record.disc_end != DISC_END[s.laterality]]
    share = len(wrong) / len(telling) if telling else 0.0
    strong = [s for s in wrong if s.record.disc_strength >= CLEAR_DISC]
    if len(wrong) >= _ENOUGH and share > _MANY:
        named, words = wrong, "; so many speak for mirrored exports or a swapped laterality column"
    elif strong:
        named, words = strong, f"; {len(strong)} of them clearly"
    else:
        return []
    shown = count_of(len(telling), "horizontal scan")
    message = (
        f"in {len(wrong)} of {shown} with a clear disc, the optic disc lies at "
        f"the other end than the laterality says{words}"
    )
    rows = [scan.row for scan in named]
    return [DISC.found("warning", message, rows, "laterality", [s.record.path for s in named])]
