"""Checks of the tables; no scan is opened here."""

from ctt_net.check.finding import Finding
from ctt_net.check.tables.acuity import acuity_findings
from ctt_net.check.tables.dates import date_findings
from ctt_net.check.tables.facts import Facts, table_facts
from ctt_net.check.tables.fellow_eyes import fellow_eye_findings
from ctt_net.check.tables.folds import fold_findings
from ctt_net.check.tables.leaks import leak_findings
from ctt_net.check.tables.measures import measure_findings
from ctt_net.check.tables.notation import notation_findings
from ctt_net.check.tables.schema import schema_findings
from ctt_net.check.tables.shortcuts import shortcut_findings
from ctt_net.check.tables.strata import strata_findings
from ctt_net.cohort import Cohort, Problem
from ctt_net.cohort.manifest import required_columns

_CHECKS = (
    acuity_findings,
    notation_findings,
    date_findings,
    fellow_eye_findings,
    leak_findings,
    shortcut_findings,
    strata_findings,
    measure_findings,
)


def examine_tables(cohort: Cohort, problems: list[Problem]) -> tuple[Facts, list[Finding]]:
    """Facts on the tables, and all that is wrong with them.

    Args:
        cohort: As inspected, right or wrong.
        problems: What the inspection listed.

    Returns:
        No facts where a column is missing, since nothing can be read then.
    """
    found = schema_findings(cohort, problems)
    if any(name not in cohort.table for name in required_columns(cohort.spec)):
        return [], found
    facts = table_facts(cohort)
    for check in _CHECKS:
        found += check(cohort)
    if not any(problem.severity == "error" for problem in problems):
        more_facts, more_found = fold_findings(cohort)
        facts += more_facts
        found += more_found
    return facts, found
