"""The covariates of `patient.yaml` as columns of a table, one row an eye."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ctt_net.cohort import Covariate
from ctt_net.errors import InputError
from ctt_net.inference.patient import EYES, PATIENT_FILE, Patient
from ctt_net.yaml_file import as_typed


def patient_table(
    patient: Patient, preop_logmar: np.ndarray, known: Mapping[str, Covariate]
) -> pd.DataFrame:
    """The patient as rows of a cohort.

    Args:
        patient: As read.
        preop_logmar: (E,) of its eyes, NaN = unknown.
        known: Covariates that network or baselines read.

    Returns:
        One row per eye; a covariate that is not given is NaN.

    Raises:
        InputError: If a covariate is none of the model's, or its value is none of its own.
    """
    for name in patient.covariates:
        if name not in known:
            raise InputError(
                f"{PATIENT_FILE}: covariates.{name} is none of the model's "
                f"({', '.join(known) or 'it has none'})"
            )
    sides = [eye.laterality for eye in patient.eyes]
    columns = {
        name: pd.Series(
            [_value(name, given, covariate) for given in _of_eyes(patient, name, sides)],
            dtype=object,
        )
        for name, covariate in known.items()
    }
    return pd.DataFrame({"preop_logmar": preop_logmar, **columns})


def used_covariates(row: pd.Series, covariates: Mapping[str, Covariate]) -> list[dict[str, Any]]:
    """What the network was told of one eye; value None = unknown."""
    return [
        {
            "name": name,
            "value": None if pd.isna(row[name]) else row[name],
            "unit": covariate.unit,
        }
        for name, covariate in covariates.items()
    ]


def _of_eyes(patient: Patient, name: str, sides: list[str]) -> list[Any]:
    """One value for both eyes, or `{OD: ..., OS: ...}`."""
    given = patient.covariates.get(name)
    if not isinstance(given, Mapping):
        return [given] * len(sides)
    for side in given:
        if side not in EYES:
            raise InputError(
                f"{PATIENT_FILE}: covariates.{name}: {side!r} is no eye; give one value, or one "
                f"for each of OD and OS"
            )
    return [given.get(side) for side in sides]


def _value(name: str, value: Any, covariate: Covariate) -> str | float:
    """A level's name or a finite number, NaN = not given."""
    where = f"{PATIENT_FILE}: covariates.{name}"
    if value is None:
        return float("nan")
    if covariate.kind == "categorical":
        if as_typed(value) not in covariate.levels:
            raise InputError(f"{where}: {value!r} is none of {', '.join(covariate.levels)}")
        return as_typed(value)
    if not isinstance(value, int | float):  # which is finite, or it was read as text
        raise InputError(f"{where}: {value!r} is no number")
    if covariate.kind == "binary" and value not in (0, 1):
        raise InputError(f"{where}: {value!r} is not 0 or 1 (no or yes)")
    return float(value)
