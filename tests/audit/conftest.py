"""Stand-in cohorts go to the audit without their files, whose reading takes most of the time."""

import pytest

from ctt_net.audit import audit, marks
from ctt_net.data import scans as scans_room
from ctt_net.imaging import BScan
from tests.audit.stand_in import Cohort, make_model, predictor, reads_the_lesion


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Audit a stand-in cohort; its scans are taken from memory."""
    monkeypatch.setattr(marks, "_EYES", 10)

    def run(cohort, *members):
        scans = iter(cohort.scans)

        def from_memory(tasks, work, progress):
            for task in tasks:
                yield task, work(task, BScan(next(scans)))

        monkeypatch.setattr(scans_room, "_each", from_memory)
        members = members or (make_model(tmp_path / "model", reads_the_lesion),)
        return audit(predictor(*members), cohort.write(tmp_path / "cohort"))

    return run


@pytest.fixture
def cohort():
    return Cohort(n_patients=70, seed=1)
