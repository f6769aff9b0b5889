"""Covariates of a drafted mapping, and what it leaves out: other columns, and those of persons."""

import re

from ctt_net.prepare.draft.guess_covariates import covariate_rule
from ctt_net.prepare.draft.guess_roles import Roles
from ctt_net.prepare.draft.guess_words import COMPLICATION_WORDS, COVARIATE_WORDS, mentions
from ctt_net.prepare.draft.yaml_lines import Page, several, shown
from ctt_net.prepare.mapping.choose import CHOOSE


def write_covariates(page: Page, roles: Roles) -> None:
    """Those whose meaning the name says."""
    found = []
    for name, source in roles.covariates.items():
        rule, said = covariate_rule(source, COVARIATE_WORDS[name][1])
        if rule is None:
            page.say(f"{name}: {several(source.columns)} not used: {said}")
            continue
        if rule["kind"] != "numeric":
            name = name.removesuffix("_years").removesuffix("_mm")
        found.append((name, rule, said))
    if found:
        page.put("covariates")
        page.say("what is known before surgery; recode: {old: new} renames cells", indent=2)
        for name, rule, said in found:
            page.put(name, rule, said, indent=2)
        page.skip()


def write_others(page: Page, roles: Roles) -> None:
    """Columns that are not used, with a line for those that could be a covariate."""
    for source in roles.others:
        facts = source.facts
        if mentions(source.name, COMPLICATION_WORDS) and (len(facts.counts) > 1 or facts.blank):
            line = {"reason": "complication", "column": source.columns[0], "is": [CHOOSE]}
            cells = several(facts.levels()) if facts.may_show_levels else facts.span()
            page.put("exclude", [line], f"which cells ({cells}); or remove this line")
            break
    page.off("followup_window_days", [14, 120], "if the time of the acuity is to be limited")
    page.skip()
    if roles.people:
        page.say("Not used: identifies a person")
        for name, what in roles.people.items():
            page.say(f"{shown(name)}: {what}", indent=2)
    if not roles.others:
        return
    page.say("Not used. What is known only after surgery must never be a covariate.")
    for source in roles.others:
        if source is roles.side_column:  # only a part of it is used, for the side
            continue
        rule, said = covariate_rule(source)
        if source.name in roles.evidence:
            page.say(f"{several(source.columns)}: another acuity, {said}", indent=2)
        elif rule is None:
            page.say(f"{several(source.columns)}: {said}", indent=2)
        else:
            name = re.sub(r"\W+", "_", source.name.lower()).strip("_") or "column"
            page.off(name, rule, said, indent=2)
