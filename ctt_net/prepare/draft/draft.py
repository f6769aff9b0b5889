"""`ctt-net prepare --draft`: a table and a folder become a mapping for a person to finish."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ctt_net import INTENDED_USE
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import parse_yaml
from ctt_net.prepare.draft.columns import write_columns, write_visit
from ctt_net.prepare.draft.covariates import write_covariates, write_others
from ctt_net.prepare.draft.guess_columns import guess_columns
from ctt_net.prepare.draft.guess_facts import facts_of
from ctt_net.prepare.draft.guess_roles import Roles
from ctt_net.prepare.draft.guess_source import SourceGuess, guess_source
from ctt_net.prepare.draft.scans import join_scans, write_scans
from ctt_net.prepare.draft.yaml_lines import Page, shown
from ctt_net.prepare.mapping.choose import CHOOSE, undecided
from ctt_net.prepare.tables.cells import with_points
from ctt_net.prepare.tables.read_table import HIDDEN


@dataclass(frozen=True)
class Draft:
    """A drafted mapping.

    Args:
        text: YAML with comments.
        undecided: Number of places that say `CHOOSE`.
    """

    text: str
    undecided: int


def draft_mapping(table: Path, folder: Path | None = None) -> Draft:
    """Look at a table and a folder of scans, and write down what can be guessed.

    No value that belongs to one person gets into the text: ranges, counts, shared codes only.

    Args:
        table: CSV, XLSX or Parquet.
        folder: Of the scans.

    Raises:
        InputError: If the table cannot be read, or the folder is not there.
    """
    if not os.path.isfile(table):  # noqa: PTH113 - a name no disk can hold is no error here
        what = "a folder" if os.path.isdir(table) else "no such file"  # noqa: PTH112
        raise InputError(f"{table}: {what}; name a table: CSV, XLSX or Parquet")
    if folder is not None and not os.path.isdir(folder):  # noqa: PTH112
        raise InputError(f"{folder}: no such folder; name the folder of the scans, or leave it out")
    source = guess_source(table)
    cells = source.table
    if source.source.decimal == ",":
        cells = with_points(cells, cells.columns, table)
    words, everywhere, own = _missing(cells)
    cleaned = cells.where(~cells.isin([*words, *everywhere]), "")
    roles = guess_columns(cleaned)
    scans = join_scans(cleaned, roles, folder) if folder is not None else None
    page = Page()
    _write_head(page, table, source, folder)
    _write_table(page, source, table, roles, words + everywhere)
    if roles.shape == "visit":
        write_visit(page, roles)
    write_columns(page, cleaned, roles, scans, own)
    write_covariates(page, roles)
    page.put("acuity")
    page.put("off_chart_policy", "bach", "what CF, HM, LP and NLP count as", indent=2)
    page.skip()
    write_scans(page, cleaned, roles, scans, folder)
    write_others(page, roles)
    text = page.text()
    return Draft(text, len(undecided(parse_yaml(text, "draft"))))


def _missing(table: pd.DataFrame) -> tuple[Counter[str], Counter[str], dict[str, list[str]]]:
    """Words for missing, codes that mean it in every column, and codes of some columns only."""
    facts = {str(name): facts_of(table[name]) for name in table.columns}
    words: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for each in facts.values():
        words += each.words
        codes += each.codes
    meant = {code for code in codes if any(code in each.counts for each in facts.values())}
    own = {name: sorted(meant & set(each.codes)) for name, each in facts.items()}
    everywhere = Counter({code: n for code, n in codes.items() if code not in meant})
    return words, everywhere, {name: found for name, found in own.items() if found}


def _write_head(page: Page, table: Path, source: SourceGuess, folder: Path | None) -> None:
    rows, columns = source.table.shape
    said = f" and {shown(folder.name)}" if folder is not None else ""
    page.say(
        f"Drafted by ctt-net prepare --draft from {shown(table.name)} ({rows} rows, {columns} "
        f"columns){said}."
    )
    page.say(
        f"Every line is a guess from names and values: read it. Where it says {CHOOSE} only a "
        f"person can know; ctt-net prepare stops until each one is answered."
    )
    page.say(
        "Paths stand as they were typed: keep this file where you were, or give --raw FOLDER. "
        "docs/mapping.md explains every key."
    )
    page.say(INTENDED_USE)
    page.skip()
    page.put("cohort")
    name = "".join(sign if sign.isalnum() else "_" for sign in table.stem.lower())
    page.put("name", name.strip("_") or "cohort", indent=2)
    for key, text in (
        ("source", "not stated"),
        ("licence", "not to be shared"),
        ("citation", "none yet"),
    ):
        page.put(key, text, "in your own words" if key == "source" else "", indent=2)
    page.skip()


def _write_table(
    page: Page, source: SourceGuess, path: Path, roles: Roles, missing: Counter[str]
) -> None:
    facts, notes = source.source, source.notes
    page.put("table")
    page.put("file", path.as_posix(), indent=2)
    if facts.sheet is not None:
        page.put("sheet", facts.sheet, notes["sheet"], indent=2)
    if "encoding" in notes:
        plain = facts.encoding == "utf-8-sig"
        page.put("encoding", "utf-8" if plain else facts.encoding, notes["encoding"], indent=2)
        page.put("separator", facts.separator, notes["separator"], indent=2)
    if facts.header_row != 1:
        page.put("header_row", facts.header_row, notes["header_row"], indent=2)
    if facts.decimal != ".":
        page.put("decimal", facts.decimal, notes["decimal"], indent=2)
    if source.table.attrs[HIDDEN]:
        hidden = f"keep or leave_out: {len(source.table.attrs[HIDDEN])} rows are hidden"
        page.put("hidden_rows", CHOOSE, hidden, indent=2)
    if missing:
        counted = ", ".join(f"{shown(word)} {n}" for word, n in missing.most_common())
        page.say(f"taken as unknown in every column, cells: {counted}", indent=2)
        page.put("missing", [word for word, _ in missing.most_common()], indent=2)
    why = {
        "eye": "",
        "patient": "the acuities of both eyes stand in one row",
        "visit": "an eye stands in several rows, and a column tells visits apart",
    }[roles.shape]
    page.put("one_row_per", roles.shape, why, indent=2)
    page.skip()
