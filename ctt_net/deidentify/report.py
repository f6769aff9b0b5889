"""`deidentified.yaml`: what was done, for the recipients; counts and sentences, no names."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ctt_net import INTENDED_USE, __version__
from ctt_net.cohort import CohortSpec
from ctt_net.deidentify.covariates import AGE_OF_THE_OLDER, OLDEST_AGE_YEARS
from ctt_net.deidentify.key import CODE_BITS, LONGEST_SHIFT_DAYS
from ctt_net.deidentify.rows import Rows
from ctt_net.deidentify.scans import WrittenScan
from ctt_net.imaging.bscan import OVERLAYS

REPORT_FILE = "deidentified.yaml"

DONE = (
    f"patient_id, eye_id and site replaced by codes (HMAC-SHA256 with a secret key, {CODE_BITS} "
    "bits); a device name that may hold a serial number as well",
    f"dates of each patient moved back by one keyed number of days (1 to {LONGEST_SHIFT_DAYS}), so "
    "that intervals stay",
    f"ages over {OLDEST_AGE_YEARS} written as {AGE_OF_THE_OLDER}",
    "acuities rewritten from their values",
    "columns that the declarations do not name left out",
    "rows sorted by the new codes",
    "scans decoded, panels cropped, marks and text filled where found, and written as new "
    "grey pictures without metadata under new names",
    "steps of the flow table numbered, their text left out",
    "no file copied; the result searched for ids, names of files and folders, dates and values of "
    "columns left out",
)
SAFE_HARBOR = (
    "names, record, account and device serial numbers, other codes: replaced or left out",
    "geography: the site became a code",
    "dates: moved, not reduced to the year; the letter of the rule asks for the year only",
    "ages over 89: joined",
    "telephone, mail, network addresses, vehicles, licences: left out with undeclared columns",
    "faces: there are none",
    "biometrics: not addressed, see below",
)
LIMITS = (
    "A retina is as unique as a fingerprint: whoever holds another scan of the same eye can match "
    "the pictures.",
    "A rare finding, an extreme value or a rare combination of values can identify one person.",
    "Burnt-in text is detected by its appearance, never with certainty: people must review every "
    "scan.",
    "licence, citation, names of views, covariates, levels and declared devices are as people "
    "wrote them.",
    "Whoever holds the key can compute the codes of known patients: this is pseudonymised, not "
    "anonymous, as long as the key exists.",
    "This is no legal opinion: codes and moved dates derived with a key need the consent of those "
    "responsible for the data.",
)


def report(
    spec: CohortSpec, rows: Rows, scans: Sequence[WrittenScan], columns_left_out: int
) -> dict[str, Any]:
    """The contents of `deidentified.yaml`.

    Args:
        spec: Declarations of the new cohort.
        rows: Its rows.
        scans: Its scans.
        columns_left_out: Undeclared columns of the original.
    """
    found = Counter(kind for scan in scans for kind in scan.overlays)
    return {
        "intended_use": INTENDED_USE,
        "written_by": f"ctt-net {__version__} deidentify",
        "synthetic": spec.synthetic,
        "eyes": len(rows.table),
        "patients": int(rows.table["patient_id"].nunique()),
        "scans": len(scans),
        "scans_with": {kind: found[kind] for kind in OVERLAYS},
        "scans_that_read_differently_again": sum(not scan.stable for scan in scans),
        "columns_left_out": columns_left_out,
        "device_names_coded": rows.devices_coded,
        "date_columns_moved": list(rows.date_columns),
        "age_columns": list(rows.age_columns),
        "eyes_with_joined_age": rows.eyes_over_age,
        "done": list(DONE),
        "hipaa_safe_harbor_categories": list(SAFE_HARBOR),
        "not_done": list(LIMITS),
    }
