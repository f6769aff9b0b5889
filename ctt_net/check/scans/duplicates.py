"""The same picture twice: identical pixels, or re-encoded, resized, mirrored."""

import numpy as np
import pandas as pd

from ctt_net.check.finding import Check, Finding
from ctt_net.check.scans.record import Scan, found_in
from ctt_net.cohort.problem import Severity
from ctt_net.errors import count_of
from ctt_net.imaging.fingerprint import near_or_mirrored

_ACROSS = (
    "a scan in both training and test set is train-test leakage, and one of the two acuities "
    "belongs to another eye"
)
_WITHIN = "two views or two eyes of a patient are two pictures, so one of them is missing"
_FIX = "find out whose scan it is, and correct the path of the other row"
EXACT_ACROSS = Check(
    "duplicate-across-patients", "Identical scans of different patients", _ACROSS, _FIX
)
EXACT_WITHIN = Check("duplicate-within-patient", "Identical scans of one patient", _WITHIN, _FIX)
NEAR_ACROSS = Check(
    "near-duplicate-across-patients", "Near-identical scans of different patients", _ACROSS, _FIX
)
NEAR_WITHIN = Check(
    "near-duplicate-within-patient", "Near-identical scans of one patient", _WITHIN, _FIX
)

_Pair = tuple[Scan, Scan]


def duplicate_findings(scans: list[Scan], table: pd.DataFrame) -> list[Finding]:
    """Equal and nearly equal pictures, within patients and across them.

    Args:
        scans: Readable scans.
        table: Cohort table, for patient and split.
    """
    groups: dict[str, list[Scan]] = {}
    for scan in scans:
        groups.setdefault(scan.record.digest, []).append(scan)
    exact = [(first, other) for first, *others in groups.values() for other in others]
    near = _near([members[0] for members in groups.values()])
    found = []
    for pairs, across, within, how in (
        (exact, EXACT_ACROSS, EXACT_WITHIN, "the same pixels"),
        (near, NEAR_ACROSS, NEAR_WITHIN, "nearly the same picture"),
    ):
        apart = [pair for pair in pairs if _differ(pair, table["patient_id"])]
        together = [pair for pair in pairs if not _differ(pair, table["patient_id"])]
        if apart:
            severity: Severity = "error" if across is EXACT_ACROSS else "warning"
            message = _message(apart, how, "of different patients") + _splits(apart, table)
            found.append(found_in(_members(apart), across, severity, message))
        if together:
            message = _message(together, how, "of the same patient")
            found.append(found_in(_members(together), within, "warning", message))
    return found


def _near(scans: list[Scan]) -> list[_Pair]:
    """Pairs alike as they are, or one mirrored."""
    hashes = [[list(bytes.fromhex(one)) for one in scan.record.hashes] for scan in scans]
    return [(scans[i], scans[j]) for i, j in near_or_mirrored(np.array(hashes, dtype=np.uint8))]


def _differ(pair: _Pair, column: pd.Series) -> bool:
    return bool(column.iloc[pair[0].position] != column.iloc[pair[1].position])


def _members(pairs: list[_Pair]) -> list[Scan]:
    return [scan for pair in pairs for scan in pair]


def _message(pairs: list[_Pair], how: str, whose: str) -> str:
    first, other = pairs[0]
    return (
        f"{how} in {count_of(len(pairs), 'pair')} of scans {whose}: {first.record.path!r} "
        f"(row {first.row}, {first.view}) and {other.record.path!r} (row {other.row}, {other.view})"
    )


def _splits(pairs: list[_Pair], table: pd.DataFrame) -> str:
    if "split" not in table:
        return ""
    apart = sum(_differ(pair, table["split"]) for pair in pairs)
    return f"; {apart} of them are in different splits" if apart else ""
