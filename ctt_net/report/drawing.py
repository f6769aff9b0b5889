"""A figure of a report: on the page as SVG with its caption, beside it as PNG and as numbers."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from ctt_net import INTENDED_USE
from ctt_net.io.formula import escape_formula
from ctt_net.report.svg import WIDTH_IN, svg_and_png

FIGURES_FOLDER = "figures"

MODEL_COLOUR = "#1f5a96"
# All at least 3 : 1 against white, and told apart by their dashes too where lines cross.
COLOURS = {
    "model": MODEL_COLOUR,
    "mean": "#76818c",
    "median": "#a3475c",
    "preop_only": "#b8660b",
    "covariates": "#2f7d5b",
    "boosting": "#8a4fa0",
    "svm": "#0f7480",
    "treat_all": "#8f2d2d",
    "treat_none": "#5b6875",
    "oracle": "#5b6875",
}
FURTHER_COLOURS = ("#1f5a96", "#b8660b", "#2f7d5b", "#8a4fa0", "#8f2d2d", "#76818c")
DASHES: dict[str, Any] = {
    "mean": (0, (1, 1.5)),
    "median": (0, (1, 3)),
    "preop_only": (0, (4, 2)),
    "covariates": (0, (6, 1.5, 1.5, 1.5)),
    "boosting": (0, (2, 1)),
    "svm": (0, (8, 2)),
    "treat_none": (0, (1, 3)),
}
GRID = "#e6ebf0"


@dataclass(frozen=True)
class Drawing:
    """What one figure shows.

    Args:
        name: Of its files, and of its ids on the page.
        title: What it is.
        caption: How to read it.
        draw: Fills the axes.
        numbers: What is drawn.
        height: Inches; the width is that of half a page.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Axes], None]
    numbers: pd.DataFrame
    height: float = 3.4


@dataclass(frozen=True)
class Shown:
    """A figure as the template wants it, and the files that lie beside the page."""

    name: str
    title: str
    caption: str
    svg: Markup
    png: bytes
    csv: str


def drawn(drawing: Drawing) -> Shown:
    """Draw one figure."""
    svg, png = svg_and_png(
        drawing.draw,
        drawing.name,
        drawing.title,
        drawing.height,
        width=WIDTH_IN,
        details=f"{drawing.caption} {INTENDED_USE}",
    )
    csv = numbers_as_csv(drawing.numbers)
    return Shown(drawing.name, drawing.title, drawing.caption, svg, png, csv)


def figure_files(figures: Iterable[Shown]) -> dict[str, str | bytes]:
    """PNG and numbers of each figure, by the names they have beside the page."""
    files: dict[str, str | bytes] = {}
    for figure in figures:
        png, csv = figure_file_names(figure.name)
        files |= {png: figure.png, csv: figure.csv}
    return files


def figure_file_names(name: str) -> tuple[str, str]:
    """Of the PNG and of the numbers of a figure."""
    stem = f"{FIGURES_FOLDER}/{file_name(name)}"
    return f"{stem}.png", f"{stem}.csv"


def file_name(text: str) -> str:
    """A name that people chose, as part of a file's name and of an id.

    Example:
        >>> file_name("reaches 0.30/x")
        'reaches_0.30_x'
    """
    return re.sub(r"[^A-Za-z0-9.-]", "_", text)[:60]


def numbers_as_csv(numbers: pd.DataFrame) -> str:
    """A table as text; what a spreadsheet would run is kept from it."""
    safe = numbers.copy()
    for column in safe.select_dtypes(exclude="number"):
        safe[column] = [
            escape_formula(value) if isinstance(value, str) else value for value in safe[column]
        ]
    return safe.to_csv(index=False, lineterminator="\n", float_format="%.9g")
