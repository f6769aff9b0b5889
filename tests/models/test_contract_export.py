"""Every member of every kind can be exported, by torch and to ONNX, and then says the same.

Each part for itself and as small as it gets, since tracing is slow; a whole network of the default
parts is exported in tests/training/test_export.py.
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


class Plain(torch.nn.Module):
    """A part with a plain tuple out, which is what exporters understand."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, *inputs):
        out = self.part(*inputs)
        return out if isinstance(out, torch.Tensor) else tuple(out)


def assert_exports(part, small, large):
    """Export with one batch; compare with another, of another number of eyes."""
    plain = Plain(part).eval()
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
        expected = plain(*large)
        exported = program.module()(*large)
    expected, exported = (
        (out,) if isinstance(out, torch.Tensor) else out for out in (expected, exported)
    )
    for ours, theirs in zip(expected, exported, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    session = onnxruntime.InferenceSession(
        model.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    # Only what the graph reads is asked for: a fusion without acuity has no input for it.
    asked = {node.name for node in session.get_inputs()}
    feeds = {n: t.numpy() for n, t in zip(names, large, strict=True) if n in asked}
    for ours, theirs in zip(expected, session.run(None, feeds), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-3, atol=1e-3)


def eyes_in_tokens(B):
    generator = torch.Generator().manual_seed(B)
    tokens = torch.randn(B, 2, 1, DIM, generator=generator)
    present = torch.rand(B, 2, generator=generator) > 0.4
    preop, known = torch.rand(B, generator=generator), torch.arange(B) % 3 > 0
    return tokens, present, preop, known, torch.randn(B, 2, DIM, generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize("case", FUSIONS, ids=ids(FUSIONS))
def test_a_fusion_is_exported(case):
    class Fused(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fusion = case.fusion(2)

        def forward(self, tokens, present, preop, known, extra):
            return self.fusion(FusionInput(tokens, present, preop, known, extra))

    assert_exports(Fused().eval(), eyes_in_tokens(3), eyes_in_tokens(5))


@pytest.mark.slow
@pytest.mark.parametrize("case", HEADS, ids=ids(HEADS))
def test_a_head_is_exported(case):
    def batch(B):
        token = torch.randn(B, DIM, generator=torch.Generator().manual_seed(B))
        return token, torch.rand(B), torch.arange(B) % 3 > 0

    assert_exports(case.head().eval(), batch(3), batch(5))


@pytest.mark.slow
@pytest.mark.parametrize("case", ENCODERS, ids=ids(ENCODERS))
def test_a_covariate_encoder_is_exported(case):
    torch.manual_seed(0)
    encoder = case.kind(dim=DIM, levels=(0, 3))
    encoder.initialise(torch.tensor([[50.0, 0], [60.0, 1], [70.0, 2], [80.0, 1]]))

    def batch(B):
        values = torch.stack([torch.linspace(40, 90, B), torch.arange(B) % 3.0], dim=1)
        values[0, 0] = values[1, 1] = torch.nan
        return (values,)

    assert_exports(encoder.eval(), batch(3), batch(5))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_resnet", "small_conv", "small_resnet", "segmentation"])
def test_a_backbone_is_exported(name):
    torch.manual_seed(0)

    def batch(B):
        generator = torch.Generator().manual_seed(B)
        return (torch.randint(0, 256, (B, 1, 64, 64), dtype=torch.uint8, generator=generator),)

    assert_exports(backbone_of(name, columns=2).eval(), batch(3), batch(5))
