"""A mapping: what a person says of a spreadsheet and a folder, checked before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctt_net.acuity import NOTATIONS
from ctt_net.cohort import CohortSpec
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.schema import VA_COLUMNS
from ctt_net.cohort.yaml_value import read_choice, read_number, read_section, read_words
from ctt_net.errors import InputError
from ctt_net.intake.exclusion import Exclusion
from ctt_net.intake.rule import SIDES, Rule, read_rule
from ctt_net.intake.scan_rule import ScanRule, read_scans
from ctt_net.intake.section import read_section_names
from ctt_net.intake.table_source import TableSource
from ctt_net.intake.visit import VisitRule, read_visit
from ctt_net.yaml_file import read_yaml_mapping, refuse_unknown_keys

PLAIN_COLUMNS = ("patient_id", "eye_id", "site", "device", "split", "followup_days")
REQUIREMENTS = ("preop_va", "postop_va", "any_view", "all_views")
_SECTIONS = (
    *("cohort", "table", "visit", "columns", "covariates", "acuity", "views", "scans"),
    *("exclude", "require", "followup_window_days"),
)


@dataclass(frozen=True)
class LateralityWords:
    """Words of either side, and whether the names of the scans say it instead."""

    words: Mapping[str, str] = field(default_factory=dict)
    from_files: bool = False


@dataclass(frozen=True)
class CohortMapping:
    """A checked mapping.

    Args:
        path: Its file.
        spec: The `cohort.yaml` it makes.
        table: Where the rows come from.
        columns: Manifest column to its rule.
        laterality: How the side is said.
        off_chart: VA column to the rule of the column that holds its off-chart word.
        date_formats: Date column to its format.
        visit: For a table of one row per visit.
        scans: None = no scans.
        sections: View to the section of a device volume that shows it.
        exclude: Rows left out.
        require: What an eye must have.
        followup_window_days: First and last day of a usual follow-up, None = any.
    """

    path: Path
    spec: CohortSpec
    table: TableSource
    columns: Mapping[str, Rule]
    laterality: LateralityWords
    off_chart: Mapping[str, Rule]
    date_formats: Mapping[str, str]
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


def read_mapping(path: Path) -> CohortMapping:
    """Read and check a mapping file.

    Raises:
        InputError: Naming file, key, value and cure.
    """
    given = read_yaml_mapping(path)
    where = str(path)
    refuse_unknown_keys(given, _SECTIONS, where)
    table = TableSource.from_dict(read_section(given, "table", where), f"{where}: table")
    columns = dict(read_section(given, "columns", where))
    covariates = dict(read_section(given, "covariates", where))
    shape = table.one_row_per
    rules, notation, off_chart, formats = _columns(columns, shape, f"{where}: columns")
    rules_of_covariates, declared = _covariates(covariates, shape, f"{where}: covariates")
    views = dict(read_section(given, "views", where))
    plain_views, sections = read_section_names(views, f"{where}: views")
    spec = CohortSpec.from_dict(
        {
            **read_section(given, "cohort", where),
            "acuity": {**notation, **read_section(given, "acuity", where)},
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
    laterality = _laterality(columns.get("laterality"), shape, f"{where}: columns.laterality")
    scans = None
    if given.get("scans") is not None:
        scans = read_scans(
            read_section(given, "scans", where), tuple(spec.views), f"{where}: scans"
        )
    if laterality.from_files and (scans is None or not scans.names):
        raise InputError(f"{where}: columns.laterality: 'from: files' needs scans.names")
    return CohortMapping(
        path=path,
        spec=spec,
        table=table,
        columns={**rules, **rules_of_covariates},
        laterality=laterality,
        off_chart=off_chart,
        date_formats=formats,
        visit=read_visit(given["visit"], f"{where}: visit") if shape == "visit" else None,
        scans=scans,
        sections=sections,
        exclude=_exclusions(given.get("exclude"), f"{where}: exclude"),
        require=_requirements(given.get("require"), f"{where}: require"),
        followup_window_days=_window(given.get("followup_window_days"), where),
    )


def _columns(
    given: Mapping[str, Any], shape: str, where: str
) -> tuple[dict[str, Rule], dict[str, str], dict[str, Rule], dict[str, str]]:
    """Rules, notations, off-chart rules and date formats of the manifest's own columns."""
    known = (*PLAIN_COLUMNS, "laterality", *VA_COLUMNS, *DATE_COLUMNS)
    refuse_unknown_keys(given, known, where)
    rules: dict[str, Rule] = {}
    notation: dict[str, str] = {}
    off_chart: dict[str, Rule] = {}
    formats: dict[str, str] = {}
    per_side = shape == "patient"
    for name, facts in given.items():
        place = f"{where}.{name}"
        if name == "laterality":
            if shape != "patient" and not (isinstance(facts, Mapping) and "from" in facts):
                rules[name], _ = read_rule(facts, place, SIDES)
            continue
        if name in VA_COLUMNS:
            if not isinstance(facts, Mapping) or "notation" not in facts:
                raise InputError(
                    f"{place}.notation is missing; name one of {', '.join(NOTATIONS)}. It is never "
                    f"guessed: 0.5 is 0.30 logMAR in decimal and 0.50 in logMAR"
                )
            keys = ("notation", "off_chart_column")
            rules[name], rest = read_rule(facts, place, keys, per_side)
            notation[name] = read_choice(rest["notation"], NOTATIONS, f"{place}.notation")
            if "off_chart_column" in rest:
                word = rest["off_chart_column"]
                off_chart[name] = read_rule(word, f"{place}.off_chart_column", (), per_side)[0]
        elif name in DATE_COLUMNS:
            rules[name], rest = read_rule(facts, place, ("format",), per_side)
            formats[name] = str(rest.get("format", "%Y-%m-%d"))
        else:
            rules[name], _ = read_rule(facts, place, (), per_side and name != "patient_id")
        if not rules[name].columns and rules[name].value is None:
            raise InputError(f"{place}.column is missing; name a column of the table, or a value")
    if "patient_id" not in rules or not rules["patient_id"].columns:
        raise InputError(
            f"{where}.patient_id is missing; name the column that tells persons apart. Without it "
            f"both eyes of one person could be trained on and tested on"
        )
    if "preop_va" not in rules:
        raise InputError(f"{where}.preop_va is missing; name the column and its notation")
    if "postop_va" not in rules:  # to predict for, or to wait for: unknown for every eye
        notation["postop_va"] = notation["preop_va"]
    return rules, notation, off_chart, formats


def _covariates(
    given: Mapping[str, Any], shape: str, where: str
) -> tuple[dict[str, Rule], dict[str, Any]]:
    """Rules of the covariates, and what `cohort.yaml` says of them."""
    rules, declared = {}, {}
    for name, facts in given.items():
        keys = ("kind", "unit", "levels")
        rule, rest = read_rule(facts, f"{where}.{name}", keys, shape == "patient")
        if not rule.columns:
            raise InputError(f"{where}.{name}.column is missing; name a column of the table")
        rules[str(name)], declared[str(name)] = rule, rest
    return rules, declared


def _laterality(given: Any, shape: str, where: str) -> LateralityWords:
    if shape == "patient":
        if given is not None:
            raise InputError(f"{where}: a table of one row per patient says it by its columns")
        return LateralityWords()
    if isinstance(given, Mapping) and "from" in given:
        refuse_unknown_keys(given, ("from",), where)
        read_choice(given["from"], ("files",), f"{where}.from")
        if shape == "visit":
            raise InputError(f"{where}: a table of visits must say which eye a row is")
        return LateralityWords(from_files=True)
    if not isinstance(given, Mapping) or not any(side in given for side in SIDES):
        raise InputError(
            f"{where} is missing its words; write {{column: Eye, OD: [R], OS: [L]}}, or "
            f"{{from: files}}"
        )
    words: dict[str, str] = {}
    for side in SIDES:
        for word in read_words(given.get(side), f"{where}.{side}"):
            if words.setdefault(word.lower(), side) != side:
                raise InputError(f"{where}: {word!r} means OD and OS; keep one")
    return LateralityWords(words)


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


def _window(given: Any, where: str) -> tuple[float, float] | None:
    if given is None:
        return None
    place = f"{where}: followup_window_days"
    if not isinstance(given, list) or len(given) != 2:
        raise InputError(f"{place} must be two numbers such as [14, 120], got {given!r}")
    low, high = (read_number(day, place) for day in given)
    if low > high:
        raise InputError(f"{place}: {low:g} is above {high:g}; exchange them")
    return low, high
