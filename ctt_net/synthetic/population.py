"""Patients: age, sex, diabetes, long eyes, cataract, and two eyes that resemble each other."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.disease import FOVEAL_KIND_SHARE, FOVEAL_ONE_VIEW_SHARE, draw_lesions
from ctt_net.synthetic.eye import DEFAULT_RULE, AcuityRule, CataractType, SimulatedEye
from ctt_net.synthetic.foveal import separate_extents
from ctt_net.synthetic.unseen import draw_unseen

Floats = NDArray[np.float64]

BILATERAL_SHARE = 0.45

# Correlation of the latents of fellow eyes, set so that the potentials of fellow eyes correlate
# at 0.5 to 0.7: diseased or not, and how badly.
FELLOW_STATUS_CORRELATION = 0.86
FELLOW_SEVERITY_CORRELATION = 0.85
FELLOW_SAME_KIND = 0.85
FELLOW_LENS_CORRELATION = 0.6

# Median and spread of the acuity a cataract takes: mean 0.46 logMAR (Yang 2025,
# 10.1080/02713683.2024.2430212: 0.60 before, 0.14 after surgery).
LENS_MEDIAN_LOGMAR = 0.34
LENS_LOG_SD = 0.78
LENS_LOG_PER_YEAR = 0.012
WORST_LENS_LOGMAR = 2.0

# Scans lose most behind a posterior cataract, least behind a nuclear one (signal strength gained
# by surgery 2.9, 1.6 and 1.3; International Journal of Advances in Medicine 216).
SIGNAL_LOSS_FACTOR: dict[CataractType, float] = {
    "nuclear": 0.75, "cortical": 1.0, "posterior": 1.3,
}  # fmt: skip
CATARACTS: tuple[CataractType, ...] = ("nuclear", "cortical", "posterior")
WORST_SIGNAL_LOSS_DB = 6.0
SIGNAL_LOG_SD = 0.2
OWN_LOGMAR_SD = 0.02
# By the foveal rule: optics and nerves of healthy eyes differ too. Of eyes without co-pathology
# 50.8 % read 0.00 and 94.6 % 0.30 or better (Day 2015), as a normal distribution an SD of 0.19,
# occult disease and the chart included; that 0.06 of it is the eye's own is a judgement.
FOVEAL_OWN_LOGMAR_SD = 0.06
FELLOW_OWN_CORRELATION = 0.7  # a judgement

# Acuity taken by amblyopia or a diseased optic nerve, logMAR: from a mild to a severe one; assumed.
UNSEEN_LOGMAR = (0.2, 0.8)


def alike(pair: Floats, correlation: float) -> Floats:
    """Two standard normals with this correlation from (shared, own, own) standard normals."""
    return np.sqrt(correlation) * pair[0] + np.sqrt(1.0 - correlation) * pair[1:]


def signal_loss_db(lens_logmar: float, cataract: CataractType, chance: float) -> float:
    """Loss of signal behind a cataract, dB: saturating in its density, up to about 6 dB."""
    loss = typical_signal_loss_db(np.float64(lens_logmar), cataract)
    return float(np.clip(loss * np.exp(SIGNAL_LOG_SD * chance), 0.0, WORST_SIGNAL_LOSS_DB * 1.2))


def typical_signal_loss_db(lens_logmar: Floats | np.float64, cataract: CataractType) -> Floats:
    """Median loss of signal behind cataracts that take this acuity, dB."""
    density = 1.0 - np.exp(-lens_logmar / 0.75)
    return np.asarray(WORST_SIGNAL_LOSS_DB * density * SIGNAL_LOSS_FACTOR[cataract])


@dataclass(frozen=True)
class Patient:
    """What both eyes of a patient share, and the latents of each; arrays hold right, then left.

    Args:
        age_years: At surgery.
        sex: `F` or `M`.
        diabetes: Whether the patient has diabetes.
        length_mm: Mean axial length of the eyes.
        status: Liability to macular disease, standard normal.
        severity: How bad it is, standard normal.
        opacity: How dense the cataract is, standard normal.
        kinds: Uniform in 0..1; picks the kind of disease.
    """

    age_years: float
    sex: Literal["F", "M"]
    diabetes: bool
    length_mm: float
    status: Floats
    severity: Floats
    opacity: Floats
    kinds: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Patient":
        """Draw one."""
        age = float(np.clip(rng.normal(73.0, 9.5), 40.0, 97.0))
        sex: Literal["F", "M"] = "F" if rng.uniform() < 0.57 else "M"
        diabetes = bool(rng.uniform() < 0.21)
        long_eyes = rng.uniform() < 0.08
        length = rng.normal(27.2, 0.9) if long_eyes else rng.normal(23.6, 0.95)
        # Older and diabetic patients carry more disease; the rates of the population stay.
        burden = 0.22 * (age - 73.0) / 9.5 + 0.35 * (diabetes - 0.21)
        status = alike(rng.normal(size=3), FELLOW_STATUS_CORRELATION) * 0.965 + burden
        severity = alike(rng.normal(size=3), FELLOW_SEVERITY_CORRELATION)
        opacity = alike(rng.normal(size=3), FELLOW_LENS_CORRELATION)
        kinds = rng.uniform(size=2)
        if rng.uniform() < FELLOW_SAME_KIND:
            kinds[1] = kinds[0]
        return cls(age, sex, diabetes, float(length), status, severity, opacity, kinds)


def draw_patient(
    patient_id: str,
    seed: tuple[int, ...],
    unseen_causes: float = 0.0,
    rule: AcuityRule = DEFAULT_RULE,
) -> list[SimulatedEye]:
    """Draw one patient's operated eyes (one or two), all from this seed alone.

    Args:
        patient_id: Goes into the eyes' ids.
        seed: Integers, different for every patient.
        unseen_causes: As in `CohortPlan`.
        rule: As in `CohortPlan`.
    """
    rng = np.random.default_rng((*seed, 1))
    patient = Patient.draw(rng)
    first = int(rng.uniform() < 0.5)
    count = 2 if rng.uniform() < BILATERAL_SHARE else 1
    sides = (first, 1 - first)[:count]
    eyes = [_draw_eye(patient, side, patient_id, seed, unseen_causes, rule) for side in sides]
    return eyes if rule == "additive" else [_by_foveal_rule(eye) for eye in eyes]


def _draw_eye(
    patient: Patient,
    side: int,
    patient_id: str,
    seed: tuple[int, ...],
    unseen_causes: float,
    rule: AcuityRule,
) -> SimulatedEye:
    """Draw the right (0) or left (1) eye of a patient."""
    rng = np.random.default_rng((*seed, 2, side))
    known, lesions = draw_lesions(
        patient.status[side],
        patient.kinds[side],
        patient.severity[side],
        patient.diabetes,
        rng,
        *(() if rule == "additive" else (FOVEAL_KIND_SHARE, FOVEAL_ONE_VIEW_SHARE)),
    )
    age = patient.age_years
    log_lens = LENS_LOG_SD * patient.opacity[side] + LENS_LOG_PER_YEAR * (age - 73.0)
    lens = float(min(LENS_MEDIAN_LOGMAR * np.exp(log_lens), WORST_LENS_LOGMAR))
    cataract = CATARACTS[int(np.searchsorted((0.5, 0.75), rng.uniform()))]
    laterality: Literal["OD", "OS"] = "OS" if side else "OD"
    return SimulatedEye(
        eye_id=f"{patient_id}-{laterality}",
        patient_id=patient_id,
        laterality=laterality,
        seed=(*seed, 3, side),
        age_years=round(age, 1),
        sex=patient.sex,
        axial_length_mm=round(float(patient.length_mm + rng.normal(0.0, 0.25)), 2),
        diabetes=patient.diabetes,
        known_copathology=known,
        lesions=lesions,
        own_logmar=float(rng.normal(0.0, OWN_LOGMAR_SD))
        + _unseen_logmar(side, seed, unseen_causes),
        lens_logmar=lens,
        cataract=cataract,
        signal_loss_db=signal_loss_db(lens, cataract, float(rng.normal())),
        rule="additive",
    )


def _by_foveal_rule(eye: SimulatedEye) -> SimulatedEye:
    """The same eye with extents of its own, and perhaps a cause of poor acuity that none sees."""
    patient, rng = (np.random.default_rng((*seed, 5)) for seed in (eye.seed[:-2], eye.seed))
    own = alike(patient.normal(size=3), FELLOW_OWN_CORRELATION)[int(eye.laterality == "OS")]
    unseen, unseen_logmar = draw_unseen(rng)
    return replace(
        eye,
        lesions=tuple(separate_extents(lesion, rng) for lesion in eye.lesions),
        own_logmar=float(own) * FOVEAL_OWN_LOGMAR_SD,
        rule="foveal",
        unseen=unseen,
        unseen_logmar=unseen_logmar,
    )


def _unseen_logmar(side: int, seed: tuple[int, ...], unseen_causes: float) -> float:
    """Acuity taken by what no scan shows; drawn apart, so that all else of the eye stays."""
    rng = np.random.default_rng((*seed, 4, side))
    return float(rng.uniform(*UNSEEN_LOGMAR)) if rng.uniform() < unseen_causes else 0.0


def draw_eyes(
    n_eyes: int,
    seed: int,
    first_patient: int = 0,
    prefix: str | None = None,
    unseen_causes: float = 0.0,
    rule: AcuityRule = DEFAULT_RULE,
) -> list[SimulatedEye]:
    """Draw eyes until there are `n_eyes`; patients of different seeds never share an id.

    Args:
        n_eyes: How many operated eyes.
        seed: Names the population.
        first_patient: Index of the first patient; with the same seed, later ranges are others.
        prefix: Start of every patient id; `s<seed>` by default.
        unseen_causes: As in `CohortPlan`.
        rule: As in `CohortPlan`.
    """
    eyes: list[SimulatedEye] = []
    index = first_patient
    while len(eyes) < n_eyes:
        patient_id = f"{prefix if prefix is not None else f's{seed}'}-{index:05d}"
        eyes.extend(draw_patient(patient_id, (seed, index), unseen_causes, rule))
        index += 1
    return eyes[:n_eyes]
