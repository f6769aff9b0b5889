"""From a patient folder to `explanation.json` and heat maps over the scans."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.explain import Explanation, explain_eyes
from ctt_net.explain.figure import heat_map_png, letter_limit
from ctt_net.inference.patient_details import maps_on_scans
from ctt_net.inference.predict import PatientPrediction, check_no_earlier, predict_patient
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.io.json_file import json_text
from ctt_net.model_folder.predictor import Predictor

if TYPE_CHECKING:
    from torch import nn

EXPLANATION_FILE, MAPS_FILE = "explanation.json", "heat_maps.npz"
PICTURES = "heat_map_*.png"


@dataclass(frozen=True)
class PatientExplanation:
    """Why a patient's eyes are predicted as they are.

    Args:
        predicted: The prediction, and what it was made from.
        explanations: Of each eye.
        method: Of the heat maps: `occlusion` or `gradient`.
    """

    predicted: PatientPrediction
    explanations: list[Explanation]
    method: str

    @property
    def lateralities(self) -> list[str]:
        """`OD` or `OS` of each eye."""
        return [str(eye["laterality"]) for eye in self.predicted.prediction["eyes"]]

    @cached_property
    def heat_maps(self) -> dict[tuple[str, str], NDArray[np.float32]]:
        """Eye and view to the heat map on the scan as it was decoded: (H, W), logMAR."""
        return {
            (eye, view): heat
            for eye, one, scans in zip(
                self.lateralities, self.explanations, self.predicted.bscans, strict=True
            )
            for view, heat in maps_on_scans(one, scans, eye, self.predicted.predictor).items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Contents of `explanation.json`."""
        prediction = self.predicted.prediction
        shared = ("laterality", "preop", "postop", "interval", "abstain", "abstain_because")
        eyes = []
        for eye, one in zip(prediction["eyes"], self.explanations, strict=True):
            found = one.to_dict()
            for view, extremes in found["heat_maps"].items():
                extremes["file"] = picture_name(eye["laterality"], view)
                extremes["array"] = f"{eye['laterality']}_{view}"
            eyes.append({**{key: eye[key] for key in (*shared, "reason")}, **found})
        return {
            **{key: prediction[key] for key in ("patient_id", "intended_use", "model")},
            "provenance": prediction["provenance"],
            "unit": "logMAR, positive = worse acuity; 0.02 is one letter",
            "method": self.method,
            "eyes": eyes,
        }

    def files(self) -> dict[str, str | bytes]:
        """All that is written, by name."""
        arrays = io.BytesIO()
        # To 0.005 letters: a quarter of the size.
        maps: dict[str, Any] = {"_".join(key): one.round(4) for key, one in self.heat_maps.items()}
        np.savez_compressed(arrays, **maps)
        pictures = {
            picture_name(eye, view): heat_map_png(
                self.scan(eye, view), heat, self.limit_letters(eye), f"{eye}, {view}"
            )
            for (eye, view), heat in self.heat_maps.items()
        }
        return {
            EXPLANATION_FILE: json_text(self.to_dict()),
            MAPS_FILE: arrays.getvalue(),
            **pictures,
        }

    def scan(self, laterality: str, view: str) -> NDArray[np.uint8]:
        """The scan as it was decoded: (H, W)."""
        return self.predicted.bscans[self.lateralities.index(laterality)][view].pixels

    def preop_logmar(self, laterality: str) -> float | None:
        """Recorded acuity before surgery; None = unknown."""
        eye = self.predicted.prediction["eyes"][self.lateralities.index(laterality)]
        return None if eye["preop"] is None else float(eye["preop"]["logmar"])

    def limit_letters(self, laterality: str) -> float:
        """End of the colour scale of an eye's heat maps."""
        return letter_limit([one for key, one in self.heat_maps.items() if key[0] == laterality])

    def write(self, out: Path) -> None:
        """Write explanation.json, heat_maps.npz and a picture a scan, together or not at all."""
        files = self.files()
        stale = [path.name for path in out.glob(PICTURES) if path.name not in files]
        atomic_write_all(out, files, stale)


def picture_name(laterality: str, view: str) -> str:
    """Of the file with a heat map drawn over its scan."""
    plain = re.sub(r"[^\w.-]", "_", view)
    return f"heat_map_{laterality}_{plain}.png"


def explain_patient(
    folder: Path | str,
    model: Path | str | Predictor,
    out: Path | str | None = None,
    preop_va: tuple[str, ...] = (),
    notation: str | None = None,
    *,
    networks: "Sequence[nn.Module] | None" = None,
    overwrite: bool = False,
) -> PatientExplanation:
    """Explain what is predicted of every eye of a patient folder.

    Args:
        folder: Scans, and perhaps patient.yaml.
        model: Model or run folder, or a predictor.
        out: Folder to write to; None writes nothing.
        preop_va: `EYE=VALUE`.
        notation: Of those values.
        networks: The torch network of each member; given, heat maps are gradient-based.
        overwrite: Take the place of an earlier explanation in `out`, whosever it is.

    Raises:
        InputError: If the folder, a scan, the model or `out` is wrong, or captum is missing;
            nothing is written then.
    """
    if out is not None:
        check_no_earlier_explanation(Path(out), overwrite)
    done = predict_patient(folder, model, None, preop_va, notation, details=False)
    found = explain_eyes(done.predictor, done.table, done.scans, networks=networks)
    explained = PatientExplanation(done, found, "occlusion" if networks is None else "gradient")
    if out is not None:
        explained.write(Path(out))
    return explained


def check_no_earlier_explanation(out: Path, overwrite: bool) -> None:
    """Refuse, before long work, a folder that cannot be written or holds another explanation."""
    check_no_earlier(out, overwrite, (EXPLANATION_FILE,))
