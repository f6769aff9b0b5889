"""What the pages show is what the program reads and writes."""

import importlib
import json
import re

import pytest
import torch
import yaml

from ctt_net.inference.patient import PatientFile, read_patient
from ctt_net.inference.predict import predict_patient
from ctt_net.models.fusion.base import FusionInput
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.synthetic.patient import simulate_patient
from ctt_net.training.config import TrainingConfig
from ctt_net.uncertainty.abstention import ABSTENTION_REASONS
from ctt_net.uncertainty.flags import IN_WORDS


def page(repository, name):
    return (repository / "docs" / name).read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def first_cells(text):
    """What is in backticks in the first column of every table, below its header."""
    cells = re.findall(r"^\| ([^|]+) \|(?!.*\n\|-)", text, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


NAMES = {
    "p_recovery": "<outcome>",
    "outcomes": "<outcome>",
    "baselines": "<name>",
    "heat_maps": "<view>",
}


def keys(mapping, before=""):
    """Every key, written as the page does."""
    found = set()
    for key, value in mapping.items():
        inner = [
            one for one in (value if isinstance(value, list) else [value]) if type(one) is dict
        ]
        if key in NAMES:
            found.add(f"{before}{key}.{NAMES[key]}")
            continue
        if not inner or key in ("preop", "postop"):
            found.add(before + key)
        for one in inner:
            found |= keys(one, f"{before}{key}{'[]' if isinstance(value, list) else ''}.")
    return found


def documented(prediction):
    """The keys of a prediction as the page names them."""
    rest = {key: value for key, value in prediction.items() if key != "eyes"}
    return keys(rest).union(*(keys(eye) for eye in prediction["eyes"]))


@pytest.fixture(scope="module")
def prediction(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("patient")
    simulate_patient(folder / "in", seed=2)
    return predict_patient(folder / "in", small_run, folder / "out").prediction


def test_prediction_json_names_every_key(repository, prediction):
    text = page(repository, "reference/prediction_json.md")
    tables, flags = text.split("## Flags")
    named = first_cells(tables)
    assert len(named) == len(set(named))
    assert set(named) == documented(prediction)
    assert {flag.split(":")[0] for flag in first_cells(flags)} == set(IN_WORDS)


def test_the_example_has_the_keys_of_a_prediction(repository, prediction):
    (example,) = blocks(page(repository, "reference/prediction_json.md"), "json")
    assert documented(json.loads(example)) == documented(prediction)


def test_patient_yaml_names_every_key_and_its_example_is_read(repository, small_run, tmp_path):
    from ctt_net.model_folder.predictor import Predictor

    text = page(repository, "reference/patient_yaml.md")
    keys_listed = first_cells(text.split("## Keys")[1].split("## Notations")[0])
    assert set(keys_listed) == set(PatientFile.model_fields)
    (example,) = blocks(text, "yaml")
    (tmp_path / "patient.yaml").write_text(example, encoding="utf-8")
    for number, name in enumerate(("OD_horizontal", "OD_vertical", "OS_horizontal")):
        (tmp_path / f"{name}.png").write_bytes(bytes([number]))
    patient = read_patient(tmp_path, Predictor.load(small_run).spec.views, "bach")
    assert patient.patient_id == "0042"
    assert [eye.preop.text for eye in patient.eyes] == ["0.4", "CF"]
    assert set(patient.covariates) == {"age_years", "sex", "axial_length_mm"}


def test_abstention_names_every_reason(repository):
    table = page(repository, "concepts/abstention.md").split("## Where the limits come from")[0]
    assert first_cells(table) == list(ABSTENTION_REASONS)


def configured(repository, text, tmp_path):
    """The default configuration with a page's YAML after it."""
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    files = (repository / "configs/ctt_net.yaml", tmp_path / "own.yaml")
    chosen = [part for file in files for part in ("--config", str(file))]
    return TrainingConfig([*chosen, "--data.cohort", str(tmp_path)]).config


def test_outcomes_of_the_page_are_those_of_a_training(repository, tmp_path):
    default, own = blocks(page(repository, "how-to/outcomes.md"), "yaml")
    assert [Outcome.from_dict(one) for one in yaml.safe_load(default)["model"]["outcomes"]] == list(
        DEFAULT_OUTCOMES
    )
    model = configured(repository, own, tmp_path).model
    outcomes = [Outcome(**one.init_args.as_dict()) for one in model.outcomes]
    assert [one.name for one in outcomes] == ["reaches_0.00", "reaches_0.30", "gains_0.30"]
    assert [Outcome(**one.as_dict()) for one in model.head.init_args.outcomes] == outcomes
    assert model.loss.init_args.outcomes == ["reaches_0.30", "gains_0.30"]


def test_the_fusion_of_the_page_is_found_and_keeps_the_contract(repository, tmp_path, monkeypatch):
    text = page(repository, "how-to/add_a_part.md")
    (source,), (configuration,) = blocks(text, "python"), blocks(text, "yaml")
    (tmp_path / "max_fusion.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen = configured(repository, configuration, tmp_path).model.fusion
    assert chosen.class_path == "max_fusion.MaxFusion"
    fusion = importlib.import_module("max_fusion").MaxFusion(**chosen.init_args.as_dict()).eval()
    tokens, present = torch.randn(3, 4, 2, 64), torch.ones(3, 4, dtype=torch.bool)
    present[0, 1] = present[1] = False
    preop, known = torch.tensor([0.3, 0.5, 0.0]), torch.tensor([True, True, False])
    fused = fusion(FusionInput(tokens, present, preop, known))
    assert fused.shape == (3, 64)
    assert fused.isfinite().all()
    other = torch.where(present[..., None, None], tokens, tokens + 1e4)
    assert torch.equal(fused, fusion(FusionInput(other, present, preop, known)))
    assert not torch.equal(fused, fusion(FusionInput(tokens + 1, present, preop, known)))
