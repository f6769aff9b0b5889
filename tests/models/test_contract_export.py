"""Every member of every kind can be exported, by torch and to ONNX, and then says the same.

The members of a kind are exported together and as small as they get, since tracing is slow; a whole
network of the default parts is exported in tests/training/test_export.py.
"""

import contextlib
import io
import warnings

import numpy as np
import onnxruntime
import pytest
import torch

from ctt_net.models.fusion import CrossTokenFusion, JointAttentionFusion, MeanFusion
from ctt_net.models.fusion.base import FusionInput
from tests.models.conftest import DIM, ENCODERS, HEADS, Case, backbone_of
from tests.models.conftest import FUSIONS as ALL_FUSIONS

SMALL = {CrossTokenFusion: {"depth": 1, "exchanges": 1}, JointAttentionFusion: {"depth": 1}}

# Each block and each round is the same graph once more: one will do.
FUSIONS = [
    Case(case.kind, {**case.arguments, **SMALL.get(case.kind, {})})
    for case in ALL_FUSIONS
    # Of the variants without acuity the learned token is all there is to see, in one of them.
    if case.arguments.get("acuity_token", True) or case.kind is MeanFusion
    # Of the exchange, the patterns that choose and attend; the others are sums with other weights.
    if case.arguments.get("pattern", "ring") in ("ring", "attention")
    if "read_out" not in case.arguments
]
EYES = {0: torch.export.Dim("eyes", min=1)}


def ids(cases):
    return [str(case) for case in cases]


class Together(torch.nn.Module):
    """Parts of one kind, one after the other, with plain tensors out as exporters want them."""

    def __init__(self, parts):
        super().__init__()
        self.parts = torch.nn.ModuleList(parts)

    def forward(self, *inputs):
        outputs = (part(*inputs) for part in self.parts)
        return tuple((out,) if isinstance(out, torch.Tensor) else tuple(out) for out in outputs)


def exported_together(parts, small, large):
    """Export with one batch, run with another of another number of eyes.

    Returns:
        Of each part what torch, the exported program and ONNX Runtime say.
    """
    plain = Together(parts).eval()
    shapes = tuple(EYES for _ in small)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.export.export(plain, small, dynamic_shapes=(shapes,), strict=False)
        names = [f"input_{i}" for i in range(len(small))]
        model = torch.onnx.export(
            program, dynamo=True, opset_version=20, input_names=names, optimize=False,
            verbose=False,
        )  # fmt: skip
    with torch.no_grad():
        expected, exported = plain(*large), program.module()(*large)
    session = onnxruntime.InferenceSession(
        model.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    # Only what the graph reads is asked for: a fusion without acuity has no input for it.
    asked = {node.name for node in session.get_inputs()}
    feeds = {n: t.numpy() for n, t in zip(names, large, strict=True) if n in asked}
    answers = iter(session.run(None, feeds))
    onnx = [[next(answers) for _ in out] for out in expected]
    assert not list(answers)
    return list(zip(expected, exported, onnx, strict=True))


def assert_same(said):
    for ours, program, onnx in zip(*said, strict=True):
        torch.testing.assert_close(ours, program, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(ours.numpy(), onnx, rtol=1e-3, atol=1e-3)


def eyes_in_tokens(B):
    generator = torch.Generator().manual_seed(B)
    tokens = torch.randn(B, 2, 1, DIM, generator=generator)
    present = torch.rand(B, 2, generator=generator) > 0.4
    preop, known = torch.rand(B, generator=generator), torch.arange(B) % 3 > 0
    return tokens, present, preop, known, torch.randn(B, 2, DIM, generator=generator)


class Fused(torch.nn.Module):
    """A fusion of plain tensors."""

    def __init__(self, case):
        super().__init__()
        self.fusion = case.fusion(2)

    def forward(self, *inputs):
        return self.fusion(FusionInput(*inputs))


@pytest.fixture(scope="module")
def fusions():
    return exported_together([Fused(case) for case in FUSIONS], *map(eyes_in_tokens, (3, 5)))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(FUSIONS)), ids=ids(FUSIONS))
def test_a_fusion_is_exported(fusions, number):
    assert_same(fusions[number])


@pytest.fixture(scope="module")
def heads():
    def batch(B):
        token = torch.randn(B, DIM, generator=torch.Generator().manual_seed(B))
        return token, torch.rand(B), torch.arange(B) % 3 > 0

    return exported_together([case.head() for case in HEADS], batch(3), batch(5))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(HEADS)), ids=ids(HEADS))
def test_a_head_is_exported(heads, number):
    assert_same(heads[number])


@pytest.fixture(scope="module")
def encoders():
    torch.manual_seed(0)
    made = [case.kind(dim=DIM, levels=(0, 3)) for case in ENCODERS]
    for encoder in made:
        encoder.initialise(torch.tensor([[50.0, 0], [60.0, 1], [70.0, 2], [80.0, 1]]))

    def batch(B):
        values = torch.stack([torch.linspace(40, 90, B), torch.arange(B) % 3.0], dim=1)
        values[0, 0] = values[1, 1] = torch.nan
        return (values,)

    return exported_together(made, batch(3), batch(7))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(ENCODERS)), ids=ids(ENCODERS))
def test_a_covariate_encoder_is_exported(encoders, number):
    assert_same(encoders[number])


BACKBONES = ("test_resnet", "small_conv", "small_resnet", "segmentation")


@pytest.fixture(scope="module")
def backbones():
    torch.manual_seed(0)

    def batch(B):
        generator = torch.Generator().manual_seed(B)
        return (torch.randint(0, 256, (B, 1, 64, 64), dtype=torch.uint8, generator=generator),)

    return exported_together(
        [backbone_of(name, columns=2) for name in BACKBONES], batch(3), batch(5)
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BACKBONES)), ids=BACKBONES)
def test_a_backbone_is_exported(backbones, number):
    assert_same(backbones[number])
