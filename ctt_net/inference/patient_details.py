"""What the page shows of an eye beside the numbers: measures, explanation, similar eyes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.biomarkers.definitions import DEFINITIONS
from ctt_net.biomarkers.measures import Measures, measure
from ctt_net.biomarkers.normal import NORMAL_RANGES
from ctt_net.biomarkers.segmenter import Segmenter
from ctt_net.data.scans import Scans
from ctt_net.explain import Explanation, explain_eyes
from ctt_net.imaging import UNUSABLE_NOTES, BScan
from ctt_net.imaging.segmentation import Segmentation
from ctt_net.inference.patient_measures import Scale
from ctt_net.model_folder.predictor import Predictor
from ctt_net.uncertainty.similar_eyes import FEWEST_NEIGHBOURS, WITHIN_LOGMAR


@dataclass(frozen=True)
class MeasuredScan:
    """What was found in one scan.

    Args:
        segmentation: Layers and lesions.
        measures: Of them.
    """

    segmentation: Segmentation
    measures: Measures


@dataclass(frozen=True)
class EyeDetails:
    """What is said of one eye beside its prediction.

    Args:
        scans: View to what was found in it; a scan that is no macular B-scan is missing.
        scale_notes: View to why lengths are not measured; empty if they are.
        explanation: Contributions, what-if curve and perhaps heat maps, in the network's grid.
        heat_maps: View to (H, W) of the scan, logMAR, NaN = not read by the network.
        similar_logmar: Acuity that similar eyes reached, best first; None = the model keeps none.
    """

    scans: Mapping[str, MeasuredScan]
    scale_notes: Mapping[str, str]
    explanation: Explanation
    heat_maps: Mapping[str, NDArray[np.float32]]
    similar_logmar: NDArray[np.float64] | None

    def to_dict(self) -> dict[str, Any]:
        """Keys of `details` in prediction.json; of fewer than ten similar eyes only how many."""
        return {
            "measures": [
                {"view": view, **one} for view, scan in self.scans.items() for one in _listed(scan)
            ],
            "explanation": self.explanation.to_dict(),
            "similar_eyes": self._similar(),
        }

    def _similar(self) -> dict[str, Any] | None:
        if self.similar_logmar is None:
            return None
        n = len(self.similar_logmar)
        enough = n >= FEWEST_NEIGHBOURS
        quartiles = np.percentile(self.similar_logmar, [25, 50, 75]).round(4) if enough else None
        return {
            "n": n,
            "within_logmar": WITHIN_LOGMAR,
            "quartiles_logmar": None if quartiles is None else quartiles.tolist(),
        }


def _listed(scan: MeasuredScan) -> list[dict[str, Any]]:
    listed = []
    figures = dict(scan.measures.values)
    for one in DEFINITIONS:
        found, normal = figures[one.name], NORMAL_RANGES.get(one.name)
        if found.value is not None:
            listed.append(
                {
                    "name": one.name,
                    "value": float(f"{found.value:.5g}"),
                    "unit": one.unit,
                    "sd": None if found.sd is None else float(f"{found.sd:.3g}"),
                    "normal_range": None if normal is None else list(normal.limits),
                    "normal_source": None if normal is None else normal.source,
                }
            )
    return listed


def eye_details(
    prediction: Mapping[str, Any],
    bscans: Sequence[Mapping[str, BScan]],
    scales: Sequence[Mapping[str, tuple[Scale, str]]],
    predictor: Predictor,
    table: pd.DataFrame,
    scans: Scans,
    *,
    heat_maps: bool,
) -> tuple[EyeDetails, ...]:
    """Details of each eye of a patient.

    Args:
        prediction: Contents of prediction.json so far.
        bscans: Of each eye, view to scan.
        scales: Of each eye, view to size of a pixel and why it is unknown.
        predictor: That predicted.
        table: One row per eye, with the measures that the model takes.
        scans: What the network read.
        heat_maps: Whether to make them.
    """
    segmenter = Segmenter.load()
    explanations = explain_eyes(predictor, table, scans, heat_maps)
    details = []
    for i, (eye, pictures) in enumerate(zip(prediction["eyes"], bscans, strict=True)):
        found, why = {}, {}
        for view, scan in pictures.items():
            if any(note.code in UNUSABLE_NOTES for note in scan.notes):
                continue
            (axial, lateral), why[view] = scales[i][view]
            segmentation = segmenter.segment(scan.pixels)
            measures = measure(segmentation, axial, lateral, segmenter.error_sd)
            found[view] = MeasuredScan(segmentation, measures)
        similar = predictor.similar_eyes
        details.append(
            EyeDetails(
                found,
                why,
                explanations[i],
                maps_on_scans(explanations[i], pictures, eye["laterality"], predictor),
                None
                if similar is None
                else similar.nearest(float(table["preop_logmar"].iloc[i]), eye["postop"]["logmar"]),
            )
        )
    return tuple(details)


def maps_on_scans(
    explanation: Explanation, pictures: Mapping[str, BScan], laterality: str, predictor: Predictor
) -> dict[str, NDArray[np.float32]]:
    """Heat maps on the scans as they were decoded.

    Args:
        explanation: Of one eye.
        pictures: View to its scan.
        laterality: `OD` or `OS`.
        predictor: That predicted.

    Returns:
        View to (H, W), logMAR, NaN = not read by the network.
    """
    spec = predictor.spec
    return {
        view: spec.preprocessing.to_scan(
            values, pictures[view].pixels, laterality, spec.views[view].direction
        )
        for view, values in (explanation.heat_maps or {}).items()
    }
