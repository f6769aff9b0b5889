"""From a patient folder to `prediction.json` and a one-page report."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net import INTENDED_USE, __version__
from ctt_net.acuity import (
    Acuity,
    decimal_from_logmar,
    letters_from_logmar,
    snellen_from_logmar,
)
from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import Scans
from ctt_net.evaluation import COVARIATE_BASELINES
from ctt_net.imaging import BScan, read_bscan, signal_quality
from ctt_net.inference.patient import Patient, PatientEye, read_patient
from ctt_net.inference.patient_covariates import patient_table, used_covariates
from ctt_net.inference.patient_report import render_report
from ctt_net.model_folder import (
    BECAUSE,
    Estimate,
    Predictor,
    abstain_because,
    covariate_flags,
    eye_flags,
    flag_in_words,
    with_abstention,
)
from ctt_net.whole_file import refuse_no_folder, write_whole

PREDICTION_FILE = "prediction.json"
REPORT_FILE = "report.html"

# Printed acuities stay within what charts and policies can say.
CHART_LOGMAR = (-0.3, 3.0)


@dataclass(frozen=True)
class PatientPrediction:
    """What was written, and where.

    Args:
        prediction: Contents of prediction.json.
        json_path: Its place.
        report_path: Place of the page.
    """

    prediction: dict[str, Any]
    json_path: Path
    report_path: Path


def predict_patient(
    folder: Path | str,
    model: Path | str | Predictor,
    out: Path | str,
    preop_va: tuple[str, ...] = (),
    notation: str | None = None,
) -> PatientPrediction:
    """Predict every eye of a patient folder.

    Args:
        folder: Scans, and perhaps patient.yaml.
        model: Model or run folder, or a predictor.
        out: Folder for prediction.json and report.html.
        preop_va: `EYE=VALUE`.
        notation: Of those values.

    Raises:
        InputError: If the folder, a scan or the model is wrong; nothing is written then.
    """
    out = Path(out)
    refuse_no_folder(out)
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    policy = predictor.spec.off_chart_policy
    patient = read_patient(Path(folder), predictor.spec.views, policy, preop_va, notation)
    bscans = [{view: read_bscan(path) for view, path in eye.scans.items()} for eye in patient.eyes]
    scans = _scans(patient, bscans, predictor)
    preop = np.array([eye.preop.logmar if eye.preop else np.nan for eye in patient.eyes])
    table = patient_table(patient, preop, predictor.covariates)
    covariates = covariate_values(table, predictor.spec.covariates)
    off_chart = np.array([bool(eye.preop and eye.preop.off_chart) for eye in patient.eyes])
    raws = predictor.raws(scans.pixels, scans.present, preop, covariates)
    rules = [member.abstention for member in predictor.members]
    because = abstain_because(rules, raws, scans, preop, off_chart)
    estimate = predictor.estimate(raws, preop, off_chart)
    baselines = predictor.predict_baselines(table)
    if predictor.covariates and not patient.covariates:
        baselines = baselines.drop(columns=list(COVARIATE_BASELINES), errors="ignore")
    prediction = {
        "patient_id": patient.patient_id,
        "intended_use": INTENDED_USE,
        "model": _model_facts(predictor),
        "eyes": [
            _eye(i, eye, predictor, scans, estimate, baselines.iloc[i], table.iloc[[i]], bscans[i])
            | _doubts(i, eye, predictor, scans, table.iloc[[i]], because[i])
            for i, eye in enumerate(patient.eyes)
        ],
    }
    page = render_report(prediction, bscans)
    text = json.dumps(prediction, indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(out / PREDICTION_FILE, text + "\n")
    write_whole(out / REPORT_FILE, page)
    return PatientPrediction(prediction, out / PREDICTION_FILE, out / REPORT_FILE)


def _scans(patient: Patient, bscans: list[dict[str, BScan]], predictor: Predictor) -> Scans:
    prepare = predictor.spec.preprocessing
    shape = (len(patient.eyes), len(predictor.spec.views))
    scans = Scans(
        np.zeros((*shape, prepare.height, prepare.width), dtype=np.uint8),
        np.zeros(shape, dtype=bool),
        np.full(shape, np.nan),
    )
    for i, eye in enumerate(patient.eyes):
        for v, (name, view) in enumerate(predictor.spec.views.items()):
            if name in bscans[i]:
                pixels = bscans[i][name].pixels
                scans.pixels[i, v] = prepare(pixels, eye.laterality, view.direction)
                scans.present[i, v] = True
                scans.quality[i, v] = signal_quality(pixels)
    return scans


def _model_facts(predictor: Predictor) -> dict[str, Any]:
    spec = predictor.spec
    return {
        "name": spec.name,
        "members": len(predictor.members),
        "trained_on": spec.cohort,
        "synthetic": spec.synthetic,
        "followup_days": list(spec.followup_days) if spec.followup_days else None,
        "ctt_net_version": __version__,
    }


def _eye(
    i: int,
    eye: PatientEye,
    predictor: Predictor,
    scans: Scans,
    estimate: Estimate,
    baselines: pd.Series,
    table: pd.DataFrame,
    bscans: dict[str, BScan],
) -> dict[str, Any]:
    """One entry of `eyes`."""
    spec = predictor.spec
    return {
        "laterality": eye.laterality,
        "preop": acuity_notations(eye.preop) if eye.preop else None,
        "postop": notations(estimate.postop_logmar[i]),
        "interval": {
            "level": predictor.level,
            "lower_logmar": _rounded(estimate.lower_logmar[i]),
            "upper_logmar": _rounded(estimate.upper_logmar[i]),
        },
        "p_recovery": {
            outcome.name: None if np.isnan(p) else _rounded(p)
            for outcome, p in zip(spec.outcomes, estimate.p_recovery[i], strict=True)
        },
        "outcomes": {outcome.name: outcome.in_words() for outcome in spec.outcomes},
        "baselines": {
            str(name): _rounded(np.clip(value, *CHART_LOGMAR)) for name, value in baselines.items()
        },
        "covariates": used_covariates(table.iloc[0], spec.covariates),
        "views": [
            {
                "name": name,
                "file": eye.scans[name].name if name in eye.scans else None,
                "present": bool(scans.present[i, v]),
                "quality": _rounded(scans.quality[i, v]) if scans.present[i, v] else None,
                "notes": [note.text for note in bscans[name].notes] if name in bscans else [],
            }
            for v, name in enumerate(spec.views)
        ],
    }


def _doubts(
    i: int,
    eye: PatientEye,
    predictor: Predictor,
    scans: Scans,
    table: pd.DataFrame,
    because: list[str],
) -> dict[str, Any]:
    """Flags of one eye, and whether and why it should not be answered."""
    spec = predictor.spec
    flags = eye_flags(
        preop_logmar=np.array([eye.preop.logmar if eye.preop else np.nan]),
        preop_off_chart=[(eye.preop and eye.preop.off_chart) or ""],
        postop_off_chart=[""],
        scans=scans.of(np.array([i])),
        views=tuple(spec.views),
    )[0]
    flags += covariate_flags(table, spec.covariates)[0]
    if any(predictor.knows_scan(pixels) for pixels in scans.pixels[i][scans.present[i]]):
        flags.append("seen_in_training")
    notes = "; ".join(flag_in_words(flag) for flag in flags if flag not in because)
    reason = " ".join(
        [*(BECAUSE[name] for name in because), *(["Also:"] if because and notes else [])]
    )
    return {
        "flags": with_abstention(flags, because),
        "abstain": bool(because),
        "abstain_because": because,
        "reason": f"{reason} {notes}".strip(),
    }


def notations(logmar: float) -> dict[str, Any]:
    """One acuity in every notation; letters are None where a chart has none."""
    shown = float(np.clip(logmar, *CHART_LOGMAR))
    return {
        "logmar": _rounded(logmar),
        "decimal": _rounded(decimal_from_logmar(shown)),
        "snellen_20ft": snellen_from_logmar(shown, "feet"),
        "snellen_6m": snellen_from_logmar(shown, "metres"),
        "etdrs_letters": letters_from_logmar(shown),
    }


def acuity_notations(acuity: Acuity) -> dict[str, Any]:
    """A recorded acuity: as written, and in every notation."""
    return {"text": acuity.text, "off_chart": acuity.off_chart, **notations(acuity.logmar)}


def _rounded(value: float) -> float:
    return round(float(value), 4)
