"""Whether the manifest's laterality agrees with name, mark and anatomy of each scan."""

from collections.abc import Callable
from functools import lru_cache

from ctt_net.check.finding import Check, Finding
from ctt_net.check.scans.file_names import eye_in_path
from ctt_net.check.scans.record import Scan, found_in
from ctt_net.errors import count_of
from ctt_net.imaging.contradiction import CLEAR_DISC, DISC_END, EYE_OF_ENDS

_FIX = "review the scan in the device's software and correct laterality or the path"
NAME = Check(
    "laterality-vs-file-name",
    "File name names the other eye",
    "left eyes are mirrored, so a wrong laterality swaps nasal and temporal retina, and the acuity "
    "may be the other eye's",
    _FIX,
)
MARK = Check(
    "laterality-vs-mark",
    "Scan-direction mark names the other eye",
    "the device's own scan-direction mark names the other eye",
    _FIX,
)
DISC = Check(
    "laterality-vs-disc",
    "Optic disc at the other end",
    "the optic disc lies nasal: to the right in a right eye, unless the export was mirrored",
    "review the scans; if the export mirrors left eyes, undo that, since ctt-net mirrors them",
)

# The cohort is reported where so many discs disagree, however clear each of them is.
_MANY, _ENOUGH = 0.3, 10


def laterality_findings(scans: list[Scan]) -> list[Finding]:
    """Names, marks and discs that contradict the manifest."""
    eye_of = lru_cache(maxsize=None)(eye_in_path)
    horizontal = [scan for scan in scans if scan.direction == "horizontal"]
    by_name = _contradictions(NAME, "name", scans, lambda scan: eye_of(scan.record.path))
    by_mark = _contradictions(
        MARK,
        "scan-direction mark",
        horizontal,
        lambda scan: EYE_OF_ENDS.get(scan.record.ends or ""),
    )
    return [*by_name, *by_mark, *_discs(horizontal)]


def _contradictions(
    check: Check, what: str, scans: list[Scan], eye_of: Callable[[Scan], str | None]
) -> list[Finding]:
    informative = [(scan, eye) for scan in scans if (eye := eye_of(scan)) is not None]
    wrong = [
        (scan, eye)
        for scan, eye in informative
        if scan.laterality in DISC_END and scan.laterality != eye
    ]
    if not wrong:
        return []
    scan, eye = wrong[0]
    message = (
        f"the {what} names the other eye in {len(wrong)} of {count_of(len(informative), 'scan')}: "
        f"row {scan.row} is {scan.laterality}, but the {what} of {scan.record.path!r} says {eye}"
    )
    return [found_in([scan for scan, _ in wrong], check, "warning", message, "laterality")]


def _discs(scans: list[Scan]) -> list[Finding]:
    clear = [s for s in scans if s.record.disc_end and s.laterality in DISC_END]
    wrong = [s for s in clear if s.record.disc_end != DISC_END[s.laterality]]
    share = len(wrong) / len(clear) if clear else 0.0
    strong = [s for s in wrong if s.record.disc_strength >= CLEAR_DISC]
    if len(wrong) >= _ENOUGH and share > _MANY:
        named = wrong
        words = "; so many are consistent with mirrored exports or a swapped laterality column"
    elif strong:
        named, words = strong, f"; {len(strong)} of them clearly"
    else:
        return []
    message = (
        f"in {len(wrong)} of {count_of(len(clear), 'horizontal scan')} with a clear disc, the "
        f"optic disc lies at the other end than the laterality says{words}"
    )
    return [found_in(named, DISC, "warning", message, "laterality")]
