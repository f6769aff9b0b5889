"""A simulated eye: everything that is true of it, before any device looks."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ctt_net.synthetic.lesions import Lesion
from ctt_net.synthetic.vision import potential_logmar

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

    @property
    def potential_logmar(self) -> float:
        """Acuity the macula allows once the lens is clear, logMAR."""
        return potential_logmar(self.age_years, self.lesions, self.own_logmar)

    def truth(self) -> dict[str, Any]:
        """This eye's row of `truth.csv`, never seen by a model."""
        lesions = [
            {**asdict(lesion), "cost_logmar": round(lesion.cost_logmar, 4)}
            for lesion in self.lesions
        ]
        return {
            "eye_id": self.eye_id,
            "potential_logmar": round(self.potential_logmar, 4),
            "own_logmar": round(self.own_logmar, 4),
            "lens_logmar": round(self.lens_logmar, 4),
            "known_copathology": int(self.known_copathology),
            "cataract": self.cataract,
            "signal_loss_db": round(self.signal_loss_db, 2),
            "lesions": json.dumps(lesions, separators=(",", ":")),
        }
