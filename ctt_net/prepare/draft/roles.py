"""Which column of a table is what, by the words of its name and what its cells can be read as."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from ctt_net.prepare.draft import column_names as names
from ctt_net.prepare.draft.column import Column
from ctt_net.prepare.draft.column_names import mentions, time_of
from ctt_net.prepare.draft.evidence import (
    AcuityEvidence,
    SideEvidence,
    acuity_evidence,
    date_formats,
    side_evidence,
    side_inside,
)

# A column of off-chart words only has few different cells, even with their distances.
_MOST_OFF_CHART_WORDS = 40


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
        shape: What a row is: eye, patient or visit.
        patient: The column that tells persons apart.
        side: The column that says the eye, and how.
        side_candidates: Columns that all could, if there are several.
        visit: The one that tells visits apart.
        acuities: `preop_va` and `postop_va`.
        evidence: Name of a column of acuities to what its cells say.
        off_chart: VA column to the column of its off-chart words.
        dates: Date column of the manifest to its column.
        formats: Name of a column of dates to its formats.
        plain: Other columns of the manifest.
        covariates: By the name they get.
        personal: Names of columns that identify persons.
        others: Columns without a role.
    """

    shape: str = "eye"
    patient: Pick = field(default_factory=Pick)
    side: SideEvidence | None = None
    side_candidates: tuple[Column, ...] = ()
    visit: Pick = field(default_factory=Pick)
    acuities: dict[str, Pick] = field(default_factory=dict)
    evidence: dict[str, AcuityEvidence] = field(default_factory=dict)
    off_chart: dict[str, Column] = field(default_factory=dict)
    dates: dict[str, Pick] = field(default_factory=dict)
    formats: dict[str, tuple[str, ...]] = field(default_factory=dict)
    plain: dict[str, Column] = field(default_factory=dict)
    covariates: dict[str, Column] = field(default_factory=dict)
    personal: list[str] = field(default_factory=list)
    others: list[Column] = field(default_factory=list)


def find_roles(table: pd.DataFrame) -> Roles:
    """Look at names and cells of every column.

    Args:
        table: Text, blank = unknown.
    """
    roles = Roles()
    columns = _columns(table, roles)
    left = [column for column in columns if column.known]

    def take(taken: Iterable[Column]) -> None:
        gone = {name for column in taken for name in column.columns}
        left[:] = [column for column in left if not gone & set(column.columns)]

    roles.patient = _patient(left)
    take(roles.patient.candidates)
    if roles.shape == "eye":
        _find_side(roles, left, table)
    if roles.side is not None and roles.side.extract is None:
        take([roles.side.column])
    acuities, off_chart = _acuities(left, roles)
    take([*acuities, *off_chart])
    if (
        roles.shape == "eye"
        and _repeats(roles, table)
        and not any(time_of(c.name) for c in acuities)
    ):
        visits = [c for c in left if mentions(c.name, names.VISIT) and len(c.counts) > 1]
        visits = [column for column in visits if not date_formats(column)]
        roles.shape, roles.visit = "visit" if visits else "eye", Pick(tuple(visits))
        take(visits)
    _find_acuities(roles, acuities, off_chart)
    _find_dates(roles, left)
    take([column for pick in roles.dates.values() for column in pick.candidates])
    for name, known in names.PLAIN.items():
        for column in [c for c in left if mentions(c.name, known) and _fits(name, c)][:1]:
            roles.plain[name] = column
            take([column])
    for name, (known, _) in names.COVARIATES.items():
        fitting = [c for c in left if mentions(c.name, known) and time_of(c.name) != "postop"]
        for column in fitting[:1]:
            roles.covariates[name] = column
            take([column])
    used = {id(column) for pick in roles.acuities.values() for column in pick.candidates}
    free = {id(column) for column in (*left, *acuities, *off_chart)}
    free |= {id(column) for column in columns if not column.known}
    used |= {id(column) for column in roles.off_chart.values()}
    used |= {id(column) for column in roles.side_candidates}
    roles.others = [column for column in columns if id(column) in free - used]
    return roles


def _columns(table: pd.DataFrame, roles: Roles) -> list[Column]:
    """Columns, or pairs of them where the acuities of both eyes stand in one row."""
    single = {str(name): Column.of(str(name), table[name]) for name in table.columns}
    roles.personal = [n for n, c in single.items() if names.is_personal(n) or c.is_free_text]
    free = [name for name in single if name not in roles.personal]
    pairs = names.side_pairs(free)
    if not any(
        all(
            mentions(name, names.ACUITY) and acuity_evidence(single[name]).is_acuity
            for name in pair.values()
        )
        for pair in pairs
    ):
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
    for known in names.PATIENT:
        fitting = tuple(column for column in possible if mentions(column.name, known))
        if fitting:
            return Pick(fitting)
    return Pick()


def _find_side(roles: Roles, left: list[Column], table: pd.DataFrame) -> None:
    """The column that says the eye: by name and cells, by cells alone, or inside a longer text."""
    read = [evidence for column in left if (evidence := side_evidence(column)) is not None]
    named = [evidence for evidence in read if mentions(evidence.column.name, names.LATERALITY)]
    exact = [evidence for evidence in named if len(names.tokens(evidence.column.name)) == 1]
    for group in (exact, named, read):
        if len(group) == 1:
            roles.side = group[0]
        elif group:
            roles.side_candidates = tuple(evidence.column for evidence in group)
        if group:
            return
    for column in left:
        if mentions(column.name, names.LATERALITY) and column.has_levels and len(column.counts) < 4:
            roles.side = SideEvidence(column, {"OD": [], "OS": []}, tuple(column.levels()))
            return
    for column in (*left, *roles.patient.candidates):
        inside = None if column.sides else side_inside(column, table[column.name])
        if inside is not None:
            roles.side = inside
            return


def _acuities(left: list[Column], roles: Roles) -> tuple[list[Column], list[Column]]:
    """Columns of acuities, and of off-chart words alone."""
    acuities, off_chart = [], []
    for column in left:
        named = mentions(column.name, names.ACUITY)
        if not named and len(column.counts) > _MOST_OFF_CHART_WORDS:
            continue
        evidence = acuity_evidence(column)
        if evidence.off_chart and not evidence.on_chart:
            off_chart.append(column)
        elif named and evidence.is_acuity:
            roles.evidence[column.name] = evidence
            acuities.append(column)
    return acuities, off_chart


def _repeats(roles: Roles, table: pd.DataFrame) -> bool:
    """Whether many eyes stand in several rows."""
    if roles.patient.chosen is None or roles.side is None:
        return False
    side = table[roles.side.column.name]
    if roles.side.extract is not None:
        side = side.str.extract(roles.side.extract, expand=False)
    keys = pd.DataFrame({"patient": table[roles.patient.chosen.name], "side": side})
    return bool(keys.duplicated().mean() >= 0.2)


def _find_acuities(roles: Roles, acuities: list[Column], off_chart: list[Column]) -> None:
    """Which acuity is the one before surgery, and which after; corrected ones go first."""
    for time in ("preop", "postop"):
        said = [column for column in acuities if time_of(column.name) == time]
        sure = bool(said) or roles.shape == "visit"
        fitting = said or [c for c in acuities if time_of(c.name) is None]
        corrected = [c for c in fitting if not mentions(c.name, names.UNCORRECTED)]
        pick = Pick(tuple(corrected or fitting), sure)
        if not pick.candidates:
            continue
        roles.acuities[f"{time}_va"] = pick
        beside = [column for column in off_chart if time_of(column.name) in (time, None)]
        if len(beside) == 1 and (pick.chosen or len(acuities) == 1):
            roles.off_chart[f"{time}_va"] = beside[0]


def _find_dates(roles: Roles, left: list[Column]) -> None:
    """Columns of dates, and of what."""
    picks: dict[str, list[Column]] = {}
    for column in left:
        formats = date_formats(column)
        if not formats:
            continue
        time = time_of(column.name)
        found = [f"{time}_date"] if time else []
        if time != "postop" and mentions(column.name, names.SCAN):
            found = ["scan_date"]
        elif time is None and mentions(column.name, names.SURGERY):
            found = ["surgery_date"]
        elif time is None and roles.shape == "visit":
            found = ["preop_date", "postop_date"]
        for role in found:
            picks.setdefault(role, []).append(column)
            roles.formats[column.name] = formats
    roles.dates = {role: Pick(tuple(columns)) for role, columns in picks.items()}


def _fits(name: str, column: Column) -> bool:
    """Whether the cells can be those of a plain column of the manifest."""
    if name == "followup_days":
        return column.numbers is not None
    if name == "eye_id":
        return len(column.counts) > 1
    return len(column.counts) <= 12
