"""Which visit of an eye is the one before surgery, and which the one after."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from ctt_net.cohort.words import matched
from ctt_net.io.schema import Bounds, Schema, Words, schema_error
from ctt_net.prepare.mapping.column_rules import CellRule


class VisitChoice(Schema):
    """How one visit among those of an eye is chosen: `first`, `last`, names, or days.

    Args:
        names: Visits by name, the first one an eye has wins.
        end: The `first` or `last` by number.
        between: Bounds of a number of days, both inclusive; the one nearest to `nearest` wins.
        nearest: Days; by default the middle.
    """

    other_forms = (
        {"enum": ["first", "last"]},
        {"type": "array"},
    )

    names: Words = ()
    end: Literal["first", "last"] | None = None
    between: Bounds | None = None
    nearest: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if given in ("first", "last"):
            return {"end": given}
        if isinstance(given, list) and given:
            return {"names": given}
        if isinstance(given, VisitChoice) or (isinstance(given, Mapping) and "between" in given):
            return given
        raise schema_error(
            f"must be first, last, a list of visits, or {{between: [a, b]}}, got {given!r}"
        )

    @property
    def is_numeric(self) -> bool:
        """Whether visits must be numbers."""
        return not self.names

    def rank(self, visits: pd.Series) -> pd.Series:
        """Smaller = preferred, NaN = not this visit.

        Args:
            visits: Text, or floats if `is_numeric`.
        """
        if self.names:
            order = {name: float(place) for place, name in enumerate(self.names)}
            return matched(visits, order).map(order).astype(float)
        if self.between is not None:
            low, high = self.between
            nearest = (low + high) / 2 if self.nearest is None else self.nearest
            return (visits - nearest).abs().where((visits >= low) & (visits <= high), np.nan)
        return visits if self.end == "first" else -visits


class VisitRule(CellRule):
    """The `visit` section of a mapping of one row per visit.

    Args:
        preop: Say which visit is the one before surgery.
        postop: The one after.
    """

    preop: VisitChoice
    postop: VisitChoice | None = None

    @model_validator(mode="after")
    def _both_of_a_kind(self) -> Self:
        if not self.column:
            raise schema_error(": column is missing; name the column that tells visits apart")
        if self.postop is not None and self.postop.is_numeric != self.preop.is_numeric:
            raise schema_error(": preop and postop must both name visits, or both count them")
        return self
