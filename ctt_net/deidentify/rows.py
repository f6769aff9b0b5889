"""Rows of the new manifest: codes, shifted dates, rewritten acuities."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from ctt_net.acuity import is_missing, parse_va_bounds
from ctt_net.acuity.text import normalised
from ctt_net.cohort import Cohort
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.deidentify.acuity_text import acuity_text
from ctt_net.deidentify.covariates import OLDEST_AGE_YEARS, is_age, join_ages
from ctt_net.deidentify.key import Codes, Kind

_SERIAL = re.compile(
    r"[0-9]{4,}"  # a run of digits
    r"|(?<![a-z])(?:s ?/ ?n|sn|serial|ser|inv|inventory|asset)(?![a-z])"  # the word for one
    r"|(?=[a-z0-9-]*[0-9][a-z0-9-]*[0-9][a-z0-9-]*[0-9])(?=[a-z0-9-]*[a-z])[a-z0-9-]{6,}",  # A1B2C3
    re.IGNORECASE,
)


def is_model_name(name: str, declared: Iterable[str]) -> bool:
    """Whether a device may keep its name: declared as a model, or without a serial number.

    >>> is_model_name("Spectralis", []), is_model_name("Cirrus 5000", [])
    (True, False)
    """
    return name in declared or _SERIAL.search(name) is None


SCAN_FOLDER = "scans"
_SAFE_VIEW = re.compile(r"[\w-]{1,60}")


@dataclass(frozen=True)
class Rows:
    """The new manifest, and what was done for it.

    Args:
        table: One row per eye, sorted by its new id.
        origin: Position in the original table of each row.
        eye_codes: New eye id of each original one.
        devices_kept: Device names that stay as they are.
        devices_coded: How many others became codes.
        date_columns: Columns of shifted dates.
        age_columns: Columns taken for ages.
        eyes_over_age: Eyes whose age became 90.
    """

    table: pd.DataFrame
    origin: tuple[int, ...]
    eye_codes: Mapping[str, str]
    devices_kept: tuple[str, ...]
    devices_coded: int
    date_columns: tuple[str, ...]
    age_columns: tuple[str, ...]
    eyes_over_age: int


def coded_rows(cohort: Cohort, codes: Codes) -> Rows:
    """Build the new rows column by column; a column not named here is left out."""
    old, spec = cohort.table, cohort.spec
    eyes = codes.table("eye", old["eye_id"])
    patients = codes.table("patient", old["patient_id"].unique())
    new = pd.DataFrame({"eye_id": old["eye_id"].map(eyes)})
    new["patient_id"] = old["patient_id"].map(patients)
    new["laterality"] = old["laterality"]
    for time in ("preop", "postop"):
        columns = (old[f"{time}_logmar"], old[f"{time}_off_chart"], old[f"{time}_va"])
        notation = spec.notation[f"{time}_va"]
        new[f"{time}_va"] = [
            # Bounds hold numbers and a few words only, or they would not be read.
            normalised(text)
            if parse_va_bounds(text, notation)
            else acuity_text(logmar, word, notation, text)
            for logmar, word, text in zip(*columns, strict=True)
        ]
    for number, view in enumerate(spec.views):
        ending = view if _SAFE_VIEW.fullmatch(view) else f"view{number + 1}"
        paths = f"{SCAN_FOLDER}/" + new["eye_id"] + f"_{ending}.png"
        new[view] = paths.where(old[view] != "", "")
    for column in ("split", "followup_days"):
        if column in old:
            new[column] = old[column]
    kept, coded = _places(old, new, codes, spec.devices, spec.covariates)
    dates = tuple(column for column in DATE_COLUMNS if column in old)
    back = old["patient_id"].map({name: codes.days_back(name) for name in patients})
    for column in dates:
        new[column] = [_earlier(text, days) for text, days in zip(old[column], back, strict=True)]
    ages, over = [], pd.Series(False, index=old.index)
    for name, covariate in spec.covariates.items():
        new[name] = old[name]
        if is_age(name, covariate):
            ages.append(name)
            over |= old[name] > OLDEST_AGE_YEARS
            new[name] = join_ages(old[name])
    new = new.sort_values("eye_id")
    origin = tuple(int(position) for position in new.index)
    return Rows(
        *(new.reset_index(drop=True), origin, eyes, kept, coded),
        *(dates, tuple(ages), int(over.sum())),
    )


def _places(
    old: pd.DataFrame,
    new: pd.DataFrame,
    codes: Codes,
    declared: Mapping[str, object],
    covariates: Mapping[str, object],
) -> tuple[tuple[str, ...], int]:
    """Add site and device; returns the device names kept, and how many were coded."""
    kept: set[str] = set()
    coded = 0
    kinds: tuple[Kind, ...] = ("site", "device")
    for kind in kinds:
        if kind not in old or kind in covariates:
            continue
        names = old[kind].astype(str).str.strip()
        names = names.mask(names.map(is_missing), "")
        table = codes.table(kind, names.unique()) | {"": ""}
        if kind == "device":
            kept = {name for name in table if name and is_model_name(name, declared)}
            table |= {name: name for name in kept}
            coded = len(table) - len(kept) - 1
        new[kind] = names.map(table)
    return tuple(sorted(kept)), coded


def _earlier(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=int(days))).isoformat() if day else ""
