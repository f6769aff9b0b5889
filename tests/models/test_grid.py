"""Tokens as a grid over the scan, against torch's own pools, and through ONNX."""

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from ctt_net.errors import InputError
from ctt_net.models.backbone import SmallConvBackbone, SmallResNetBackbone, TimmBackbone
from ctt_net.models.backbone.grid import maximum_of_cells, mean_of_cells

MAPS = [(8, 12), (7, 5), (2, 2), (1, 3)]
GRIDS = [(1, 1), (1, 3), (3, 3), (2, 4), (7, 7)]


@pytest.mark.parametrize("size", MAPS)
@pytest.mark.parametrize("grid", GRIDS)
def test_cells_are_those_of_torchs_adaptive_pools(size, grid):
    features = torch.randn(2, 4, *size, generator=torch.Generator().manual_seed(0))
    means = F.adaptive_avg_pool2d(features, grid).flatten(2).mT
    torch.testing.assert_close(mean_of_cells(features, *grid), means)
    highest = F.adaptive_max_pool2d(features, grid).flatten(2).mT
    assert torch.equal(maximum_of_cells(features, *grid), highest)


@pytest.mark.parametrize("grid", [(2, 3), (3, 1)])
def test_a_backbone_has_a_token_for_each_cell_row_by_row(grid_network_name, grid, make_backbone):
    torch.manual_seed(0)
    rows, columns = grid
    backbone = make_backbone(grid_network_name, rows=rows, columns=columns).eval()
    assert backbone.tokens == rows * columns
    black = torch.zeros(1, 1, 64 * rows, 64 * columns, dtype=torch.uint8)
    before = backbone(black)
    assert before.shape == (1, rows * columns, backbone.embed_dim)
    for row in range(rows):
        for column in range(columns):
            lit = black.clone()
            lit[..., 64 * row : 64 * row + 64, 64 * column : 64 * column + 64] = 255
            moved = (backbone(lit) - before).norm(dim=-1)[0]
            # A vision transformer looks everywhere at once.
            if grid_network_name != "test_vit":
                assert moved.argmax() == row * columns + column


class Pools(torch.nn.Module):
    """Both pools to some grids, for the exporter."""

    def __init__(self, grids):
        super().__init__()
        self.grids = grids

    def forward(self, *features):
        return tuple(
            pool(one, *grid)
            for one, grid in zip(features, self.grids, strict=True)
            for pool in (mean_of_cells, maximum_of_cells)
        )


def test_even_and_uneven_grids_export_to_onnx():
    """Torch's own uneven pool of maxima has no translation."""
    generator = torch.Generator().manual_seed(0)
    features = tuple(
        torch.randn(2, 3, *size, generator=generator) for size in ((7, 5), (8, 12), (2, 2))
    )
    pools = Pools(((3, 3), (2, 4), (3, 3))).eval()
    scans = torch.export.Dim("scans", min=1)
    program = torch.onnx.export(
        pools, features, dynamo=True, dynamic_shapes=(({0: scans},) * 3,), verbose=False
    )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    names = [node.name for node in session.get_inputs()]
    outputs = session.run(None, {n: f.numpy() for n, f in zip(names, features, strict=True)})
    for ours, theirs in zip(pools(*features), outputs, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"columns": -1}])
def test_a_grid_without_cells_is_refused_by_key(wrong):
    ((key, value),) = wrong.items()
    for kind in (SmallConvBackbone, SmallResNetBackbone, TimmBackbone):
        with pytest.raises(InputError, match=rf"backbone\.{key} must be 1 or more, got {value}"):
            kind(**wrong)
