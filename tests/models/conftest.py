"""Members of every kind in small, and batches that lack this and that."""

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest
import torch

from ctt_net.models import MultiViewNet, covariates, fusion, head
from ctt_net.models.backbone import (
    SegmentationBackbone,
    SmallConvBackbone,
    SmallResNetBackbone,
    TimmBackbone,
)
from ctt_net.models.fusion import (
    CrossTokenFusion,
    JointAttentionFusion,
    LateFusion,
    MeanFusion,
    SingleViewFusion,
)
from ctt_net.models.head import DecimalHead, ResidualHead

# Small timm networks of three families (0.2 to 0.4 million parameters each) and our own.
GRID_NETWORKS = ("test_resnet", "test_vit", "test_convnext", "small_conv", "small_resnet")
NETWORKS = (*GRID_NETWORKS, "segmentation")
DIM = 32
SIZE = (64, 128)


class Case(NamedTuple):
    """A member, or one of its variants."""

    kind: type
    arguments: Mapping = MappingProxyType({})

    def __str__(self):
        options = "-".join(f"{key}={value}" for key, value in self.arguments.items())
        return self.kind.__name__ + ("-" + options if options else "")

    @property
    def needs_views(self):
        """Whether it is built for a number of views; None in the signature is any number."""
        default = inspect.signature(self.kind).parameters.get("num_views")
        return "num_views" in self.arguments or (default and default.default is not None)

    def fusion(self, num_views, dim=DIM):
        """Build a fusion for so many views."""
        fixed = {"num_views": num_views} if self.needs_views else {}
        torch.manual_seed(0)
        return stirred(self.kind(dim=dim, **{**self.arguments, **fixed}))

    def head(self, **others):
        """Build a head."""
        torch.manual_seed(0)
        return stirred(self.kind(dim=DIM, **self.arguments, **others))


def members(package, contract):
    """Every class that a package offers under its contract, as it is by default."""
    kinds = [getattr(package, name) for name in package.__all__]
    return [Case(kind) for kind in kinds if issubclass(kind, contract) and kind is not contract]


FUSIONS = [
    *members(fusion, fusion.Fusion),
    Case(CrossTokenFusion, {"num_views": 3, "depth": 1, "exchanges": 2, "tied": False}),
    Case(CrossTokenFusion, {"common": "updated", "pattern": "all", "acuity_unit": "decimal"}),
    Case(CrossTokenFusion, {"pattern": "ring", "exchanges": 2}),
    Case(CrossTokenFusion, {"pattern": "attention", "exchanges": 2}),
    Case(CrossTokenFusion, {"pattern": "none", "exchanges": 1}),
    Case(CrossTokenFusion, {"read_out": "both", "exchanges": 1}),
    Case(CrossTokenFusion, {"acuity_token": False, "exchanges": 1}),
    Case(JointAttentionFusion, {"acuity_token": False}),
    Case(LateFusion, {"acuity_token": False}),
    Case(MeanFusion, {"acuity_token": False}),
    Case(SingleViewFusion, {"view": 1}),
    Case(SingleViewFusion, {"plain": True}),
]
HEADS = [
    *members(head, head.Head),
    Case(ResidualHead, {"distribution": "gaussian"}),
    Case(DecimalHead, {"bounded": False}),
    Case(DecimalHead, {"hidden_layer": False}),
]
ENCODERS = members(covariates, covariates.CovariateEncoder)
# Whole networks: each fusion, each head, each backbone and each encoder at least once.
DEFAULT = (Case(CrossTokenFusion), Case(ResidualHead), "small_conv", None)
COMBINATIONS = [
    *[(each, *DEFAULT[1:]) for each in members(fusion, fusion.Fusion)],
    *[(DEFAULT[0], each, *DEFAULT[2:]) for each in members(head, head.Head)],
    *[(*DEFAULT[:2], each, None) for each in NETWORKS],
    *[(*DEFAULT[:3], each) for each in ENCODERS],
]
COMBINATIONS = list({"+".join(map(str, parts)): parts for parts in COMBINATIONS}.values())


def pytest_generate_tests(metafunc):
    named = (
        ("fusion_case", FUSIONS), ("head_case", HEADS), ("encoder_case", ENCODERS),
        ("network_name", NETWORKS), ("grid_network_name", GRID_NETWORKS),
    )  # fmt: skip
    for argument, cases in named:
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, cases, ids=[str(case) for case in cases])
    if "combination" in metafunc.fixturenames:
        names = ["+".join(str(part) for part in parts if part) for parts in COMBINATIONS]
        metafunc.parametrize("combination", COMBINATIONS, ids=names)


def backbone_of(name, **arguments):
    """A member by name: one of the project's own, or a network of timm's."""
    if name == "segmentation":
        random = {"weights": "none", "tune": "full"}
        others = {key: value for key, value in arguments.items() if key not in ("rows", "columns")}
        return SegmentationBackbone(**{**random, **others})
    if name == "small_conv":
        return SmallConvBackbone(widths=(8, 12, 16), **arguments)
    if name == "small_resnet":
        return SmallResNetBackbone(width=4, **arguments)
    return TimmBackbone(name, **arguments)


@pytest.fixture
def make_backbone():
    """See `backbone_of`."""
    return backbone_of


@pytest.fixture
def make_net(combination):
    """Builds a whole network of the members in turn."""

    def make(num_views=3, columns=2, sharing="all"):
        torch.manual_seed(0)
        fusion_case, head_case, network_name, encoder_case = combination
        backbone = backbone_of(network_name, columns=columns)
        encoder = None
        if encoder_case is not None:
            encoder = encoder_case.kind(dim=DIM, levels=(0, 0, 3))
            years, lengths = torch.linspace(50, 90, 9), torch.linspace(22, 27, 9)
            encoder.initialise(torch.stack([years, lengths, torch.arange(9) % 3], dim=1))
        net = MultiViewNet(
            backbone, fusion_case.fusion(num_views), head_case.head(), num_views, encoder,
            sharing=sharing,
        )  # fmt: skip
        return stirred(net)

    return make


@pytest.fixture
def stir():
    """See `stirred`."""
    return stirred


def stirred(module):
    """Move every parameter off its start, where zeros would hide what it does."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return module


@pytest.fixture
def eyes():
    """Builds views, presence and preop acuity of B eyes, nothing missing."""

    def make(B=4, V=3, seed=0):
        generator = torch.Generator().manual_seed(seed)
        views = torch.randint(0, 256, (B, V, 1, *SIZE), dtype=torch.uint8, generator=generator)
        present = torch.ones(B, V, dtype=torch.bool)
        preop = torch.linspace(0.1, 1.2, B)
        return views, present, preop

    return make


@pytest.fixture
def token_eyes():
    """Builds tokens, presence, preop acuity, its flag and covariate tokens of B eyes."""

    def make(B=4, V=3, T=2, F=0, seed=0):
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randn(B, V, T, DIM, generator=generator)
        extra = torch.randn(B, F, DIM, generator=generator) if F else None
        preop = torch.linspace(0.1, 1.2, B)
        known = torch.ones(B, dtype=torch.bool)
        return tokens, torch.ones(B, V, dtype=torch.bool), preop, known, extra

    return make
