"""A mapping: what a person says of a spreadsheet and a folder, checked before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctt_net.cohort import CohortSpec
from ctt_net.cohort.schema import VA_COLUMNS
from ctt_net.cohort.words import comparable
from ctt_net.cohort.yaml_value import read_bounds, read_choice, read_section, read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys, read_yaml_mapping
from ctt_net.prepare.mapping.choose import check_decided
from ctt_net.prepare.mapping.column_rules import (
    LateralityWords,
    read_columns,
    read_covariate_rules,
    read_laterality,
)
from ctt_net.prepare.mapping.exclusion import Exclusion
from ctt_net.prepare.mapping.rule import Rule
from ctt_net.prepare.mapping.scan_rule import ScanRule, read_scans
from ctt_net.prepare.mapping.section import read_section_names
from ctt_net.prepare.mapping.table_source import TableSource
from ctt_net.prepare.mapping.visit import VisitRule, read_visit

REQUIREMENTS = ("preop_va", "postop_va", "any_view", "all_views")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet")
# What tells who a patient is, or what came after surgery.
_NO_COVARIATE = ("patient_id", "eye_id", "postop_va", "postop_date", "followup_days")
_SECTIONS = (
    *("cohort", "table", "visit", "columns", "covariates", "acuity", "views", "scans"),
    *("exclude", "require", "followup_window_days"),
)


@dataclass(frozen=True)
class CohortMapping:
    """A checked mapping.

    Args:
        path: Its file.
        given: As written.
        spec: The `cohort.yaml` it makes.
        table: Where the rows come from.
        columns: Manifest column to its rule.
        laterality: How the side is said.
        off_chart: VA column to the rule of the column that holds its off-chart word.
        date_formats: Date column to its format, and whether date cells among the texts are right.
        visit: For a table of one row per visit.
        scans: None = no scans.
        sections: View to the section of a device volume that shows it.
        exclude: Rows left out.
        require: What an eye must have.
        followup_window_days: First and last day of a usual follow-up, None = any.
    """

    path: Path
    given: Mapping[str, Any]
    spec: CohortSpec
    table: TableSource
    columns: Mapping[str, Rule]
    laterality: LateralityWords
    off_chart: Mapping[str, Rule]
    date_formats: Mapping[str, tuple[str, bool]]
    visit: VisitRule | None = None
    scans: ScanRule | None = None
    sections: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[Exclusion, ...] = ()
    require: tuple[str, ...] = ()
    followup_window_days: tuple[float, float] | None = None

    def place_of(self, column: str, side: str | None = None) -> str:
        """The table's own name for a manifest column."""
        return self.columns[column].place(side) if column in self.columns else column

    def named_columns(self) -> list[tuple[str, str]]:
        """Every column of the table that is asked for, and the place that names it."""
        rules = [(f"columns.{name}", rule) for name, rule in self.columns.items()]
        rules += [(f"columns.{n}.off_chart_column", rule) for n, rule in self.off_chart.items()]
        if self.visit is not None:
            rules.append(("visit", self.visit.rule))
        if self.scans is not None:
            rules += [(f"scans.columns.{view}", rule) for view, rule in self.scans.columns.items()]
        named = [(column, place) for place, rule in rules for column in rule.columns]
        return named + [(e.column, f"exclude ({e.reason})") for e in self.exclude]

    def number_columns(self) -> list[str]:
        """Columns of the table that hold numbers, acuities apart."""
        rules = [
            rule
            for name, rule in self.columns.items()
            if name == "followup_days"
            or (name in self.spec.covariates and self.spec.covariates[name].kind != "categorical")
        ]
        if self.visit is not None and self.visit.preop.is_numeric:
            rules.append(self.visit.rule)
        bounds = [e.column for e in self.exclude if e.below is not None or e.above is not None]
        return bounds + [column for rule in rules for column in rule.columns]


def read_mapping(path: Path) -> CohortMapping:
    """Read and check a mapping file.

    Raises:
        InputError: Naming file, key, value and cure.
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
        path: Its file, for errors; what its paths are relative to lies there unless told otherwise.

    Raises:
        InputError: Naming file, key, value and cure.
    """
    where = str(path)
    check_decided(given, where)
    check_known_keys(given, _SECTIONS, where)
    table = TableSource.from_dict(read_section(given, "table", where), f"{where}: table")
    columns = dict(read_section(given, "columns", where))
    covariates = dict(read_section(given, "covariates", where))
    shape = table.one_row_per
    rules, notation, off_chart, formats = read_columns(columns, shape, f"{where}: columns")
    rules_of_covariates, declared = read_covariate_rules(covariates, shape, f"{where}: covariates")
    acuity = read_section(given, "acuity", where)
    check_known_keys(acuity, ("off_chart_policy", "expect_improvement"), f"{where}: acuity")
    views = dict(read_section(given, "views", where))
    plain_views, sections = read_section_names(views, f"{where}: views")
    spec = CohortSpec.parse(
        {
            **read_section(given, "cohort", where),
            "acuity": {**notation, **acuity},
            "views": plain_views,
            "covariates": declared,
        },
        where,
    )
    if (shape == "visit") != ("visit" in given):
        raise InputError(
            f"{where}: the visit section and 'one_row_per: visit' belong together; "
            f"{'add' if shape == 'visit' else 'remove'} the section or change table.one_row_per"
        )
    laterality = read_laterality(columns.get("laterality"), shape, f"{where}: columns.laterality")
    scans = None
    if given.get("scans") is not None:
        scans = read_scans(
            read_section(given, "scans", where), tuple(spec.views), f"{where}: scans"
        )
    if laterality.from_files and (scans is None or not scans.names):
        raise InputError(f"{where}: columns.laterality: 'from: files' needs scans.names")
    _check_sides_not_crossed(laterality, scans, where)
    for name, rule in rules_of_covariates.items():
        for role in (role for role in _NO_COVARIATE if role in rules):
            for column in set(rule.columns) & set(rules[role].columns):
                raise InputError(
                    f"{where}: covariates.{name} and columns.{role} name the same column "
                    f"{column!r}; who a patient is and what came after surgery must never be a "
                    f"covariate"
                )
    before, after = (rules[name].columns if name in rules else () for name in VA_COLUMNS)
    if shape != "visit" and set(before) & set(after):
        raise InputError(
            f"{where}: columns.preop_va and columns.postop_va name the same column; name two, or "
            f"say 'one_row_per: visit' if every row is a visit"
        )
    visit = read_visit(given["visit"], f"{where}: visit") if shape == "visit" else None
    if visit is not None and (visit.postop is None) != ("postop_va" not in columns):
        raise InputError(f"{where}: visit.postop and columns.postop_va belong together; say both")
    require = _requirements(given.get("require"), f"{where}: require")
    if scans is None and {"any_view", "all_views"} & set(require):
        raise InputError(f"{where}: require asks for views, but there is no scans section; add it")
    window = given.get("followup_window_days")
    return CohortMapping(
        path=path,
        given=given,
        spec=spec,
        table=table,
        columns={**rules, **rules_of_covariates},
        laterality=laterality,
        off_chart=off_chart,
        date_formats=formats,
        visit=visit,
        scans=scans,
        sections=sections,
        exclude=_exclusions(given.get("exclude"), f"{where}: exclude"),
        require=require,
        followup_window_days=None
        if window is None
        else read_bounds(window, f"{where}: followup_window_days"),
    )


def _check_sides_not_crossed(
    laterality: LateralityWords, scans: ScanRule | None, where: str
) -> None:
    """A word that is the right eye in the table and the left one in the names of the scans."""
    in_table = {comparable(word): side for word, side in laterality.words.items()}
    in_names = {} if scans is None else scans.words.get("laterality", {})
    for side, words in in_names.items():
        for word in words:
            other = in_table.get(comparable(word), side)
            if other != side:
                raise InputError(
                    f"{where}: {word!r} means {other} in columns.laterality and "
                    f"{side} in scans.laterality; correct one of them"
                )


def _exclusions(given: Any, where: str) -> tuple[Exclusion, ...]:
    if given is None:
        return ()
    if not isinstance(given, list):
        raise InputError(f"{where} must be a list of lines that begin with '-', got {given!r}")
    return tuple(
        Exclusion.from_dict(item, f"{where}[{number}]") for number, item in enumerate(given, 1)
    )


def _requirements(given: Any, where: str) -> tuple[str, ...]:
    words = read_words(given, where)
    for word in words:
        read_choice(word, REQUIREMENTS, where)
    return words
