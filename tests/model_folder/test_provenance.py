"""A patient of the training is recognised, however the id is spelled."""

import pytest

from ctt_net.model_folder.provenance import Provenance, fingerprints, new_salt, patient_fingerprints


def provenance(patients, salt):
    return Provenance(0, 1, 8, 2, salt, patients, (), "cpu", versions={}, revision=None)


@pytest.mark.parametrize("asked", ["P-007", "p 7", "P–7", "Ｐ7"])
def test_another_spelling_is_recognised(asked):
    salt = new_salt()
    known = provenance(patient_fingerprints(["P-007", "Q1"], salt), salt)
    assert known.knows_patient(asked)
    assert not known.knows_patient("P8")


def test_an_older_folder_knows_ids_as_written(tmp_path):
    salt = new_salt()
    provenance(fingerprints([b"P-007"], salt), salt).write(tmp_path)
    known = Provenance.read(tmp_path)
    assert known.knows_patient("P-007")
    assert not known.knows_patient("P-008")
