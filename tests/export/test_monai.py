"""MONAI's own tools on a bundle, and their numbers beside those of `ctt-net predict`."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from ctt_net.cohort import read_cohort
from ctt_net.cohort.predictions import read_predictions
from ctt_net.data.scans import load_scans
from ctt_net.export.monai_bundle.network import BundleNetwork
from ctt_net.export.monai_bundle.run import load_predictor
from ctt_net.inference.predict import predict_patient
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import predict_eyes

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:monai", "ignore:.*_target_"),
    pytest.mark.skipif(
        find_spec("monai") is None or find_spec("fire") is None,
        reason="needs MONAI: pip install -e '.[bundle]'",
    ),
]

# What the schema that metadata.json names asks of every bundle, and of every tensor in one.
OF_A_BUNDLE = {
    "schema", "version", "monai_version", "pytorch_version", "numpy_version",
    "required_packages_version", "task", "description", "authors", "copyright",
    "network_data_format",
}  # fmt: skip
OF_A_TENSOR = {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range"}


@pytest.fixture(scope="module")
def monai():
    import monai.bundle

    return monai.bundle


@pytest.fixture
def run(monai, bundle):
    """`python -m monai.bundle run` without a process of its own."""

    def start(**options):
        config = str(bundle / "configs/inference.json")
        # Its logging would stay for the tests that follow.
        monai.run(config_file=config, bundle_root=str(bundle), logging_file=False, **options)

    return start


def test_its_command_line_predicts_a_patient_as_predict_does(bundle, small_run, patient, tmp_path):
    command = [sys.executable, "-m", "monai.bundle", "run"]
    command += ["--config_file", "configs/inference.json"]
    command += ["--patient", patient, "--output_dir", tmp_path / "ours"]
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Research use only" in done.stdout
    expected = predict_patient(patient, small_run, tmp_path / "theirs").prediction
    found = json.loads((tmp_path / "ours/prediction.json").read_text())
    for ours, theirs in zip(found["eyes"], expected["eyes"], strict=True):
        # Rounded to 4 digits, where 1e-7 may turn a digit.
        for eye in (ours, theirs):
            eye["numbers"] = [eye["postop"]["logmar"], *eye.pop("interval").values()]
            eye["numbers"] += [p for p in eye.pop("p_recovery").values() if p is not None]
            eye["postop"] = eye["postop"]["snellen_20ft"]
        assert ours.pop("numbers") == pytest.approx(theirs.pop("numbers"), abs=1.01e-4)
        assert ours == theirs
    assert found["model"] == expected["model"]
    assert (tmp_path / "ours/report.html").is_file()


def test_a_cohort_gets_the_numbers_of_evaluate_to_the_sixth_digit(
    run, small_run, other_cohort, tmp_path
):
    run(cohort=str(other_cohort), output_dir=str(tmp_path / "out"))
    found = read_predictions(tmp_path / "out/predictions.csv").set_index("eye_id")
    predictor, cohort = Predictor.load(small_run), read_cohort(other_cohort)
    scans = load_scans(cohort, predictor.spec.preprocessing)
    expected = predict_eyes(predictor, cohort.table, scans).set_index("eye_id").loc[found.index]
    columns = ["predicted_logmar", "lower_logmar", "upper_logmar"]
    columns += [name for name in found if name.startswith("p_")]
    assert len(columns) >= 6
    np.testing.assert_allclose(found[columns], expected[columns], rtol=0, atol=1e-6)
    assert list(found["flags"].fillna("")) == list(expected["flags"])
    page = (tmp_path / "out/report.html").read_text()
    assert "may overlap with the training" in page  # nobody can know without fingerprints


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "--patient FOLDER or --cohort FOLDER"),
        ({"patient": "a", "cohort": "b"}, "one of the two"),
        ({"patient": "nowhere"}, "nowhere: no such folder"),
        ({"patient": 42}, "42: no such folder"),
        ({"cohort": "nowhere"}, "nowhere"),
        ({"cohort": "a", "preop_va": ["OD=20/60"]}, "go with --patient"),
        ({"patient": "a", "device": "nothing:0"}, "use cpu"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(
    run, options, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        run(**options, output_dir=str(tmp_path / "out"))
    assert end.value.code == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
    assert not (tmp_path / "out").exists()


def test_a_damaged_weights_file_is_named(bundle, patient, tmp_path, monai, capsys):
    broken = shutil.copytree(bundle, tmp_path / "broken")
    (broken / "models/model.pt").write_bytes(b"no tensors")
    config = str(broken / "configs/inference.json")
    with pytest.raises(SystemExit):
        monai.run(
            config_file=config, bundle_root=str(broken), patient=str(patient), logging_file=False
        )
    assert "model.pt" in capsys.readouterr().err
    assert not (broken / "eval").exists()


def test_its_metadata_is_verified_and_a_lack_is_found(bundle, small_run, monai, tmp_path):
    place = bundle / "configs/metadata.json"
    schema = str(bundle / "configs/metadata_schema.json")
    monai.verify_metadata(meta_file=str(place), filepath=schema)
    metadata = json.loads(place.read_text())
    assert set(metadata) >= OF_A_BUNDLE
    for tensors in metadata["network_data_format"].values():
        for tensor in tensors.values():
            assert set(tensor) >= OF_A_TENSOR
            assert len(tensor["channel_def"]) == tensor["num_channels"]
    taken = metadata["network_data_format"]["inputs"].get("covariates", {"num_channels": 0})
    assert taken["num_channels"] == len(Predictor.load(small_run).spec.covariates)
    del metadata["network_data_format"]["inputs"]["preop_logmar"]["unit"]
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="unit"):
        monai.verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=schema)


def test_its_network_takes_and_gives_what_the_metadata_say(bundle, monai):
    files = {
        "meta_file": str(bundle / "configs/metadata.json"),
        "config_file": str(bundle / "configs/inference.json"),
        "bundle_root": str(bundle),
        "device": "cpu",
    }
    monai.verify_net_in_out("network_def", **files)
    known = {"view_present": torch.tensor([[True, False]]), "preop_logmar": torch.tensor([0.4])}
    monai.verify_net_in_out("network_def", extra_forward_args=known, **files)


def test_loaded_by_monai_it_is_the_same_network(bundle, monai):
    loaded = monai.load(
        name=bundle.name,
        bundle_dir=str(bundle.parent),
        workflow_type="inference",
        net_override={"bundle_root": str(bundle)},
        device="cpu",
    ).eval()
    assert isinstance(loaded, BundleNetwork)
    predictor = load_predictor(bundle)
    size = (predictor.spec.preprocessing.height, predictor.spec.preprocessing.width)
    image = torch.randint(0, 256, (3, len(predictor.spec.views), *size), dtype=torch.uint8)
    preop = torch.tensor([0.3, 1.0, torch.nan])
    with torch.inference_mode():
        raw = loaded(image.float(), preop_logmar=preop[:, None])
    expected = predictor.predict(
        image.numpy(), np.ones(image.shape[:2], dtype=bool), preop.numpy().astype(float)
    )
    of_each = 2 + len(predictor.spec.outcomes)
    location = raw[:, ::of_each].double().mean(dim=1).numpy()
    np.testing.assert_allclose(location, expected.postop_logmar, atol=1e-6)
    scale = raw[:, 1::of_each].double().mean(dim=1).numpy()
    np.testing.assert_allclose(scale, expected.scale_logmar, atol=1e-5)
