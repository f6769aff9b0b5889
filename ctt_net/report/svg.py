"""Pictures as inline SVG and as PNG: same numbers, same bytes, nothing loaded from elsewhere."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ctt_net.report.fonts import DEFAULT, NOTE, further_fonts, lacking

SOFT = "#5b6875"
LINE = "#aab4be"
WIDTH_IN = 4.4
PNG_DPI = 200

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": [DEFAULT],
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
    # A name that holds a dollar sign is a name, not a formula.
    "text.parse_math": False,
}


def svg(
    draw: Callable[[Axes], None],
    name: str,
    description: str,
    height: float,
    *,
    width: float = WIDTH_IN,
    details: str = "",
) -> Markup:
    """Draw one pair of axes and return it as an `<svg>` element that HTML may contain.

    Args:
        draw: Fills the axes.
        name: Unique on the page; keeps the ids of two pictures apart.
        description: For readers who cannot see it.
        height: Inches; the page scales it with the width.
        width: Inches.
        details: More of what is to be seen, for the same readers.
    """
    return svg_and_png(draw, name, description, height, width=width, details=details, png=False)[0]


def svg_and_png(
    draw: Callable[[Axes], None],
    name: str,
    description: str,
    height: float,
    *,
    width: float = WIDTH_IN,
    details: str = "",
    png: bool = True,
) -> tuple[Markup, bytes]:
    """The same picture twice, drawn once: for the page, and as a file of 200 dots an inch.

    Args:
        draw: Fills the axes.
        name: Unique on the page.
        description: What it is.
        height: Inches.
        width: Inches.
        details: What is to be seen; written into the PNG too.
        png: False leaves those bytes empty.
    """
    with _reproducible(name):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot())
        page, pixels = _as_svg(figure), io.BytesIO()
        boxes = lacking(figure, [DEFAULT])
        # Only where they are needed: else every page would name what this computer has installed.
        if boxes and (fonts := [DEFAULT, *further_fonts()])[1:]:
            mpl.rcParams["font.sans-serif"] = fonts
            page, boxes = _as_svg(figure), lacking(figure, fonts)
        if png:
            figure.patch.set_visible(True)
            if boxes:
                figure.supxlabel(NOTE, x=0.01, ha="left", fontsize=6.5, color=SOFT)
            else:
                figure.set_layout_engine("none")  # it is laid out already
            figure.set_dpi(PNG_DPI)
            words = {"Software": None, "Title": description, "Description": details}
            FigureCanvasAgg(figure).print_png(pixels, metadata=words)
    # Not escaped again: matplotlib has escaped every text in it.
    return Markup(_inline(page, name, description, details)), pixels.getvalue()


def _as_svg(figure: Figure) -> str:
    """The whole file; not by `savefig`, which draws everything twice."""
    buffer = io.StringIO()
    figure.patch.set_visible(False)
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()


@contextmanager
def _reproducible(name: str) -> Iterator[None]:
    """Matplotlib's settings for one picture, whatever the user's own are."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update({**STYLE, "svg.hashsalt": name})
        # The browser has a font for a name in any script; a PNG says where it has none.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _inline(svg: str, name: str, description: str, details: str) -> str:
    """Drop what only a stand-alone file needs: prologue, metadata, name spaces, size, group ids."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sid="[A-Za-z][A-Za-z0-9.]*_[0-9]+"', "", svg)
    box = re.search(r'viewBox="([^"]*)"', svg)
    if box is None:
        raise RuntimeError("matplotlib wrote an SVG without a viewBox")
    told = re.sub(r"[^\w-]", "-", name)
    named = f"{told}-title {told}-desc" if details else f"{told}-title"
    opening = f'<svg viewBox="{box.group(1)}" role="img" aria-labelledby="{named}">'
    opening += f'<title id="{told}-title">{escape(description)}</title>'
    if details:
        opening += f'<desc id="{told}-desc">{escape(details)}</desc>'
    return opening + svg[svg.index(">") + 1 :].strip()
