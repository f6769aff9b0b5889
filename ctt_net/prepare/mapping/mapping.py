"""A mapping: what a person says of a spreadsheet and a folder, checked before anything is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ctt_net.cohort import CohortSpec
from ctt_net.cohort.schema import VA_COLUMNS, AcuityPolicy, CohortFacts, View
from ctt_net.cohort.words import comparable
from ctt_net.errors import InputError
from ctt_net.io.schema import Bounds, Items, Schema, Text
from ctt_net.io.yaml_file import read_yaml_mapping
from ctt_net.measure import ChosenMeasures, declare_measures
from ctt_net.prepare.mapping.column_rules import (
    CellRule,
    Columns,
    CovariateRule,
    LateralityRule,
)
from ctt_net.prepare.mapping.exclusion import Exclusion
from ctt_net.prepare.mapping.scan_rule import ScanRule, ScansSection, line_of
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.mapping.visit import VisitRule

# What a draft leaves to a person.
CHOOSE = "CHOOSE"
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet")
# What tells who a patient is, or what came after surgery.
_NO_COVARIATE = ("patient_id", "eye_id", "postop_va", "postop_date", "followup_days")


class MappedView(View):
    """A view, and the section of a device's volume that shows it.

    Args:
        direction: Of the scan.
        angle_deg: Angle to the horizontal meridian, degrees.
        section: `horizontal`, `vertical` or `line 2 of 5`; by default the direction.
    """

    section: Text | None = None

    @model_validator(mode="after")
    def _is_a_section(self) -> Self:
        if self.section not in (None, "horizontal", "vertical", "oblique"):
            line_of(self.section or "", "section")
        return self


class MappingFile(Schema):
    """A mapping as a person writes it.

    Args:
        cohort: Name, source, licence and citation, as they go into `cohort.yaml`.
        table: The user's table.
        visit: Which visit is which, in a table of one row per visit.
        columns: Manifest column to its rule.
        covariates: Name to its rule.
        acuity: `off_chart_policy` and `expect_improvement`, as they go into `cohort.yaml`.
        views: View to its geometry, and to the section of a device volume that shows it.
        scans: Where the scans are found; without it there are none.
        exclude: Lines that begin with '-': rows left out, with a reason.
        require: What an eye must have.
        measures: Measured in every scan and written as covariates `<view>_<measure>`: names of
            measures (docs/reference/measures.md), or `default` for a short list. Needs
            `cohort.devices`.
        followup_window_days: First and last day of a usual follow-up.
    """

    cohort: CohortFacts
    table: TableSource
    visit: VisitRule | None = None
    columns: Columns
    covariates: dict[str, CovariateRule] = Field(default_factory=dict)
    acuity: AcuityPolicy = AcuityPolicy()
    views: dict[str, MappedView] = Field(default_factory=dict)
    scans: ScansSection | None = None
    exclude: Items[Exclusion] = ()
    require: Items[Literal["preop_va", "postop_va", "any_view", "all_views"]] = ()
    measures: ChosenMeasures | None = None
    followup_window_days: Bounds | None = None

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        shape, columns = self.table.one_row_per, self.columns
        if (shape == "visit") != (self.visit is not None):
            raise InputError(
                f"the visit section and 'one_row_per: visit' belong together; "
                f"{'add' if shape == 'visit' else 'remove'} the section or change table.one_row_per"
            )
        if self.visit is not None and (self.visit.postop is None) != (columns.postop_va is None):
            raise InputError("visit.postop and columns.postop_va belong together; say both")
        _check_laterality(columns.laterality, shape, self.scans)
        before, after = (getattr(columns, name) for name in VA_COLUMNS)
        if shape != "visit" and after is not None and set(before.columns) & set(after.columns):
            raise InputError(
                "columns.preop_va and columns.postop_va name the same column; name two, or say "
                "'one_row_per: visit' if every row is a visit"
            )
        for name, rule in self.named_rules():
            if rule.sides and (shape != "patient" or name == "columns.patient_id"):
                raise InputError(f"{name}: OD and OS name columns where 'one_row_per: patient'")
        self._check_covariates()
        if self.scans is None and {"any_view", "all_views"} & set(self.require):
            raise InputError("require asks for views, but there is no scans section; add it")
        if self.scans is None and self.measures is not None:
            raise InputError("measures needs scans, but there is no scans section; add it")
        return self

    def named_rules(self) -> list[tuple[str, CellRule]]:
        """Every rule, and its place in the mapping."""
        rules: list[tuple[str, CellRule]] = [
            *((f"columns.{name}", rule) for name, rule in self.columns.rules().items()),
            *((f"covariates.{name}", rule) for name, rule in self.covariates.items()),
        ]
        for name in VA_COLUMNS:
            acuity = getattr(self.columns, name)
            beside = {} if acuity is None else acuity.beside()
            rules += [(f"columns.{name}.{key}", rule) for key, rule in beside.items()]
        if self.visit is not None:
            rules.append(("visit", self.visit))
        if self.scans is not None:
            rules += [(f"scans.columns.{view}", r) for view, r in self.scans.columns.items()]
        return rules

    def _check_covariates(self) -> None:
        for name, rule in self.covariates.items():
            if not rule.columns:
                raise InputError(f"covariates.{name}.column is missing; name a column of the table")
            for role in _NO_COVARIATE:
                other = getattr(self.columns, role)
                for column in set(rule.columns) & set(() if other is None else other.columns):
                    raise InputError(
                        f"covariates.{name} and columns.{role} name the same column {column!r}; "
                        f"who a patient is and what came after surgery must never be a covariate"
                    )


def _check_laterality(given: LateralityRule | None, shape: str, scans: ScansSection | None) -> None:
    """Whether it is said, once, which eye a row is."""
    where = "columns.laterality"
    if shape == "patient":
        if given is not None:
            raise InputError(f"{where}: a table of one row per patient says it by its columns")
        return
    if given is None:
        raise InputError(
            f"{where} is missing; write {{column: Eye, OD: [R], OS: [L]}}, or {{from: files}}"
        )
    if given.from_files and shape == "visit":
        raise InputError(f"{where}: a table of visits must say which eye a row is")
    if given.from_files and (scans is None or not scans.names):
        raise InputError(f"{where}: 'from: files' needs scans.names")
    in_table = {comparable(word): side for word, side in given.words.items()}
    for side, words in scans.laterality.items() if scans is not None else ():
        for word in words:
            other = in_table.get(comparable(word), side)
            if other != side and not given.from_files:
                raise InputError(
                    f"{word!r} means {other} in {where} and {side} in scans.laterality; correct "
                    f"one of them"
                )


@dataclass(frozen=True)
class CohortMapping:
    """A checked mapping.

    Args:
        path: Its file.
        given: As written.
        file: The same, checked.
        spec: The `cohort.yaml` it makes.
        scans: What to search scans by, None = no scans.
        sections: View to the section of a device volume that shows it.
    """

    path: Path
    given: Mapping[str, Any]
    file: MappingFile
    spec: CohortSpec
    scans: ScanRule | None
    sections: Mapping[str, str]

    @property
    def table(self) -> TableSource:
        """Where the rows come from."""
        return self.file.table

    @property
    def rules(self) -> dict[str, CellRule]:
        """Manifest column, covariates included, to its rule."""
        return {**self.file.columns.rules(), **self.file.covariates}

    def place_of(self, column: str, side: str | None = None) -> str:
        """The table's own name for a manifest column."""
        return self.rules[column].place(side) if column in self.rules else column

    def named_columns(self) -> list[tuple[str, str]]:
        """Every column of the table that is asked for, and the place that names it."""
        named = [
            (column, place) for place, rule in self.file.named_rules() for column in rule.columns
        ]
        return named + [(e.column, f"exclude ({e.reason})") for e in self.file.exclude]

    def number_columns(self) -> list[str]:
        """Columns of the table that hold numbers, acuities apart."""
        file, covariates = self.file, self.spec.covariates
        rules: list[CellRule | None] = [file.columns.followup_days]
        rules += [file.covariates[n] for n, c in covariates.items() if c.kind != "categorical"]
        if file.visit is not None and file.visit.preop.is_numeric:
            rules.append(file.visit)
        bounds = [e.column for e in file.exclude if e.below is not None or e.above is not None]
        return bounds + [column for rule in rules if rule is not None for column in rule.columns]


def read_mapping(path: Path) -> CohortMapping:
    """Read and check a mapping file.

    Raises:
        InputError: Naming file, key, value and fix.
    """
    if path.suffix.lower() in TABLE_SUFFIXES:
        raise InputError(
            f"{path}: is a table, not a mapping; to draft a mapping for it: ctt-net prepare "
            f"--draft {path.name} FOLDER_OF_SCANS > mapping.yaml"
        )
    return check_mapping(read_yaml_mapping(path), path)


def check_mapping(given: Mapping[str, Any], path: Path) -> CohortMapping:
    """Check a mapping that was read already.

    Args:
        given: As parsed from YAML.
        path: Its file, for errors; its paths are relative to that folder unless another is given.

    Raises:
        InputError: Naming file, key, value and fix.
    """
    where = str(path)
    places = undecided(given)
    if places:
        raise InputError(
            f"{where}: still to be decided: {', '.join(places)}; replace each CHOOSE by one of the "
            f"answers that the comment beside it offers"
        )
    file = MappingFile.parse(given, where)
    columns = file.columns
    after = columns.postop_va or columns.preop_va  # to predict for: unknown for every eye
    views = {name: view.model_dump(exclude={"section"}) for name, view in file.views.items()}
    spec = CohortSpec.parse(
        {
            **file.cohort.to_dict(),
            "acuity": {
                "preop_va": columns.preop_va.notation[0],
                "postop_va": after.notation[0],
                **file.acuity.to_dict(),
            },
            "views": views,
            "covariates": {name: rule.declared() for name, rule in file.covariates.items()},
        },
        where,
    )
    if file.measures is not None:
        declare_measures(spec, file.measures, f"{where}: measures")
    scans = None if file.scans is None else file.scans.compiled(spec.views, f"{where}: scans")
    sections = {name: view.section or view.direction for name, view in file.views.items()}
    return CohortMapping(path, given, file, spec, scans, sections)


def undecided(given: Any) -> list[str]:
    """Every place of a mapping that says `CHOOSE`.

    >>> undecided({"columns": {"preop_va": {"notation": "CHOOSE"}, "patient_id": "MRN"}})
    ['columns.preop_va.notation']
    """
    return list(_undecided(given, ""))


def _undecided(given: Any, place: str) -> Iterator[str]:
    if isinstance(given, dict):
        for key, value in given.items():
            yield from _undecided(value, f"{place}.{key}" if place else str(key))
    elif isinstance(given, list):
        for value in given:
            yield from _undecided(value, place)
    elif given == CHOOSE:
        yield place
