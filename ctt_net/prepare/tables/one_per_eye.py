"""One entry per eye: of its visits, or of rows that repeat each other."""

import numpy as np
import pandas as pd

from ctt_net.cohort import Problem
from ctt_net.cohort.columns import says_missing
from ctt_net.cohort.words import comparable
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.mapping.visit import VisitChoice, VisitRule
from ctt_net.prepare.tables.cells import comma_fix, resolved
from ctt_net.prepare.tables.eyes import POSTOP_COLUMNS, Eyes
from ctt_net.prepare.tables.flow import ParticipantFlow

_KEY = ["patient_id", "laterality"]


def choose_visits(
    entries: Eyes, mapping: CohortMapping, rule: VisitRule, flow: ParticipantFlow
) -> tuple[Eyes, list[Problem]]:
    """One entry per eye: preoperative cells of one visit, postoperative ones of another.

    Args:
        entries: One per row of the table.
        mapping: For the names of columns in errors.
        rule: Which visits to take.
        flow: Counts rows, visits and eyes.
    """
    visits = resolved(rule, entries.cells)
    problems = _unreadable(visits, entries, rule)
    if problems:
        return entries.take(np.zeros(len(visits), bool)), problems
    # 1 and 1.0 are one visit, and so are V1 and v1.
    numbers = pd.to_numeric(visits) if rule.preop.is_numeric else visits.map(comparable)
    named = with_file_cells(entries, mapping).assign(_visit=numbers)
    once = ~named.duplicated([*_KEY, "_visit"]).to_numpy()
    problems = _contradictions(named, entries.rows, mapping)
    flow.merge("further rows of the same visit", int((~once).sum()))
    flow.arrive(int(once.sum()), "visits of eyes", "visits")
    entries, numbers = entries.take(once), numbers[once].reset_index(drop=True)
    preop = _chosen(entries.table, rule.preop, numbers, "preop_va")
    postop = {}
    if rule.postop is not None:
        after = _after(entries.table, numbers, preop)
        postop = _chosen(entries.table[after], rule.postop, numbers[after], "postop_va")
    taken = len(preop) + len(postop)
    lost = ~pd.MultiIndex.from_frame(entries.table[_KEY]).isin(list(preop))
    names = entries.table.get("eye_id", entries.table[_KEY].agg("_".join, axis=1))
    flow.leave_out("of an eye without a visit before surgery", int(lost.sum()), names[lost])
    flow.leave_out("neither the visit before nor the one after", int((~lost).sum()) - taken)
    flow.arrive(taken, "visits used", "visits")
    flow.arrive(len(preop), "eyes with a visit before surgery", "eyes")
    eyes = entries.take(np.array(list(preop.values()), dtype=int))
    places = [postop.get(eye, -1) for eye in preop]
    rows_after = np.array([entries.rows[at] if at >= 0 else -1 for at in places], dtype=int)
    rows = entries.table.reindex(places).reset_index(drop=True)
    table = eyes.table.copy()
    for column in POSTOP_COLUMNS:
        if column in table:
            table[column] = rows[column].fillna("").astype(object)
    if "surgery_date" in table:
        table["surgery_date"] = table["surgery_date"].where(
            table["surgery_date"] != "", rows["surgery_date"].fillna("")
        )
    return Eyes(table, eyes.cells, eyes.rows, rows_after), problems


def _chosen(
    table: pd.DataFrame, choice: VisitChoice, visits: pd.Series, acuity: str
) -> dict[tuple[str, str], int]:
    """Position of the chosen visit of every eye that has one; one with an acuity goes first."""
    order = pd.DataFrame(
        {"unknown": says_missing(table[acuity]), "rank": choice.rank(visits), "visit": visits}
    )
    # Of two visits as near, the earlier one: the order of the rows decides nothing.
    order = order[order["rank"].notna()].sort_values(["unknown", "rank", "visit"])
    keys = table.loc[order.index, _KEY]
    first = keys[~keys.duplicated()]
    return {(p, s): at for at, p, s in sorted(first.itertuples(name=None))}


def _after(table: pd.DataFrame, visits: pd.Series, preop: dict[tuple[str, str], int]) -> np.ndarray:
    """Which visits may be the one after: not the one before, and where days count, later."""
    before = [preop.get(eye) for eye in table[_KEY].itertuples(index=False, name=None)]
    return np.array(
        [
            at is not None
            and at != own
            and (isinstance(visits[own], str) or visits[own] > visits[at])
            for own, at in enumerate(before)
        ],
        dtype=bool,
    )


def _unreadable(visits: pd.Series, entries: Eyes, rule: VisitRule) -> list[Problem]:
    column = rule.place()
    if rule.preop.is_numeric:
        bad = pd.to_numeric(visits, errors="coerce").isna().to_numpy()
        said = "is no number, so nobody can say which visit came first; name the visits instead"
    else:
        bad, said = (visits == "").to_numpy(), "says no visit; fill it in, or exclude such rows"
    return [
        Problem(
            f"{visits.iloc[at]!r} {said}{comma_fix(visits.iloc[at])}",
            row=int(entries.rows[at]),
            column=column,
        )
        for at in np.flatnonzero(bad)
    ]


def _contradictions(named: pd.DataFrame, rows: np.ndarray, mapping: CohortMapping) -> list[Problem]:
    """Rows of one visit of one eye that say different things."""
    problems = []
    key = [*_KEY, "_visit"]
    repeated = named[named.duplicated(key, keep=False)]
    for column in named.columns.difference(key, sort=False):
        kinds = repeated.groupby(key, sort=False)[column].transform("nunique")
        for _, group in repeated[kinds > 1].groupby(key, sort=False):
            said = group[column]
            other = said.index[said != said.iloc[0]][0]
            problems.append(
                Problem(
                    f"{said[other]!r}, but row {rows[said.index[0]]} of the same visit says "
                    f"{said.iloc[0]!r}; correct one of them",
                    row=int(rows[other]),
                    column=mapping.place_of(column),
                )
            )
    return list(dict.fromkeys(problems))  # preop_va and postop_va are one column


def merge_repeats(
    eyes: Eyes, mapping: CohortMapping, flow: ParticipantFlow
) -> tuple[Eyes, list[Problem]]:
    """One entry per eye; entries that say the same are one, others are a problem."""
    key = ["eye_id"] if "eye_id" in mapping.rules else ["patient_id", "laterality"]
    table = with_file_cells(eyes, mapping)
    group = table.groupby(key, sort=False).ngroup().to_numpy()
    first = np.unique(group, return_index=True)[1]
    again = table.duplicated(key).to_numpy()
    same = table.duplicated().to_numpy()
    problems = []
    for at in np.flatnonzero(again & ~same):
        one, other = table.iloc[at], table.iloc[first[group[at]]]
        names = table.columns[(one != other).to_numpy()]
        differ = [mapping.place_of(str(name), one["laterality"]) for name in names]
        problems.append(
            Problem(
                f"a second row for eye {' '.join(one[key])} (row {eyes.rows[first[group[at]]]} is "
                f"the first), with another {', '.join(differ)}; leave one out with an 'exclude' "
                f"line, or say 'one_row_per: visit' if these are visits",
                row=int(eyes.rows[at]),
            )
        )
    flow.merge("rows that repeat another one", int((again & same).sum()))
    return eyes.take(~again), problems


def with_file_cells(eyes: Eyes, mapping: CohortMapping) -> pd.DataFrame:
    """The manifest columns, and beside them the cells that lead to files: these too must agree."""
    if mapping.scans is None:
        return eyes.table
    asked = dict.fromkeys(
        [column for rule in mapping.scans.columns.values() for column in rule.columns]
        + [name for pattern in mapping.scans.names for name in pattern.fields.values()]
    )
    cells = {name: eyes.cells[name] for name in asked if name in eyes.cells}
    return eyes.table.assign(**{name: c for name, c in cells.items() if name not in eyes.table})
