"""Running a command that must fail, and a cohort to spoil."""

import shutil

import pandas as pd
import pytest

from ctt_net.cli import main


@pytest.fixture
def fails(capsys):
    """Run a command that must end with exit code 2; returns its message."""

    def run(*arguments):
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        message = capsys.readouterr().err
        assert "Traceback" not in message
        return message

    return run


@pytest.fixture
def cohort(small_cohort, tmp_path):
    """A copy of the small cohort that a test may spoil."""
    return shutil.copytree(small_cohort, tmp_path / "cohort")


@pytest.fixture
def edit():
    """Change one cell of a cohort's manifest."""

    def change(cohort, column, row, value):
        path = cohort / "manifest.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.loc[row, column] = value
        table.to_csv(path, index=False)

    return change
