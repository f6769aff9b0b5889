"""What was measured before surgery and what after, by names and the shape of a table."""

import pandas as pd

from ctt_net.prepare.draft import guess_words as words
from ctt_net.prepare.draft.guess_acuity import acuity_evidence
from ctt_net.prepare.draft.guess_dates import guess_dates
from ctt_net.prepare.draft.guess_roles import Pick, Roles, Source
from ctt_net.prepare.draft.guess_words import mentions, time_of

# A column of off-chart words only has few different cells, even with their distances.
_MOST_OFF_CHART_WORDS = 40


def is_acuity(source: Source, roles: Roles) -> bool:
    """Whether a column holds acuities; one of off-chart words only is remembered as such."""
    named = mentions(source.name, words.ACUITY_WORDS)
    if not named and len(source.facts.counts) > _MOST_OFF_CHART_WORDS:
        return False
    evidence = acuity_evidence(source.facts)
    if evidence.off_chart and not evidence.on_chart:
        roles.off_chart[source.name] = source
        return False
    if not named or not evidence.is_acuity:
        return False
    roles.evidence[source.name] = evidence
    return True


def find_visits(
    roles: Roles, left: list[Source], acuities: list[Source], table: pd.DataFrame
) -> None:
    """Whether eyes repeat, told apart by a column of visits."""
    if roles.shape == "patient" or roles.patient.chosen is None or roles.side_column is None:
        return
    side = table[roles.side_column.name]
    if roles.sides is not None and roles.sides.extract is not None:
        side = side.str.extract(roles.sides.extract, expand=False)
    keys = pd.DataFrame({"patient": table[roles.patient.chosen.name], "side": side})
    roles.repeats = int(keys.duplicated().sum())
    if roles.repeats < 0.2 * len(keys) or any(time_of(source.name) for source in acuities):
        return
    fitting = [
        source
        for source in left
        if mentions(source.name, words.VISIT_WORDS)
        and len(source.facts.counts) > 1
        and guess_dates(source.facts) is None
    ]
    if fitting:
        roles.shape, roles.visit = "visit", Pick(tuple(fitting))


def find_acuities(roles: Roles, acuities: list[Source]) -> None:
    """Which acuity is the one before surgery, and which after; their off-chart words."""
    if roles.shape == "visit":
        pick = _corrected(acuities)
        roles.acuities = {"preop_va": pick, "postop_va": pick}
        return
    times: dict[str | None, list[Source]] = {"preop": [], "postop": [], None: []}
    for source in acuities:
        times[time_of(source.name)].append(source)
    for role, time in (("preop_va", "preop"), ("postop_va", "postop")):
        sure = bool(times[time])
        pick = _corrected(times[time] or times[None])
        if pick.candidates:
            roles.acuities[role] = Pick(pick.candidates, sure, pick.note)
    for role in ("preop_va", "postop_va"):  # its off-chart words may stand beside it
        pick = roles.acuities.get(role, Pick())
        time = role.removesuffix("_va")
        beside = [
            source
            for source in roles.off_chart.values()
            if time_of(source.name) in (time, None) and len(roles.off_chart) <= 2
        ]
        if pick.candidates and len(beside) == 1 and (pick.chosen or len(acuities) == 1):
            roles.off_chart[role] = beside[0]
    roles.off_chart = {k: s for k, s in roles.off_chart.items() if k.endswith("_va")}


def _corrected(candidates: list[Source]) -> Pick:
    """Corrected acuities go before uncorrected ones."""
    best = [s for s in candidates if not mentions(s.name, words.UNCORRECTED_WORDS)]
    if best and len(best) < len(candidates):
        return Pick(tuple(best), note="taken before the uncorrected one")
    return Pick(tuple(candidates))


def find_dates(roles: Roles, left: list[Source]) -> None:
    """Columns of dates, and of what."""
    picks: dict[str, list[Source]] = {}
    for source in left:
        guess = guess_dates(source.facts)
        if guess is None:
            continue
        role = _date_role(source.name)
        roles_of = ("preop_date", "postop_date") if roles.shape == "visit" and not role else (role,)
        for each in filter(None, roles_of):
            picks.setdefault(each, []).append(source)
            roles.formats[source.name] = guess
    roles.dates = {role: Pick(tuple(sources)) for role, sources in picks.items()}


def _date_role(name: str) -> str | None:
    time = time_of(name)
    if time != "postop" and mentions(name, words.SCAN_WORDS):
        return "scan_date"
    if time is not None:
        return f"{time}_date"
    return "surgery_date" if mentions(name, words.SURGERY_WORDS) else None
