"""A patient folder as a cohort of its eyes, predicted as any other cohort."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.cohort import Cohort, CohortSpec, Covariate, impossible_value
from ctt_net.cohort.covariate import level_of
from ctt_net.errors import InputError
from ctt_net.inference.patient import Patient
from ctt_net.io.yaml_file import check_known_keys
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.types import EYES


def patient_cohort(
    patient: Patient, folder: Path, spec: ModelSpec, known: Mapping[str, Covariate]
) -> Cohort:
    """The patient's eyes as a cohort reads them; outcome and dates are unknown.

    Args:
        patient: As read.
        folder: Holds the scans.
        spec: Of the model: views and policy are its own.
        known: Covariates that network or baselines read.

    Raises:
        InputError: If a covariate is none of the model's, or its value is none of its own.
    """
    given = {name: one for name, one in known.items() if one.measured_in is None}
    where = f"{patient.stated_in}: covariates"
    for name in patient.covariates:
        if name in known and name not in given:
            raise InputError(f"{where}.{name} is measured in the patient's scan; take it out")
    check_known_keys(patient.covariates, given, where)
    rows = [
        {
            "eye_id": f"{patient.patient_id}_{eye.laterality}",
            "patient_id": patient.patient_id,
            "laterality": eye.laterality,
            "preop_logmar": eye.preop.logmar if eye.preop else float("nan"),
            "preop_off_chart": (eye.preop and eye.preop.off_chart) or "",
            "postop_logmar": float("nan"),
            "postop_off_chart": "",
            **{
                view: eye.scans[view].relative_to(folder).as_posix() if view in eye.scans else ""
                for view in spec.views
            },
            **{
                name: _value(where, name, patient.covariates.get(name), eye.laterality, covariate)
                for name, covariate in known.items()
            },
        }
        for eye in patient.eyes
    ]
    declared = CohortSpec.model_construct(views=spec.views, covariates=known)
    return Cohort(folder, declared, pd.DataFrame(rows), (0,) * len(rows))


def used_covariates(row: pd.Series, predictor: Predictor) -> list[dict[str, Any]]:
    """Covariates of one eye as the network takes them, with the training range; None = unknown."""
    return [
        {
            "name": name,
            "kind": covariate.kind,
            "value": None if pd.isna(row[name]) else row[name],
            "unit": covariate.unit,
            "measured_in": covariate.measured_in,
            "training_range": predictor.covariate_ranges.get(name),
        }
        for name, covariate in predictor.spec.covariates.items()
    ]


def _value(within: str, name: str, given: Any, side: str, covariate: Covariate) -> str | float:
    """A level's name or a number, NaN = not given; one value for both eyes, or one for each."""
    where = f"{within}.{name}"
    if isinstance(given, Mapping):
        check_known_keys(given, EYES, where)
        given = given.get(side)
    if given is None:
        return float("nan")
    wrong = impossible_value(name, covariate, given)
    if wrong is not None:
        raise InputError(f"{where}: {wrong}; correct it, or leave it out if it is unknown")
    level = level_of(covariate, given) if covariate.kind == "categorical" else None
    return float(given) if level is None else level
