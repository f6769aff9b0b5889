"""A little of `fuzz.py`: whatever is handed in, a command ends in words."""

import importlib.util
import shutil
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("ctt_fuzz", Path(__file__).with_name("fuzz.py"))
fuzz = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)

COUNTS = {"manifest": 10, "yaml": 20, "predictions": 4, "command": 10, "patient": 8, "model": 8}


def test_every_kind_has_its_share():
    assert set(COUNTS) == set(fuzz.KINDS)


@pytest.mark.parametrize("kind", COUNTS)
def test_whatever_is_handed_in_ends_in_words(kind, small_cohort, small_run, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(small_run / "fold_1/model", model)
    cases = fuzz.Fuzz(tmp_path, small_cohort, model)
    with fuzz.quickly():
        tally = fuzz.run(kind, COUNTS[kind], 0, cases)
    assert tally.faults == []
    assert tally.count == tally.refused + tally.accepted == COUNTS[kind]


@pytest.mark.parametrize(
    ("ending", "found"),
    [
        (ValueError("x"), "ValueError"),
        (SystemExit(1), "exit code 1"),
        (lambda out: (out.mkdir(), 2)[1], "refused, and yet"),
        (lambda out: (out.mkdir(), (out / "a.json").write_text("{"), 0)[2], "half written"),
        (lambda out: ((out.parent / ".x").mkdir(), 0)[1], "left behind"),
        (lambda out: 3, "exit code 3"),
    ],
)
def test_a_fault_is_found(ending, found, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def broken(_):
        if isinstance(ending, BaseException):
            raise ending
        return ending(out)

    monkeypatch.setattr("ctt_net.cli.main", broken)
    assert found in fuzz.fault_of(fuzz.Case(["check"], out), tmp_path)[1]
