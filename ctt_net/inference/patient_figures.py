"""Figures of the patient's page as SVG that scales with the page and takes its colours.

Colours are classes of the page's style: light, dark, and grey where the model abstains.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ctt_net.acuity.notation import BEST_LINE, LINE_LOGMAR, WORST_LINE
from ctt_net.imaging.segmentation import LESIONS, SURFACES, Segmentation
from ctt_net.inference.patient_drawing import (
    MARGIN,
    Scale,
    bar,
    element,
    figure,
    label,
    mark,
    ticks,
)
from ctt_net.inference.words import Words
from ctt_net.measure.overlay import LESION_COLOURS, SURFACE_COLOURS

ROW = 18  # height of a row of text, pixels
DOTS = 38  # height of the dots of similar eyes
CURVE_WIDTH, CURVE_HEIGHT = 360, 200
# Points of an outline across a scan.
OUTLINE_POINTS = 192
HEAT_COLUMNS = 160
WORSE_RGB, BETTER_RGB = (230, 81, 0), (0, 121, 191)


def before_and_after(
    scale: Scale,
    words: Words,
    name: str,
    *,
    preop: tuple[float, str] | None,
    postop: tuple[float, str],
    interval: tuple[float, float],
    thresholds: Sequence[tuple[float, str]],
    reached: NDArray[np.float64] | None,
    details: str,
) -> Markup:
    """Acuity before surgery and predicted, with the interval, over the regions of the outcomes.

    Below them what similar eyes reached.

    Args:
        scale: Across.
        words: Of the page.
        name: Unique on the page.
        preop: LogMAR and how it is written; None = unknown.
        postop: Likewise.
        interval: Its better and its worse end, logMAR.
        thresholds: Of each outcome the acuity from which on it is reached, and its name.
        reached: Acuities of similar eyes, logMAR; None = not shown.
        details: The figure in words.
    """
    parts: list[Markup] = []
    main = ROW * len(thresholds) + 34
    axis = main + 18 + (0 if reached is None else DOTS + 8)
    for row, (threshold, text) in enumerate(thresholds):
        x, y = scale.at(threshold), ROW * row
        kind = "first" if row == 0 else "second"
        parts.append(bar(x, 100 - MARGIN, y, axis - y, f"region {kind}"))
        parts.append(mark(x, y, x, axis, f"limit {kind}"))
        # Beside its limit, where there is room.
        anchor, at = ("start", x + 0.8) if x < 60 else ("end", x - 0.8)
        parts.append(label(at, y + 13, text, "tick", anchor))
    if reached is not None:
        parts += similar_dots(scale, reached, axis - 3)
        parts.append(label(MARGIN, axis - 6, words("similar.label"), "tick soft", "start"))
    parts += ticks(scale, axis, words)
    at = scale.at(postop[0])
    if preop is not None:
        x = scale.at(preop[0])
        parts.append(mark(x, main, at, main, "way"))
    parts.append(bar(scale.at(interval[0]), scale.at(interval[1]), main - 4, 8, "interval"))
    for end in interval:
        parts.append(mark(scale.at(end), main - 8, scale.at(end), main + 8, "interval-end"))
    if preop is not None:
        parts.append(element("circle", cx=f"{x}%", cy=main, r=7, class_="before"))
        near = abs(x - at) < 16
        anchor, aside = ("end", x - 1.2) if near and x <= at else ("middle", x)
        if near and x > at:
            anchor, aside = "start", x + 1.2
        parts.append(label(min(max(aside, 3), 97), main - 14, preop[1], "point", anchor))
    parts.append(element("circle", cx=f"{at}%", cy=main, r=8, class_="after"))
    anchor = "middle"
    if preop is not None and abs(x - at) < 16:
        anchor = "start" if x <= at else "end"
    shift = {"start": -1.2, "middle": 0.0, "end": 1.2}[anchor]
    parts.append(label(min(max(at + shift, 3), 97), main - 14, postop[1], "point strong", anchor))
    height = axis + (40 if scale.notation == "logmar" else 56)
    return figure(height, parts, words("scale"), details, name)


def similar_dots(scale: Scale, reached: NDArray[np.float64], base: float) -> list[Markup]:
    """What similar eyes reached: a dot each, above `base`; the middle half and the median."""
    low, middle, high = np.percentile(reached, [25, 50, 75])
    parts = [bar(scale.at(low), scale.at(high), base - DOTS, DOTS, "half")]
    # Eyes of one place stand on each other.
    places = [round(scale.at(value) * 2) / 2 for value in reached]
    heights: dict[float, int] = {}
    step = min(7.0, (DOTS - 4) / max(places.count(place) for place in set(places)))
    for place in places:
        heights[place] = stacked = heights.get(place, 0) + 1
        y = round(base - (stacked - 0.5) * step, 1)
        parts.append(element("circle", cx=f"{place}%", cy=y, r=2.8, class_="eye-dot"))
    x = scale.at(middle)
    return [*parts, mark(x, base - DOTS - 3, x, base, "median")]


def hundred_dots(count: int) -> Markup:
    """A hundred dots of which so many are filled: a natural frequency to be seen."""
    dots = [
        element(
            "circle", cx=4 + 8 * (i % 20), cy=4 + 8 * (i // 20), r=3.1,
            class_="dot on" if i < count else "dot",
        )
        for i in range(100)
    ]  # fmt: skip
    return Markup('<svg class="dots" viewBox="0 0 160 40" aria-hidden="true">{}</svg>').format(
        Markup("").join(dots)
    )


def contribution_bar(start: float, end: float, low: float, high: float, kind: str) -> Markup:
    """One bar of a waterfall: from what was reached before to what is reached with it.

    Args:
        start: Value before, in the unit of the axis.
        end: Value with it.
        low: Left end of the axis.
        high: Right end.
        kind: Class of the bar.
    """
    span = max(high - low, 1e-9)
    x0, x1 = (round(100 * (value - low) / span, 2) for value in (start, end))
    parts = [mark(x1, 0, x1, 22, "step"), bar(x0, x1, 5, 12, kind)]
    return Markup(
        '<svg class="fig bar" width="100%" height="22" aria-hidden="true">{}</svg>'
    ).format(Markup("").join(parts))


def what_if_curve(
    rows: Sequence[Mapping[str, float]],
    here: tuple[float, float] | None,
    scale: Scale,
    words: Words,
    name: str,
) -> Markup:
    """Predicted acuity, with its interval, over the acuity before surgery.

    Args:
        rows: `preop_logmar`, `predicted_logmar`, `lower_logmar`, `upper_logmar` of each line.
        here: Acuity before and predicted of this eye; None = unknown or off the chart.
        scale: Gives the notation.
        words: Of the page.
        name: Unique on the page.
    """
    left, right, top, bottom = 54.0, CURVE_WIDTH - 12.0, 10.0, CURVE_HEIGHT - 44.0
    first, last = rows[0]["preop_logmar"], rows[-1]["preop_logmar"]
    ends = [value for row in rows for value in (row["lower_logmar"], row["upper_logmar"])]
    best = max(min(ends), BEST_LINE * LINE_LOGMAR)
    worst = min(max(*ends, best + 0.4), WORST_LINE * LINE_LOGMAR)

    def x(preop: float) -> float:
        """Better acuity before surgery on the right."""
        share = (last - preop) / max(last - first, 1e-9)
        return round(left + float(np.clip(share, 0, 1)) * (right - left), 1)

    def y(logmar: float) -> float:
        """Better acuity after surgery at the top."""
        share = (float(np.clip(logmar, best, worst)) - best) / (worst - best)
        return round(top + share * (bottom - top), 1)

    def path(values: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x(before)},{y(after)}" for before, after in values)

    lower = [(row["preop_logmar"], row["lower_logmar"]) for row in rows]
    upper = [(row["preop_logmar"], row["upper_logmar"]) for row in rows]
    middle = [(row["preop_logmar"], row["predicted_logmar"]) for row in rows]
    parts = [
        element("polygon", points=path([*lower, *upper[::-1]]), class_="band"),
        element("polyline", points=path(middle), class_="curve"),
        element("line", x1=left, y1=bottom, x2=right, y2=bottom, class_="axis"),
    ]
    for k, row in enumerate(rows):
        if len(rows) < 8 or k % 2 == 0:
            place = x(row["preop_logmar"])
            text = scale.text(row["preop_logmar"])
            parts.append(
                element("text", text, x=place, y=bottom + 16, class_="tick", text_anchor="middle")
            )
    step = max(1, round((worst - best) / LINE_LOGMAR / 6))
    for line in range(int(np.ceil(best * 10 - 1e-6)), int(np.floor(worst * 10 + 1e-6)) + 1, step):
        place = y(line * LINE_LOGMAR)
        parts.append(element("line", x1=left, y1=place, x2=right, y2=place, class_="grid"))
        text = scale.text(line * LINE_LOGMAR)
        parts.append(
            element("text", text, x=left - 6, y=place + 4, class_="tick", text_anchor="end")
        )
    if here is not None:
        parts.append(element("circle", cx=x(here[0]), cy=y(here[1]), r=6, class_="after"))
        anchor = "start" if x(here[0]) < (left + right) / 2 else "end"
        aside = 10 if anchor == "start" else -10
        parts.append(
            element(
                "text", words("this_eye"), x=x(here[0]) + aside, y=y(here[1]) - 8,
                class_="tick strong", text_anchor=anchor,
            )
        )  # fmt: skip
    parts.append(
        element(
            "text", words("what_if.x"), x=(left + right) / 2, y=CURVE_HEIGHT - 8,
            class_="tick soft", text_anchor="middle",
        )
    )  # fmt: skip
    described = words(
        "what_if.alt",
        first=scale.text(middle[-1][1]), first_preop=scale.text(last),
        last=scale.text(middle[0][1]), last_preop=scale.text(first),
    )  # fmt: skip
    return Markup(
        '<svg class="fig curve-fig" viewBox="0 0 {w} {h}" role="img" aria-label="{described}">'
        "{parts}</svg>"
    ).format(w=CURVE_WIDTH, h=CURVE_HEIGHT, described=described, parts=Markup("").join(parts))


def outlines(segmentation: Segmentation) -> tuple[Markup, list[str]]:
    """Surfaces and lesions of a scan, to lie over its picture; and which lesions there are.

    Args:
        segmentation: In pixels of the scan.
    """
    height, width = segmentation.height, segmentation.visible.size
    parts, found = [], []
    for name in LESIONS:
        mask = (segmentation.lesion(name) & segmentation.visible).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
        areas = [one for one in contours if cv2.contourArea(one) >= 12]
        if areas:
            found.append(name)
            path = "".join(
                "M" + "L".join(f"{x} {y}" for x, y in one[:, 0].tolist()) + "Z" for one in areas
            )
            colour = rgb(LESION_COLOURS[name])
            parts.append(element("path", d=path, fill=colour, fill_opacity=0.5, stroke="none"))
    seen = np.flatnonzero(segmentation.visible & np.isfinite(segmentation.surfaces).all(axis=0))
    step = max(1, width // OUTLINE_POINTS)
    for name in SURFACES if seen.size else ():
        rows, colour = segmentation.surface(name), rgb(SURFACE_COLOURS[name])
        gaps = np.flatnonzero(np.diff(seen) > 1) + 1
        for run in np.split(seen, gaps):
            columns = np.unique(np.r_[run[::step], run[-1]])
            points = " ".join(f"{c},{float(rows[c]):.1f}" for c in columns)
            parts.append(element("polyline", points=points, fill="none", stroke=colour))
    return (
        Markup(
            '<svg class="layers" viewBox="0 0 {w} {h}" preserveAspectRatio="none" '
            'aria-hidden="true">{parts}</svg>'
        ).format(w=width, h=height, parts=Markup("").join(parts)),
        found,
    )


def rgb(colour: tuple[int, int, int]) -> str:
    """A colour of a style."""
    return "rgb({},{},{})".format(*colour)


def heat_picture(heat: NDArray[np.float32], strongest: float) -> bytes:
    """A heat map as PNG to lie over its scan: orange lowers acuity, blue raises it.

    Args:
        heat: (H, W) logMAR, NaN = the network did not read this.
        strongest: Of full colour, logMAR.
    """
    height = max(1, round(heat.shape[0] * HEAT_COLUMNS / heat.shape[1]))
    values = np.nan_to_num(heat, nan=0.0)
    small = cv2.resize(values, (HEAT_COLUMNS, height), interpolation=cv2.INTER_AREA)
    strength = np.clip(np.abs(small) / strongest, 0, 1)
    colour = np.where(small[..., None] > 0, WORSE_RGB, BETTER_RGB).astype(np.uint8)
    alpha = np.rint(strength * 200).astype(np.uint8)
    picture = np.dstack([colour[..., ::-1], alpha])
    return cv2.imencode(".png", picture)[1].tobytes()


def letters_that_add_up(parts: Sequence[float], total: int) -> list[int]:
    """Whole numbers near these whose sum is the total: what is shown can be added up by the reader.

    Each is rounded down, and the largest remainders up (Hamilton's method).

    Args:
        parts: Whose sum is nearly the total.
        total: Of the whole numbers.

    >>> letters_that_add_up([70.4, 5.4, 3.4], 79)
    [71, 5, 3]
    """
    floors = [int(np.floor(part)) for part in parts]
    missing = total - sum(floors)
    order = sorted(range(len(parts)), key=lambda i: floors[i] - parts[i])
    for k in range(abs(missing)):
        place = order[k % len(order)] if missing > 0 else order[-1 - k % len(order)]
        floors[place] += 1 if missing > 0 else -1
    return floors


def waterfall(values: Sequence[int]) -> list[tuple[int, int]]:
    """Start and end of each bar; the first begins at nothing known.

    >>> waterfall([70, 5, -3])
    [(70, 70), (70, 75), (75, 72)]
    """
    sums = np.cumsum(values).tolist()
    return [(sums[0], sums[0]), *pairwise(sums)]
