"""Plans for tests: a page of YAML from keys, and a cohort of which only the place matters."""

import pandas as pd
import pytest

from ctt_net.cohort import AcuityColumns, Cohort, CohortSpec, View
from ctt_net.io.yaml_file import dump_yaml


@pytest.fixture
def bare_cohort(tmp_path):
    """A cohort without eyes."""
    spec = CohortSpec(
        name="bare",
        source="none",
        licence="none",
        citation="none",
        acuity=AcuityColumns(preop_va="logmar", postop_va="logmar"),
        views={"horizontal": View()},
    )
    (tmp_path / "manifest.csv").write_text("eye_id\n", encoding="utf-8")
    return Cohort(tmp_path, spec, pd.DataFrame(), ())


@pytest.fixture
def write_plan(tmp_path):
    """A plan file; keys given override a small valid plan, None takes one out."""

    def write(**keys):
        plan = {
            "cohort": "data/cohort",
            "reference": "mean",
            "rows": {"mean": {"baseline": "mean"}, "ridge": {"baseline": "preop_only"}},
        }
        plan = {key: value for key, value in {**plan, **keys}.items() if value is not None}
        path = tmp_path / "plan.yaml"
        path.write_text(dump_yaml(plan), encoding="utf-8")
        return path

    return write
