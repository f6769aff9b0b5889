"""How a clinical column beside the acuities is to be declared, by what its cells are."""

import re
from typing import Any

from ctt_net.prepare.draft.guess_roles import Source

_YES = ("yes", "y", "ja", "j", "oui", "o", "true", "t", "有", "是", "阳性", "+")
_NO = ("no", "n", "nein", "non", "false", "f", "无", "否", "阴性")
_WITH_UNIT = r"^([0-9]+(?:\.[0-9]+)?) ?[^\W\d_]{1,6}\.?$"
_FEW = 10


def covariate_rule(source: Source, unit: str = "") -> tuple[dict[str, Any] | None, str]:
    """The rule of a covariate, and what it was made from.

    Args:
        source: Its column or columns.
        unit: Where the meaning is known.

    Returns:
        None if it cannot be one, with the reason.
    """
    facts = source.facts
    rule: dict[str, Any] = dict(source.rule())
    own = sorted(facts.codes)
    tail: dict[str, Any] = {"missing": own} if own else {}
    kind: dict[str, Any]
    if facts.decimal_comma:
        return None, "numbers with a decimal comma: save them with a point"
    if len(facts.counts) < 2:
        said = f"one value in {sum(facts.counts.values())} rows"
        rest = f", blank in {facts.blank}: perhaps a reason to exclude" if facts.blank else ""
        return None, said + rest if facts.counts else "blank"
    if facts.like_ids:
        return None, f"{facts.span()}, as numbers of persons or things are"
    if facts.numbers is not None:
        distinct = set(facts.numbers.tolist())
        if distinct <= {0.0, 1.0} and not unit:
            return {**rule, "kind": "binary", **tail}, facts.span()
        coded = len(distinct) <= 4 and all(x.is_integer() for x in distinct) and not unit
        if not coded:
            kind = {"kind": "numeric", **({"unit": unit} if unit else {})}
            return {**rule, **kind, **tail}, facts.span()
    words = {text.lower() for text in facts.counts}
    if len(words) == 2 and words & set(_YES) and words & set(_NO):
        recode = {text: int(text.lower() in _YES) for text in facts.levels()}
        return {**rule, "kind": "binary", "recode": recode, **tail}, facts.span()
    if unit and all(re.match(_WITH_UNIT, text) for text in facts.counts):
        return {**rule, "extract": _WITH_UNIT, "kind": "numeric", "unit": unit}, facts.span()
    if not facts.may_show_levels:
        few = len(facts.counts) <= _FEW
        return None, f"{facts.span()}, " + ("too few of each" if few else "no level of few")
    rule = {**rule, "kind": "categorical", "levels": facts.levels(), **tail}
    return rule, facts.span()
