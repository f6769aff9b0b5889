"""A small cohort folder that is right, for the tests to break in one place each."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPEC = """\
name: small
source: made for a test
licence: none
citation: none
acuity: {preop_va: decimal, postop_va: decimal}
views:
  h: {direction: horizontal, angle_deg: 0}
  v: {direction: vertical, angle_deg: 90}
covariates:
  age_years: {kind: numeric, unit: years, missing: [-9]}
  diabetes: {kind: binary}
  sex: {kind: categorical, levels: [male, female]}
"""
COLUMNS = (
    *("eye_id", "patient_id", "laterality", "preop_va", "postop_va", "h", "v"),
    *("age_years", "diabetes", "sex"),
)
DECIMALS = ("0.1", "0.2", "0.3", "0.5", "0.8")


def eye(number: int, **cells: str) -> dict[str, str]:
    """Row of an eye that is right: eyes 0 and 1 are the two of patient 0, and so on."""
    row = {
        "eye_id": f"e{number}",
        "patient_id": f"p{number // 2}",
        "laterality": ("OD", "OS")[number % 2],
        "preop_va": DECIMALS[number % 4],
        "postop_va": DECIMALS[number % 4 + 1],
        "h": f"scans/{number}_h.png",
        "v": f"scans/{number}_v.png",
        "age_years": str(60 + number),
        "diabetes": str(number % 2),
        "sex": ("male", "female")[number % 2],
    }
    return {**row, **cells}


def as_csv(rows: list[dict[str, str]]) -> str:
    """Comma-separated text as a spreadsheet saves it."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def make_cohort(tmp_path: Path) -> Callable[..., Path]:
    """Write a cohort folder from rows or from the manifest's very text."""

    def make(manifest: Any, spec: str = SPEC, encoding: str = "utf-8") -> Path:
        root = tmp_path / "cohort"
        (root / "scans").mkdir(parents=True, exist_ok=True)
        for number in range(40):
            for view in "hv":
                (root / "scans" / f"{number}_{view}.png").write_bytes(b"scan")
        text = manifest if isinstance(manifest, str | bytes) else as_csv(manifest)
        data = text if isinstance(text, bytes) else text.encode(encoding)
        (root / "manifest.csv").write_bytes(data)
        (root / "cohort.yaml").write_text(spec, encoding="utf-8")
        return root

    return make


@pytest.fixture(name="eye")
def eye_factory() -> Callable[..., dict[str, str]]:
    """Makes one row that is right, with the cells given replaced."""
    return eye


@pytest.fixture(name="as_csv")
def csv_writer() -> Callable[[list[dict[str, str]]], str]:
    """Turns rows into CSV text."""
    return as_csv


@pytest.fixture
def spec_text() -> str:
    """The declarations of the small cohort."""
    return SPEC
