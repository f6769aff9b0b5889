"""A person with a spreadsheet, a folder of exports and a mapping; every part can be spoilt."""

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from openpyxl import Workbook

from ctt_net.errors import InputError
from ctt_net.prepare import prepare_cohort, read_mapping

COHORT = {"name": "made", "source": "a test", "licence": "none", "citation": "none"}
VIEWS = {
    "horizontal": {"direction": "horizontal", "angle_deg": 0},
    "vertical": {"direction": "vertical", "angle_deg": 90},
}
COLUMNS = {
    "patient_id": "MRN",
    "laterality": {"column": "Eye", "OD": ["R"], "OS": ["L"]},
    "preop_va": {"column": "Before", "notation": "decimal"},
    "postop_va": {"column": "After", "notation": "decimal"},
}
EYES = [
    {"MRN": "00017", "Eye": "R", "Before": "0.1", "After": "0.8"},
    {"MRN": "00017", "Eye": "L", "Before": "0.2", "After": "1.0"},
    {"MRN": "00018", "Eye": "R", "Before": "CF", "After": "0.5"},
]


def picture(path: Path, seed: int = 0) -> Path:
    """A small layered picture that passes for a B-scan."""
    rng = np.random.default_rng(seed)
    rows = 40 + 80 * np.exp(-(((np.arange(72) - 36) / 9.0) ** 2))[:, None]
    pixels = np.clip(rows + rng.normal(0, 6, (72, 96)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


class Raw:
    """The raw export of a hospital.

    Args:
        folder: Holds everything; the cohort goes to `folder / "out"`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        self.sections: dict = {
            "cohort": dict(COHORT),
            "table": {"file": "eyes.csv"},
            "columns": dict(COLUMNS),
            "views": dict(VIEWS),
        }
        self.table(EYES)

    def table(self, rows, name="eyes.csv", **how) -> Path:
        """Write a CSV from dicts, lists or text."""
        path = self.folder / name
        if isinstance(rows, str | bytes):
            path.write_bytes(rows if isinstance(rows, bytes) else rows.encode())
            return path
        encoding, separator = how.get("encoding", "utf-8"), how.get("separator", ",")
        text = io.StringIO()
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        if rows and isinstance(rows[0], dict):
            names = list(dict.fromkeys(key for row in rows for key in row))
            rows = [names, *([row.get(name, "") for name in names] for row in rows)]
        writer.writerows(rows)
        path.write_bytes(text.getvalue().encode(encoding))
        return path

    def workbook(self, rows, edit=None, name="eyes.xlsx", title="Eyes") -> Path:
        """Write an XLSX from lists; `edit(book)` may do more. The mapping then reads it."""
        book = Workbook()
        book.active.title = title
        for row in rows:
            book.active.append(row)
        if edit is not None:
            edit(book)
        book.save(self.folder / name)
        self.sections["table"] = {**self.sections["table"], "file": name}
        return self.folder / name

    def say(self, section: str, **keys) -> "Raw":
        """Change keys of one section; None takes a key out."""
        now = {**self.sections.get(section, {}), **keys}
        self.sections[section] = {key: value for key, value in now.items() if value is not None}
        return self

    def scans(self, *patterns, **keys) -> "Raw":
        """Declare patterns below `exports`."""
        self.sections["scans"] = {"folder": "exports", "names": list(patterns), **keys}
        return self

    def export(self, *names) -> None:
        """Make scans below `exports`."""
        for seed, name in enumerate(names):
            picture(self.folder / "exports" / name, seed)

    def mapping(self) -> Path:
        """Write the mapping."""
        path = self.folder / "mapping.yaml"
        path.write_text(yaml.safe_dump(self.sections, allow_unicode=True), encoding="utf-8")
        return path

    def prepare(self, **how):
        """Run the engine."""
        return prepare_cohort(read_mapping(self.mapping()), self.out, **how)

    def eyes(self, **how) -> pd.DataFrame:
        """The manifest as text, by eye_id."""
        self.prepare(**how)
        return manifest(self.out)

    def fails(self, *said, **how) -> str:
        """Run the engine, which must stop, say all this, and leave nothing behind."""
        before = sorted(entry.name for entry in self.folder.iterdir())
        mapping = self.mapping()
        with pytest.raises(InputError) as caught:
            prepare_cohort(read_mapping(mapping), self.out, **how)
        message = str(caught.value)
        for words in said:
            assert words in message, message
        after = sorted(entry.name for entry in self.folder.iterdir() if entry != mapping)
        assert after == [name for name in before if name != "mapping.yaml"]
        return message


def manifest(out: Path) -> pd.DataFrame:
    """A manifest as text, by eye_id."""
    table = pd.read_csv(out / "manifest.csv", dtype=str, keep_default_na=False)
    return table.set_index("eye_id", drop=False)


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)
