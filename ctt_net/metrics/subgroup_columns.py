"""Which group each eye of a cohort belongs to, read from whatever columns the cohort has."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ctt_net.acuity.bands import preop_band
from ctt_net.cohort import Cohort, CohortSpec
from ctt_net.cohort.dates import read_dates
from ctt_net.cohort.predictions import has_flag
from ctt_net.cohort.words import plain_text

UNKNOWN = "unknown"

AGE_COLUMNS = ("age_years", "age")
AGE_EDGES_YEARS = (60, 70, 80)
AGE_BANDS = ("under 60 years", "60 to 69 years", "70 to 79 years", "80 years and over")
LENGTH_COLUMNS = ("axial_length_mm", "axial_length")
# High myopia; where most charts of staphyloma and of measuring error begin.
LENGTH_EDGES_MM = (26,)
LENGTH_BANDS = ("below 26 mm", "26 mm and more")
PLAUSIBLE = {AGE_BANDS: (0, 120), LENGTH_BANDS: (15, 40)}

TEXT_COLUMNS = ("site", "device", "sex", "pathology", "diagnosis")

FIRST, SECOND, SAME_DAY, ONLY = (
    "first eye",
    "second eye",
    "both on one day",
    "only eye in the cohort",
)


def subgroup_columns(cohort: Cohort) -> pd.DataFrame:
    """Groups of the eyes: site, device, sex, age, axial length, pathology, eye order, covariates.

    Every binary and categorical covariate is a grouping of its own name; `age_band` and
    `axial_length_band` come from numbers, `eye_order` from the days of surgery.

    Args:
        cohort: Any cohort; a column that it lacks gives no grouping.

    Returns:
        One row per eye, indexed by eye_id; a text per grouping, `unknown` where empty.
    """
    table, covariates = cohort.table, cohort.spec.covariates
    groups = pd.DataFrame(index=pd.Index(table["eye_id"], name="eye_id"))
    words = [name for name, one in covariates.items() if one.kind != "numeric"]
    for name in dict.fromkeys([*TEXT_COLUMNS, *words]):
        if name in table and not (name in covariates and covariates[name].kind == "numeric"):
            texts = [plain_text(cell) or UNKNOWN for cell in table[name]]
            if name in covariates and covariates[name].kind == "binary":
                texts = [{"0": "no", "1": "yes"}.get(text, text) for text in texts]
            groups[name] = texts
    for grouping, names, edges, bands in (
        ("age_band", AGE_COLUMNS, AGE_EDGES_YEARS, AGE_BANDS),
        ("axial_length_band", LENGTH_COLUMNS, LENGTH_EDGES_MM, LENGTH_BANDS),
    ):
        column = next((name for name in names if name in table), None)
        if column is not None:
            groups[grouping] = _banded(table[column], edges, bands)
    if "surgery_date" in table:
        groups["eye_order"] = _eye_order(table)
    return groups


def covariates_in_words(spec: CohortSpec) -> list[str]:
    """Names of the covariates without their unit, as words of a sentence: `age_years` is age.

    Those measured in scans are left out.
    """
    names = []
    for name, covariate in spec.covariates.items():
        if covariate.measured_in is not None:
            continue
        unit = f"_{covariate.unit}"
        names.append((name[: -len(unit)] if name.endswith(unit) else name).replace("_", " "))
    return names


def prediction_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Groups that follow from the predictions alone: preop band, signal quality, missing scans.

    Args:
        table: Checked predictions.

    Returns:
        One row per row of `table`, a text per grouping.
    """
    preop = table["preop_logmar"].to_numpy(np.float64)
    missing = table["flags"].str.contains(r"(?:^|;)(?:missing_view|no_view)(?::|;|$)", regex=True)
    quality, views = ("usual", "low signal quality"), ("all scans", "a scan is missing")
    return pd.DataFrame(
        {
            "preop_band": preop_band(preop, has_flag(table, "off_chart_preop").to_numpy()),
            "quality": np.where(has_flag(table, "low_quality"), quality[1], quality[0]),
            "views": np.where(missing, views[1], views[0]),
        },
        index=table.index,
    )


def _banded(column: pd.Series, edges: Sequence[float], bands: tuple[str, ...]) -> list[str]:
    """Band of each number, unknown where it is none or cannot be."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    low, high = PLAUSIBLE[bands]
    sound = (numbers >= low) & (numbers <= high)
    place = np.digitize(np.where(sound, numbers, low), edges)
    return [bands[i] if known else UNKNOWN for i, known in zip(place, sound, strict=True)]


def _eye_order(table: pd.DataFrame) -> list[str]:
    """Whether an eye was operated before the patient's other eye, by the days of surgery."""
    days, _ = read_dates(table["surgery_date"], "surgery_date")
    by_patient = days.groupby(table["patient_id"])
    eyes = by_patient.transform("size").to_numpy()
    known = by_patient.transform("count").to_numpy() == eyes
    first, last = by_patient.transform("min"), by_patient.transform("max")
    order = np.where(days > first, SECOND, np.where(first < last, FIRST, SAME_DAY))
    order = np.where(eyes == 1, ONLY, np.where(known, order, UNKNOWN))
    return [str(text) for text in order]
