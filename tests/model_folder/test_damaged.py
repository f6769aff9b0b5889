"""A damaged file of a model folder is one message that names the file."""

import json
import os
import shutil

import pytest

from ctt_net.baselines.clinical import read_baselines
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import dump_yaml, read_yaml_mapping
from ctt_net.model_folder.predictor import Predictor


@pytest.fixture
def folder(small_run, tmp_path):
    """A model folder whose files may be changed one by one."""
    copy = tmp_path / "model"
    shutil.copytree(small_run / "fold_1/model", copy)
    provenance = json.loads((copy / "provenance.json").read_text())
    provenance.pop("digests", None)
    (copy / "provenance.json").write_text(json.dumps(provenance, indent=2))
    return copy


def refused(folder, name):
    with pytest.raises(InputError, match=name):
        _ = Predictor.load(folder).members[0].abstention, read_baselines(folder)


@pytest.mark.parametrize(
    "name", ["provenance.json", "calibration.json", "abstention.json", "baselines.json"]
)
@pytest.mark.parametrize("kind", ["nested", "folder", "pipe", "list", "text", "no UTF-8", "twice"])
def test_a_file_that_is_no_record(folder, name, kind):
    path = folder / name
    text = path.read_text()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "no UTF-8":
        path.write_bytes(b"\xff" + text.encode())
    else:
        first = text.split("\n")[1].rstrip(",")
        wrong = {"nested": "[" * 10**5, "list": "[1]", "text": '"x"'}
        wrong["twice"] = f"{{{first},{first}}}"
        path.write_text(wrong[kind])
    refused(folder, name)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("calibration.json", ["scores", "*"], [10**400]),
        ("calibration.json", ["measured_on"], 5),
        ("calibration.json", ["level"], "0.9"),
        ("calibration.json", ["recovery", "*"], {"slope": "steep"}),
        ("provenance.json", ["n_train"], "many"),
        ("provenance.json", ["patients"], [1, 2]),
        ("provenance.json", ["salt"], 7),
        ("abstention.json", ["training_eyes"], None),
        ("abstention.json", ["distance_quantiles"], [1.0]),
        ("baselines.json", ["mean_logmar"], 10**400),
        ("baselines.json", ["preop_only", "slopes"], []),
        ("baselines.json", ["preop_only", "fills"], [0.1, 0.2]),
    ],
)
def test_a_wrong_value_in_a_record(folder, name, place, value):
    data = json.loads((folder / name).read_text())
    node = data
    for key in place[:-1]:
        node = node[key]
    node[next(iter(node)) if place[-1] == "*" else place[-1]] = value
    (folder / name).write_text(json.dumps(data))
    refused(folder, name)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("followup_days", [30.0]),
        ("followup_days", ["a", "b", "c"]),
        ("followup_days", 30),
        ("views", {}),
        ("views", {"horizontal": {"direction": "across", "angle_deg": 0.0}}),
        ("outcomes", []),
        ("outcomes", {"a": 1}),
        ("synthetic", "maybe"),
        ("weights", ["x"]),
        ("preprocessing", {"height": 1}),
        ("covariates", ["age"]),
        ("off_chart_policy", ["bach"]),
    ],
)
def test_a_wrong_value_in_the_specification(folder, key, value):
    path = folder / "model.yaml"
    path.write_text(dump_yaml(read_yaml_mapping(path) | {key: value}))
    refused(folder, "model.yaml")
