"""Manifests damaged at random: each is a cohort or an InputError, never another exception."""

import csv
import io

import numpy as np
import pytest

from ctt_net.cohort import read_cohort, write_cohort
from ctt_net.errors import InputError

ODD_CELLS = (
    *("", " ", "-", "NA", "nan", "inf", "-0", "1e400", "0x10", "9" * 400, "１２", "½", "٣"),
    *("=1+1", "'=1", "'", "''''", '"', '""', ",", ";", "\n", "\r", "\t", "\\", "\ufeff"),
    *("\u202e", "\u2028", "\U0001f441", "e\u0301", "x" * 300, "../x", "/", ".", "..", "~", "%00"),
    *("CON", "a:b", "scans", "scans/", "scans/0_h.png/", "CF", "NLP", "20/0", "0/20", "20/40-99"),
    *("45321", "2024-02-30", "0000-00-00", "9999-12-31", "2024-06-09", "OD", "test", "True"),
)


def cells_of(text):
    return list(csv.reader(io.StringIO(text)))


def text_of(cells):
    text = io.StringIO()
    csv.writer(text).writerows(cells)
    return text.getvalue()


def flip_bytes(rng, text):
    data = bytearray(text.encode())
    for place in rng.integers(0, len(data), rng.integers(1, 6)):
        data[place] ^= 1 << rng.integers(8)
    return bytes(data)


def cut(rng, text):
    return text.encode()[: rng.integers(len(text))]


def encode_otherwise(rng, text):
    kind = rng.choice(["utf-16", "utf-32", "latin-1", "cp1252", "gbk", "utf-8-sig", "shift_jis"])
    return text.replace("clinic", "clínic").encode(str(kind), "replace")


def replace_cells(rng, text):
    cells = cells_of(text)
    for _ in range(rng.integers(1, 4)):
        row, column = rng.integers(len(cells)), rng.integers(len(cells[0]))
        cells[row][column] = str(rng.choice(ODD_CELLS))
    return text_of(cells)


def swap_cells(rng, text):
    cells = cells_of(text)
    rows, columns = rng.integers(0, len(cells), 2), rng.integers(0, len(cells[0]), 2)
    one, other = cells[rows[0]][columns[0]], cells[rows[1]][columns[1]]
    cells[rows[0]][columns[0]], cells[rows[1]][columns[1]] = other, one
    return text_of(cells)


def change_columns(rng, text):
    place = int(rng.integers(len(cells_of(text)[0])))
    drop = rng.random() < 0.5
    times = 0 if drop else 2
    return text_of(
        [
            [*line[:place], *line[place : place + 1] * times, *line[place + 1 :]]
            for line in cells_of(text)
        ]
    )


def change_rows(rng, text):
    cells = cells_of(text)
    place = int(rng.integers(len(cells)))
    return text_of([*cells[:place], *cells[place : place + 1] * rng.integers(0, 3), *cells[place:]])


def insert_signs(rng, text):
    place = int(rng.integers(len(text)))
    return text[:place] + str(rng.choice(ODD_CELLS)) + text[place:]


# Of each kind; 125 were tried once, and a suite is to be quick.
ROUNDS = 20

DAMAGES = (
    *(flip_bytes, cut, encode_otherwise, replace_cells),
    *(swap_cells, change_columns, change_rows, insert_signs),
)


@pytest.fixture
def good_rows(eye):
    days = {"surgery_date": "2024-01-10", "postop_date": "2024-02-10", "followup_days": "31"}
    facts = {"site": "clinic, north", "device": "cirrus", "split": "train", "note": '"quoted"'}
    return [eye(n, **days, **facts, preop_logmar="", postop_off_chart="") for n in range(4)]


@pytest.mark.parametrize("damage", DAMAGES, ids=[damage.__name__ for damage in DAMAGES])
def test_a_damaged_manifest_is_a_cohort_or_an_input_error(make_cohort, as_csv, good_rows, damage):
    text = as_csv(good_rows)
    root = make_cohort(text)
    rng = np.random.default_rng([7, DAMAGES.index(damage)])
    outcomes = {"read": 0, "refused": 0}
    for _ in range(ROUNDS):
        damaged = damage(rng, text)
        data = damaged if isinstance(damaged, bytes) else damaged.encode()
        (root / "manifest.csv").write_bytes(data)
        try:
            table = read_cohort(root).table
        except InputError:
            outcomes["refused"] += 1
        else:
            assert table["eye_id"].is_unique
            assert set(table["laterality"]) <= {"OD", "OS"}
            outcomes["read"] += 1
    assert outcomes["refused"] > 0, outcomes


def test_a_damaged_declaration_is_a_cohort_or_an_input_error(make_cohort, good_rows, spec_text):
    root = make_cohort(good_rows)
    rng = np.random.default_rng(8)
    refused = 0
    for number in range(2 * ROUNDS):
        damage = (flip_bytes, cut, insert_signs)[number % 3]
        damaged = damage(rng, spec_text)
        data = damaged if isinstance(damaged, bytes) else damaged.encode()
        (root / "cohort.yaml").write_bytes(data)
        try:
            read_cohort(root)
        except InputError:
            refused += 1
    assert refused > 0


def test_odd_cells_given_to_the_writer_are_written_or_refused_whole(make_cohort, good_rows):
    root = make_cohort(good_rows)
    spec = read_cohort(root).spec
    before = {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
    rng = np.random.default_rng(9)
    for odd in (*ODD_CELLS[::5], "\x00", "\ud800", "x" * 200_000):
        rows = [dict(row) for row in good_rows]
        rows[rng.integers(4)][str(rng.choice(list(rows[0])))] = odd
        rows[rng.integers(4)]["note"] = odd
        try:
            written = write_cohort(root, spec, rows)
        except InputError:
            now = {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
            assert now == before
        else:
            again = read_cohort(root)
            assert again.table.equals(written.table)
            assert again.rows == written.rows
            before = {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
