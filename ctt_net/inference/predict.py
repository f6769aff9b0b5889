"""From a patient folder to `prediction.json` and a one-page report."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net import INTENDED_USE, __version__
from ctt_net.acuity import (
    ReportNotation,
    decimal_from_logmar,
    letters_from_logmar,
    recorded_notation,
    snellen_from_logmar,
)
from ctt_net.baselines.clinical import left_out_baselines
from ctt_net.data.scan_cache import ScanTask
from ctt_net.data.scans import Scans, load_scans
from ctt_net.errors import InputError
from ctt_net.imaging import UNUSABLE_NOTES, BScan
from ctt_net.inference.patient import Patient, PatientEye, read_patient
from ctt_net.inference.patient_cohort import patient_cohort, used_covariates
from ctt_net.inference.patient_details import EyeDetails, eye_details
from ctt_net.inference.patient_dicom import without_dicom
from ctt_net.inference.patient_measures import (
    Scale,
    measure_patient,
    patient_scales,
)
from ctt_net.inference.patient_report import Language, render_report
from ctt_net.inference.run_manifest import run_manifest
from ctt_net.io.atomic_write import atomic_write_all, check_writable, roll_back_unfinished
from ctt_net.model_folder.digests import sha256_of
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import arrange_views, predicted
from ctt_net.uncertainty.abstention import ABSTAIN, ABSTENTION_REASONS
from ctt_net.uncertainty.flags import flags_in_words

PREDICTION_FILE = "prediction.json"
REPORT_FILE = "report.html"

# Files that an export may add, by format; those of an earlier prediction do not outlive it.
EXPORT_FILES = {
    "dicom-sr": "prediction_sr.dcm",
    "dicom-sc": "report_sc.dcm",
    "fhir": "prediction.fhir.json",
}
# File name to what makes the file of the contents of prediction.json.
Exports = Mapping[str, Callable[[Mapping[str, Any]], bytes]]

# Printed acuities stay within what charts and policies can say.
CHART_LOGMAR = (-0.3, 3.0)


@dataclass(frozen=True)
class PatientPrediction:
    """What was predicted of a patient's eyes.

    Args:
        prediction: Contents of prediction.json.
        bscans: For each eye, view name to scan.
        predictor: What predicted it.
        table: One row per eye, as a cohort has it, with the measures.
        scans: What the network read, views in its order.
        scales: Of each eye, view to size of a pixel and why it is unknown.
        details: Of each eye, what the page shows beside the numbers; empty if not asked for.
        json_path: Place of prediction.json, None if nothing was written.
        report_path: Place of the page, None if nothing was written.
    """

    prediction: dict[str, Any]
    bscans: list[dict[str, BScan]]
    predictor: Predictor
    table: pd.DataFrame
    scans: Scans
    scales: list[dict[str, tuple[Scale, str]]] = field(default_factory=list)
    details: tuple[EyeDetails, ...] = ()
    json_path: Path | None = None
    report_path: Path | None = None

    def with_details(self, *, heat_maps: bool = False) -> "PatientPrediction":
        """Measure the scans, explain the prediction and look up similar eyes.

        Args:
            heat_maps: Also where in the scans the prediction comes from, which takes most time.

        Returns:
            The same with `details`, which are in `prediction` too.
        """
        details = eye_details(
            self.prediction, self.bscans, self.scales, self.predictor, self.table, self.scans,
            heat_maps=heat_maps,
        )  # fmt: skip
        listed = [
            {"laterality": eye["laterality"], **one.to_dict()}
            for eye, one in zip(self.prediction["eyes"], details, strict=True)
        ]
        return replace(self, prediction={**self.prediction, "details": listed}, details=details)

    def page(self, language: Language = "en", notation: ReportNotation | None = None) -> str:
        """The page for the clinician as HTML that stands alone.

        Args:
            language: `en` or `zh`.
            notation: Of the acuities; None = as `report_notation` of the prediction says.
        """
        return render_report(self.prediction, self.bscans, self.details, language, notation)

    def write(
        self,
        out: Path,
        language: Language = "en",
        notation: ReportNotation | None = None,
        exports: Exports | None = None,
    ) -> "PatientPrediction":
        """Write prediction.json, report.html and `exports`, together or not at all; see `page`."""
        text = json.dumps(self.prediction, indent=2, ensure_ascii=False, allow_nan=False)
        page = self.page(language, notation)
        more = {name: make(self.prediction) for name, make in (exports or {}).items()}
        stale = set(EXPORT_FILES.values()) - set(more)
        atomic_write_all(out, {PREDICTION_FILE: text + "\n", REPORT_FILE: page, **more}, stale)
        return replace(self, json_path=out / PREDICTION_FILE, report_path=out / REPORT_FILE)


def predict_patient(
    folder: Path | str,
    model: Path | str | Predictor,
    out: Path | str | None = None,
    preop_va: tuple[str, ...] = (),
    notation: str | None = None,
    *,
    overwrite: bool = False,
    details: bool = True,
    heat_maps: bool = False,
    language: Language = "en",
    report_notation: ReportNotation | None = None,
    exports: Exports | None = None,
) -> PatientPrediction:
    """Predict every eye of a patient folder.

    Args:
        folder: Scans, and perhaps patient.yaml.
        model: Model or run folder, or a predictor.
        out: Folder for prediction.json and report.html; None writes nothing.
        preop_va: `EYE=VALUE`.
        notation: Of those values.
        overwrite: Take the place of an earlier prediction in `out`, whosever it is.
        details: Also measure the scans, explain the prediction and look up similar eyes.
        heat_maps: Also make the heat maps of the scans; takes seconds.
        language: Of the page: `en` or `zh`.
        report_notation: Of the acuities on the page; None = as patient.yaml says, else that of the
            acuity before surgery.
        exports: Further files for `out`, such as those of `ctt_net.export.formats`.

    Raises:
        InputError: If the folder, a scan, the model or `out` is wrong; nothing is written then.
    """
    folder = Path(folder)
    if out is not None:
        check_no_earlier(Path(out), overwrite)
    # Its network opens while the scans are read.
    predictor = model if isinstance(model, Predictor) else Predictor.load(model, wait=False)
    spec = predictor.spec
    with without_dicom(folder, spec.views) as cut:
        patient = read_patient(cut.folder, spec.views, spec.off_chart_policy, preop_va, notation)
        done = predict_read(patient, cut.folder, predictor)
        cut.name_sources(done.prediction)
    if details:
        done = done.with_details(heat_maps=heat_maps)
    return done if out is None else done.write(Path(out), language, report_notation, exports)


def predict_read(patient: Patient, folder: Path, predictor: Predictor) -> PatientPrediction:
    """Predict the eyes of a patient that was read from a folder or a table; nothing is written.

    Args:
        patient: As read.
        folder: Holds the scans.
        predictor: What predicts.

    Raises:
        InputError: If a scan, a covariate or the device is wrong.
    """
    spec = predictor.spec
    cohort = patient_cohort(patient, folder, spec, predictor.covariates)
    bscans: list[dict[str, BScan]] = [{} for _ in patient.eyes]

    def keep(task: ScanTask, scan: BScan) -> None:
        bscans[task.position][task.view_name] = scan

    scans = arrange_views(load_scans(cohort, spec.preprocessing, also=keep), cohort, spec)
    needed = any(one.measured_in for one in predictor.covariates.values())
    scales = patient_scales(patient, folder, spec.devices, needed=needed)
    table, notes = measure_patient(cohort, scales, bscans, predictor)
    said = predicted(predictor, table, scans)
    known = predictor.covariates
    measured = [name for name, one in known.items() if one.measured_in]
    unknown = [] if patient.covariates else [name for name in known if name not in measured]
    if table[measured].isna().all(axis=None):
        unknown += measured
    baselines = predictor.predict_baselines(table)
    baselines = baselines.drop(columns=left_out_baselines(unknown, known), errors="ignore")
    estimate, level = said.estimate, predictor.level
    prediction = {
        "patient_id": patient.patient_id,
        "intended_use": INTENDED_USE,
        "report_notation": patient.shown_in,
        "model": predicting_model(predictor),
        "provenance": run_manifest(predictor),
        "eyes": [
            {
                "laterality": eye.laterality,
                "preop": _preop(eye),
                "postop": notations(estimate.postop_logmar[i]),
                "interval": {
                    "level": level,
                    "lower_logmar": _rounded(estimate.lower_logmar[i]),
                    "upper_logmar": _rounded(estimate.upper_logmar[i]),
                },
                "p_recovery": {
                    outcome.name: None if np.isnan(p) else _rounded(p)
                    for outcome, p in zip(spec.outcomes, estimate.p_recovery[i], strict=True)
                },
                "outcomes": {outcome.name: outcome.in_words() for outcome in spec.outcomes},
                "baselines": {
                    str(name): _rounded(np.clip(value, *CHART_LOGMAR))
                    for name, value in baselines.iloc[i].items()
                },
                "covariates": used_covariates(table.iloc[i], predictor),
                "measurement_notes": notes[i],
                "views": [
                    {
                        "name": name,
                        "file": eye.scans[name].name if name in eye.scans else None,
                        "sha256": sha256_of(eye.scans[name].read_bytes())
                        if name in eye.scans
                        else None,
                        "dicom": None,
                        "present": name in bscans[i],
                        "quality": _rounded(scans.quality[i, v]) if name in bscans[i] else None,
                        "notes": [note.text for note in bscans[i][name].notes]
                        if name in bscans[i]
                        else [],
                    }
                    for v, name in enumerate(spec.views)
                ],
                "flags": said.flags[i],
                "abstain": bool(said.reasons[i]),
                "abstain_because": said.reasons[i],
                "reason": _reason(said.flags[i], said.reasons[i], bscans[i]),
            }
            for i, eye in enumerate(patient.eyes)
        ],
    }
    return PatientPrediction(prediction, bscans, predictor, table, scans, scales)


def check_no_earlier(
    out: Path, overwrite: bool, names: Sequence[str] = (PREDICTION_FILE, REPORT_FILE)
) -> None:
    """Refuse, before long work, a folder that cannot be written or holds somebody's results.

    Args:
        out: The folder.
        overwrite: Whether results in it may be replaced.
        names: Of their files.
    """
    check_writable(out, names[0])
    roll_back_unfinished(out)
    for name in names:
        if not overwrite and (out / name).exists():
            raise InputError(
                f"{out / name} is there already, perhaps another patient's; name another --out, or "
                f"say --overwrite"
            )


def predicting_model(predictor: Predictor) -> dict[str, Any]:
    """What a prediction says of the model that made it.

    Args:
        predictor: It.
    """
    spec, weights = predictor.spec, predictor.image_weights
    recalibrated = predictor.members[0].provenance.recalibrated_on
    return {
        "name": spec.name,
        "members": len(predictor.members),
        "trained_on": spec.cohort,
        "synthetic": spec.synthetic,
        "followup_days": list(spec.followup_days) if spec.followup_days else None,
        "outcomes": {
            outcome.name: {key: value for key, value in outcome.to_dict().items() if key != "name"}
            for outcome in spec.outcomes
        },
        "recalibrated_on": recalibrated["cohort"] if recalibrated else None,
        "image_weight": _rounded(float(np.mean(weights))) if weights else None,
        "warnings": predictor.warnings,
        "ctt_net_version": __version__,
    }


def _reason(flags: list[str], reasons: list[str], scans: dict[str, BScan]) -> str:
    """Why the model abstains on an eye, and what else must be known of it."""
    notes = flags_in_words(flag for flag in flags if flag not in (ABSTAIN, *reasons))
    notes += [
        f"{view}: {note.text}"
        for view, scan in scans.items()
        for note in scan.notes
        if note.code in UNUSABLE_NOTES
    ]
    also = ["Also:"] if reasons and notes else []
    sentences = [ABSTENTION_REASONS[name] for name in reasons]
    return " ".join([*sentences, *also, "; ".join(notes)]).strip()


def _preop(eye: PatientEye) -> dict[str, Any] | None:
    """A recorded acuity as written and in every notation; off the chart its word is the line."""
    acuity = eye.preop
    if acuity is None:
        return None
    word = acuity.off_chart
    lines = {"snellen_20ft": word, "snellen_6m": word} if word else {}
    return {
        "text": acuity.text,
        "off_chart": word,
        "notation": recorded_notation(acuity),
        **notations(acuity.logmar),
        **lines,
    }


def notations(logmar: float) -> dict[str, Any]:
    """One acuity in every notation: the nearest chart line, and letters where a chart has any."""
    shown = float(np.clip(logmar, *CHART_LOGMAR))
    return {
        "logmar": _rounded(logmar),
        "decimal": _rounded(decimal_from_logmar(shown)),
        "snellen_20ft": snellen_from_logmar(shown, "feet"),
        "snellen_6m": snellen_from_logmar(shown, "metres"),
        "etdrs_letters": letters_from_logmar(shown),
    }


def _rounded(value: float) -> float:
    return round(float(value), 4)
