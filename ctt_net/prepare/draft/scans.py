"""The `views` and `scans` sections of a drafted mapping, with what each pattern joins."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.cohort.scan_names import IMAGE_SUFFIXES, VIEW_WORDS
from ctt_net.prepare.draft.guess_roles import Roles, Source
from ctt_net.prepare.draft.guess_scans import ScansGuess, eyes_of, guess_scans, scans_section
from ctt_net.prepare.draft.yaml_lines import Page, shown
from ctt_net.prepare.mapping.choose import CHOOSE

_MOST_OTHER_IDS = 4
_ANGLES = {"horizontal": 0, "vertical": 90}
_PATH = re.compile(r"[/\\]*(.+)")


def join_scans(table: pd.DataFrame, roles: Roles, folder: Path) -> ScansGuess:
    """Look into the folder, with the eyes the table has.

    Args:
        table: Cells, missing = blank.
        roles: What means what.
        folder: Of the scans.
    """
    sides, words = None, {}
    patient = roles.patient.candidates[0] if roles.patient.candidates else None
    ids = table[patient.name] if patient else pd.Series("", index=table.index, dtype=object)
    cells = table
    if roles.shape == "patient":
        cells = pd.concat([table, table])
        ids = pd.concat([ids, ids])
        sides = pd.Series(["OD"] * len(table) + ["OS"] * len(table), index=cells.index)
    elif roles.side_column is not None and roles.sides is not None:
        words = roles.sides.words
        said = table[roles.side_column.name]
        if roles.sides.extract:
            said = said.str.extract(roles.sides.extract, expand=False).fillna("")
        meaning = {text: side for side, known in words.items() for text in known}
        if meaning:
            sides = said.map(meaning).fillna("").astype(object)
    fields = ["patient_id"]
    fields += [roles.plain["eye_id"].name] if "eye_id" in roles.plain else []
    # Another id, such as a number of the study, may be what files are named by; a measure is not.
    fields += [
        source.name
        for source in roles.others
        if not source.sides
        and len(source.facts.counts) > 0.5 * source.facts.known
        and (source.facts.numbers is None or not (source.facts.numbers % 1).any())
    ][:_MOST_OTHER_IDS]
    return guess_scans(folder, eyes_of(ids, sides, cells), fields, words)


def write_scans(
    page: Page, table: pd.DataFrame, roles: Roles, scans: ScansGuess | None, folder: Path | None
) -> None:
    """Views, scans, and what an eye must have."""
    by_columns = _file_columns(table, roles, folder) if folder is not None else {}
    patterns = scans.patterns if scans is not None else []
    views = tuple(by_columns) or ("horizontal",)
    if scans is not None and patterns:
        views = scans.views
    page.put("views")
    for view in views:
        if view in _ANGLES:
            facts: dict[str, Any] = {"direction": view, "angle_deg": _ANGLES[view]}
            page.put(view, facts, indent=2)
        else:
            offer = "horizontal, vertical or oblique: names of files do not say it"
            page.put(view, {"direction": CHOOSE}, offer, indent=2)
    page.skip()
    if scans is None or folder is None:
        page.say("No folder of scans was given: every view will be missing.")
    else:
        kinds = ", ".join(f"{n} {suffix}" for suffix, n in scans.kinds.most_common(8))
        page.say(f"In the folder: {kinds or 'no files'}; {scans.n_scans} can be scans.")
        if patterns:
            _write_names(page, scans, folder)
        elif by_columns:
            _write_file_columns(page, by_columns, folder)
        else:
            _explain(page, scans)
    page.skip()
    needs = ["postop_va"] if _has_postop(roles) else []
    needs += ["any_view"] if patterns or by_columns else []
    if needs:
        page.put("require", needs, "eyes without are left out, and counted")


def _write_names(page: Page, scans: ScansGuess, folder: Path) -> None:
    names = [pattern.text for pattern in scans.patterns]
    section = scans_section(scans, names, folder.as_posix())
    if scans.device_files:
        page.say(
            f"{scans.device_files} are raw device files: views are cut out of them, see 'section' "
            f"in docs/mapping.md; take 'vertical' out if they hold single lines."
        )
    page.say(f"Together the patterns find {scans.eyes} eyes; {scans.left} files find none.")
    if scans.doubles:
        page.say(
            f"{scans.doubles} times several files would be one view of one eye, which stops the "
            f"command: make the patterns stricter."
        )
    page.put("scans")
    page.put("folder", section["folder"], indent=2)
    page.put("names", indent=2)
    for pattern in scans.patterns:
        page.say(f"{pattern.joined} of {pattern.files} files built so, {pattern.eyes} eyes", 4)
        page.item(pattern.text, indent=4)
    for role in ("laterality", "view"):
        if role in section:
            page.put(role, section[role], indent=2)
    if "visit" in section:
        after = ", ".join(f"{shown(w)} {n}" for w, n in scans.visits["postop"].most_common(20))
        if scans.visits["preop"]:
            left = f"left alone: {after}" if after else "no other visit was seen"
            page.put("visit", section["visit"], left, indent=2)
        else:
            page.put("visit", {"preop": [CHOOSE]}, f"before surgery is none of {after}?", indent=2)


def _explain(page: Page, scans: ScansGuess) -> None:
    page.say("No pattern joins them to the table: no number of a patient stands in their names.")
    if scans.lost_zeros:
        page.say(
            "But for zeros in front the ids agree: the table has lost them; format the column as "
            "text in the spreadsheet and fill it anew."
        )
    page.say('scans: {folder: ..., names: ["{patient_id}_{laterality}_{view}.png"]}')


def _file_columns(table: pd.DataFrame, roles: Roles, folder: Path) -> dict[str, tuple[Source, int]]:
    """View to a column that names files, and how many of them are there."""
    found: dict[str, tuple[Source, int]] = {}
    for source in roles.others:
        cells = list(source.facts.counts)
        named = [text for text in cells if text.lower().endswith(IMAGE_SUFFIXES)]
        if source.sides or not cells or len(named) < 0.8 * len(cells):
            continue
        there = sum(_exists(folder, text) for text in named)
        words = set(re.findall("[a-z]+", source.name.lower()))
        view = next((v for v, known in VIEW_WORDS.items() if words & set(known)), "scan")
        if there and view not in found:
            found[view] = (source, there)
    return found


def _exists(folder: Path, text: str) -> bool:
    match = _PATH.fullmatch(text.replace("\\", "/"))
    try:
        return match is not None and ".." not in text and (folder / match[1]).is_file()
    except (OSError, ValueError):
        return False


def _write_file_columns(page: Page, columns: dict[str, tuple[Source, int]], folder: Path) -> None:
    page.put("scans")
    page.put("folder", folder.as_posix(), indent=2)
    page.put("columns", indent=2)
    for view, (source, there) in columns.items():
        rule = {"column": source.name, "extract": r"^[/\\]*(.+)$"}
        note = f"{there} of {len(source.facts.counts)} files are there"
        page.put(view, rule, note, indent=4)


def _has_postop(roles: Roles) -> bool:
    pick, pre = roles.acuities.get("postop_va"), roles.acuities.get("preop_va")
    if pick is None or pre is None or not pick.candidates:
        return False
    return roles.shape == "visit" or pick.candidates != pre.candidates or len(pick.candidates) > 1
