"""The model card says what is common once, and what differs for each."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ctt_net.cohort import View
from ctt_net.imaging import Preprocessing
from ctt_net.model_folder.facts import model_facts
from ctt_net.model_folder.provenance import Provenance
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.outcome import DEFAULT_OUTCOMES


@pytest.fixture
def members():
    spec = ModelSpec(
        name="run",
        architecture={},
        views={"h": View()},
        preprocessing=Preprocessing(),
        outcomes=DEFAULT_OUTCOMES,
        off_chart_policy="bach",
        followup_days=(30, 60, 90),
        cohort="cohort",
        synthetic=False,
    )
    origin = Provenance(0, 1, 80, 20, "00", (), (), "cpu, precision 32-true")
    return [
        SimpleNamespace(spec=spec, provenance=origin, clinical_start=None),
        SimpleNamespace(spec=spec, provenance=replace(origin, fold=2), clinical_start=None),
    ]


def test_what_all_folds_have_in_common_is_said_once(members):
    told = model_facts(members)["training"]
    assert told.count("seed 0, cpu, precision 32-true") == 1
    assert "fold 1: 80 eyes" in told
    assert "fold 2: 80 eyes" in told
    members[1].provenance = replace(members[1].provenance, seed=7)
    told = model_facts(members)["training"]
    assert "seed 0" in told
    assert "seed 7" in told


def test_one_time_of_follow_up_is_no_range(members):
    assert model_facts(members)["follow-up"].startswith("30 to 90 days")
    members[0].spec = members[0].spec.model_copy(update={"followup_days": (183, 183, 183)})
    assert model_facts(members)["follow-up"] == "183 days after surgery"
