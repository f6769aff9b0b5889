"""Identifying texts of the original cohort, which the new folder must not contain."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pandas as pd

from ctt_net.acuity import is_missing
from ctt_net.cohort import Cohort
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.manifest import undeclared_columns
from ctt_net.deidentify.covariates import FEW
from ctt_net.deidentify.names import Names, is_short
from ctt_net.deidentify.rows import Rows

_DECIMAL = re.compile(r"[-+]?[0-9]*[.,][0-9]+|[-+]?[0-9]{1,4}")


def identifying_texts(cohort: Cohort, rows: Rows, secret: bytes) -> dict[str, str]:
    """Texts that must not be in the new folder, each with its place in the original.

    Values of dropped columns and parts of paths that five or more patients share are words of the
    clinic, such as `cataract`; numbers in them below five digits, or with a fraction, are
    measurements. Neither is searched for.
    """
    origins: dict[str, str] = {}
    for text, where in _texts(cohort, rows):
        origins.setdefault(text, where)
    origins.setdefault(str(cohort.root.resolve()), "the path of the cohort")
    origins.setdefault(secret.hex(), "the key")
    return origins


def declared_words(origins: dict[str, str], declared: str) -> set[str]:
    """Those texts that are words of cohort.yaml's declarations or of the report's own sentences.

    They cannot be distinguished from what must be there: an undeclared column with the value
    `vertical` beside a view of that name.
    """
    found = set(Names({text: text for text in origins}).all_in(declared))
    return {text for text in found if origins[text] != "the key"}


def _texts(cohort: Cohort, rows: Rows) -> Iterator[tuple[str, str]]:
    table = cohort.table
    for column in ("patient_id", "eye_id"):
        for row, text in zip(cohort.rows, table[column], strict=True):
            yield text, f"{column} of row {row}"
    for column in DATE_COLUMNS:
        for row, text in zip(cohort.rows, table.get(column, ()), strict=False):
            if text:
                yield text, f"{column} of row {row}"
                yield text.replace("-", ""), f"{column} of row {row}"
    for column in ("site", "device"):
        if column in table and column not in cohort.spec.covariates:
            for text in table[column].str.strip().unique():
                if not is_missing(text) and text not in rows.devices_kept:
                    yield text, f"a name in column {column}"
    for column in cohort.spec.views:
        yield from _rare(cohort, table[column].map(_parts), f"file name in column {column}")
    for column in undeclared_columns(cohort.table, cohort.spec):
        yield from _rare(cohort, table[column].map(_value), f"column {column}")


def _rare(cohort: Cohort, texts: pd.Series, what: str) -> Iterator[tuple[str, str]]:
    """Texts that fewer than five patients share."""
    each = pd.DataFrame(
        {"text": texts, "patient": cohort.table["patient_id"], "row": cohort.rows}
    ).explode("text")
    each = each[each["text"].notna()]
    sharing = each.groupby("text")["patient"].transform("nunique")
    for text, row in zip(each["text"][sharing < FEW], each["row"][sharing < FEW], strict=True):
        yield str(text), f"{what}, row {row}"


def _parts(path: str) -> list[str]:
    """Folders and the name without its ending."""
    where = PurePosixPath(path)
    return [*where.parent.parts, where.stem] if path else []


def _value(cell: object) -> list[str]:
    text = str(cell).strip()
    plain = is_missing(text) or is_short(text) or _DECIMAL.fullmatch(text)
    return [] if plain else [text]
