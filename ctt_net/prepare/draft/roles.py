"""Which column of a table is what, by the words of its name and what its cells can be read as."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from ctt_net.prepare.draft import column_names as names
from ctt_net.prepare.draft.column import Column
from ctt_net.prepare.draft.column_names import mentions, time_of
from ctt_net.prepare.draft.evidence import (
    acuity_evidence,
    date_formats,
    says_side,
)


@dataclass(frozen=True)
class Pick:
    """What was found for one role: one column, or several a person has to choose from."""

    candidates: tuple[Column, ...] = ()
    sure: bool = True

    @property
    def chosen(self) -> Column | None:
        """The one column, if it is beyond doubt."""
        return self.candidates[0] if len(self.candidates) == 1 and self.sure else None


@dataclass
class Roles:
    """Every role that was found in a table.

    Args:
        shape: What a row is: eye or patient.
        repeated: Rows of eyes that other rows hold too.
        picks: By key of the mapping (`patient_id`, `laterality`, `preop_va`, ...) and name
            of covariate.
        personal: Names of columns that identify persons.
        others: Columns without a role.
    """

    shape: str = "eye"
    repeated: int = 0
    picks: dict[str, Pick] = field(default_factory=dict)
    personal: list[str] = field(default_factory=list)
    others: list[Column] = field(default_factory=list)

    def take(self, role: str, pick: Pick) -> None:
        """Give a role, if any column has it; its columns can have no other one."""
        if pick.candidates:
            self.picks[role] = pick
            self.others = [column for column in self.others if column not in pick.candidates]

    def chosen(self, role: str) -> Column | None:
        """The one column of a role, if it is beyond doubt."""
        return self.picks.get(role, Pick()).chosen


def find_roles(table: pd.DataFrame) -> Roles:
    """Look at names and cells of every column.

    Args:
        table: Text, blank = unknown.
    """
    roles = Roles()
    roles.others = _columns(table, roles)
    acuities = [column for column in roles.others if is_acuity(column)]

    def left(words: Iterable[str] | None = None) -> list[Column]:
        free = [column for column in roles.others if column.known and column not in acuities]
        return [column for column in free if words is None or mentions(column.name, words)]

    roles.take("patient_id", _patient(left()))
    if roles.shape == "eye":
        roles.take("laterality", _side(left()))
    if roles.shape == "eye":
        roles.repeated = _repeated(roles, table)
    dates: dict[str, list[Column]] = {}
    for column in left():
        role = _date_of(column)
        if role:
            dates.setdefault(role, []).append(column)
    for role, columns in dates.items():
        roles.take(role, Pick(tuple(columns)))
    for time in ("preop", "postop"):
        roles.take(f"{time}_va", _acuity(acuities, time))
    for role, words in names.PLAIN.items():
        roles.take(role, Pick(tuple(c for c in left(words) if _fits(role, c))[:1]))
    for role, (words, _) in names.COVARIATES.items():
        roles.take(role, Pick(tuple(c for c in left(words) if time_of(c.name) != "postop")[:1]))
    return roles


def is_acuity(column: Column) -> bool:
    """Whether a column holds acuities, by its name and its cells."""
    return mentions(column.name, names.ACUITY) and acuity_evidence(column).is_acuity


def _columns(table: pd.DataFrame, roles: Roles) -> list[Column]:
    """Columns, or pairs of them where the acuities of both eyes stand in one row."""
    single = {str(name): Column.of(str(name), table[name]) for name in table.columns}
    roles.personal = [n for n, c in single.items() if names.is_personal(n) or c.is_free_text]
    free = [name for name in single if name not in roles.personal]
    pairs = names.side_pairs(free)
    if not any(all(is_acuity(single[name]) for name in pair.values()) for pair in pairs):
        return [single[name] for name in free]
    roles.shape = "patient"
    paired = {name for pair in pairs for name in pair.values()}
    return [
        *(Column.of(p["OD"], pd.concat([table[n] for n in p.values()]), p) for p in pairs),
        *(single[name] for name in free if name not in paired),
    ]


def _patient(left: list[Column]) -> Pick:
    possible = [
        column
        for column in left
        if not column.sides
        and not mentions(column.name, names.NO_PATIENT)
        and (len(column.counts) > 1 or column.known == 1)
    ]
    for words in names.PATIENT:
        fitting = tuple(column for column in possible if mentions(column.name, words))
        if fitting:
            return Pick(fitting)
    return Pick()


def _side(left: list[Column]) -> Pick:
    """By name and cells, by cells alone, or by name alone."""
    read = [column for column in left if says_side(column)]
    named = [column for column in read if mentions(column.name, names.LATERALITY)]
    exact = [column for column in named if len(names.tokens(column.name)) == 1]
    coded = [c for c in left if mentions(c.name, names.LATERALITY) and c.has_levels]
    coded = [column for column in coded if len(column.counts) < 4]
    return Pick(tuple(exact or named or read or coded[:1]))


def _repeated(roles: Roles, table: pd.DataFrame) -> int:
    """Rows of eyes that stand in a row above already; of two eyes where no column says which."""
    patient, side = roles.chosen("patient_id"), roles.chosen("laterality")
    if patient is None:
        return 0
    keys = table[[patient.name, side.name] if side else [patient.name]]
    return int((keys.groupby([*keys]).cumcount() >= (1 if side else 2)).sum())


def _acuity(acuities: list[Column], time: str) -> Pick:
    """The acuity before surgery, or after; corrected ones go first."""
    said = [column for column in acuities if time_of(column.name) == time]
    fitting = said or [column for column in acuities if time_of(column.name) is None]
    corrected = [c for c in fitting if not mentions(c.name, names.UNCORRECTED)]
    return Pick(tuple(corrected or fitting), sure=bool(said))


def _date_of(column: Column) -> str | None:
    """Which date of the manifest a column holds."""
    if not date_formats(column):
        return None
    time = time_of(column.name)
    if time != "postop" and mentions(column.name, names.SCAN):
        return "scan_date"
    surgery = "surgery_date" if mentions(column.name, names.SURGERY) else None
    return f"{time}_date" if time else surgery


def _fits(name: str, column: Column) -> bool:
    """Whether the cells can be those of a plain column of the manifest."""
    return column.numbers is not None if name == "followup_days" else len(column.counts) <= 12
