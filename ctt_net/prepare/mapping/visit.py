"""Which visit of an eye is the one before surgery, and which the one after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ctt_net.cohort.words import matched
from ctt_net.cohort.yaml_value import read_bounds, read_number, read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys
from ctt_net.prepare.mapping.rule import Rule, read_rule


@dataclass(frozen=True)
class Choice:
    """How one visit among those of an eye is chosen.

    Args:
        values: Visits by name, the first one an eye has wins.
        end: The `first` or `last` by number.
        between: Bounds of a number of days, both inclusive; the one nearest to `nearest` wins.
        nearest: Days.
    """

    values: tuple[str, ...] = ()
    end: Literal["first", "last"] | None = None
    between: tuple[float, float] | None = None
    nearest: float = 0.0

    @property
    def is_numeric(self) -> bool:
        """Whether visits must be numbers."""
        return not self.values

    def rank(self, visits: pd.Series) -> pd.Series:
        """Smaller = preferred, NaN = not this visit.

        Args:
            visits: Text, or floats if `is_numeric`.
        """
        if self.values:
            order = {name: float(place) for place, name in enumerate(self.values)}
            return matched(visits, order).map(order).astype(float)
        if self.between is not None:
            low, high = self.between
            return (visits - self.nearest).abs().where((visits >= low) & (visits <= high), np.nan)
        return visits if self.end == "first" else -visits


@dataclass(frozen=True)
class VisitRule:
    """The `visit` section of a mapping of one row per visit."""

    rule: Rule
    preop: Choice
    postop: Choice | None


def read_visit(section: Mapping[str, Any], where: str) -> VisitRule:
    """Check and build the `visit` section.

    Raises:
        InputError: Naming key, value and cure.
    """
    rule, rest = read_rule(section, where, further=("preop", "postop"))
    if not rule.column:
        raise InputError(f"{where}.column is missing; name the column that tells visits apart")
    if "preop" not in rest:
        raise InputError(f"{where}.preop is missing; say which visit is the one before surgery")
    postop = _choice(rest["postop"], f"{where}.postop") if "postop" in rest else None
    preop = _choice(rest["preop"], f"{where}.preop")
    if postop is not None and postop.is_numeric != preop.is_numeric:
        raise InputError(f"{where}: preop and postop must both name visits, or both count them")
    return VisitRule(rule, preop, postop)


def _choice(given: Any, where: str) -> Choice:
    if given in ("first", "last"):
        return Choice(end=given)
    if isinstance(given, Mapping):
        check_known_keys(given, ("between", "nearest"), where)
        low, high = read_bounds(given.get("between"), f"{where}.between")
        nearest = read_number(given.get("nearest", (low + high) / 2), f"{where}.nearest")
        return Choice(between=(low, high), nearest=nearest)
    values = read_words(given, where)
    if not values:
        raise InputError(f"{where} must be first, last, a list of visits, or {{between: [a, b]}}")
    return Choice(values=values)
