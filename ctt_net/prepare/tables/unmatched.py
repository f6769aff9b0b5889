"""Words of a mapping that no cell of the table holds: misspelt more often than rare."""

from collections.abc import Collection, Iterable, Iterator

import pandas as pd

from ctt_net.cohort.words import comparable
from ctt_net.prepare.mapping.column_rules import CellRule
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.tables.cells import before_recode, resolved
from ctt_net.types import EYES

_SHOWN = 5


def unmatched_words(mapping: CohortMapping, table: pd.DataFrame) -> list[str]:
    """Say which words of a mapping match no cell, and which nearly match one.

    Args:
        mapping: Whose words are looked for.
        table: The user's, as text, all of its rows.
    """
    remarks = []
    for place, words, columns in _compared(mapping, table):
        if not words:
            continue
        cells = {text: comparable(text) for column in columns for text in column.unique()}
        held = set(cells.values())
        remarks += unmatched_remark(place, [word for word in words if comparable(word) not in held])
        codes = {form.lstrip("0"): text for text, form in cells.items() if form.isdigit()}
        for word in words:
            near = codes.get(comparable(word).lstrip("0")) if word.isdigit() else None
            if near is not None and comparable(near) != comparable(word):
                remarks.append(
                    f"{place}: {word!r} is not taken for {near!r} in the table, since zeros in "
                    f"front count; write both if they are one"
                )
    return remarks


def unmatched_remark(place: str, words: Collection[str]) -> list[str]:
    """One line for all words of one place, none for none."""
    if not words:
        return []
    shown = ", ".join(map(repr, sorted(words)[:_SHOWN]))
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return [f"{place}: no cell holds {shown}{more}; look how the table spells it"]


def _compared(
    mapping: CohortMapping, table: pd.DataFrame
) -> Iterator[tuple[str, Collection[str], list[pd.Series]]]:
    """Every list of words, its place in the mapping, and the cells it is compared with."""
    file = mapping.file
    for line in file.exclude:
        yield f"exclude ({line.reason})", line.cells, [table[line.column]]
    if file.visit is not None:
        visits = [resolved(file.visit, table)]
        yield "visit.preop", file.visit.preop.names, visits
        yield "visit.postop", () if file.visit.postop is None else file.visit.postop.names, visits
    for place, rule in file.named_rules():
        if rule.missing:
            yield f"{place}.missing", rule.missing, [table[column] for column in rule.columns]
        if rule.strip:
            seen = [w for w in rule.strip for c in rule.columns if _contains(table[c], w)]
            yield f"{place}.strip", rule.strip, [pd.Series(seen, dtype=object)]
        if rule.recode:
            cells = [before_recode(rule, table, side) for side in _sides(rule)]
            yield f"{place}.recode", rule.recode, cells
    laterality = file.columns.laterality
    if laterality is not None and not laterality.from_files:
        words = [word for word in laterality.words if word not in EYES]
        yield "columns.laterality", words, [resolved(laterality, table)]
    for name, covariate in mapping.spec.covariates.items():
        rule = file.covariates[name]
        cells = [resolved(rule, table, side) for side in _sides(rule)]
        yield f"covariates.{name}.levels", covariate.levels, cells


def _contains(cells: pd.Series, word: str) -> bool:
    return bool(cells.str.contains(word, case=False, regex=False).any())


def _sides(rule: CellRule) -> Iterable[str | None]:
    return rule.sides or (None,)
