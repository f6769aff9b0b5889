"""The exported network says what the trained one says, whatever is missing."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from ctt_net.errors import InputError
from ctt_net.model_folder.predictor import Predictor
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import SmallConvBackbone, TimmBackbone
from ctt_net.models.fusion import CrossTokenFusion, MeanFusion
from ctt_net.models.head import ResidualHead
from ctt_net.training import export
from ctt_net.training.architecture import build, load_network
from ctt_net.training.export import export_onnx


def network(seed):
    torch.manual_seed(seed)
    net = MultiViewNet(
        TimmBackbone("test_resnet", columns=3), CrossTokenFusion(16), ResidualHead(16), num_views=2
    )
    for layer in (net.head.delta, net.head.spread, net.head.shift):
        torch.nn.init.normal_(layer.weight, std=0.3)
    return net.eval()


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traced")
    export_onnx(network(0), folder, 64, 96)
    return folder / "model.onnx"


def eyes(count):
    generator = torch.Generator().manual_seed(count)
    views = torch.randint(0, 256, (count, 2, 1, 64, 96), dtype=torch.uint8, generator=generator)
    present = torch.rand(count, 2, generator=generator) > 0.4
    preop = torch.rand(count, generator=generator)
    preop[::3] = torch.nan
    return views, present, preop


def run(path, views, present, preop):
    session = onnxruntime.InferenceSession(path)
    feeds = {
        "views": views.numpy(), "view_present": present.numpy(), "preop_logmar": preop.numpy(),
    }  # fmt: skip
    return session.run(None, feeds)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 7])
def test_onnx_equals_torch_for_any_number_of_eyes(traced, count):
    batch = eyes(count)
    with torch.inference_mode():
        expected, embedding = network(0).with_embedding(*batch)
    for ours, theirs in zip((*expected[:3], embedding), run(traced, *batch), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-4)


def test_onnxruntime_folds_batch_norm_into_every_convolution(traced, tmp_path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "as_run.onnx")
    onnxruntime.InferenceSession(traced, options)
    as_run = [node.op_type for node in onnx.load(tmp_path / "as_run.onnx").graph.node]
    assert "Conv" in as_run
    assert "BatchNormalization" not in as_run


def test_the_embedding_is_what_the_head_reads():
    net, batch = network(0), eyes(3)
    with torch.inference_mode():
        said, embedding = net.with_embedding(*batch)
        again = net.head(embedding, *net.fusion_input(*batch)[2:4])
    assert torch.equal(said.postop_logmar, again.postop_logmar)
    assert torch.equal(said.postop_logmar, net(*batch).postop_logmar)


def same_acuity(net, folder, batch):
    """The acuity that the exported network gives, once it is that of the trained one."""
    with torch.inference_mode():
        expected = net(*batch).postop_logmar.numpy()
    found = run(folder / "model.onnx", *batch)[0]
    np.testing.assert_allclose(expected, found, rtol=1e-4, atol=1e-4)
    return found


def test_another_folds_weights_in_the_same_graph(traced, tmp_path):
    export_onnx(network(1), tmp_path, 64, 96, like=traced)
    batch = eyes(5)
    found = same_acuity(network(1), tmp_path, batch)
    assert not np.allclose(found, run(traced, *batch)[0], atol=1e-3)


@pytest.mark.slow
def test_views_with_backbones_of_their_own_are_exported(tmp_path):
    torch.manual_seed(0)
    backbone = SmallConvBackbone(widths=(4, 8))
    net = MultiViewNet(backbone, MeanFusion(16), ResidualHead(16), num_views=2, sharing="none")
    net.eval()
    for parameter in net.backbone[1].parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    export_onnx(net, tmp_path, 64, 96)
    same_acuity(net, tmp_path, eyes(5))


@pytest.fixture
def rigid(traced, tmp_path):
    """A graph of the same network whose weights cannot be replaced by name."""
    model = onnx.load(traced)
    for tensor in model.graph.initializer:
        tensor.name = "lost." + tensor.name
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if "lost." + name in {t.name for t in model.graph.initializer}:
                node.input[i] = "lost." + name
    path = tmp_path / "like.onnx"
    onnx.save(model, path)
    return path


def test_an_export_that_disagrees_is_not_written(rigid, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_trace", lambda plain, example: onnx.load(rigid))
    with pytest.raises(RuntimeError, match="disagrees"):
        export_onnx(network(1), tmp_path / "out", 64, 96)
    assert not (tmp_path / "out/model.onnx").exists()


def test_a_graph_that_cannot_hold_the_weights_is_traced_anew(rigid, tmp_path):
    export_onnx(network(1), tmp_path, 64, 96, like=rigid)
    same_acuity(network(1), tmp_path, eyes(2))


def test_a_damaged_graph_is_traced_anew(traced, tmp_path, monkeypatch):
    damaged = tmp_path / "like.onnx"
    damaged.write_bytes(traced.read_bytes()[:1000])
    monkeypatch.setattr(
        export, "_trace", lambda plain, example: export._with_weights(traced, plain)
    )
    export_onnx(network(1), tmp_path, 64, 96, like=damaged)
    same_acuity(network(1), tmp_path, eyes(2))


def test_a_graph_without_the_embedding_is_traced_anew(traced, tmp_path, monkeypatch):
    old = onnx.load(traced)
    del old.graph.output[3]
    onnx.save(old, tmp_path / "like.onnx")
    monkeypatch.setattr(
        export, "_trace", lambda plain, example: export._with_weights(traced, plain)
    )
    export_onnx(network(1), tmp_path, 64, 96, like=tmp_path / "like.onnx")
    assert len(run(tmp_path / "model.onnx", *eyes(2))) == 4


def test_export_leaves_mode_and_weights_as_they_were(traced, tmp_path):
    net = network(2).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    export_onnx(net, tmp_path, 64, 96, like=traced)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_safetensors_and_onnx_of_a_model_folder_agree(small_run):
    folder = small_run / "fold_1/model"
    views, present, preop = eyes(4)
    with torch.inference_mode():
        expected = load_network(folder)(views, present, preop)
    (member,) = Predictor.load(folder).members
    raw = member(views.numpy()[:, :, 0], present.numpy(), preop.numpy().astype(float))
    np.testing.assert_allclose(expected.postop_logmar.numpy(), raw.postop_logmar, atol=1e-5)
    np.testing.assert_allclose(expected.scale_logmar.numpy(), raw.scale_logmar, atol=1e-5)


def test_a_class_from_elsewhere_is_not_built(small_run):
    (member,) = Predictor.load(small_run / "fold_1/model").members
    architecture = dict(member.spec.architecture)
    architecture["fusion"] = {"class_path": "subprocess.Popen", "init_args": {"args": "true"}}
    with pytest.raises(InputError, match=r"must be a class of ctt_net\.models"):
        build(architecture, "stranger/model.yaml")


TIMM = "ctt_net.models.backbone.TimmBackbone"


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("backbone", "class_path", "os.system"),
        ("backbone", "class_path", "planted.Backbone"),
        ("backbone", "class_path", "ctt_net.models.backbone.timm_network.create_network"),
        ("backbone", "class_path", "ctt_net.models.fusion.MeanFusion"),
        ("backbone", "init_args", "named.yaml"),
        ("head", "init_args", {"outcomes": "named.yaml"}),
        ("head", "init_args", {"outcomes": ["named.yaml"]}),
        ("head", "init_args", {"outcomes": [{"class_path": "planted.Outcome"}]}),
        ("covariates", "init_args", {"levels": "named.yaml"}),
        ("backbone", None, "named.yaml"),
        ("backbone", None, {"class_path": TIMM, "init_args": {"weights": "named.pth"}}),
        ("backbone", None, {"class_path": TIMM, "init_args": {"weights": "hub"}}),
        ("backbone", None, {"class_path": TIMM, "init_args": {"weights": "packaged"}}),
        ("backbone", None, {"class_path": TIMM, "init_args": {"licence": "named.yaml"}}),
        ("backbone", None, {"class_path": TIMM, "init_args": {"tune": "lora", "lora": "n.yaml"}}),
        ("backbone", None, {"class_path": TIMM, "init_args": {"name": "local-dir:named"}}),
    ],
)
def test_a_description_has_nothing_imported_and_no_file_read(
    small_run, tmp_path, monkeypatch, part, key, value
):
    for name in ("named.yaml", "named.pth"):
        (tmp_path / name).write_text("- {name: stolen, kind: reach, threshold_logmar: 0.3}\n")
    (tmp_path / "planted.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (member,) = Predictor.load(small_run / "fold_1/model").members
    architecture = dict(member.spec.architecture)
    architecture[part] = value if key is None else {**architecture[part], key: value}
    with pytest.raises(InputError, match="no such network"):
        build(architecture, "stranger/model.yaml")


def test_no_path_of_the_machine_that_trained_is_in_the_file(traced, repository):
    written = traced.read_bytes()
    for place in (str(repository), "site-packages", ".py", 'File "'):
        assert place.encode() not in written
