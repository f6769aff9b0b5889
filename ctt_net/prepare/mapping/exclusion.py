"""Which rows a mapping leaves out, each with its reason."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import model_validator

from ctt_net.io.schema import Flag, Schema, Text, Words, schema_error


class Exclusion(Schema):
    """One line of `exclude`.

    Args:
        reason: Give it as text, for the flow table.
        column: Name a column of the table.
        cells: Cells that are left out; `is` in the file.
        missing: Whether blank cells, and words for unknown, are.
        below: Numbers below this are.
        above: Numbers above this are.
    """

    other_forms = ({"type": "object", "required": ["is"]},)

    reason: Text
    column: Text
    cells: Words = ()
    missing: Flag = False
    below: float | None = None
    above: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _is(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise schema_error(f"must hold reason, column and a test, got {given!r}")
        return {"cells" if key == "is" else key: value for key, value in given.items()}

    @model_validator(mode="after")
    def _has_a_test(self) -> Self:
        if not {"cells", "missing", "below", "above"} & self.model_fields_set:
            raise schema_error(": nothing to test; say one of is, missing, below, above")
        return self
