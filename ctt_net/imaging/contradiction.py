"""Contradictions between a scan and what it is said to be: B-scan, view, eye.

Data validation, evaluation and prediction all use these, so that they find the same.
"""

from ctt_net.imaging.bscan import UNUSABLE_NOTES, BScan
from ctt_net.imaging.disc_side import disc_side

# In the order of `Scans.doubts`.
DOUBTS = ("unusable_scan", "other_view", "other_eye", "disc_side")

DIRECTION_OF_ENDS = {
    **dict.fromkeys(("TN", "NT"), "horizontal"),
    **dict.fromkeys(("SI", "IS"), "vertical"),
}
EYE_OF_ENDS = {"TN": "OD", "NT": "OS"}
DISC_END = {"OD": "right", "OS": "left"}

# `DiscSide.strength` from which one scan is named by itself: of 346 real and simulated scans in
# their right orientation none as clear as this was wrong.
CLEAR_DISC = 0.2


def doubts_of(scan: BScan, laterality: str, direction: str) -> tuple[str, ...]:
    """Which of `DOUBTS` a scan raises.

    Args:
        scan: As read.
        laterality: `OD` or `OS` that it is said to show.
        direction: Of the view that it is said to be.
    """
    if any(note.code in UNUSABLE_NOTES for note in scan.notes):
        return ("unusable_scan",)
    shown = DIRECTION_OF_ENDS.get(scan.ends or "", direction)
    if direction in DIRECTION_OF_ENDS.values() and shown != direction:
        return ("other_view",)
    if direction != "horizontal" or laterality not in DISC_END:
        return ()
    other_eye = EYE_OF_ENDS.get(scan.ends or "", laterality) != laterality
    disc = disc_side(scan.pixels)
    other_end = disc.end != DISC_END[laterality] and abs(disc.strength) >= CLEAR_DISC
    return ("other_eye",) * other_eye + ("disc_side",) * other_end
