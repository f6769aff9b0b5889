"""A covariate: one clinical column beside the acuities, and how it is to be read."""

import math
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any, Literal, Self

from pydantic import model_validator

from ctt_net.cohort.words import check_words, comparable
from ctt_net.io.schema import Bounds, Schema, Text, Words, schema_error
from ctt_net.io.yaml_file import as_typed

CovariateKind = Literal["numeric", "binary", "categorical"]

# Quantity, the words of a column's name that say it, whether these mean nothing without a unit, and
# for each unit the lowest and highest value an eye or a person can have; the first unit is assumed.
_QUANTITIES: tuple[tuple[str, str, bool, dict[str, tuple[float, float]]], ...] = (
    ("age", "age|年龄", False, {"years": (0, 120), "months": (0, 1440)}),
    ("axial length", "axial_length|axl|眼轴", False, {"mm": (15, 40)}),
    ("axial length", "al", True, {"mm": (15, 40)}),
    ("intraocular pressure", "iop|intraocular_pressure|眼压", False, {"mmhg": (0, 100)}),
    ("anterior chamber depth", "acd|anterior_chamber_depth", False, {"mm": (0.5, 8)}),
    ("lens thickness", "lens_thickness|lt", True, {"mm": (1, 8)}),
    ("corneal thickness", "cct|corneal_thickness", True, {"um": (200, 1200)}),
    ("corneal power", "k|k1|k2|kmax|km|kmean|keratometry", True, {"d": (20, 80)}),
    ("refraction", "sphere|sph|se|spherical_equivalent|refraction", True, {"d": (-40, 30)}),
    ("astigmatism", "cylinder|cyl|astigmatism", True, {"d": (-20, 20)}),
    ("HbA1c", "hb_?a1c", True, {"percent": (2, 25)}),
    ("body mass index", "bmi", False, {"kgm2": (8, 150)}),
)
_UNITS = {
    **dict.fromkeys(("years", "year", "yrs", "yr", "y", "a", "jahre", "岁"), "years"),
    **dict.fromkeys(("months", "month"), "months"),
    **dict.fromkeys(("um", "µm", "μm", "microns"), "um"),
    **dict.fromkeys(("d", "dpt", "dioptres", "diopters"), "d"),
    **dict.fromkeys(("%", "percent", "pct"), "percent"),
    **{unit: unit for unit in ("mm", "cm", "nm", "mmhg", "kpa", "days", "weeks", "kgm2")},
}
# A measure of this kind is never negative, whatever its unit.
_MEASURE = "size|thickness|diameter|width|volume|area|duration|count|length|depth|pressure|density"
# A difference or a scaled value has other limits than the quantity itself.
_DERIVED = "change|delta|diff|difference|z|zscore|score|log|log10|ln|std|scaled|normali[sz]ed"
# Counts of voxels go beyond 1e7; beyond this nothing is a measurement in any usual unit.
_LARGEST = 1e12

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Covariate(Schema):
    """One clinical column beside the acuities.

    Args:
        kind: `numeric`, `binary` (0/1) or `categorical`.
        unit: Unit of a numeric column, such as `years`.
        levels: Values a categorical column may take.
        missing: Sentinels that mean unknown, as written in the file (`-9`); empty always does.
        range: Lowest and highest possible value of a numeric column; None = those of its quantity
            (`possible_range`).
        measured_in: View whose scan it was measured in by `ctt-net measure`; the column is named
            `<view>_<measure>`, such as `horizontal_hole_height_um`.
        same_as: Numeric covariate of the same unit that holds a person's measurement of the same;
            `ctt-net check` compares them.
    """

    kind: CovariateKind
    unit: str | None = None
    levels: Words = ()
    missing: Words = ()
    range: Bounds | None = None
    measured_in: Text | None = None
    same_as: Text | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        check_words({level: level for level in self.levels}, "levels")
        if self.kind == "categorical" and not self.levels:
            raise schema_error(": a categorical covariate needs its 'levels'")
        if self.range is not None and self.kind != "numeric":
            raise schema_error(": only a numeric covariate has one; take it out", "range")
        return self


@lru_cache(maxsize=256)
def possible_range(name: str, covariate: Covariate) -> tuple[float, float, str]:
    """Lowest and highest possible value of a numeric covariate, and what it is in words.

    Args:
        name: Of its column.
        covariate: A `range` declared there goes before what is known of the quantity.
    """
    if covariate.range is not None:
        return (*covariate.range, "value as declared")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", "_", name).lower()
    stated = covariate.unit.lower().replace("/", "").replace("²", "2") if covariate.unit else None
    unit = _UNITS.get(words.rsplit("_", 1)[-1]) if stated is None else _UNITS.get(stated, stated)
    if _says(words, _DERIVED):
        return -_LARGEST, _LARGEST, "value"
    for quantity, names, needs_unit, limits in _QUANTITIES:
        known = unit or (None if needs_unit else next(iter(limits)))
        if known in limits and _says(words, names):
            return (*limits[known], quantity)
    low = 0.0 if _says(words, _MEASURE) else -_LARGEST
    return low, _LARGEST, "value"


def level_of(covariate: Covariate, value: Any) -> str | None:
    """The declared level that a value means, compared as in a cohort; None if it is none."""
    known = {comparable(level): level for level in covariate.levels}
    return known.get(comparable(as_typed(value)))


def impossible_value(name: str, covariate: Covariate, value: Any) -> str | None:
    """Why a value cannot be one of a covariate, in words that begin with it; None if it can.

    >>> impossible_value("axial_length_mm", Covariate(kind="numeric", unit="mm"), 233.3)
    '233.3 is no possible axial length (15 to 40 mm)'
    >>> impossible_value("age_years", Covariate(kind="numeric", unit="years"), 71.5) is None
    True
    """
    text = value.strip() if isinstance(value, str) else value
    shown = repr(value) if isinstance(value, str | bool) else str(value)
    if covariate.kind == "categorical":
        if level_of(covariate, value) is not None:
            return None
        return f"{shown} is none of the levels {', '.join(covariate.levels)}"
    if covariate.kind == "binary" and isinstance(text, bool):
        return None
    number = math.nan
    if not isinstance(text, str) or _NUMBER.fullmatch(text):
        with suppress(TypeError, OverflowError):
            number = float(text)
    if covariate.kind == "binary":
        return None if number in (0.0, 1.0) else f"{shown[:40]} is not 0 (no) or 1 (yes)"
    if isinstance(text, bool) or not math.isfinite(number):
        return f"{shown[:40]} is no number"
    low, high, what = possible_range(name, covariate)
    if low <= number <= high:
        return None
    unit = f" {covariate.unit}" if covariate.unit else ""
    return f"{number:.10g} is no possible {what} ({low:g} to {high:g}{unit})"


def _says(words: str, names: str) -> bool:
    return re.search(f"(?:^|_)(?:{names})(?:_|$)", words) is not None
