"""Pictures as inline SVG: same numbers, same bytes, nothing loaded from elsewhere."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

SOFT = "#5b6875"
LINE = "#aab4be"

STYLE: dict[Any, Any] = {
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
    "axes.axisbelow": True,
}


@contextmanager
def _reproducible(name: str) -> Iterator[None]:
    """Matplotlib's settings for one picture, whatever the user's own are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**STYLE, "svg.hashsalt": name})
        yield


def svg(draw: Callable[[Axes], None], name: str, description: str, height: float) -> Markup:
    """Draw one pair of axes and return it as an `<svg>` element that HTML may contain.

    Args:
        draw: Fills the axes.
        name: Unique on the page; keeps the ids of two pictures apart.
        description: For readers who cannot see it.
        height: Inches; the width is 4.4, and the page scales both.
    """
    with _reproducible(name):
        figure = Figure(figsize=(4.4, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    # Not escaped again: matplotlib has escaped every text in it.
    return Markup(_inline(buffer.getvalue(), description))


def _inline(svg: str, description: str) -> str:
    """Drop what only a stand-alone file needs: prologue, metadata, name spaces, size, group ids."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sid="[A-Za-z][A-Za-z0-9.]*_[0-9]+"', "", svg)
    box = re.search(r'viewBox="([^"]*)"', svg)
    if box is None:
        raise RuntimeError("matplotlib wrote an SVG without a viewBox")
    opening = f'<svg viewBox="{box.group(1)}" role="img" aria-label="{escape(description)}">'
    return opening + svg[svg.index(">") + 1 :].strip()
