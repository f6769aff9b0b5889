"""`ctt-net prepare --draft`: a table and a folder become a mapping for a person to finish."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ctt_net import INTENDED_USE
from ctt_net.cohort.scan_names import IMAGE_SUFFIXES, VIEW_WORDS
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import parse_yaml
from ctt_net.prepare.draft import column_names as names
from ctt_net.prepare.draft.column import Column, covariate_rule
from ctt_net.prepare.draft.column_names import mentions, time_of
from ctt_net.prepare.draft.roles import Pick, Roles, find_roles
from ctt_net.prepare.draft.scans import ScansDraft, draft_scans
from ctt_net.prepare.draft.table_format import TableFormat, detect_format
from ctt_net.prepare.draft.yaml_lines import YamlLines, flow, shown
from ctt_net.prepare.mapping.mapping import CHOOSE, undecided
from ctt_net.prepare.scans.find_scans import lost_zeros
from ctt_net.prepare.scans.match_names import scan_files
from ctt_net.prepare.tables.cells import with_points
from ctt_net.prepare.tables.eyes import Eyes
from ctt_net.prepare.tables.read_table import HIDDEN

_MOST_OTHER_IDS = 4
_VISIT_OFFERS = {
    "preop": '["name of the visit"], first (a number), or {between: [-90, 0], nearest: 0} days',
    "postop": '["name of the visit"], last (a number), or {between: [14, 120], nearest: 30}',
}


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
    missing, own_codes = _missing(cells)
    cells = cells.where(~cells.isin(list(missing)), "")
    roles = find_roles(cells)
    page = YamlLines()
    _write_head(page, table, read, folder)
    _write_table(page, table, read, roles, missing)
    if roles.shape == "visit":
        _write_visit(page, roles)
    by_columns = {} if folder is None else _file_columns(roles)
    eyes = _eyes(cells, roles)
    scans = None if folder is None else _draft_scans(folder, eyes, roles)
    _write_columns(page, roles, scans, own_codes)
    _write_covariates(page, roles)
    page.key("acuity")
    page.key("off_chart_policy", "bach", "what CF, HM, LP and NLP count as", indent=2)
    page.lines.append("")
    _write_scans(page, scans, by_columns, folder, eyes)
    needs = [name for name in ("postop_va",) if name in roles.acuities and _two_acuities(roles)]
    needs += ["any_view"] if by_columns or (scans is not None and scans.patterns) else []
    if needs:
        page.key("require", needs, "eyes without are left out, and counted")
    _write_others(page, roles)
    text = "\n".join(page.lines) + "\n"
    return Draft(text, len(undecided(parse_yaml(text, "draft"))))


def _missing(table: pd.DataFrame) -> tuple[Counter[str], dict[str, list[str]]]:
    """Cells that mean missing in every column, and codes that do in some columns only."""
    columns = {str(name): Column.of(str(name), table[name]) for name in table.columns}
    missing = sum((column.missing for column in columns.values()), Counter[str]())
    meant = {code for code in missing if any(code in c.counts for c in columns.values())}
    own = {name: sorted(meant & set(column.missing)) for name, column in columns.items()}
    return Counter({code: n for code, n in missing.items() if code not in meant}), own


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
    page: YamlLines, path: Path, read: TableFormat, roles: Roles, missing: Counter[str]
) -> None:
    source, notes = read.source, read.notes
    values = {
        "sheet": source.sheet,
        "encoding": "utf-8" if source.encoding == "utf-8-sig" else source.encoding,
        "separator": source.separator,
        "header_row": source.header_row if len(source.header_row) > 1 else source.header_row[0],
        "decimal": source.decimal,
    }
    page.key("table")
    page.key("file", path.as_posix(), indent=2)
    for key, value in values.items():
        if key in notes:
            page.key(key, value, notes[key], indent=2)
    hidden = len(read.table.attrs[HIDDEN])
    if hidden:
        page.key("hidden_rows", CHOOSE, f"keep or leave_out: {hidden} rows are hidden", indent=2)
    if missing:
        counted = ", ".join(f"{shown(word)} {n}" for word, n in missing.most_common())
        page.key("missing", [*dict(missing.most_common())], f"in every column: {counted}", indent=2)
    why = {"patient": "acuities of both eyes in a row", "visit": "an eye fills several rows"}
    page.key("one_row_per", roles.shape, why.get(roles.shape, ""), indent=2)
    page.lines.append("")


def _write_visit(page: YamlLines, roles: Roles) -> None:
    """Which column tells visits apart; which visit is which only its words can say."""
    page.key("visit")
    column = roles.visit.chosen
    _write_pick(page, roles.visit, indent=2)
    words: list[str] = []
    if column is not None and column.has_levels:
        page.comment(f"cells: {column.frequent(column.levels())}", indent=2)
        words = [level for level in column.levels() if not level.isdecimal()]
    for time, offer in _VISIT_OFFERS.items():
        fitting = [word for word in words if time_of(word) == time]
        one = len(fitting) == 1
        page.key(time, fitting if one else CHOOSE, "by the word" if one else offer, indent=2)
    page.lines.append("")


def _write_pick(page: YamlLines, pick: Pick, indent: int, why: str = "which one is it?") -> None:
    """The column, or both of a pair; `CHOOSE` and the candidates where it is not certain."""
    for key in pick.candidates[0].rule():
        if pick.chosen is not None:
            page.key(key, pick.chosen.rule()[key], indent=indent)
        else:
            offers = shown(c.rule()[key] for c in pick.candidates if key in c.rule())
            page.key(key, CHOOSE, f"{offers}; {why}", indent=indent)


def _write_columns(
    page: YamlLines, roles: Roles, scans: ScansDraft | None, own_codes: Mapping[str, list[str]]
) -> None:
    """The manifest's own columns; `own_codes` are unknown in one column, but not everywhere."""
    page.key("columns")
    patient = roles.patient.chosen
    if patient is None:
        offers = shown(c.name for c in roles.patient.candidates) or "none is named like it"
        page.key("patient_id", CHOOSE, f"the column that tells persons apart: {offers}", indent=2)
    else:
        gaps = f", {patient.blank} unknown" if patient.blank else ""
        note = (
            f"{len(patient.counts)} in {patient.known} rows{gaps}; a person has one, for both eyes"
        )
        page.key("patient_id", patient.name, note, indent=2)
    if "eye_id" in roles.plain:
        note = "default: <patient_id>_<OD|OS>"
        page.suggestion("eye_id", roles.plain["eye_id"].name, note, indent=2)
    if roles.shape != "patient":
        _write_laterality(page, roles, scans)
    for role in ("preop_va", "postop_va"):
        _write_acuity(page, roles, role, own_codes)
    for role, pick in roles.dates.items():
        _write_date(page, roles, role, pick)
    for role in ("followup_days", "device", "site"):
        if role in roles.plain:
            column = roles.plain[role]
            rule: Any = column.rule() if column.sides else column.name
            page.key(role, rule, column.summary(), indent=2)
    page.lines.append("")


def _write_laterality(page: YamlLines, roles: Roles, scans: ScansDraft | None) -> None:
    side = roles.side
    if roles.side_candidates:
        rule: dict[str, Any] = {"column": CHOOSE, "OD": [CHOOSE], "OS": [CHOOSE]}
        note = shown(column.name for column in roles.side_candidates)
        note = f"several columns hold words for the side: {note}"
        page.key("laterality", rule, note, indent=2)
    elif side is not None:
        rule = side.column.rule() | ({"extract": side.extract} if side.extract else {})
        for eye, words in side.words.items():
            known = words or ([CHOOSE] if side.others else [])
            rule |= {eye: known} if known else {}
        others = side.column.frequent(side.others)
        note = f"neither OD nor OS, to be assigned or excluded: {others}" if others else ""
        page.key("laterality", rule, note, indent=2)
    elif scans is not None and "laterality" in scans.words:
        page.key("laterality", {"from": "files"}, "no column says it; names of files do", indent=2)
    else:
        offer = "{column: ..., OD: [R], OS: [L]}, or {value: OD} with OD: [OD] if all are right"
        page.key("laterality", CHOOSE, f"no column says which eye a row is: {offer}", indent=2)


def _two_acuities(roles: Roles) -> bool:
    """Whether another column than the one before surgery may be the one after."""
    candidates = {c.name for pick in roles.acuities.values() for c in pick.candidates}
    return roles.shape == "visit" or len(candidates) > 1


def _write_acuity(
    page: YamlLines, roles: Roles, role: str, own_codes: Mapping[str, list[str]]
) -> None:
    pick = roles.acuities.get(role, Pick())
    if role == "postop_va" and not (pick.candidates and _two_acuities(roles)):
        page.comment("postop_va: no column of it was found", indent=2)
        return
    page.key(role, indent=2)
    evidence = [roles.evidence[column.name] for column in pick.candidates]
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
    offers = sorted({name for one in evidence for name in one.possible})
    if len(certain) == 1 and None not in certain:
        page.key("notation", certain.pop(), "no other notation can read these cells", indent=4)
    else:
        offers = offers or ["decimal", "logmar", "snellen", "etdrs", "five_mark"]
        page.key("notation", CHOOSE, " or ".join(offers), indent=4)
    codes = sorted({code for c in pick.candidates for n in c.columns for code in own_codes[n]})
    if codes:
        page.key("missing", codes, "unknown here", indent=4)
    if role in roles.off_chart:
        beside = roles.off_chart[role]
        rule: Any = beside.rule() if beside.sides else beside.name
        page.key("off_chart_column", rule, "holds words such as CF or HM", indent=4)


def _write_date(page: YamlLines, roles: Roles, role: str, pick: Pick) -> None:
    page.key(role, indent=2)
    _write_pick(page, pick, indent=4)
    formats = sorted({form for column in pick.candidates for form in roles.formats[column.name]})
    if len(formats) == 1:
        page.key("format", formats[0], "no other format reads these cells", indent=4)
    else:
        offers = " or ".join(f'"{form}"' for form in formats)
        page.key("format", CHOOSE, f"{offers}: no cell decides", indent=4)


def _write_covariates(page: YamlLines, roles: Roles) -> None:
    """Those whose meaning the name says."""
    found = []
    for name, column in roles.covariates.items():
        rule, note = covariate_rule(column, names.COVARIATES[name][1])
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
    for column in roles.others:
        if mentions(column.name, names.COMPLICATION) and (len(column.counts) > 1 or column.blank):
            line = {"reason": "complication", "column": column.columns[0], "is": [CHOOSE]}
            cells = shown(column.levels()) if column.has_levels else column.summary()
            page.key("exclude", [line], f"which cells ({cells}); or remove this line")
            break
    page.suggestion("followup_window_days", [14, 120], "if the time of the acuity is to be limited")
    page.lines.append("")
    if roles.personal:
        page.comment(f"Not used, they identify persons: {shown(roles.personal)}")
    if roles.others:
        page.comment("Not used. What is known only after surgery must never be a covariate.")
    for column in roles.others:
        rule, note = covariate_rule(column)
        if column.name in roles.evidence:
            page.comment(f"{shown(column.columns)}: another acuity, {note}", indent=2)
        elif rule is None:
            page.comment(f"{shown(column.columns)}: {note}", indent=2)
        else:
            name = re.sub(r"\W+", "_", column.name.lower()).strip("_") or "column"
            page.suggestion(name, rule, note, indent=2)


def _eyes(table: pd.DataFrame, roles: Roles) -> Eyes:
    """The rows as eyes, each once, to try patterns of names on."""
    patient = roles.patient.candidates[0].name if roles.patient.candidates else None
    ids = table[patient] if patient else pd.Series("", index=table.index, dtype=object)
    eyes = pd.DataFrame({"patient_id": ids})
    if roles.shape == "patient":
        table = pd.concat([table, table])
        eyes = pd.concat([eyes.assign(laterality=side) for side in ("OD", "OS")])
    elif roles.side is not None and any(roles.side.words.values()):
        said = table[roles.side.column.name]
        if roles.side.extract:
            said = said.str.extract(roles.side.extract, expand=False).fillna("")
        meaning = {text: side for side, known in roles.side.words.items() for text in known}
        eyes["laterality"] = said.map(meaning).fillna("").astype(object)
    first = ~eyes.duplicated().to_numpy()
    rows = np.asarray(table.index)[first]
    return Eyes(eyes[first].reset_index(drop=True), table[first].reset_index(drop=True), rows)


def _draft_scans(folder: Path, eyes: Eyes, roles: Roles) -> ScansDraft:
    # Another id, such as a number of the study, may be what files are named by; a measure is not.
    others = [
        column.name
        for column in roles.others
        if not column.sides
        and len(column.counts) > 0.5 * column.known
        and (column.numbers is None or not (column.numbers % 1).any())
    ]
    eye_id = [roles.plain["eye_id"].name] if "eye_id" in roles.plain else []
    fields = ["patient_id", *eye_id, *others[:_MOST_OTHER_IDS]]
    return draft_scans(folder, eyes, fields, roles.side.words if roles.side else {})


def _file_columns(roles: Roles) -> dict[str, Column]:
    """View to a column that names files."""
    found: dict[str, Column] = {}
    for column in roles.others:
        files = [text for text in column.counts if text.lower().endswith(IMAGE_SUFFIXES)]
        if files and not column.sides and len(files) == len(column.counts):
            words = set(names.tokens(column.name))
            view = next((view for view, known in VIEW_WORDS.items() if words & {*known}), "scan")
            found.setdefault(view, column)
    return found


def _write_scans(
    page: YamlLines,
    scans: ScansDraft | None,
    by_columns: dict[str, Column],
    folder: Path | None,
    eyes: Eyes,
) -> None:
    patterns = {} if scans is None else scans.patterns
    views = scans.views if scans is not None and patterns else tuple(by_columns) or ("horizontal",)
    page.key("views")
    for view in views:
        angle = {"horizontal": 0, "vertical": 90}.get(view)
        facts = {"direction": CHOOSE} if angle is None else {"direction": view, "angle_deg": angle}
        note = "horizontal, vertical or oblique: no name of a file says it" if angle is None else ""
        page.key(view, facts, note, indent=2)
    page.lines.append("")
    if scans is None or folder is None:
        page.comment("No folder of scans was given: every view will be missing.")
    elif patterns:
        _write_names(page, scans, folder)
    elif by_columns:
        page.key("scans")
        page.key("folder", folder.as_posix(), indent=2)
        page.key("columns", indent=2)
        for view, column in by_columns.items():
            page.key(view, {"column": column.name, "extract": r"^[/\\]*(.+)$"}, indent=4)
    else:
        page.comment(f"{scans.n_files} files can be scans; no id of the table is in their names.")
        if lost_zeros(scan_files(folder), eyes.table["patient_id"]):
            page.comment("Without zeros in front the ids agree: export that column as text.")
        page.comment('scans: {folder: ..., names: ["{patient_id}_{laterality}_{view}.png"]}')
    page.lines.append("")


def _write_names(page: YamlLines, scans: ScansDraft, folder: Path) -> None:
    section = scans.section(folder.as_posix())
    if scans.doubles:
        page.comment(
            f"{scans.doubles} times several files would be one view of one eye, which stops "
            f"prepare: make the patterns stricter."
        )
    left = scans.n_files - scans.joined
    page.key("scans", None, f"{scans.eyes} eyes found; {left} of {scans.n_files} files find none")
    page.key("folder", section["folder"], indent=2)
    page.key("names", indent=2)
    for pattern, joined in scans.patterns.items():
        page.lines.append(f"    - {flow(pattern)}  # {joined} files")
    for role in ("laterality", "view"):
        if role in section:
            page.key(role, section[role], indent=2)
    if "visit" in section:
        visits = scans.words["visit"]
        after = shown(sorted(visits.get("postop", ()))) or "no other"
        if "preop" in visits:
            page.key("visit", section["visit"], f"left alone: {after}", indent=2)
        else:
            note = f"which of these is before surgery: {after}?"
            page.key("visit", {"preop": [CHOOSE]}, note, indent=2)
