"""Auxiliary heads amid the backbone: what they read and add, and that they leave no trace."""

import copy

import onnx
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from ctt_net.errors import InputError
from ctt_net.losses import JointLoss
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import (
    SegmentationBackbone,
    SmallConvBackbone,
    SmallResNetBackbone,
    TimmBackbone,
)
from ctt_net.models.fusion import MeanFusion, SingleViewFusion
from ctt_net.models.head import ResidualHead
from ctt_net.training.config import TrainingConfig
from ctt_net.training.deep_supervision import DeepSupervision, StageHeads
from ctt_net.training.module import AcuityModule
from ctt_net.training.run import train
from ctt_net.types import EyeBatch

DIM = 8


def network_of(backbone, fusion=None, **options):
    torch.manual_seed(0)
    fusion = fusion or MeanFusion(dim=DIM)
    return MultiViewNet(backbone, fusion, ResidualHead(DIM, hidden=4), 2, **options).train()


def heads_of(network, stages=(1, 2)):
    """Heads that start from another line than 1 and 0."""
    torch.manual_seed(1)
    heads = StageHeads(DeepSupervision(stages), network)
    heads.initialise(torch.tensor([0.2, 0.6, 1.0, 0.4]), torch.tensor([0.1, 0.5, 0.6, 0.2]))
    return heads


def batch_of(present=((True, True), (True, False), (False, False)), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return EyeBatch(
        views=torch.randint(0, 256, (3, 2, 1, 32, 48), dtype=torch.uint8, generator=generator),
        view_present=torch.tensor(present),
        preop_logmar=torch.tensor([0.5, 0.9, torch.nan]),
        # Known exactly, to be a line or worse, and between two lines.
        postop_lower_logmar=torch.tensor([0.1, 1.0, 0.2]),
        postop_upper_logmar=torch.tensor([0.1, torch.inf, 0.3]),
        position=torch.arange(3),
        covariates=None,
    )


def pooled_by_hand(backbone, scans, stage):
    """Mean and maximum of each channel of a stage, layer by layer."""
    features = backbone.stem(scans / 64 - 1)
    for block in backbone.blocks[:stage]:
        features = block(features)
    return torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)


@pytest.mark.parametrize("sharing", ["all", "none"])
def test_a_head_is_linear_in_mean_and_maximum_averaged_over_the_views_there(sharing):
    network = network_of(SmallResNetBackbone(width=4), sharing=sharing)
    heads, batch = heads_of(network), batch_of()
    # Batch statistics are those of the scans that are encoded together.
    backbones = copy.deepcopy(network.backbone)
    _, amid = heads(network, batch)
    for stage, head, found in zip((1, 2), heads.heads, amid, strict=True):
        if sharing == "all":
            scans = batch.views[[0, 0, 1], [0, 1, 0]].float()
            first, second, third = pooled_by_hand(backbones[0], scans, stage)
        else:
            first, third = pooled_by_hand(backbones[0], batch.views[:2, 0].float(), stage)
            (second,) = pooled_by_hand(backbones[1], batch.views[:1, 1].float(), stage)
        tokens = torch.stack([(first + second) / 2, third, torch.zeros_like(first)])
        line = torch.stack([head.slope * 0.5, head.slope * 0.9, head.without_preop])
        line = line + torch.stack([head.intercept, head.intercept, torch.tensor(0.0)])
        expected = line + tokens @ head.delta.weight[0] + head.delta.bias
        torch.testing.assert_close(found.postop_logmar, expected)


def test_the_network_says_the_same_as_without_heads():
    network, batch = network_of(SmallResNetBackbone(width=4)), batch_of()
    plain, heads = copy.deepcopy(network), heads_of(network)
    torch.manual_seed(2)  # of dropout
    found, _ = heads(network, batch)
    torch.manual_seed(2)
    expected = plain(batch.views, batch.view_present, batch.preop_logmar, batch.covariates)
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
    assert not any(module._forward_hooks for module in network.modules())


def test_what_is_absent_or_unused_has_no_influence():
    backbone = SmallConvBackbone(widths=(4, 6, 8))
    network = network_of(backbone, SingleViewFusion(dim=DIM, view=1))
    heads, batch = heads_of(network, (0, 2)), batch_of(((True, True), (False, True), (True, False)))
    other = batch_of(batch.view_present.tolist(), seed=1)._replace(
        view_present=torch.tensor([[False, True], [True, True], [False, False]])
    )
    other.views[:2, 1] = batch.views[:2, 1]
    for one, two in zip(heads(network, batch)[1], heads(network, other)[1], strict=True):
        torch.testing.assert_close(one.postop_logmar, two.postop_logmar)


def test_heads_know_the_preoperative_acuity_no_better_than_the_network():
    network, batch = network_of(SmallResNetBackbone(width=4), use_preop_va=False), batch_of()
    heads = heads_of(network)
    one = heads(network, batch)[1]
    two = heads(network, batch._replace(preop_logmar=torch.tensor([1.5, torch.nan, 0.0])))[1]
    torch.testing.assert_close(one[0].postop_logmar, two[0].postop_logmar)


def test_the_weighted_mean_of_the_same_loss_is_added(monkeypatch):
    head, supervision = ResidualHead(DIM, hidden=4, dropout=0.0), DeepSupervision((0, 1, 3))
    parts = SmallResNetBackbone(width=4), MeanFusion(dim=DIM), head, JointLoss()
    module = AcuityModule(*parts, deep_supervision=supervision).train()
    logged, batch = {}, batch_of()
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: value}))
    total = module.training_step(batch, 0)
    heads = module.stage_heads
    prediction, amid = heads(module.network, batch)
    alone = module.loss(prediction, batch, head)
    each = [module.loss(one, batch, of).total for one, of in zip(amid, heads.heads, strict=True)]
    assert logged["train/deep_supervision"].item() == pytest.approx(sum(each).item() / 3)
    assert total.item() == pytest.approx((alone.total + 0.3 * sum(each) / 3).item())
    assert torch.isfinite(total)  # bounds, an unknown acuity and an eye without scans
    assert logged["train/loss"] is total
    for name in ("regression", "recovery"):
        assert logged[f"train/{name}"].item() == pytest.approx(getattr(alone, name).item())


@pytest.mark.parametrize("auxiliary", ["bce", "hinge", "none"])
@pytest.mark.parametrize("present", [True, False])
def test_every_parameter_of_a_head_takes_part(auxiliary, present):
    network, batch = network_of(SmallResNetBackbone(width=4)), batch_of([[present] * 2] * 3)
    heads, loss = heads_of(network), JointLoss(auxiliary=auxiliary)
    heads.loss(heads(network, batch)[1], batch, loss).backward()
    assert all(parameter.grad is not None for parameter in heads.parameters())


def test_the_gradient_of_a_head_reaches_its_stage_and_none_behind_it():
    network, batch = network_of(SmallResNetBackbone(width=4)), batch_of()
    _, (found,) = heads_of(network, [1])(network, batch)
    found.postop_logmar.sum().backward()
    with_gradient = {
        name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert {"backbone.0.stem.0.weight", "backbone.0.blocks.0.beside.0.weight"} <= with_gradient
    assert {name.split(".")[2:4][0] for name in with_gradient} == {"stem", "blocks"}
    assert not any(name.startswith("backbone.0.blocks.1") for name in with_gradient)


def test_of_a_frozen_backbone_only_the_heads_learn():
    network = network_of(SmallResNetBackbone(width=4, tune="frozen"))
    heads, batch = heads_of(network), batch_of()
    _, amid = heads(network, batch)
    sum(one.postop_logmar.sum() for one in amid).backward()
    assert all(head.delta.weight.grad.any() for head in heads.heads)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("backbone", "stages", "words"),
    [
        (SmallResNetBackbone(width=2), [4], r"SmallResNetBackbone has stages 0 to 3, got \[4\]"),
        (TimmBackbone("test_vit"), [0], "TimmBackbone has no stages"),
        (SegmentationBackbone(weights="none"), [0], "SegmentationBackbone has no stages"),
    ],
)
def test_a_stage_that_cannot_be_read_is_refused(backbone, stages, words):
    with pytest.raises(InputError, match=words):
        heads_of(network_of(backbone), stages)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"stages": []}, "at least one"),
        ({"stages": [1, 1]}, r"different numbers.*got \[1, 1\]"),
        ({"stages": [-1]}, "from 0"),
        ({"stages": [1], "weight": 0.0}, "weight must be positive, got 0.0"),
    ],
)
def test_values_that_supervise_nothing_are_refused(keys, words):
    with pytest.raises(InputError, match=words):
        DeepSupervision(**keys)


SUPERVISED = ["--model.deep_supervision.stages", "[0,1]"]


def test_a_training_starts_from_the_same_weights_with_and_without(
    tiny_network, small_cohort, tmp_path
):
    keys = [*tiny_network, "--data.cohort", str(small_cohort)]
    built = [
        TrainingConfig([*keys, *more]).build(1, tmp_path / "run/fold_1")[0]
        for more in ([], SUPERVISED)
    ]
    assert built[0].stage_heads is None
    ours, theirs = (module.network.state_dict() for module in built)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not any("stage_heads" in name for name in built[0].state_dict())


@pytest.mark.slow
def test_the_model_folder_is_the_same_kind_with_and_without(
    tiny_network, small_cohort, small_run, traced_once, tmp_path
):
    keys = [*tiny_network, "--data.cohort", str(small_cohort), "--folds", "1", "--report", "false"]
    train([*keys, *SUPERVISED, "--out", str(tmp_path / "run")])
    with_, without = (run / "fold_1/model" for run in (tmp_path / "run", small_run))
    assert "train/deep_supervision" in pd.read_csv(tmp_path / "run/fold_1/metrics.csv")
    names = [sorted(path.name for path in folder.iterdir()) for folder in (with_, without)]
    assert names[0] == names[1]
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (with_, without))
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    assert not torch.equal(ours["backbone.0.layers.0.weight"], theirs["backbone.0.layers.0.weight"])
    specs = [yaml.safe_load((folder / "model.yaml").read_text()) for folder in (with_, without)]
    assert specs[0]["architecture"] == specs[1]["architecture"]
    graphs = [onnx.load(folder / "model.onnx").graph for folder in (with_, without)]
    nodes, weights = ([[one.name for one in each] for each in pair] for pair in (
        [graph.node for graph in graphs], [graph.initializer for graph in graphs],
    ))  # fmt: skip
    assert nodes[0] == nodes[1]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_a_training_that_broke_off_goes_on_as_if_it_had_not(
    tiny_network, small_cohort, tmp_path, monkeypatch
):
    monkeypatch.setattr("ctt_net.training.fold._export", lambda *_: None)
    keys = [*tiny_network, *SUPERVISED, "--data.cohort", str(small_cohort), "--folds", "1"]
    keys += ["--report", "false"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train([*keys, "--out", str(whole)])

    def stop(module, batch, index):
        if (module.current_epoch, index) == (1, 1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(AcuityModule, "on_train_batch_start", stop)
        with pytest.raises(KeyboardInterrupt):
            train([*keys, "--out", str(broken)])
    train([*keys, "--out", str(broken), "--resume", "true"])
    ours, theirs = (
        torch.load(run / "fold_1/checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for run in (broken, whole)
    )
    assert any(name.startswith("stage_heads.") for name in ours)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    tables = [(run / "fold_1/metrics.csv").read_bytes() for run in (broken, whole)]
    assert tables[0] == tables[1]
