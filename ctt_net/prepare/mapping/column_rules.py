"""The `columns` and `covariates` sections: how a column of the manifest comes out of a table."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ctt_net.acuity import NOTATIONS
from ctt_net.cohort.words import check_words
from ctt_net.io.schema import Flag, Schema, Text, Words, schema_error
from ctt_net.io.yaml_file import as_typed, check_known_keys
from ctt_net.types import EYES

# Two days that a format must give back, or it says less than a day.
_DAYS = (datetime(1987, 12, 31), datetime(2024, 3, 4))


def _value(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise schema_error(f": put quotes around the text, YAML reads it as {given!r}")
    return as_typed(given).strip()


def _recode(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise schema_error(f"must hold 'cell: value' lines, got {given!r}")
    recode = {_value(cell): "" if value is None else _value(value) for cell, value in given.items()}
    check_words(recode, "recode")
    return recode


def _pattern(given: Any) -> re.Pattern[str]:
    try:
        pattern = re.compile(as_typed(given))
    except re.error as error:
        raise schema_error(f": {given!r} is no regular expression: {error}") from None
    if pattern.groups != 1:
        raise schema_error(f": {given!r} needs exactly one group (...), has {pattern.groups}")
    return pattern


def _date_format(given: Any) -> str:
    """A format that tells year, month and day; `%d.%m.` alone would read as 1900."""
    try:
        is_whole = isinstance(given, str) and all(
            datetime.strptime(day.strftime(given), given).date() == day.date() for day in _DAYS
        )
    except ValueError:
        is_whole = False
    if not is_whole:
        raise schema_error(
            f": {given!r} does not tell year, month and day; write it like '%d.%m.%Y' (day 03, "
            f"month 02, year 2024 for 03.02.2024)"
        )
    return str(given)


BOUNDS = ("no_better_than", "no_worse_than")
_NUMBERS = [name for name in NOTATIONS if name != "snellen"]
_NOTATION_AS_WRITTEN = {
    "anyOf": [
        {"enum": list(NOTATIONS)},
        {
            "type": "object",
            "properties": {"fraction": {"const": "snellen"}, "number": {"enum": _NUMBERS}},
            "required": ["fraction", "number"],
            "additionalProperties": False,
        },
    ]
}


def _notation(given: Any) -> tuple[str, str | None]:
    """Notation of a column, and of the plain numbers in it where these have another."""
    if isinstance(given, tuple):
        return given
    if not isinstance(given, Mapping):
        return _one_of(NOTATIONS, given), None
    check_known_keys(given, ("fraction", "number"), "notation")
    fraction = _one_of(("snellen",), given.get("fraction"), ": fraction")
    return fraction, _one_of(_NUMBERS, given.get("number"), ": number")


def _one_of(choices: Iterable[str], given: Any, key: str = "") -> str:
    if given not in choices:
        said = f"must be one of {', '.join(choices)}; got {given!r}"
        raise schema_error(f"{key} {said}".strip())
    return str(given)


class CellRule(Schema):
    """Where a value stands and how it is read: the name of a column, or keys.

    Args:
        column: Of the table; not given where the value is the same for all.
        value: The same for all.
        missing: Cells that mean unknown here, beside the table's.
        strip: Texts that are taken out of a cell.
        recode: Cell to value.
        extract: Regular expression with one group; the cell becomes what the group holds.
    """

    other_forms = ({"type": ["string", "integer"]},)

    column: Text | None = None
    value: Annotated[str, BeforeValidator(_value)] | None = None
    missing: Words = ()
    strip: Words = ()
    recode: Annotated[
        dict[str, str], BeforeValidator(_recode), WithJsonSchema({"type": "object"})
    ] = Field(default_factory=dict)
    extract: Annotated[re.Pattern[str], BeforeValidator(_pattern)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _column_by_name(cls, given: Any) -> Any:
        if isinstance(given, str | int) and not isinstance(given, bool):
            return {"column": given}
        if not isinstance(given, Mapping | CellRule):
            raise schema_error(f"must be a column name or 'key: value' lines, got {given!r}")
        return given

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        parts = {"column": self.column, "value": self.value, "OD/OS": self.sides}
        said = [name for name, part in parts.items() if part]
        if len(said) > 1:
            raise schema_error(f": {' and '.join(said)} cannot both be said; keep one")
        return self

    @property
    def sides(self) -> dict[str, str]:
        """Column of either eye, in a table of one row per patient."""
        return {}

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns it reads."""
        return (self.column,) if self.column else tuple(self.sides.values())

    def place(self, side: str | None = None) -> str:
        """Column of one side, for an error message."""
        return (self.sides.get(side or "") if self.sides else self.column) or "the mapping"


class ColumnRule(CellRule):
    """A rule that names two columns where a row is a patient.

    Args:
        OD: Column of the right eye.
        OS: Column of the left eye.
    """

    OD: Text | None = None
    OS: Text | None = None

    @property
    def sides(self) -> dict[str, str]:
        """Column of either eye, in a table of one row per patient."""
        return {side: column for side, column in (("OD", self.OD), ("OS", self.OS)) if column}


class AcuityRule(ColumnRule):
    """A column of acuities.

    Args:
        notation: One of decimal, logmar, snellen, etdrs and five_mark, or
            `{fraction: snellen, number: decimal}`. It is never guessed: 0.5 is 0.30 logMAR in
            decimal and 0.50 in logMAR.
        off_chart_column: A second column, which holds words such as CF or HM.
        no_better_than: Of `postop_va`: a column of the best that an outcome may be, for eyes of
            which only bounds are known.
        no_worse_than: Of `postop_va`: a column of the worst that it may be.
    """

    notation: Annotated[
        tuple[str, str | None], BeforeValidator(_notation), WithJsonSchema(_NOTATION_AS_WRITTEN)
    ]
    off_chart_column: ColumnRule | None = None
    no_better_than: ColumnRule | None = None
    no_worse_than: ColumnRule | None = None

    def beside(self) -> dict[str, ColumnRule]:
        """Rules of the columns that are read together with this one."""
        rules = {name: getattr(self, name) for name in ("off_chart_column", *BOUNDS)}
        return {name: rule for name, rule in rules.items() if rule is not None}


class DateRule(ColumnRule):
    """A column of dates.

    Args:
        format: As in Python's strptime.
        date_cells: Whether date cells among texts are right.
    """

    format: Annotated[str, BeforeValidator(_date_format)] = "%Y-%m-%d"
    date_cells: Flag = False


class CovariateRule(ColumnRule):
    """A covariate: where it stands, and what `cohort.yaml` says of it.

    Args:
        kind: Checked there.
        unit: Checked there.
        levels: Checked there.
        range: Checked there.
    """

    kind: Any = None
    unit: Any = None
    levels: Any = None
    range: Any = None

    def declared(self) -> dict[str, Any]:
        """What `cohort.yaml` says of it."""
        facts = {"kind": self.kind, "unit": self.unit, "levels": self.levels, "range": self.range}
        return {key: fact for key, fact in facts.items() if fact is not None}


class LateralityRule(CellRule):
    """How a row says which eye it is: words in its cells, or `{from: files}`.

    Args:
        OD: Cells that mean the right eye.
        OS: Cells that mean the left eye.
        from_files: The names of the scans say it.
    """

    other_forms = (
        {"type": "object", "properties": {"from": {"const": "files"}}, "required": ["from"]},
    )

    OD: Words = ()
    OS: Words = ()
    from_files: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "from" not in given:
            return given
        if dict(given) != {"from": "files"}:
            raise schema_error("must be {from: files}, or a column and its words", "from")
        return {"from_files": True}

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if not {"from_files", "OD", "OS"} & self.model_fields_set:
            raise schema_error(
                "is missing its words; write {column: Eye, OD: [R], OS: [L]}, or {from: files}"
            )
        words = {side: side for side in EYES}
        for side, given in (("OD", self.OD), ("OS", self.OS)):
            for word in given:
                if words.setdefault(word, side) != side:
                    raise schema_error(f": {word!r} means OD and OS; keep one")
        check_words(words, "words")
        return self

    @property
    def words(self) -> dict[str, str]:
        """Cell to the side it means."""
        return {w: side for side, ws in (("OD", self.OD), ("OS", self.OS)) for w in (side, *ws)}


class Columns(Schema):
    """The manifest's own columns.

    Args:
        patient_id: Name the column that tells persons apart. Without it both eyes of one person
            could be trained on and tested on.
        eye_id: By default `<patient_id>_<OD|OS>`.
        laterality: Which eye a row is; write `{column: Eye, OD: [R], OS: [L]}`, or `{from: files}`.
        preop_va: Name the column and its notation.
        postop_va: Unknown for every eye where it is not given.
        scan_date: Of the scans.
        preop_date: Of the preoperative acuity.
        surgery_date: Of the surgery.
        postop_date: Of the postoperative acuity.
        followup_days: Days from surgery to the postoperative acuity.
        device: That took the scans.
        site: Hospital.
        split: `train`, `val` or `test`.
    """

    patient_id: ColumnRule
    eye_id: ColumnRule | None = None
    laterality: LateralityRule | None = None
    preop_va: AcuityRule
    postop_va: AcuityRule | None = None
    scan_date: DateRule | None = None
    preop_date: DateRule | None = None
    surgery_date: DateRule | None = None
    postop_date: DateRule | None = None
    followup_days: ColumnRule | None = None
    device: ColumnRule | None = None
    site: ColumnRule | None = None
    split: ColumnRule | None = None

    @model_validator(mode="after")
    def _name_columns(self) -> Self:
        for name, rule in self.rules().items():
            if not rule.columns and (rule.value is None or name == "patient_id"):
                what = "that tells persons apart" if name == "patient_id" else "of the table"
                raise schema_error(f": column is missing; name the column {what}", name)
        for bound in set(BOUNDS) & set(self.preop_va.beside()):
            raise schema_error(
                "is for outcomes; an acuity before surgery is an input and needs one number",
                *("preop_va", bound),
            )
        return self

    def rules(self) -> dict[str, CellRule]:
        """The columns that are read from the table."""
        rules = {name: getattr(self, name) for name in type(self).model_fields}
        from_files = self.laterality is not None and self.laterality.from_files
        return {
            name: rule
            for name, rule in rules.items()
            if rule is not None and not (name == "laterality" and from_files)
        }
