"""The `columns` and `covariates` sections of a mapping."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ctt_net.acuity import NOTATIONS
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.schema import VA_COLUMNS
from ctt_net.cohort.words import check_words
from ctt_net.cohort.yaml_value import read_choice, read_flag, read_words
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys
from ctt_net.prepare.mapping.rule import SIDES, Rule, read_rule

PLAIN_COLUMNS = ("patient_id", "eye_id", "site", "device", "split", "followup_days")
# Two days that a format must give back, or it says less than a day.
_PROBES = (datetime(1987, 12, 31), datetime(2024, 3, 4))


@dataclass(frozen=True)
class LateralityWords:
    """Words of either side, and whether the names of the scans say it instead."""

    words: Mapping[str, str] = field(default_factory=dict)
    from_files: bool = False


def read_columns(
    given: Mapping[str, Any], shape: str, where: str
) -> tuple[dict[str, Rule], dict[str, str], dict[str, Rule], dict[str, tuple[str, bool]]]:
    """Rules, notations, off-chart rules and date formats of the manifest's own columns.

    Beside a date format stands whether date cells among the texts are right.

    Raises:
        InputError: Naming key, value and cure.
    """
    known = (*PLAIN_COLUMNS, "laterality", *VA_COLUMNS, *DATE_COLUMNS)
    check_known_keys(given, known, where)
    rules: dict[str, Rule] = {}
    notation: dict[str, str] = {}
    off_chart: dict[str, Rule] = {}
    formats: dict[str, tuple[str, bool]] = {}
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
            notation[name], numbers_as = _notation(rest["notation"], f"{place}.notation")
            rules[name] = replace(rules[name], numbers_as=numbers_as)
            if "off_chart_column" in rest:
                word = rest["off_chart_column"]
                off_chart[name] = read_rule(word, f"{place}.off_chart_column", (), per_side)[0]
        elif name in DATE_COLUMNS:
            rules[name], rest = read_rule(facts, place, ("format", "date_cells"), per_side)
            date_format = _date_format(rest.get("format", "%Y-%m-%d"), f"{place}.format")
            formats[name] = date_format, read_flag(rest, "date_cells", False, place)
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


def read_covariate_rules(
    given: Mapping[str, Any], shape: str, where: str
) -> tuple[dict[str, Rule], dict[str, Any]]:
    """Rules of the covariates, and what `cohort.yaml` says of them."""
    rules, declared = {}, {}
    for name, facts in given.items():
        keys = ("kind", "unit", "levels", "range")
        rule, rest = read_rule(facts, f"{where}.{name}", keys, shape == "patient")
        if not rule.columns:
            raise InputError(f"{where}.{name}.column is missing; name a column of the table")
        rules[str(name)], declared[str(name)] = rule, rest
    return rules, declared


def read_laterality(given: Any, shape: str, where: str) -> LateralityWords:
    """How a row says which eye it is.

    Raises:
        InputError: If it does not, or a word means both.
    """
    if shape == "patient":
        if given is not None:
            raise InputError(f"{where}: a table of one row per patient says it by its columns")
        return LateralityWords()
    if isinstance(given, Mapping) and "from" in given:
        check_known_keys(given, ("from",), where)
        read_choice(given["from"], ("files",), f"{where}.from")
        if shape == "visit":
            raise InputError(f"{where}: a table of visits must say which eye a row is")
        return LateralityWords(from_files=True)
    if not isinstance(given, Mapping) or not any(side in given for side in SIDES):
        raise InputError(
            f"{where} is missing its words; write {{column: Eye, OD: [R], OS: [L]}}, or "
            f"{{from: files}}"
        )
    words = {side: side for side in SIDES}
    for side in SIDES:
        for word in read_words(given.get(side), f"{where}.{side}"):
            if words.setdefault(word, side) != side:
                raise InputError(f"{where}: {word!r} means OD and OS; keep one")
    check_words(words, where)
    return LateralityWords(words)


def _notation(given: Any, where: str) -> tuple[str, str | None]:
    """Notation of a column, and of the plain numbers in it where these have another."""
    if not isinstance(given, Mapping):
        return read_choice(given, NOTATIONS, where), None
    check_known_keys(given, ("fraction", "number"), where)
    others = [name for name in NOTATIONS if name != "snellen"]
    fraction = read_choice(given.get("fraction"), ("snellen",), f"{where}.fraction")
    return fraction, read_choice(given.get("number"), others, f"{where}.number")


def _date_format(given: Any, where: str) -> str:
    """A format that tells year, month and day; `%d.%m.` alone would read as 1900."""
    try:
        told = isinstance(given, str) and all(
            datetime.strptime(day.strftime(given), given).date() == day.date() for day in _PROBES
        )
    except ValueError:
        told = False
    if not told:
        raise InputError(
            f"{where}: {given!r} does not tell year, month and day; write it like '%d.%m.%Y' "
            f"(day 03, month 02, year 2024 for 03.02.2024)"
        )
    return str(given)
