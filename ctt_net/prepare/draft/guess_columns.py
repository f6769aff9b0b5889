"""Which column of a table is what, by the words of its name and what its cells can be read as."""

from collections.abc import Iterable

import pandas as pd

from ctt_net.prepare.draft import guess_words as words
from ctt_net.prepare.draft.guess_acuity import acuity_evidence
from ctt_net.prepare.draft.guess_facts import Facts, facts_of
from ctt_net.prepare.draft.guess_people import identifies
from ctt_net.prepare.draft.guess_roles import Pick, Roles, Source
from ctt_net.prepare.draft.guess_sides import SideGuess, guess_sides, pairs_of, sides_inside
from ctt_net.prepare.draft.guess_times import find_acuities, find_dates, find_visits, is_acuity
from ctt_net.prepare.draft.guess_words import mentions, time_of

_NO_PATIENT = (
    *(words.ACUITY_WORDS + words.DATE_WORDS + words.THING_WORDS + words.LATERALITY_WORDS),
    *(words.VISIT_WORDS + words.DEVICE_WORDS),
    *("age", "sex", "gender", "alter", "geschlecht", "sexe", "年龄", "性别"),
)


def guess_columns(table: pd.DataFrame) -> Roles:
    """Look at names and cells of every column.

    Args:
        table: Text, blank = unknown.
    """
    facts = {str(name): facts_of(table[name]) for name in table.columns}
    roles = Roles(people={n: what for n, f in facts.items() if (what := identifies(n, f))})
    free = [name for name in facts if name not in roles.people]
    sources = _sources(table, free, facts, roles)
    left = [source for source in sources if source.facts.known]

    def take(taken: Iterable[Source]) -> None:
        gone = {column for source in taken for column in source.columns}
        left[:] = [source for source in left if not gone & set(source.columns)]

    roles.patient = _patient(left)
    take(roles.patient.candidates)
    if roles.shape != "patient":
        _laterality(roles, left, table)
        take(filter(None, [roles.side_column if not _is_inside(roles) else None]))
    acuities = [source for source in left if is_acuity(source, roles)]
    take([*acuities, *roles.off_chart.values()])
    find_visits(roles, left, acuities, table)
    take(roles.visit.candidates)
    find_acuities(roles, acuities)
    find_dates(roles, left)
    take([source for pick in roles.dates.values() for source in pick.candidates])
    plain: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("followup_days", words.FOLLOWUP_WORDS),
        ("eye_id", words.EYE_ID_WORDS),
        ("device", words.DEVICE_WORDS),
        ("site", words.SITE_WORDS),
    )
    for name, known in plain:
        fitting = [s for s in left if mentions(s.name, known) and _fits_plain(name, s)]
        if fitting:
            roles.plain[name] = fitting[0]
            take(fitting[:1])
    for name, (known, _) in words.COVARIATE_WORDS.items():
        fitting = [s for s in left if mentions(s.name, known) and time_of(s.name) != "postop"]
        if fitting:
            roles.covariates[name] = fitting[0]
            take(fitting[:1])
    used = _used(roles)
    roles.others = [source for source in sources if not used & set(source.columns)]
    return roles


def _used(roles: Roles) -> set[str]:
    """Columns that stand somewhere in the mapping."""
    picks = (roles.patient, roles.visit, *roles.acuities.values(), *roles.dates.values())
    sources = [source for pick in picks for source in pick.candidates]
    groups = (roles.off_chart, roles.plain, roles.covariates)
    sources += [source for group in groups for source in group.values()]
    sources += [*roles.side_candidates]
    if roles.side_column is not None and not _is_inside(roles):
        sources.append(roles.side_column)
    return {column for source in sources for column in source.columns}


def _sources(
    table: pd.DataFrame, free: list[str], facts: dict[str, Facts], roles: Roles
) -> list[Source]:
    """Columns, or pairs of them where the acuities of both eyes stand in one row."""
    pairs = pairs_of(free)
    acuities = [
        pair
        for pair in pairs
        if all(mentions(name, words.ACUITY_WORDS) for name in pair.values())
        and all(acuity_evidence(facts[name]).is_acuity for name in pair.values())
    ]
    if not acuities:
        return [Source(name, facts[name]) for name in free]
    roles.shape = "patient"
    paired = {name for pair in pairs for name in pair.values()}
    sources = [
        Source(pair["OD"], facts_of(pd.concat([table[name] for name in pair.values()])), pair)
        for pair in pairs
    ]
    return sources + [Source(name, facts[name]) for name in free if name not in paired]


def _patient(left: list[Source]) -> Pick:
    for known in words.PATIENT_WORDS:
        fitting = [
            source
            for source in left
            if not source.sides
            and mentions(source.name, known)
            and not mentions(source.name, (*words.EYE_ID_WORDS, *_NO_PATIENT))
            and (len(source.facts.counts) > 1 or source.facts.known == 1)
        ]
        if fitting:
            return Pick(tuple(fitting))
    return Pick()


def _laterality(roles: Roles, left: list[Source], table: pd.DataFrame) -> None:
    """The column that says the eye: by name and cells, by cells alone, or inside a longer text."""
    named = [source for source in left if mentions(source.name, words.LATERALITY_WORDS)]
    read = {source.name: guess_sides(source.facts) for source in left}
    exact = [s for s in named if len(words.tokens(s.name)) == 1 and read[s.name]]
    for group in (exact, [s for s in named if read[s.name]], [s for s in left if read[s.name]]):
        if len(group) == 1:
            roles.side_column, roles.sides = group[0], read[group[0].name]
            return
        if group:
            roles.side_candidates = tuple(group)
            return
    coded = [s for s in named if s.facts.may_show_levels and len(s.facts.counts) <= 3]
    if coded:
        source = coded[0]
        roles.side_column = source
        roles.sides = SideGuess({"OD": [], "OS": []}, unknown=tuple(source.facts.levels()))
        return
    for source in [*left, *roles.patient.candidates]:
        inside = sides_inside(table[source.name])
        if inside is not None:
            roles.side_column, roles.sides = source, inside
            return


def _is_inside(roles: Roles) -> bool:
    return roles.sides is not None and roles.sides.extract is not None


def _fits_plain(name: str, source: Source) -> bool:
    if name == "followup_days":
        return source.facts.numbers is not None
    if name == "eye_id":
        return len(source.facts.counts) > 1
    return source.facts.may_show_levels or len(source.facts.counts) <= 12
