"""A plan for people and for programs: a page, a picture of the curve, and JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.planning.learning_curve import Estimated, LearningCurve
from ctt_net.planning.plan import Line, StudyPlan

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

PAGE_FILE = "plan.html"
CURVE_FILE = "learning_curve.png"
TEMPLATES = Path(__file__).parent / "templates"

CRITERIA = {
    "shrinkage": "shrinkage of the coefficients at least 0.9",
    "r2_optimism": "optimism of R² at most 0.05",
    "residual_sd": "residual SD to within 10%",
    "mean": "mean outcome to within one letter",
    "r2": "R² to within 0.05",
    "bias": "bias to within the wanted half width",
    "calibration_slope": "calibration slope to within 0.1",
    "needed": "all of these",
}


def as_json(plan: StudyPlan) -> str:
    """The plan as JSON."""
    return json.dumps(plan.to_dict(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def write_plan(plan: StudyPlan, out: Path) -> Path:
    """Write the plan as JSON and page, and the learning curve as PNG.

    Args:
        plan: The plan.
        out: Folder.

    Returns:
        The page.

    Raises:
        InputError: If there is no writing there.
    """
    picture, pixels = _picture(plan.curve, plan.within) if plan.curve else (None, b"")
    files: dict[str, str | bytes] = {
        "plan.json": as_json(plan),
        PAGE_FILE: _page(plan, picture),
    }
    if pixels:
        files[CURVE_FILE] = pixels
    atomic_write_all(out, files, stale=[CURVE_FILE, "plan.csv"])  # of version 0.1
    return out / PAGE_FILE


def half_width_text(line: Line, half_width: float) -> str:
    """In the figure's unit: thousandths of logMAR, or percent."""
    return f"±{half_width:.3f}" if line.unit == "logMAR" else f"±{half_width:.1%}"


def curve_rows(curve: LearningCurve, within: float) -> list[tuple[str, str]]:
    """Figures of a fitted curve, as text."""
    largest = float(curve.eyes.max())
    return [
        ("error with unlimited eyes", _logmar(curve.asymptote)),
        (f"error with twice as many, {2 * largest:,.0f} eyes", _logmar(curve.mae_at(2 * largest))),
        (f"eyes for an error within {within:g} of the first", _eyes(curve.eyes_within(within))),
    ]


def _logmar(figure: Estimated) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}) logMAR"


def _eyes(figure: Estimated) -> str:
    """Rounded to two digits, which is all the precision there is."""

    def text(eyes: float) -> str:
        return f"{float(f'{eyes:.2g}'):,.0f}" if np.isfinite(eyes) else "no upper limit"

    value = text(figure.value) if np.isfinite(figure.value) else "not estimable"
    return f"{value} ({text(figure.low)} to {text(figure.high)})"


def _page(plan: StudyPlan, picture: "Markup | None") -> str:
    from ctt_net.report.page import render  # imports the template library: slow

    sections: list[dict[str, Any]] = []
    if plan.development:
        title = f"To develop a regression model of {plan.parameters} parameters"
        sections.append(
            {"title": title, "source": "doi 10.1002/sim.7993", **_sizes(plan.development)}
        )
    if plan.validation:
        title = "To validate a well-calibrated model externally"
        sections.append(
            {"title": title, "source": "doi 10.1002/sim.8766", **_sizes(plan.validation)}
        )
    return render(
        "plan.html",
        folder=TEMPLATES,
        title="Sample size of a study",
        synthetic=False,
        plan=plan,
        half_width_text=half_width_text,
        sections=sections,
        curve_rows=curve_rows(plan.curve, plan.within) if plan.curve else [],
        picture=picture,
    )


def _sizes(sizes: Any) -> dict[str, Any]:
    return {"rows": [(CRITERIA[name], f"{patients:,}") for name, patients in sizes.items()]}


def _picture(curve: LearningCurve, within: float) -> "tuple[Markup, bytes]":
    """Points, best curve and the range of curves not rejected, to four times the largest."""
    from ctt_net.report.drawing import LINE, SOFT, svg_and_png

    largest = float(curve.eyes.max())
    eyes = np.geomspace(float(curve.eyes.min()), 4 * largest, 200)
    best, low, high = curve.band(eyes)
    ticks = np.unique(np.concatenate([curve.eyes, [4 * largest]]).round())

    def draw(axes: "Axes") -> None:
        axes.fill_between(eyes, low, high, color="#1f5a96", alpha=0.15, lw=0)
        measured = eyes <= largest
        axes.plot(eyes[measured], best[measured], color="#1f5a96", lw=1.6)
        axes.plot(eyes[~measured], best[~measured], color="#1f5a96", lw=1.6, ls=(0, (4, 2)))
        spread = None if curve.se is None else 1.96 * curve.se
        axes.errorbar(curve.eyes, curve.mae, spread, fmt="o", color="#1f5a96", ms=4, lw=1)
        axes.axhline(curve.best[0], color=LINE, lw=1)
        axes.axhline(curve.best[0] + within, color=SOFT, lw=1, ls=(0, (1, 3)))
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_ylim(0, None)
        axes.set_xlabel("Training eyes")
        axes.set_ylabel("Mean absolute error, logMAR")

    return svg_and_png(draw, "learning-curve", "Error against number of training eyes", height=3.4)
