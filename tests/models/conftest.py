"""Members of every kind, and batches that lack this and that."""

import pytest
import torch

from ctt_net.models import MultiViewNet, fusion, head
from ctt_net.models.backbone import SmallConvBackbone, TimmBackbone

# Small timm networks of three families (0.2 to 0.4 million parameters each) and our own.
NETWORKS = ("test_resnet", "test_vit", "test_convnext", "small_conv")
DIM = 32
SIZE = (32, 64)


def members(room, contract):
    """Every class that a room offers under its contract."""
    kinds = [getattr(room, name) for name in room.__all__]
    return [kind for kind in kinds if issubclass(kind, contract) and kind is not contract]


FUSIONS = members(fusion, fusion.Fusion)
HEADS = members(head, head.Head)


def pytest_generate_tests(metafunc):
    for argument, kinds in (("fusion_kind", FUSIONS), ("head_kind", HEADS)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, kinds, ids=[kind.__name__ for kind in kinds])
    if "network_name" in metafunc.fixturenames:
        metafunc.parametrize("network_name", NETWORKS)


def backbone_of(name, **arguments):
    """A member by name: one of the project's own, or a network of timm's."""
    if name == "small_conv":
        return SmallConvBackbone(widths=(8, 12, 16), **arguments)
    return TimmBackbone(name, **arguments)


@pytest.fixture
def make_backbone():
    """See `backbone_of`."""
    return backbone_of


@pytest.fixture
def make_net(fusion_kind, head_kind, network_name):
    """Builds a whole network of the members in turn."""

    def make(num_views=3, columns=2):
        torch.manual_seed(0)
        backbone = backbone_of(network_name, columns=columns)
        net = MultiViewNet(backbone, fusion_kind(dim=DIM), head_kind(dim=DIM), num_views)
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
