"""One picture of what a pretraining has learned to see."""

import io
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ctt_net import INTENDED_USE
from ctt_net.synthetic import KINDS
from ctt_net.training.pretrain.figures import Figures
from ctt_net.training.pretrain.targets import Lesions


def draw_figures(found: Lesions, truth: Lesions, figures: Figures) -> bytes:
    """Potential as read against the truth, and how well each kind is found in each view; PNG.

    Args:
        found: As read, arrays.
        truth: As simulated, arrays.
        figures: Of these eyes, as `lesion_figures` gives them.
    """
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _potential(left, found, truth, figures)
    _presence(right, figures)
    figure.suptitle("Simulated eyes, selection split: no clinical validity", fontsize=10)
    figure.supxlabel(fill(INTENDED_USE, 130), fontsize=7, color="0.4")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()


def _potential(axes: Axes, found: Lesions, truth: Lesions, figures: Figures) -> None:
    ends = [float(truth.potential.min()), float(truth.potential.max())]
    axes.plot(ends, ends, color="0.6", linewidth=1)
    axes.scatter(truth.potential, found.potential, s=8, alpha=0.6, edgecolors="none")
    axes.set_xlabel("true potential, logMAR")
    axes.set_ylabel("read from scans and preop VA, logMAR")
    axes.set_title(f"MAE {figures['potential']['mae']:.3f} logMAR", fontsize=9)


def _presence(axes: Axes, figures: Figures) -> None:
    places = np.arange(len(KINDS))
    width = 0.8 / len(figures["views"])
    for number, (view, kinds) in enumerate(figures["views"].items()):
        heights = [kinds[kind]["auroc"] or 0.0 for kind in KINDS]
        axes.bar(places + number * width, heights, width, label=view)
    axes.axhline(0.5, color="0.6", linewidth=1)
    axes.set_xticks(places + 0.4 - width / 2, [kind.replace("_", "\n") for kind in KINDS])
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel("AUROC of presence")
    axes.legend(fontsize=8, loc="lower right")
