"""What the figures of the patient's page are drawn with: a scale of acuity, and SVG elements.

Places across are in percent and sizes of text in pixels, so that letters stay legible on a phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from ctt_net.acuity import ReportNotation, in_notation
from ctt_net.acuity.notation import BEST_LINE, LINE_LOGMAR, WORST_LINE
from ctt_net.inference.words import Words

# Share of the width to the left and right of a scale, for the labels of its ends.
MARGIN = 4.0
# A scale shows at least this much, and what is poorer than a chart at its left end.
USUAL_WORST_LOGMAR = 1.0
MOST_TICKS = 15


@dataclass(frozen=True)
class Scale:
    """Acuity across the page, better on the right.

    Args:
        notation: Of the ticks.
        worst: Left end, logMAR.
        chinese: Decimals as the Chinese chart prints them.
    """

    notation: ReportNotation
    worst: float
    chinese: bool
    best: float = BEST_LINE * LINE_LOGMAR

    @classmethod
    def of(cls, values: Sequence[float], notation: ReportNotation, chinese: bool) -> "Scale":
        """A scale on which these acuities lie."""
        poorest = max([USUAL_WORST_LOGMAR, *(value + LINE_LOGMAR / 2 for value in values)])
        tenths = min(np.ceil(poorest / LINE_LOGMAR), WORST_LINE + 2)
        return cls(notation, float(tenths * LINE_LOGMAR), chinese)

    def at(self, logmar: float) -> float:
        """Place in percent; what lies beyond an end lies at it."""
        share = (self.worst - logmar) / (self.worst - self.best)
        return round(MARGIN + float(np.clip(share, 0, 1)) * (100 - 2 * MARGIN), 2)

    def text(self, logmar: float) -> str:
        """An acuity in the notation."""
        return in_notation(logmar, self.notation, chinese_chart=self.chinese)

    @property
    def lines(self) -> range:
        """Chart lines on it, tenths of logMAR, worst first."""
        last = min(round(self.worst / LINE_LOGMAR), WORST_LINE)
        return range(last, BEST_LINE - 1, -1)


def element(name: str, content: str = "", **attributes: object) -> Markup:
    """One SVG element; `_` of a name stands for `-`, and a last one is dropped."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{escape(content)}</{name}>")


def figure(height: int, parts: Sequence[Markup], title: str, details: str, name: str) -> Markup:
    """A figure as wide as its place, with what it shows in words."""
    return Markup(
        '<svg class="fig" width="100%" height="{height}" role="img" '
        'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{title}</title>'
        '<desc id="{name}-d">{details}</desc>{parts}</svg>'
    ).format(height=height, name=name, title=title, details=details, parts=Markup("").join(parts))


def label(x: float, y: float, text: str, class_: str, anchor: str = "middle") -> Markup:
    """Text at a place across in percent and down in pixels."""
    return element("text", text, x=f"{x}%", y=y, class_=class_, text_anchor=anchor)


def bar(x0: float, x1: float, y: float, height: float, class_: str) -> Markup:
    """A rectangle between two places in percent."""
    low, high = sorted((x0, x1))
    return element(
        "rect", x=f"{low}%", y=y, width=f"{round(high - low, 2)}%", height=height, class_=class_
    )


def mark(x0: float, y0: float, x1: float, y1: float, class_: str) -> Markup:
    """A line between two places, across in percent and down in pixels."""
    return element("line", x1=f"{x0}%", y1=y0, x2=f"{x1}%", y2=y1, class_=class_)


def ticks(scale: Scale, y: float, words: Words) -> list[Markup]:
    """The chart's lines in the clinic's notation, and logMAR below."""
    parts = [mark(MARGIN, y, 100 - MARGIN, y, "axis")]
    crowded = len(scale.lines) > MOST_TICKS
    for line in scale.lines:
        x = scale.at(line * LINE_LOGMAR)
        parts.append(mark(x, y, x, y + 5, "axis"))
        if crowded and line % 2:
            continue
        # What is odd has no room on a phone.
        odd = " odd" if line % (4 if crowded else 2) else ""
        parts.append(label(x, y + 18, scale.text(line * LINE_LOGMAR), f"tick{odd}"))
        if scale.notation != "logmar":
            small = f"{line * LINE_LOGMAR:.1f}".replace("-0.0", "0.0").replace("-", "−")
            parts.append(label(x, y + 34, small, f"tick soft{odd}"))
    below = y + (34 if scale.notation == "logmar" else 50)
    parts.append(label(MARGIN, below, words("axis.worse"), "tick soft", "start"))
    units = words(f"notation.{scale.notation}")
    if scale.notation != "logmar":
        units += f" · {words('notation.logmar')}"
    parts.append(label(50, below, units, "tick soft"))
    parts.append(label(100 - MARGIN, below, words("axis.better"), "tick soft", "end"))
    return parts
