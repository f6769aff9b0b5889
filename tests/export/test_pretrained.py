"""A model that is given away is the same model, with a card and without any patient's row."""

import shutil
import sys
from fnmatch import fnmatch

import pytest

import ctt_net
from ctt_net.cli import main
from ctt_net.errors import InputError
from ctt_net.model_folder.pretrained import resolve_model
from ctt_net.synthetic.patient import simulate_patient


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patient") / "p"
    simulate_patient(folder)
    return folder


@pytest.fixture(scope="module")
def given(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("given") / "model"
    return ctt_net.load_model(small_run).save_pretrained(folder, "Ask eyes@example.org.")


@pytest.fixture
def hub(given, monkeypatch, tmp_path):
    """A hub that has one model."""
    import huggingface_hub

    asked = []

    def download(name, *, revision, local_dir, allow_patterns):
        asked.append((name, revision))
        if name != "clinic/eyes":
            raise OSError(f"404: no {name}")
        for path in given.rglob("*"):
            relative = path.relative_to(given).as_posix()
            if path.is_file() and any(fnmatch(relative, one) for one in allow_patterns):
                (local_dir / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, local_dir / relative)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path / "cache"))
    return asked


def predicted(model, patient):
    return model.predict(patient).to_dict()


def test_it_predicts_the_same(given, small_run, patient):
    ours = ctt_net.load_model(given)
    assert predicted(ours, patient) == predicted(ctt_net.load_model(small_run), patient)
    assert ours.info()["performance"] == ctt_net.load_model(small_run).info()["performance"]
    assert predicted(ctt_net.Model.from_pretrained(given), patient) == predicted(ours, patient)


def test_no_row_of_a_patient_goes_with_it(given, small_cohort):
    files = sorted(path.relative_to(given).as_posix() for path in given.rglob("*.*"))
    folds = [name for name in files if name.startswith("fold_")]
    assert [name for name in files if name not in folds] == ["README.md", "metrics.json"]
    ids = {row.split(",")[1] for row in (small_cohort / "manifest.csv").read_text().split()[1:]}
    texts = [
        path.read_text() for path in given.rglob("*") if path.suffix in (".json", ".yaml", ".md")
    ]
    assert texts
    assert not [one for one in ids for text in texts if one in text]


def test_the_card_says_what_it_is(given):
    text = (given / "README.md").read_text()
    assert text.startswith("---\nlibrary_name: ctt-net\n")
    for words in ("no clinical validity", ctt_net.INTENDED_USE, "eyes@example.org", "95% CI"):
        assert words in text


def test_a_folder_that_is_there_is_not_replaced(given, small_run):
    with pytest.raises(InputError, match="exists already"):
        ctt_net.load_model(small_run).save_pretrained(given)


def test_one_model_folder_can_be_given_away(small_run, tmp_path):
    model = ctt_net.load_model(small_run / "fold_2/model")
    model.save_pretrained(tmp_path / "one")
    assert ctt_net.load_model(tmp_path / "one").info()["digest"] == model.info()["digest"]
    assert not (tmp_path / "one/metrics.json").exists()


def test_a_model_of_a_hub_is_loaded_by_name(hub, given, small_run, patient):
    expected = predicted(ctt_net.load_model(small_run), patient)
    assert predicted(ctt_net.Model.from_pretrained("clinic/eyes", "v1"), patient) == expected
    assert predicted(ctt_net.load_model("hf://clinic/eyes"), patient) == expected
    assert main(["info", "hf://clinic/eyes@abc/def"]) == 0
    assert hub == [("clinic/eyes", "v1"), ("clinic/eyes", None), ("clinic/eyes", "abc/def")]


def test_what_a_hub_does_not_give_is_one_message(hub):
    with pytest.raises(InputError, match=r"hf://clinic/ears: cannot be fetched .*carry it over"):
        ctt_net.load_model("hf://clinic/ears")


def test_without_a_network_the_message_says_what_to_do(monkeypatch, tmp_path):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="without a network"):
        ctt_net.Model.from_pretrained("clinic/eyes")


def test_without_the_extra_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"huggingface_hub.*\.\[hub\]"):
        ctt_net.load_model("hf://clinic/eyes")


def test_a_mistyped_path_asks_nobody(hub, tmp_path):
    for name in ("runs/ctt_nett", tmp_path / "no", "simulatd"):
        with pytest.raises(InputError, match="no model here"):
            ctt_net.load_model(name)
    assert hub == []
    assert resolve_model("runs/ctt_net").as_posix() == "runs/ctt_net"
