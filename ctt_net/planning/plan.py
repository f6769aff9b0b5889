"""A study plan: width of intervals, sample sizes, and whether more eyes would help."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctt_net import INTENDED_USE, __version__
from ctt_net.errors import InputError
from ctt_net.planning.assumptions import Assumptions
from ctt_net.planning.learning_curve import LearningCurve
from ctt_net.planning.precision import eyes_needed
from ctt_net.planning.sample_size import development_sizes, validation_sizes

EYES = (100, 200, 400, 1000)
WANTED_LOGMAR = 0.02  # one letter
WANTED_SHARE = 0.05
WITHIN_LOGMAR = 0.01  # half a letter


@dataclass(frozen=True)
class Line:
    """One figure of the plan.

    Args:
        name: Of the figure.
        unit: `logMAR` or `share`.
        basis: What was assumed.
        correlation: Between fellow eyes; None = not known, both count as one eye.
        half_widths: Half width of the 95% interval at each number of eyes.
        wanted: Half width.
        eyes_needed: For that.
        unknown_fellows: Whether both eyes of a patient were counted as one.
    """

    name: str
    unit: str
    basis: str
    correlation: float | None
    half_widths: tuple[float, ...]
    wanted: float
    eyes_needed: int
    unknown_fellows: bool = False


@dataclass(frozen=True)
class StudyPlan:
    """Everything that was planned.

    Args:
        source: Where the assumptions come from.
        eyes: Numbers of eyes to plan for.
        eyes_per_patient: Assumed.
        lines: A figure each.
        development: Patients for a regression, by criterion; None = not planned.
        parameters: Of that regression.
        validation: Patients to test a model on, by criterion; None = too little is known.
        independent: What is assumed for these two, as text.
        curve: Learning curve; None = not planned.
        within: Margin above its asymptote, logMAR.
    """

    source: str
    eyes: tuple[int, ...]
    eyes_per_patient: float
    lines: tuple[Line, ...]
    development: Mapping[str, int] | None
    parameters: int | None
    validation: Mapping[str, int] | None
    independent: str
    curve: LearningCurve | None
    within: float

    def to_dict(self) -> dict[str, Any]:
        """As `plan.json` holds it."""
        precision = [
            {
                "figure": line.name,
                "unit": line.unit,
                "assumed": line.basis,
                "fellow_correlation": line.correlation,
                "half_width": {str(n): h for n, h in zip(self.eyes, line.half_widths, strict=True)},
                "wanted_half_width": line.wanted,
                "eyes_needed": line.eyes_needed,
                "patients_needed": self.patients(line.eyes_needed),
            }
            for line in self.lines
        ]
        return {
            "intended_use": INTENDED_USE,
            "version": __version__,
            "assumed_from": self.source,
            "eyes_per_patient": self.eyes_per_patient,
            "precision": precision,
            "development": self.development and {"parameters": self.parameters, **self.development},
            "validation": self.validation and dict(self.validation),
            "learning_curve": self.curve and _curve_figures(self.curve, self.within),
        }

    def patients(self, eyes: int) -> int:
        """Patients with so many eyes."""
        return math.ceil(eyes / self.eyes_per_patient)

    def notes(self) -> list[str]:
        """Limits of the numbers."""
        notes = [
            "A plan is as good as its assumptions: repeat it with pessimistic ones. It gives the "
            "width of an interval, not its position."
        ]
        if self.eyes_per_patient > 1 and any(line.unknown_fellows for line in self.lines):
            notes.append(
                "The correlation of fellow eyes is unknown for some metrics; there both eyes of a "
                "patient were counted as one. Give it with --icc."
            )
        if self.development:
            notes.append(
                f"The sizes for a regression of {self.parameters} parameters do not apply to a "
                f"network that reads scans: for that, measure a learning curve."
            )
        if self.curve is not None:
            notes += _curve_notes(self.curve)
        return notes


def make_plan(
    assumptions: Assumptions,
    *,
    eyes: Sequence[int] = EYES,
    wanted_logmar: float = WANTED_LOGMAR,
    wanted_share: float = WANTED_SHARE,
    parameters: int | None = None,
    curve: LearningCurve | None = None,
    within: float = WITHIN_LOGMAR,
) -> StudyPlan:
    """Make a study plan.

    Args:
        assumptions: What is expected.
        eyes: Numbers of eyes to give the width of the intervals for.
        wanted_logmar: Half width wanted for errors.
        wanted_share: Half width wanted for coverage and AUROC.
        parameters: Of a regression to be made; None = none.
        curve: Learning curve.
        within: Margin above its asymptote, logMAR.

    Raises:
        InputError: If a value is impossible, or a regression is planned without R2 and SD.
    """
    if not eyes or min(eyes) < 2:
        raise InputError("eyes must be 2 or more")
    m = assumptions.eyes_per_patient
    lines = []
    for figure in assumptions.figures:
        effect = figure.design_effect(m)
        wanted = wanted_logmar if figure.unit == "logMAR" else wanted_share
        lines.append(
            Line(
                figure.name,
                figure.unit,
                figure.basis,
                figure.correlation,
                tuple(figure.half_width(n / effect) for n in eyes),
                wanted,
                eyes_needed(figure.half_width, wanted, effect),
                unknown_fellows=figure.correlation is None and not figure.measured_whole,
            )
        )
    r2, sd = assumptions.r2, assumptions.sd_outcome
    development = validation = None
    if r2 is not None and sd is not None:
        validation = validation_sizes(r2, sd, wanted_logmar)
        if parameters is not None:
            development = development_sizes(parameters, r2, sd)
    elif parameters is not None:
        raise InputError("--parameters needs an expected --r2 above 0 and --sd-outcome too")
    return StudyPlan(
        source=assumptions.source,
        eyes=tuple(eyes),
        eyes_per_patient=m,
        lines=tuple(lines),
        development=development,
        parameters=parameters,
        validation=validation,
        independent=f"R2 {r2:.2f}, SD of the outcome {sd:.3g} logMAR" if validation else "",
        curve=curve,
        within=within,
    )


def _curve_figures(curve: LearningCurve, within: float) -> dict[str, Any]:
    largest = float(curve.eyes.max())
    a, b, c = map(float, curve.best)
    return {
        "points": [
            {"training_eyes": n, "mae": mae} for n, mae in zip(curve.eyes, curve.mae, strict=True)
        ],
        "best": {"a": a, "b": b, "c": c},
        "asymptote": curve.asymptote.to_dict(),
        "mae_with_twice_as_many": curve.mae_at(2 * largest).to_dict(),
        "within_logmar": within,
        "eyes_within": curve.eyes_within(within).to_dict(),
    }


def _curve_notes(curve: LearningCurve) -> list[str]:
    notes = [
        "The curve holds for this network and this kind of eyes; beyond the largest training it "
        "is an extrapolation, and nothing guarantees its form."
    ]
    if curve.se is not None:
        notes.append(
            "All points were measured on the same eyes, so their errors are correlated: the height "
            "of the curve is less certain than its slope, and the ranges are conservative."
        )
    if curve.scatter > 1.5:
        notes.append(
            f"The points scatter {curve.scatter:.1f} times as much as their intervals say; train "
            f"with more seeds before using the curve."
        )
    return notes
