"""`ctt-net prepare --draft`: a table and a folder become a mapping for a person to finish."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net import INTENDED_USE
from ctt_net.acuity import NOTATIONS
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import parse_yaml
from ctt_net.prepare.draft import column_names as names
from ctt_net.prepare.draft.column import Column, covariate_rule
from ctt_net.prepare.draft.evidence import acuity_evidence, date_formats, side_words
from ctt_net.prepare.draft.roles import Pick, Roles, find_roles, is_acuity
from ctt_net.prepare.draft.scans import ScansDraft, draft_scans
from ctt_net.prepare.draft.table_format import TableFormat, detect_format
from ctt_net.prepare.draft.yaml_lines import YamlLines, flow, shown
from ctt_net.prepare.mapping.mapping import CHOOSE, undecided
from ctt_net.prepare.scans.find_scans import lost_zeros
from ctt_net.prepare.scans.match_names import scan_files
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
    """Propose a mapping for a table and a folder of scans.

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
    read = detect_format(table)
    cells = read.table
    if read.source.decimal == ",":
        cells = with_points(cells, cells.columns, table)
    missing = _missing(cells)
    cells = cells.where(~cells.isin(list(missing)), "")
    roles = find_roles(cells)
    side = roles.chosen("laterality")
    own_words = side_words(side) if side is not None else {"": []}
    own_words.pop("")
    eyes = _eyes(cells, roles, own_words)
    scans = None if folder is None else draft_scans(folder, eyes, own_words)
    page = YamlLines()
    _write_head(page, table, read, folder)
    _write_table(page, table, read, roles, missing)
    _write_columns(page, roles, scans)
    _write_covariates(page, roles)
    page.key("acuity")
    page.key("off_chart_policy", "bach", "what CF, HM, LP and NLP count as", indent=2)
    page.lines.append("")
    _write_scans(page, scans, folder, eyes)
    needs = ["postop_va"] if _has_postop(roles) else []
    needs += ["any_view"] if scans is not None and scans.patterns else []
    if needs:
        page.key("require", needs, "eyes without are left out, and counted")
    page.suggestion("followup_window_days", [14, 120], "if the time of the acuity is to be limited")
    page.lines.append("")
    _write_others(page, roles)
    text = "\n".join(page.lines) + "\n"
    return Draft(text, len(undecided(parse_yaml(text, "draft"))))


def _missing(table: pd.DataFrame) -> dict[str, int]:
    """Cells that mean missing, and in no column anything else, with their counts."""
    columns = [Column.of(str(name), table[name]) for name in table.columns]
    total = sum((column.missing for column in columns), Counter[str]())
    return {
        code: n for code, n in total.most_common() if not any(code in c.counts for c in columns)
    }


def _write_head(page: YamlLines, table: Path, read: TableFormat, folder: Path | None) -> None:
    rows, columns = read.table.shape
    beside = f" and {shown(folder.name)}" if folder is not None else ""
    page.comment(
        f"Drafted from {shown(table.name)} ({rows} rows, {columns} columns){beside}. Every line is "
        f"a guess from names and values: check it. Where it says {CHOOSE}, only a person can know; "
        f"ctt-net prepare stops until each one is answered. Paths stand as typed: keep this file "
        f"where you are now, or give --raw FOLDER. All keys: "
        f"docs/reference/mapping.md. {INTENDED_USE}"
    )
    name = "".join(sign if sign.isalnum() else "_" for sign in table.stem.lower()).strip("_")
    page.lines += ["", "cohort:"]
    page.key("name", name or "cohort", indent=2)
    page.lines += [
        "  source: not stated  # in your own words",
        "  licence: not to be shared",
        "  citation: none yet",
        "",
    ]


def _write_table(
    page: YamlLines, path: Path, read: TableFormat, roles: Roles, missing: dict[str, int]
) -> None:
    page.key("table")
    page.key("file", path.as_posix(), indent=2)
    for key, note in read.notes.items():
        value = getattr(read.source, key)
        if key == "header_row" and len(value) == 1:
            value = value[0]
        page.key(key, "utf-8" if value == "utf-8-sig" else value, note, indent=2)
    hidden = len(read.table.attrs[HIDDEN])
    if hidden:
        page.key("hidden_rows", CHOOSE, f"keep or leave_out: {hidden} rows are hidden", indent=2)
    if missing:
        counted = ", ".join(f"{shown(word)} {n}" for word, n in missing.items())
        page.key("missing", [*missing], f"in every column: {counted}", indent=2)
    if roles.repeated:
        why = f"{roles.repeated} rows repeat an eye: eye, or visit with a section visit"
        page.key("one_row_per", CHOOSE, why, indent=2)
    else:
        why = "acuities of both eyes in a row" if roles.shape == "patient" else ""
        page.key("one_row_per", roles.shape, why, indent=2)
    page.lines.append("")


def _write_pick(page: YamlLines, pick: Pick, indent: int, why: str = "which one is it?") -> None:
    """The column, or both of a pair; `CHOOSE` and the candidates where it is not certain."""
    for key in pick.candidates[0].rule():
        if pick.chosen is not None:
            page.key(key, pick.chosen.rule()[key], indent=indent)
        else:
            offers = shown(c.rule()[key] for c in pick.candidates if key in c.rule())
            page.key(key, CHOOSE, f"{offers}; {why}", indent=indent)


def _write_columns(page: YamlLines, roles: Roles, scans: ScansDraft | None) -> None:
    """The manifest's own columns."""
    page.key("columns")
    patients = roles.picks.get("patient_id", Pick())
    if patients.chosen is None:
        offers = shown(c.name for c in patients.candidates) or "none is named like it"
        page.key("patient_id", CHOOSE, f"the column that tells persons apart: {offers}", indent=2)
    else:
        note = f"{patients.chosen.summary(False)}; a person has one, for both eyes"
        page.key("patient_id", patients.chosen.name, note, indent=2)
    if roles.shape != "patient":
        _write_laterality(page, roles.picks.get("laterality", Pick()), scans)
    _write_acuity(page, roles, "preop_va")
    if _has_postop(roles):
        _write_acuity(page, roles, "postop_va")
    else:
        page.comment("postop_va: no column of it was found", indent=2)
    for role in [role for role in roles.picks if role.endswith("_date")]:
        page.key(role, indent=2)
        _write_pick(page, roles.picks[role], indent=4)
        formats = sorted({form for c in roles.picks[role].candidates for form in date_formats(c)})
        offers = " or ".join(f'"{form}"' for form in formats)
        one = len(formats) == 1
        note = "no other format reads these cells" if one else f"{offers}: no cell decides"
        page.key("format", formats[0] if one else CHOOSE, note, indent=4)
    for role in names.PLAIN:
        column = roles.chosen(role)
        if column is not None:
            rule: Any = column.rule() if column.sides else column.name
            page.key(role, rule, column.summary(), indent=2)
    page.lines.append("")


def _write_laterality(page: YamlLines, side: Pick, scans: ScansDraft | None) -> None:
    if side.chosen is not None:
        words = side_words(side.chosen)
        others = words.pop("")
        rule: dict[str, Any] = side.chosen.rule()
        for eye, known in words.items():
            known = known or ([CHOOSE] if others else [])
            rule |= {eye: known} if known else {}
        count = sum(side.chosen.counts[text] for text in others)
        said = f"{count} cells are neither OD nor OS, to be assigned or excluded"
        page.key("laterality", rule, said if others else "", indent=2)
    elif side.candidates:
        rule = {"column": CHOOSE, "OD": [CHOOSE], "OS": [CHOOSE]}
        note = f"several columns hold words for the side: {shown(c.name for c in side.candidates)}"
        page.key("laterality", rule, note, indent=2)
    elif scans is not None and "laterality" in scans.words:
        page.key("laterality", {"from": "files"}, "no column says it; names of files do", indent=2)
    else:
        offer = (
            "{column: ..., OD: [R], OS: [L]}, with extract: 'expression' if the word stands in a "
            "longer text, or {value: OD} with OD: [OD] if all are right"
        )
        page.key("laterality", CHOOSE, f"no column says which eye a row is: {offer}", indent=2)


def _has_postop(roles: Roles) -> bool:
    """Whether another column than the one before surgery may be the one after."""
    picks = [roles.picks[role] for role in ("preop_va", "postop_va") if role in roles.picks]
    candidates = {column.name for pick in picks for column in pick.candidates}
    return "postop_va" in roles.picks and len(candidates) > 1


def _write_acuity(page: YamlLines, roles: Roles, role: str) -> None:
    pick = roles.picks.get(role, Pick())
    page.key(role, indent=2)
    evidence = [acuity_evidence(column) for column in pick.candidates]
    for column, one in zip(pick.candidates, evidence, strict=True):
        who = f"{shown(column.columns)}: " if len(evidence) > 1 else ""
        off_chart = f", {one.off_chart} words such as CF or HM" if one.off_chart else ""
        page.comment(f"{who}{column.summary()}{off_chart}", indent=4)
        read = ", ".join(f"{name} {n}" for name, n in one.readable.items() if n)
        page.comment("; ".join([f"readable as {read or 'nothing'}", *one.signs]), indent=4)
    if evidence:
        why = "the name does not say when" if len(evidence) == 1 else "which one is it?"
        _write_pick(page, pick, 4, why)
    else:
        page.key("column", CHOOSE, "no column looks like an acuity", indent=4)
    certain = {one.certain for one in evidence}
    if len(certain) == 1 and None not in certain:
        page.key("notation", certain.pop(), "no other notation can read these cells", indent=4)
    else:
        offers = sorted({name for one in evidence for name in one.possible}) or [*NOTATIONS]
        page.key("notation", CHOOSE, " or ".join(offers), indent=4)
    codes = sorted({code for column in pick.candidates for code in column.missing})
    if codes:
        page.key("missing", codes, "unknown here", indent=4)


def _write_covariates(page: YamlLines, roles: Roles) -> None:
    """Those whose meaning the name says."""
    found = []
    for name, (_, unit) in names.COVARIATES.items():
        column = roles.chosen(name)
        if column is None:
            continue
        rule, note = covariate_rule(column, unit)
        if rule is None:
            page.comment(f"{name}: {shown(column.columns)} not used: {note}")
        else:
            numeric = rule["kind"] == "numeric"
            found.append((name if numeric else re.sub("_(years|mm)$", "", name), rule, note))
    if found:
        page.key("covariates", None, "known before surgery; recode: {old: new} renames cells")
        for name, rule, note in found:
            page.key(name, rule, note, indent=2)
        page.lines.append("")


def _write_others(page: YamlLines, roles: Roles) -> None:
    """Columns that are not used, with a line for those that could be a covariate."""
    if roles.personal:
        page.comment(f"Not used, they identify persons: {shown(roles.personal)}")
    if roles.others:
        page.comment("Not used. What is known only after surgery must never be a covariate.")
    for column in roles.others:
        rule, note = covariate_rule(column)
        if is_acuity(column):
            page.comment(f"{shown(column.columns)}: another acuity, {note}", indent=2)
        elif rule is None:
            page.comment(f"{shown(column.columns)}: {note}", indent=2)
        else:
            name = re.sub(r"\W+", "_", column.name.lower()).strip("_") or "column"
            page.suggestion(name, rule, note, indent=2)


def _eyes(
    table: pd.DataFrame, roles: Roles, own_words: Mapping[str, list[str]]
) -> dict[str, set[str]]:
    """Patient to the sides that the table says, "" where it does not."""
    patients = roles.picks.get("patient_id", Pick()).candidates
    ids = table[patients[0].name] if patients else pd.Series("", index=table.index)
    if roles.shape == "patient":
        return {patient: {"OD", "OS"} for patient in ids}
    sides = pd.Series("", index=table.index)
    if any(own_words.values()):
        meaning = {text: side for side, known in own_words.items() for text in known}
        sides = table[roles.picks["laterality"].candidates[0].name].map(meaning).fillna("")
    return {str(patient): set(said) for patient, said in sides.groupby(ids)}


def _write_scans(
    page: YamlLines, scans: ScansDraft | None, folder: Path | None, eyes: Iterable[str]
) -> None:
    page.key("views")
    for view in scans.views if scans is not None and scans.patterns else ("horizontal",):
        angle = {"horizontal": 0, "vertical": 90}.get(view)
        facts = {"direction": CHOOSE} if angle is None else {"direction": view, "angle_deg": angle}
        note = "horizontal, vertical or oblique: no name of a file says it" if angle is None else ""
        page.key(view, facts, note, indent=2)
    page.lines.append("")
    if scans is None or folder is None:
        page.comment("No folder of scans was given: every view will be missing.")
    elif scans.patterns:
        _write_names(page, scans, folder)
    else:
        page.comment(f"{scans.n_files} files can be scans; no id of the table is in their names.")
        if lost_zeros(scan_files(folder), eyes):
            page.comment("Without zeros in front the ids agree: export that column as text.")
        page.comment(
            'scans: {folder: ..., names: ["{patient_id}_{laterality}_{view}.png"]}, where any '
            "column of the table may stand in braces; if one names the files, columns: "
            "{horizontal: {column: ...}} in place of names."
        )
    page.lines.append("")


def _write_names(page: YamlLines, scans: ScansDraft, folder: Path) -> None:
    left = scans.n_files - scans.joined
    page.key("scans", None, f"{scans.eyes} eyes found; {left} of {scans.n_files} files find none")
    page.key("folder", folder.as_posix(), indent=2)
    page.key("names", indent=2)
    for pattern, joined in scans.patterns.items():
        page.lines.append(f"    - {flow(pattern)}  # {joined} files")
    for role in ("laterality", "view"):
        if role in scans.words:
            page.key(role, scans.words[role], indent=2)
    if any("{visit}" in pattern for pattern in scans.patterns):
        visits = scans.words["visit"]
        after = shown(visits.get("postop", ())) or "no other"
        asked = f"which of these is before surgery: {after}?"
        known = "preop" in visits
        page.key(
            "visit",
            {"preop": visits["preop"] if known else [CHOOSE]},
            f"left alone: {after}" if known else asked,
            indent=2,
        )
