"""`feature_relations.json` and its picture: which covariate a trained network relates to which.

What the network reads of a feature is no measure of what the feature does to an eye.
"""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ctt_net import INTENDED_USE
from ctt_net.data.module import EyeDataModule
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import write_json
from ctt_net.models.covariates import T2GEncoder
from ctt_net.report.drawing import SOFT, svg

RELATIONS_FILE = "feature_relations.json"
RELATIONS_PICTURE = "feature_relations.svg"
READOUT = "read-out"

# What a file of its own needs and a page does not.
NAME_SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def write_relations(encoder: T2GEncoder, data: EyeDataModule, folder: Path) -> None:
    """Write both files into a model folder.

    Args:
        encoder: Trained; left as it was.
        data: Its training eyes are the ones that are averaged over.
        folder: Model folder.
    """
    eyes = torch.tensor(data.covariate_values(data.part("train")))
    device = next(encoder.parameters()).device
    found = relations(encoder, eyes.to(device), list(data.covariates))
    write_json(folder / RELATIONS_FILE, found)
    atomic_write(folder / RELATIONS_PICTURE, draw_relations(found))


def relations(encoder: T2GEncoder, covariates: torch.Tensor, names: list[str]) -> dict[str, Any]:
    """What goes into `feature_relations.json`.

    Args:
        encoder: Trained.
        covariates: (E, F), at least one eye.
        names: F names.
    """
    graphs = encoder.relation_graphs(covariates).cpu().double().numpy()
    kept = [block.graph.kept_edges().cpu().numpy() for block in encoder.blocks]
    # Every feature and the read-out can read each other feature.
    possible = encoder.num_covariates**2
    return {
        "names": [READOUT, *names],
        "reads": "weights[i][j]: how much row i reads of column j, mean over eyes and heads; a row "
        "sums to 1 where it reads anything in every eye and head",
        "eyes": len(covariates),
        "mean": _rounded(graphs.mean(axis=0)),
        "layers": [
            {
                "weights": _rounded(graph),
                "kept": _rounded(edges.mean(axis=0)),
                "kept_share": round(float(edges.sum() / (len(edges) * possible)), 4),
            }
            for graph, edges in zip(graphs, kept, strict=True)
        ],
        "intended_use": INTENDED_USE,
    }


def draw_relations(found: dict[str, Any]) -> str:
    """The mean over the layers as a picture of squares; SVG."""
    names, mean = found["names"], np.array(found["mean"])[:, 1:]

    def draw(axes: Axes) -> None:
        axes.pcolormesh(range(len(names)), range(len(names) + 1), mean, cmap="Blues", vmin=0)
        axes.invert_yaxis()
        axes.set_xticks(np.arange(len(names) - 1) + 0.5, names[1:], rotation=30, ha="right")
        axes.set_yticks(np.arange(len(names)) + 0.5, names)
        axes.set_xlabel("how much the row reads of the column")
        axes.figure.supxlabel(textwrap.fill(INTENDED_USE, 80), fontsize=6, color=SOFT)
        for (row, column), weight in np.ndenumerate(mean):
            colour = "white" if weight > 0.6 * mean.max() else "#1c2733"
            if row != column + 1:
                place = (column + 0.5, row + 0.5)
                axes.annotate(f"{weight:.2f}", place, ha="center", va="center", color=colour)

    words = f"Mean relations of {', '.join(names[1:])} over {found['eyes']} training eyes"
    inline = str(svg(draw, "feature_relations", words, height=1.9 + 0.35 * len(names)))
    return inline.replace("<svg ", f"<svg {NAME_SPACES} ", 1) + "\n"


def _rounded(weights: NDArray[np.float64]) -> list[list[float]]:
    return [[round(float(weight), 4) for weight in row] for row in weights]
