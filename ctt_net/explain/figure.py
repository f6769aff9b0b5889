"""Heat maps drawn over their scans, in letters of the chart."""

import io
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ctt_net import INTENDED_USE
from ctt_net.acuity.convert import LOGMAR_PER_LETTER
from ctt_net.explain.explanation import Explanation
from ctt_net.report.drawing import SOFT

# Takes letters, gives letters; told apart by colour-blind readers too, and visible on a dark scan.
TAKES, GIVES = "#ff4b33", "#3ea0ff"
_SCALE = LinearSegmentedColormap.from_list("letters", [TAKES, "#404040", GIVES])
# Below this a map is that of a prediction that hardly depends on the picture: a scale that ended at
# its own extremes would make it look like a finding.
LEAST_LETTERS = 1.0
_OPACITY = 0.8
_TEXT_WIDTH = 100


def letters_of(heat_logmar: NDArray[np.float32]) -> NDArray[np.float32]:
    """LogMAR by which the prediction is worse, as letters that it gains; negative = loses."""
    return np.asarray(-heat_logmar / np.float32(LOGMAR_PER_LETTER), dtype=np.float32)


def letter_limit(heat_maps: list[NDArray[np.float32]]) -> float:
    """End of the colour scale that all maps of an eye share, letters."""
    ends = [np.nanmax(np.abs(letters_of(one))) for one in heat_maps]
    return max([LEAST_LETTERS, *map(float, ends)])


def heat_overlay(
    pixels: NDArray[np.uint8], heat_logmar: NDArray[np.float32], limit_letters: float
) -> NDArray[np.uint8]:
    """A scan with a heat map over it: the stronger, the more opaque.

    Args:
        pixels: (H, W) grey, as decoded.
        heat_logmar: (H, W) of `Preprocessing.to_scan`; NaN shows the scan alone.
        limit_letters: At which the colour is full.

    Returns:
        (H, W, 3) red, green, blue.
    """
    share = np.clip(np.nan_to_num(letters_of(heat_logmar)) / limit_letters, -1, 1)
    colour = np.where(share[..., None] < 0, to_rgb(TAKES), to_rgb(GIVES))
    opacity = _OPACITY * np.abs(share)[..., None]
    grey = (pixels / 255.0)[..., None]
    return np.rint(255 * ((1 - opacity) * grey + opacity * colour)).astype(np.uint8)


def draw_heat_map(
    axes: Axes,
    pixels: NDArray[np.uint8],
    heat_logmar: NDArray[np.float32],
    limit_letters: float,
    title: str,
) -> None:
    """Draw one scan with its heat map, and the scale in letters beside it."""
    axes.imshow(heat_overlay(pixels, heat_logmar, limit_letters), aspect="auto")
    axes.set_title(title, fontsize=9)
    axes.axis("off")
    scale = ScalarMappable(Normalize(-limit_letters, limit_letters), _SCALE)
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    bar = figure.colorbar(scale, ax=axes, fraction=0.046, pad=0.02)
    bar.set_label("letters taken (−) or given (+)", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def heat_map_png(
    pixels: NDArray[np.uint8],
    heat_logmar: NDArray[np.float32],
    limit_letters: float,
    title: str,
) -> bytes:
    """The same as a picture of its own, as PNG."""
    height, width = pixels.shape
    figure = Figure(figsize=(8.4, 7.0 * height / width + 0.9), layout="constrained")
    draw_heat_map(figure.subplots(), pixels, heat_logmar, limit_letters, title)
    figure.supxlabel(_wrapped(INTENDED_USE), fontsize=6.5, color=SOFT)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130, metadata={"Software": None})
    return file.getvalue()


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _TEXT_WIDTH)


def draw_eye(
    name: str,
    explanation: Explanation,
    preop_logmar: float | None,
    scans: Mapping[str, NDArray[np.uint8]],
    heat_maps: Mapping[str, NDArray[np.float32]],
) -> Figure:
    """Contributions and what-if curve of one eye, and below them its scans with heat maps.

    Args:
        name: Of the eye.
        explanation: Of its prediction.
        preop_logmar: Its recorded acuity; None = unknown.
        scans: View to (H, W) grey, as decoded.
        heat_maps: View to (H, W) logMAR, of `Preprocessing.to_scan`.
    """
    from matplotlib import pyplot  # a notebook shows its figures only

    count = max(2, len(heat_maps))
    figure = pyplot.figure(figsize=(4.6 * count, 7.0 if heat_maps else 3.6), layout="constrained")
    grid = figure.add_gridspec(2 if heat_maps else 1, 2 * count)
    _draw_contributions(figure.add_subplot(grid[0, :count]), explanation)
    _draw_what_if(figure.add_subplot(grid[0, count:]), explanation, preop_logmar)
    limit = letter_limit(list(heat_maps.values()))
    width = 2 * count // max(1, len(heat_maps))
    for i, (view, heat) in enumerate(heat_maps.items()):
        axes = figure.add_subplot(grid[1, i * width : (i + 1) * width])
        draw_heat_map(axes, scans[view], heat, limit, view)
    figure.suptitle(f"{name}: predicted {explanation.predicted_logmar:.2f} logMAR")
    figure.supxlabel(_wrapped(INTENDED_USE), fontsize=6.5, color=SOFT)
    pyplot.close(figure)  # a notebook shows what a cell returns, and would show it twice
    return figure


def _draw_contributions(axes: Axes, explanation: Explanation) -> None:
    """Bars from the base to the prediction, each beginning where the one above it ends."""
    parts = explanation.contributions
    values = np.array([one.logmar for one in parts])
    starts = explanation.base_logmar + np.cumsum(values) - values
    colours = [TAKES if value > 0 else GIVES for value in values]
    axes.barh(range(len(parts)), values, left=starts, color=colours, height=0.6)
    for y, (start, value) in enumerate(zip(starts, values, strict=True)):
        axes.annotate(
            f"{-value / LOGMAR_PER_LETTER:+.1f} letters",
            (max(start, start + value), y), (4, 0), textcoords="offset points", va="center",
            fontsize=8,
        )  # fmt: skip
    axes.axvline(explanation.base_logmar, color=SOFT, lw=0.8, ls=":")
    axes.axvline(explanation.predicted_logmar, color=SOFT, lw=0.8)
    axes.set_yticks(range(len(parts)), [one.name.replace("_", " ") for one in parts])
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlabel("logMAR, from the base (dotted) to the prediction")
    axes.set_title("Contributions", fontsize=9)


def _draw_what_if(axes: Axes, explanation: Explanation, preop_logmar: float | None) -> None:
    curve = explanation.what_if
    axes.fill_between(
        curve["preop_logmar"], curve["lower_logmar"], curve["upper_logmar"], alpha=0.2, lw=0
    )
    axes.plot(curve["preop_logmar"], curve["predicted_logmar"])
    if preop_logmar is not None:
        axes.plot(preop_logmar, explanation.predicted_logmar, "o")
    axes.set_xlabel("preoperative VA, logMAR")
    axes.set_ylabel("predicted, logMAR")
    axes.set_title("Had it another preoperative VA", fontsize=9)
