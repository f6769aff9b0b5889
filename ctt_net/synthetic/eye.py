"""A simulated eye: everything that is true of it, its acuity, and one measurement of it."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from ctt_net.synthetic.extras import Extra
from ctt_net.synthetic.foveal import foveal_cost_logmar
from ctt_net.synthetic.lesions import Lesion
from ctt_net.synthetic.unseen import UnseenKind

AcuityRule = Literal["additive", "foveal"]
RULES: tuple[AcuityRule, ...] = get_args(AcuityRule)
DEFAULT_RULE: AcuityRule = "foveal"

# Decimal text on the chart by its line in logMAR; charts print rounded decimals.
CHART_LINES: tuple[tuple[float, str], ...] = (
    (-0.2, "1.5"), (-0.1, "1.2"), (0.0, "1.0"), (0.1, "0.8"), (0.2, "0.6"), (0.3, "0.5"),
    (0.4, "0.4"), (0.5, "0.3"), (0.6, "0.25"), (0.7, "0.2"), (0.8, "0.15"), (0.9, "0.12"),
    (1.0, "0.1"), (1.1, "0.08"), (1.2, "0.06"), (1.3, "0.05"), (1.4, "0.04"), (1.5, "0.03"),
    (1.7, "0.02"),
)  # fmt: skip
COUNTS_FINGERS_FROM_LOGMAR = 1.8
SEES_HAND_MOTION_FROM_LOGMAR = 2.1
WORST_POTENTIAL_LOGMAR = 1.7


def healthy_logmar(age_years: float) -> float:
    """Acuity of a healthy macula behind a clear lens: a line lost in about thirty years.

    Anchored so that about half of the eyes without recorded co-pathology read 6/6 or better
    after surgery, as in the UK national data set (Day 2015, PMC4816350).
    """
    return 0.035 + 0.003 * (age_years - 73.0)


def lesions_logmar(lesions: tuple[Lesion, ...], rule: AcuityRule) -> float:
    """Acuity that these lesions take together, logMAR: their sum, or by the `foveal` rule."""
    if rule == "foveal":
        return foveal_cost_logmar(lesions)
    return float(sum(lesion.cost_logmar for lesion in lesions))


def retest_sd_logmar(logmar: float) -> float:
    """SD of one measurement, logMAR: small in good sight, larger in poor sight.

    Leinonen 2005 (pubmed 15948786): 0.04 at decimal 0.7 or better, 0.09 at decimal 0.3 to 0.45;
    Aslam 2013 (10.1007/s00417-013-2421-5): 14.9 letters of repeatability in AMD, an SD of 0.11.

    Example:
        >>> retest_sd_logmar(0.0), round(retest_sd_logmar(1.5), 3)
        (0.04, 0.11)
    """
    return float(np.interp(logmar, (0.15, 0.45, 1.0), (0.04, 0.09, 0.11)))


def measure(logmar: float, rng: np.random.Generator) -> str:
    """Read an eye of this true acuity once: the text a clinic would write down."""
    return chart_text(logmar + rng.normal(0.0, retest_sd_logmar(logmar)))


def chart_text(logmar: float) -> str:
    """Nearest line of the decimal chart, or the word for what no chart can measure.

    Example:
        >>> chart_text(0.04), chart_text(0.33), chart_text(1.9), chart_text(2.6)
        ('1.0', '0.5', 'CF', 'HM')
    """
    if logmar >= SEES_HAND_MOTION_FROM_LOGMAR:
        return "HM"
    if logmar >= COUNTS_FINGERS_FROM_LOGMAR:
        return "CF"
    return min(CHART_LINES, key=lambda line: abs(line[0] - logmar))[1]


CataractType = Literal["nuclear", "cortical", "posterior"]


@dataclass(frozen=True)
class SimulatedEye:
    """One operated eye with its whole truth.

    Args:
        eye_id: `<patient_id>-<laterality>`.
        patient_id: Shared by both eyes of a patient.
        laterality: `OD` or `OS`.
        seed: Integers from which everything random about this eye's anatomy and scans is drawn.
        age_years: At surgery.
        sex: `F` or `M`.
        axial_length_mm: Length of the eye.
        diabetes: Whether the patient has diabetes.
        known_copathology: Whether the notes before surgery name a disease of this macula.
        lesions: All that lies on the macula.
        own_logmar: What sets this eye apart and no scan shows, logMAR.
        lens_logmar: Acuity taken by the cataract, logMAR.
        cataract: Kind of the cataract.
        signal_loss_db: What the cataract takes from a scan, dB.
        extras: What the scans show besides; costs no acuity.
        rule: How acuity follows from the lesions: `additive`, the sum of what each costs, or
            `foveal`.
        unseen: Cause of poor acuity that no scan shows; by the additive rule it is part of
            `own_logmar` and has no name.
        unseen_logmar: Acuity it allows less than a healthy eye's, logMAR.
    """

    eye_id: str
    patient_id: str
    laterality: Literal["OD", "OS"]
    seed: tuple[int, ...]
    age_years: float
    sex: Literal["F", "M"]
    axial_length_mm: float
    diabetes: bool
    known_copathology: bool
    lesions: tuple[Lesion, ...]
    own_logmar: float
    lens_logmar: float
    cataract: CataractType
    signal_loss_db: float
    extras: tuple[Extra, ...] = ()
    rule: AcuityRule = DEFAULT_RULE
    unseen: UnseenKind | None = None
    unseen_logmar: float = 0.0

    @property
    def potential_logmar(self) -> float:
        """Acuity the eye allows once the lens is clear, logMAR.

        Of macula and optic nerve the worse one limits it: letters that the nerve cannot pass on
        are not lost once more in the macula.
        """
        cost = max(lesions_logmar(self.lesions, self.rule), self.unseen_logmar)
        healthy = healthy_logmar(self.age_years)
        return float(min(healthy + self.own_logmar + cost, WORST_POTENTIAL_LOGMAR))

    def truth(self) -> dict[str, Any]:
        """This eye's row of `truth.csv`, never seen by a model."""
        lesions = [
            {**asdict(lesion), "cost_logmar": round(lesions_logmar((lesion,), self.rule), 4)}
            for lesion in self.lesions
        ]
        truth = {
            "eye_id": self.eye_id,
            "potential_logmar": round(self.potential_logmar, 4),
            "own_logmar": round(self.own_logmar, 4),
            "lens_logmar": round(self.lens_logmar, 4),
            "known_copathology": int(self.known_copathology),
            "cataract": self.cataract,
            "signal_loss_db": round(self.signal_loss_db, 2),
            "lesions": json.dumps(lesions, separators=(",", ":")),
        }
        if self.rule == "foveal":
            truth |= {"unseen": self.unseen or "", "unseen_logmar": round(self.unseen_logmar, 4)}
        if self.extras:
            extras = [asdict(extra) for extra in self.extras]
            truth["extras"] = json.dumps(extras, separators=(",", ":"))
        return truth
