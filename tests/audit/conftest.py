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

        def in_turn(tasks, work, progress):
            return ((task, work(task)) for task in tasks)

        monkeypatch.setattr(scans_room, "read_macular_bscan", lambda path: BScan(next(scans)))
        monkeypatch.setattr(scans_room, "_each", in_turn)
        monkeypatch.delenv("CTT_NET_SCAN_CACHE")
        members = members or (make_model(tmp_path / "model", reads_the_lesion),)
        return audit(predictor(*members), cohort.write(tmp_path / "cohort"))

    return run


@pytest.fixture
def cohort():
    return Cohort(n_patients=70, seed=1)
