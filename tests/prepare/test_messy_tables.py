"""Messy tables by the thousand: refused where a strict reader refuses them, else read as it does.

CTT_NET_FUZZ=10000 .venv/bin/python -m pytest tests/prepare/test_messy_tables.py
"""

import csv
import json
import os
import shutil
from contextlib import suppress

import pytest

from ctt_net.errors import InputError
from ctt_net.prepare import prepare_cohort, read_mapping
from tests.prepare import oracle
from tests.prepare.balance import balance
from tests.prepare.conftest import Raw
from tests.prepare.messy import mapping, messy, typed

TABLES = int(os.environ.get("CTT_NET_FUZZ", "60"))
FIRST = int(os.environ.get("CTT_NET_FUZZ_FIRST", "0"))


def check(seed: int, raw: Raw) -> bool:
    """One table; True if it came through."""
    table = messy(seed)
    names = [name for name in table.rows[0] if name != table.dropped]
    cells = [names, *([row[name] for name in names] for row in table.rows)]
    if table.kind == "xlsx":
        raw.workbook([names, *([typed(cell) for cell in row] for row in cells[1:])])
    else:
        raw.table(cells)
    path = raw.folder / "mapping.yaml"
    path.write_text(json.dumps(mapping(table), ensure_ascii=False), encoding="utf-8")  # is YAML
    expected = None
    with suppress(oracle.WrongError):
        expected = oracle.read(table)
    refused = ""
    try:
        prepare_cohort(read_mapping(path), raw.out, tables_only=True)
    except InputError as error:
        refused = str(error)
    if refused:
        assert expected is None, f"seed {seed}: refused, but all is well: {refused}"
        assert str(path.parent) in refused
        assert [entry.name for entry in raw.folder.glob(".*")] == []
        assert not raw.out.exists()
        return False
    assert expected is not None, f"seed {seed}: accepted what is wrong"
    read = {
        (eye["patient_id"], eye["laterality"]): tuple(
            float(eye[f"{time}_logmar"]) if eye[f"{time}_logmar"] else None
            for time in ("preop", "postop")
        )
        for eye in csv.DictReader((raw.out / "manifest.csv").open(encoding="utf-8"))
    }
    assert read.keys() == expected.eyes.keys(), f"seed {seed}"
    for eye, values in expected.eyes.items():
        assert read[eye] == pytest.approx(values, abs=1e-5), f"seed {seed}, eye {eye}"
    left, merged = balance(raw.out)
    assert (left, merged) == (+expected.left_out, expected.repeated), f"seed {seed}"
    shutil.rmtree(raw.out)
    return True


@pytest.mark.slow
def test_messy_tables_are_read_right_or_refused(raw):
    came_through = sum(check(seed, raw) for seed in range(FIRST, FIRST + TABLES))
    assert 0.2 * TABLES < came_through < 0.8 * TABLES
