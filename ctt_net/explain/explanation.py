"""All that is said of why an eye's acuity is predicted as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.data.scans import Scans
from ctt_net.explain.contributions import Contribution, contributions
from ctt_net.explain.gradient import gradient_maps
from ctt_net.explain.heat_map import HeatMaps, occlusion_maps
from ctt_net.explain.what_if import what_if
from ctt_net.model_folder.predictor import Predictor

if TYPE_CHECKING:
    from torch import nn

# A contribution is written so that the sum of six is right to 1e-6.
DIGITS = 8


@dataclass(frozen=True)
class Explanation:
    """Why an eye's acuity is predicted as it is; all in logMAR, positive = worse acuity.

    Args:
        predicted_logmar: The prediction: `base_logmar` and all contributions together.
        base_logmar: What is predicted of an eye of which no input is known.
        contributions: Of each known input.
        what_if: One row per chart line: `preop_logmar`, `predicted_logmar`, `lower_logmar`,
            `upper_logmar`.
        heat_maps: Of each view that is there (H, W) in the network's grid (`Preprocessing.to_scan`
            brings it back to the scan): by how much the prediction is worse for what the scan shows
            around a pixel; None = not asked for.
    """

    predicted_logmar: float
    base_logmar: float
    contributions: tuple[Contribution, ...]
    what_if: pd.DataFrame
    heat_maps: Mapping[str, NDArray[np.float32]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping for JSON; of heat maps only their extremes."""
        maps = self.heat_maps or {}
        return {
            "predicted_logmar": round(self.predicted_logmar, DIGITS),
            "base_logmar": round(self.base_logmar, DIGITS),
            "contributions": [
                {"name": one.name, "kind": one.kind, "logmar": round(one.logmar, DIGITS)}
                for one in self.contributions
            ],
            "what_if": self.what_if.round(4).to_dict("records"),
            "heat_maps": {
                name: {
                    "lowest_logmar": round(float(values.min()), 4),
                    "highest_logmar": round(float(values.max()), 4),
                }
                for name, values in maps.items()
            },
        }


def explain_eyes(
    predictor: Predictor,
    table: pd.DataFrame,
    scans: Scans,
    heat_maps: bool = True,
    networks: "Sequence[nn.Module] | None" = None,
) -> list[Explanation]:
    """Explain the predictions of rows of a cohort.

    Args:
        predictor: One model or an ensemble.
        table: E rows, with the measures that the model takes.
        scans: Of the same eyes, in the network's order of views.
        heat_maps: Whether to make them, which takes most of the time.
        networks: The torch network of each member; given, heat maps are gradient-based.

    Raises:
        InputError: If networks are given and captum is not installed.
    """
    maps: Sequence[HeatMaps | None] = [None] * len(table)
    if heat_maps and networks is not None:
        maps = gradient_maps(predictor, networks, table, scans)
    elif heat_maps:
        maps = occlusion_maps(predictor, table, scans)
    parts = contributions(predictor, table, scans)
    return [
        Explanation(base + sum(one.logmar for one in found), base, tuple(found), curve, of_eye)
        for (base, found), curve, of_eye in zip(
            parts, what_if(predictor, table, scans), maps, strict=True
        )
    ]
