"""Figures: inline SVG for the page, PNG and CSV of the plotted numbers beside it."""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from ctt_net import INTENDED_USE
from ctt_net.io.formula import escape_formula

FIGURES_FOLDER = "figures"

MODEL_COLOUR = "#1f5a96"
# Contrast of at least 3 : 1 with white; curves that cross differ in their dashes too.
COLOURS = {
    "model": MODEL_COLOUR,
    "mean": "#76818c",
    "median": "#a3475c",
    "preop_only": "#b8660b",
    "covariates": "#2f7d5b",
    "boosting": "#8a4fa0",
    "svm": "#0f7480",
    "stack": "#7a6a12",
    "svm_measures": "#b4552d",
    "treat_all": "#8f2d2d",
    "treat_none": "#5b6875",
    "oracle": "#5b6875",
    "reader": "#7b5b6e",
}
FURTHER_COLOURS = ("#1f5a96", "#b8660b", "#2f7d5b", "#8a4fa0", "#8f2d2d", "#76818c")
SOFT = "#5b6875"
LINE = "#aab4be"
GRID = "#e6ebf0"
DASHED = (0, (5, 3))
DOTTED = (0, (1, 1.5))

WIDTH_IN = 3.9  # narrow, so that letters stay legible where a phone shrinks the figure
PNG_DPI = 200

# Chinese, Japanese and Korean names in figures: the first of these that is installed.
CJK_FONTS = (
    *(
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "Noto Sans CJK KR",
        "Noto Sans SC",
        "Source Han Sans",
    ),
    *("WenQuanYi Micro Hei", "Droid Sans Fallback", "Microsoft YaHei", "SimHei", "Yu Gothic"),
    *("Malgun Gothic", "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS"),
)

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.0,
    "axes.axisbelow": True,
    # A name that holds a dollar sign is a name, not a formula.
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Drawing:
    """What one figure shows.

    Args:
        name: Of its files, and of its ids on the page.
        title: What it is.
        caption: How to read it.
        draw: Fills the axes.
        numbers: What is plotted.
        height: Inches; the width is WIDTH_IN.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Axes], None]
    numbers: pd.DataFrame
    height: float = 3.0


@dataclass(frozen=True)
class Shown:
    """A rendered figure: what the template needs, and the files beside the page."""

    title: str
    caption: str
    svg: Markup
    files: Mapping[str, str | bytes]


def drawn(drawing: Drawing) -> Shown:
    """Render one figure."""
    details = f"{drawing.caption} {INTENDED_USE}"
    svg, png = svg_and_png(
        drawing.draw, drawing.name, drawing.title, drawing.height, details=details
    )
    png_file, csv_file = figure_files(drawing.name)
    files: dict[str, str | bytes] = {png_file: png, csv_file: numbers_as_csv(drawing.numbers)}
    return Shown(drawing.title, drawing.caption, svg, files)


def figure_files(name: str) -> tuple[str, str]:
    """Names of the PNG and the CSV of a figure.

    Example:
        >>> figure_files("roc_reaches 0.30")
        ('figures/roc_reaches_0.30.png', 'figures/roc_reaches_0.30.csv')
    """
    stem = f"{FIGURES_FOLDER}/{re.sub(r'[^A-Za-z0-9.-]', '_', name)[:60]}"
    return f"{stem}.png", f"{stem}.csv"


def numbers_as_csv(numbers: pd.DataFrame) -> str:
    """A table as CSV; cells that a spreadsheet would run as a formula are escaped."""
    safe = numbers.copy()
    for column in safe.select_dtypes(exclude="number"):
        safe[column] = [
            escape_formula(value) if isinstance(value, str) else value for value in safe[column]
        ]
    return safe.to_csv(index=False, lineterminator="\n", float_format="%.9g")


def interval_columns(
    figures: Iterable[Mapping[str, Any]], key: str, name: str
) -> dict[str, list[float]]:
    """Values and interval ends of figures such as `{"value": x, "ci95": [lo, hi]}`, as columns."""
    listed = list(figures)
    return {
        name: [figure["value"] for figure in listed],
        "lower": [figure[key][0] for figure in listed],
        "upper": [figure[key][1] for figure in listed],
    }


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot; a heading without a value."""

    label: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    colour: str = MODEL_COLOUR
    filled: bool = True


def draw_forest(
    axes: Axes, rows: Sequence[ForestRow], xlabel: str, reference: float | None = None
) -> None:
    """Values with their intervals, one below the other, beside a dashed reference."""
    if reference is not None:
        axes.axvline(reference, color=SOFT, lw=1.2, ls=DASHED)
    places = range(len(rows))[::-1]
    for place, row in zip(places, rows, strict=True):
        if row.lower is not None and row.upper is not None:
            axes.plot([row.lower, row.upper], [place, place], color=row.colour, lw=2)
        if row.value is not None:
            face = row.colour if row.filled else "white"
            axes.plot(row.value, place, "o", mfc=face, mec=row.colour, ms=5.5, mew=1.4)
    axes.set_yticks(places, [row.label for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row.value is None else "normal")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(axis="x", color=GRID)
    axes.set_xlabel(xlabel)


def legend_above(axes: Axes) -> None:
    """A legend that covers no data."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0)


def svg(draw: Callable[[Axes], None], name: str, description: str, height: float) -> Markup:
    """Draw one pair of axes as an `<svg>` element; arguments as in `svg_and_png`."""
    return svg_and_png(draw, name, description, height, png=False)[0]


def svg_and_png(
    draw: Callable[[Axes], None],
    name: str,
    description: str,
    height: float,
    *,
    details: str = "",
    png: bool = True,
) -> tuple[Markup, bytes]:
    """One figure as an `<svg>` element for the page and as the bytes of a PNG.

    The same numbers give the same bytes, whatever the user's own matplotlib settings are.

    Args:
        draw: Fills the axes.
        name: Unique on the page; keeps the ids of two figures apart.
        description: What it is, for readers who cannot see it.
        height: Inches; the page scales it with the width.
        details: What is to be seen; written into the PNG too.
        png: False leaves those bytes empty.
    """
    page, pixels = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update({**STYLE, "svg.hashsalt": name})
        installed = {font.name for font in fontManager.ttflist}
        mpl.rcParams["font.sans-serif"] += [font for font in CJK_FONTS if font in installed][:1]
        # The page uses the browser's fonts; a PNG shows boxes where no font is installed.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(WIDTH_IN, height), layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(page, format="svg", transparent=True, metadata={"Date": None})
        if png:
            figure.set_layout_engine("none")  # it is laid out already
            words = {"Software": None, "Title": description, "Description": details}
            figure.savefig(pixels, format="png", dpi=PNG_DPI, metadata=words)
    # Not escaped again: matplotlib has escaped every text in it.
    return Markup(_inline(page.getvalue().decode(), name, description, details)), pixels.getvalue()


def _inline(svg: str, name: str, description: str, details: str) -> str:
    """Drop what only a stand-alone file needs: prologue, metadata, size, fonts, ids of groups."""
    box = svg.split('viewBox="', 1)[1].split('"', 1)[0]
    svg = svg[svg.index(">", svg.index("<svg")) + 1 :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sid="[A-Za-z][A-Za-z0-9.]*_[0-9]+"', "", svg)
    svg = re.sub(r" font-family: [^;\"]*;?", "", svg)  # the reader's fonts, not this computer's
    anchor = re.sub(r"[^\w-]", "-", name)
    named = f"{anchor}-title" + (f" {anchor}-desc" if details else "")
    opening = f'<svg viewBox="{box}" role="img" aria-labelledby="{named}" '
    opening += 'font-family="system-ui, sans-serif">'
    opening += f'<title id="{anchor}-title">{escape(description)}</title>'
    if details:
        opening += f'<desc id="{anchor}-desc">{escape(details)}</desc>'
    return opening + svg
