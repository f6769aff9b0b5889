"""Cohorts to spoil: a table of three hundred eyes without pictures, and sixty eyes with scans."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ctt_net.check import examine
from ctt_net.synthetic import CohortPlan, draw_eyes
from ctt_net.synthetic.simulate import cohort_spec, manifest_row

VIEWS = ("horizontal", "vertical")


class Spoiled:
    """A copy of a cohort folder, its table and declarations open to change.

    Row n of the table is row n + 2 of the manifest.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.table = pd.read_csv(root / "manifest.csv", dtype=str, keep_default_na=False)
        derived = [name for name in self.table if name.endswith(("_logmar", "_off_chart"))]
        self.table = self.table.drop(columns=derived)
        self.spec = yaml.safe_load((root / "cohort.yaml").read_text(encoding="utf-8"))

    def examine(self, open_scans=False, out=None):
        """Write the table and declarations, and validate the folder."""
        self.table.to_csv(self.root / "manifest.csv", index=False)
        (self.root / "cohort.yaml").write_text(yaml.safe_dump(self.spec), encoding="utf-8")
        return examine(self.root, open_scans, out)

    def add_row(self, like, **cells):
        """One more eye, with scans of its own."""
        row = self.table.loc[like].to_dict() | {"eye_id": f"more-{len(self.table)}"} | cells
        for view in VIEWS:
            row[view] = f"images/{row['eye_id']}_{view}.png"
            (self.root / row[view]).touch()
        self.table.loc[len(self.table)] = row
        return len(self.table) - 1

    def scan(self, row, view):
        """File of a scan."""
        return self.root / self.table.loc[row, view]

    def alone(self):
        """Rows of patients with one eye."""
        return list(self.table.index[~self.table["patient_id"].duplicated(keep=False)])

    def both_eyes(self):
        """Rows of fellow eyes, patient by patient."""
        groups = self.table.groupby("patient_id").groups.values()
        return [list(rows) for rows in groups if len(rows) == 2]


@pytest.fixture(scope="session", name="write_tables")
def table_writer():
    """Writes a cohort folder of empty files: for checks that open none."""

    def write(root, plan):
        (root / "images").mkdir(parents=True)
        rows = [manifest_row(eye, plan) for eye in draw_eyes(plan.n_eyes, plan.seed)]
        for row in rows:
            for view in VIEWS:
                (root / row[view]).touch()
        pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
        (root / "cohort.yaml").write_text(yaml.safe_dump(cohort_spec(plan).to_dict()))
        return root

    return write


@pytest.fixture(scope="session")
def many_eyes(write_tables, tmp_path_factory):
    return write_tables(tmp_path_factory.mktemp("tables") / "many", CohortPlan(300, seed=3))


@pytest.fixture
def tables(many_eyes, tmp_path):
    """Three hundred simulated eyes, tables only."""
    return Spoiled(shutil.copytree(many_eyes, tmp_path / "cohort"))


@pytest.fixture(scope="session")
def examined(small_cohort, tmp_path_factory):
    """Output folder of an examination of the small cohort, and what it found."""
    out = tmp_path_factory.mktemp("examined") / "out"
    return out, examine(small_cohort, out=out)


@pytest.fixture
def scans(small_cohort, tmp_path):
    """Sixty simulated eyes with their scans."""
    return Spoiled(shutil.copytree(small_cohort, tmp_path / "cohort"))


@pytest.fixture
def kept(examined, tmp_path):
    """What an earlier run learnt of the small cohort, so that only spoiled scans are read."""
    return shutil.copytree(examined[0], tmp_path / "out")
