"""A model folder is taken as it was made, or not at all."""

import json
import shutil
from dataclasses import replace

import pytest

from ctt_net.errors import InputError
from ctt_net.inference import recalibrate as recalibration
from ctt_net.model_folder.digests import READ, seal, verify
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import Provenance


@pytest.fixture
def folder(small_run, tmp_path):
    place = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    (place / "clinical_start.json").write_text("{}")  # which the small run has not
    seal(place)
    return place


@pytest.mark.parametrize("name", READ)
def test_a_file_that_was_changed_is_named(folder, name):
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: is not the file that"):
        Predictor.load(folder)


@pytest.mark.parametrize("name", sorted({*READ} - {"model.yaml"}))
def test_a_file_that_is_missing_or_was_added_is_named(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: no such file"):
        Predictor.load(folder)
    seal(folder)
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: is not among the files"):
        Predictor.load(folder)


def test_other_files_may_lie_there(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "evaluations").mkdir()
    assert Predictor.load(folder).members


@pytest.mark.parametrize("name", [*READ, "provenance.json"])
def test_a_link_is_not_followed_whatever_the_digests_say(folder, tmp_path, name):
    if name != "provenance.json":
        seal(folder)
    shutil.move(folder / name, tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=f"{name}: is a link"):
        verify(folder)


@pytest.mark.parametrize("name", ["../outside", "folder/file", "/etc/hosts"])
def test_no_digest_leads_out_of_the_folder(folder, name):
    path = folder / "provenance.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "digests": {**told["digests"], name: "0" * 64}}))
    with pytest.raises(InputError, match="is a link or no file"):
        verify(folder)


def test_a_run_of_the_first_version_loads_with_one_warning(small_run, tmp_path, caplog):
    Predictor.load(small_run)
    assert not caplog.records
    run = shutil.copytree(small_run, tmp_path / "run")
    for place in run.glob("fold_*/model"):
        replace(Provenance.read(place), digests={}).write(place)
        told = json.loads((place / "provenance.json").read_text())
        del told["digests"]
        (place / "provenance.json").write_text(json.dumps(told))
    assert len(Predictor.load(run).members) == 2
    (record,) = caplog.records
    assert "cannot be verified" in record.getMessage()


@pytest.mark.parametrize("given", ["run", "run/fold_1/model"])
def test_a_run_that_was_killed_while_it_rewrote_its_models_has_the_old_ones_again(
    small_run, tmp_path, given
):
    run = shutil.copytree(small_run, tmp_path / "run")
    name = "fold_1/model/calibration.json"
    for kind in ("old", "new"):
        (run / ".unfinished" / kind / name).parent.mkdir(parents=True)
    (run / ".unfinished/journal.txt").write_text(f"{name}\n")
    (run / name).rename(run / ".unfinished/old" / name)
    (run / ".unfinished/new" / name).write_text("{}")
    assert Predictor.load(tmp_path / given).members
    assert (run / name).read_bytes() == (small_run / name).read_bytes()
    assert not (run / ".unfinished").exists()


def test_what_rewrites_a_file_renews_its_digest(small_run, other_cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(recalibration, "MIN_PATIENTS", 5)
    recalibration.recalibrate(small_run, other_cohort, tmp_path / "local")
    for place in (tmp_path / "local").glob("fold_*/model"):
        before = verify(small_run / place.relative_to(tmp_path / "local")).digests
        after = verify(place).digests
        assert {name for name in before if before[name] != after[name]} == {"calibration.json"}
