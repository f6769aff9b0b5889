"""The `columns` and `visit` sections of a drafted mapping, with the evidence beside each line."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ctt_net.prepare.draft.guess_acuity import direction_signs
from ctt_net.prepare.draft.guess_roles import Pick, Roles, Source
from ctt_net.prepare.draft.guess_scans import ScansGuess
from ctt_net.prepare.draft.guess_words import time_of
from ctt_net.prepare.draft.yaml_lines import Page, several, shown
from ctt_net.prepare.mapping.choose import CHOOSE


def write_visit(page: Page, roles: Roles) -> None:
    """Which column tells visits apart; which visit is which only its words can say."""
    source = roles.visit.candidates[0]
    page.put("visit")
    if roles.visit.chosen is None:
        page.put("column", CHOOSE, several(s.name for s in roles.visit.candidates), indent=2)
    else:
        page.put("column", source.name, source.facts.span(), indent=2)
    named: dict[str, list[str]] = {"preop": [], "postop": []}
    if roles.visit.chosen is not None and source.facts.may_show_levels:
        counted = ", ".join(f"{shown(t)} {source.facts.counts[t]}" for t in source.facts.levels())
        page.say(f"cells: {counted}", indent=2)
        for level in source.facts.levels():
            if level.isascii() and level.isdecimal():
                continue
            named.get(time_of(level) or "", []).append(level)
    offers = {
        "preop": '["name of the visit"], first (a number), or {between: [-90, 0], nearest: 0} days',
        "postop": '["name of the visit"], last (a number), or {between: [14, 120], nearest: 30}',
    }
    for time, levels in named.items():
        if len(levels) == 1:
            page.put(time, levels, "by the word", indent=2)
        else:
            page.put(time, CHOOSE, offers[time], indent=2)
    page.skip()


def write_columns(
    page: Page,
    table: pd.DataFrame,
    roles: Roles,
    scans: ScansGuess | None,
    own_codes: Mapping[str, list[str]],
) -> None:
    """The manifest's own columns.

    Args:
        page: To write on.
        table: Cells, missing = blank.
        roles: What was found.
        scans: What was found in the folder.
        own_codes: Column to codes that mean unknown there, but not everywhere.
    """
    page.put("columns")
    _write_patient(page, table, roles)
    if "eye_id" in roles.plain:
        source = roles.plain["eye_id"]
        page.off("eye_id", source.name, "default: <patient_id>_<OD|OS>", indent=2)
    if roles.shape != "patient":
        _write_laterality(page, table, roles, scans)
    for role in ("preop_va", "postop_va"):
        _write_acuity(page, table, roles, role, own_codes)
    for role, pick in roles.dates.items():
        _write_date(page, roles, role, pick)
    for role in ("followup_days", "device", "site"):
        if role in roles.plain:
            source = roles.plain[role]
            rule: Any = source.rule() if source.sides else source.name
            page.put(role, rule, source.facts.span(), indent=2)
    if "device" not in roles.plain:
        page.off("device", {"value": "cirrus"}, "no column names it; the same for all", indent=2)
    page.skip()


def _write_patient(page: Page, table: pd.DataFrame, roles: Roles) -> None:
    source = roles.patient.chosen
    if source is None:
        names = several(s.name for s in roles.patient.candidates)
        why = names or "no column is named like the number of a patient"
        page.put("patient_id", CHOOSE, f"the column that tells persons apart: {why}", indent=2)
        return
    distinct = len(source.facts.counts)
    page.say(
        f"{distinct} distinct in {len(table)} rows; check that it means a person, neither an eye "
        f"nor a visit. Both eyes of one person must share it.",
        indent=2,
    )
    page.put("patient_id", source.name, indent=2)
    if source.facts.blank:
        page.say(f"{source.facts.blank} rows have none: fill them in or exclude them", indent=2)
    if roles.repeats and roles.shape == "eye":
        page.say(
            f"{roles.repeats} rows repeat an eye of a row above; they must say the same, or a "
            f"column must tell visits apart (one_row_per: visit)",
            indent=2,
        )


def _write_laterality(
    page: Page, table: pd.DataFrame, roles: Roles, scans: ScansGuess | None
) -> None:
    if roles.side_candidates:
        names = several(source.name for source in roles.side_candidates)
        page.say(f"several columns hold words for the side: {names}", indent=2)
        rule: dict[str, Any] = {"column": CHOOSE, "OD": [CHOOSE], "OS": [CHOOSE]}
        page.put("laterality", rule, indent=2)
        return
    if roles.side_column is None or roles.sides is None:
        if scans is not None and "laterality" in scans.words:
            page.say("no column says which eye a row is; names of files do", indent=2)
            page.put("laterality", {"from": "files"}, indent=2)
        else:
            offer = "{column: ..., OD: [R], OS: [L]}, or {value: OD} with OD: [OD] if all are right"
            page.say("nothing says which eye a row is", indent=2)
            page.put("laterality", CHOOSE, offer, indent=2)
        return
    sides, name = roles.sides, roles.side_column.name
    rule = {"column": name}
    if sides.extract:
        rule["extract"] = sides.extract
    for side in ("OD", "OS"):
        rule[side] = sides.words[side] or ([CHOOSE] if sides.unknown else [])
    if sides.unknown:
        said = roles.side_column.facts.frequent(sides.unknown)
        page.say(f"which of these means which eye is not guessed: {said}", indent=2)
    if sides.both:
        said = roles.side_column.facts.frequent(sides.both)
        page.say(f"both eyes in one row, which is no one eye: {said}; exclude them", indent=2)
    if sides.extract is None and roles.side_column.facts.blank:
        page.say(f"{roles.side_column.facts.blank} rows are blank: exclude them", indent=2)
    page.put("laterality", {k: v for k, v in rule.items() if v}, indent=2)


def _write_acuity(
    page: Page,
    table: pd.DataFrame,
    roles: Roles,
    role: str,
    own_codes: Mapping[str, list[str]],
) -> None:
    pick = roles.acuities.get(role, Pick())
    other = roles.acuities.get("preop_va", Pick())
    shared = pick.candidates == other.candidates and len(pick.candidates) == 1
    if role == "postop_va" and shared and roles.shape != "visit":
        page.say("postop_va: no second column of acuities was found", indent=2)
        return
    if not pick.candidates:
        if role == "preop_va":
            page.put(role, indent=2)
            page.put("column", CHOOSE, "no column looks like an acuity", indent=4)
            page.put("notation", CHOOSE, "decimal, logmar, snellen, etdrs or five_mark", indent=4)
        else:
            page.say("postop_va: no column of it was found", indent=2)
        return
    page.put(role, note=pick.note, indent=2)
    for source in pick.candidates:
        _write_evidence(page, roles, source, named=len(pick.candidates) > 1)
    chosen = pick.chosen
    if chosen is not None:
        for key, column in chosen.rule().items():
            page.put(key, column, indent=4)
    else:
        why = "the name does not say when" if len(pick.candidates) == 1 else "which one is it?"
        for key in pick.candidates[0].rule():
            offers = several(s.rule()[key] for s in pick.candidates if key in s.rule())
            page.put(key, CHOOSE, f"{offers}; {why}", indent=4)
    if chosen is not None and roles.shape != "visit" and role == "postop_va":
        _write_direction(page, table, other.chosen, chosen)
    certain = {roles.evidence[s.name].certain for s in pick.candidates}
    possible = sorted({n for s in pick.candidates for n in roles.evidence[s.name].possible})
    if len(certain) == 1 and None not in certain:
        page.put("notation", certain.pop(), "no other notation can read these cells", indent=4)
    else:
        page.put("notation", CHOOSE, " or ".join(possible), indent=4)
    codes = sorted({c for s in pick.candidates for n in s.columns for c in own_codes.get(n, ())})
    if codes:
        page.put("missing", codes, "unknown here", indent=4)
    if role in roles.off_chart:
        beside: Any = roles.off_chart[role]
        page.put(
            "off_chart_column", beside.rule() if beside.sides else beside.name,
            "holds words such as CF or HM", indent=4,
        )  # fmt: skip


def _write_evidence(page: Page, roles: Roles, source: Source, named: bool) -> None:
    evidence = roles.evidence[source.name]
    words = f", {evidence.off_chart} words such as CF or HM" if evidence.off_chart else ""
    who = f"{several(source.columns)}: " if named else ""
    page.say(f"{who}{source.facts.span()}{words}", indent=4)
    read = [f"{name} {n}" for name, n in evidence.readable.items() if n]
    page.say(f"of {evidence.on_chart} readable as {', '.join(read) or 'nothing'}", indent=4)
    for sign in evidence.signs:
        page.say(sign, indent=4)
    if evidence.unreadable:
        cells = source.facts.frequent(evidence.unreadable)
        page.say(
            f"no notation reads {cells}: correct them, or recode such as {{HBW: HM}}", indent=4
        )


def _write_direction(page: Page, table: pd.DataFrame, pre: Source | None, post: Source) -> None:
    if pre is None or len(pre.columns) != len(post.columns):
        return
    before, after = (
        pd.concat(
            [pd.to_numeric(table[n].str.replace(",", "."), errors="coerce") for n in s.columns]
        ).to_numpy(float)
        for s in (pre, post)
    )
    for sign in direction_signs(before, after):
        page.say(sign, indent=4)


def _write_date(page: Page, roles: Roles, role: str, pick: Pick) -> None:
    page.put(role, indent=2)
    guesses = [roles.formats[source.name] for source in pick.candidates]
    chosen = pick.chosen
    if chosen is not None:
        for key, column in chosen.rule().items():
            page.put(key, column, indent=4)
    else:
        page.put("column", CHOOSE, several(s.name for s in pick.candidates), indent=4)
    certain = {guess.certain for guess in guesses}
    known = sum(source.facts.known for source in pick.candidates)
    bad = sum(guess.unreadable for guess in guesses)
    if bad:
        page.say(f"{bad} of {known} cells are no such date: correct or exclude them", indent=4)
    if len(certain) == 1 and None not in certain:
        page.put("format", certain.pop(), f"no other format reads {known - bad} cells", indent=4)
    else:
        offers = " or ".join(sorted({f'"{form}"' for g in guesses for form in g.formats}))
        page.put("format", CHOOSE, f"{offers}: no cell decides", indent=4)
