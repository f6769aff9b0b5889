"""Tokens of layers and lesions, against means and areas taken by hand."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from ctt_net.biomarkers.segmenter import network_input
from ctt_net.errors import InputError
from ctt_net.imaging.segmentation import COLUMNS, LAYERS, LESIONS, ONNX_FILE, ROWS, WEIGHTS_FOLDER
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import SegmentationBackbone
from ctt_net.models.fusion import CrossTokenFusion
from ctt_net.models.head import ResidualHead
from ctt_net.models.segmentation import SegmentationNet
from ctt_net.synthetic import CIRRUS_LIKE, training_eye
from ctt_net.synthetic.scan import labelled_scan

NAMES = (*LAYERS, *LESIONS)


@pytest.fixture(scope="module")
def shipped():
    return SegmentationBackbone()


@pytest.fixture(scope="module")
def scans():
    """Two simulated scans in the size of the network."""
    images = []
    for seed in (3, 4):
        eye, _ = training_eye(np.random.default_rng(seed))
        image, _ = labelled_scan(eye, CIRRUS_LIKE, "horizontal")
        rows = np.linspace(0, image.shape[0] - 1, ROWS).astype(int)
        columns = np.linspace(0, image.shape[1] - 1, COLUMNS).astype(int)
        images.append(image[rows][:, columns])
    return torch.from_numpy(np.stack(images))[:, None]


class Grey(nn.Module):
    """Features that are the four pixels of each place, and nothing else."""

    def forward(self, four):
        return nn.functional.pad(four, (0, 0, 0, 0, 0, 20))


def test_tokens_are_means_under_hard_masks_and_log_areas():
    backbone = SegmentationBackbone(weights="none").eval()
    backbone.network.unet = Grey()
    # Dark is vitreous, light is sclera, the lightest is a hole; each beyond all doubt.
    read_out = backbone.network.read_out
    with torch.no_grad():
        read_out.weight.zero_()
        read_out.bias.fill_(-1e4)
        for pixel in range(4):
            for name, weight, bias in (
                ("vitreous", -1e3, 0.0), ("sclera", 1e3, 0.0), ("hole", 1e4, -2e4),
            ):  # fmt: skip
                channel = 4 * NAMES.index(name) + pixel
                read_out.weight[channel, pixel] = weight
                read_out.bias[channel] = bias
    picture = np.zeros((64, 128))
    picture[40:] = 100
    picture[50:60, 20:40] = 255
    scaled = (picture - picture.mean()) / (picture.std() + 1)
    assert scaled[45, 0] < 2 < scaled[55, 30]  # the threshold of the hole
    backbone.deviation.fill_(100.0)  # nothing is clamped
    with torch.no_grad():
        tokens = 100 * backbone(torch.from_numpy(picture.astype(np.uint8))[None, None])[0]
    masks = {"vitreous": picture == 0, "sclera": picture > 0, "hole": picture == 255}
    for name, token in zip(NAMES, tokens.numpy(), strict=True):
        mask = masks.get(name, np.zeros_like(picture, dtype=bool))
        area = mask.sum() / 4  # in places of 2 x 2 pixels
        mean = scaled[mask].sum() / 4 / (area + 1)
        np.testing.assert_allclose(token[:4], mean, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(token[4:-1], 0)
        np.testing.assert_allclose(token[-1], np.log1p(area), rtol=1e-4, atol=1e-4)


def test_scans_are_normalised_as_the_segmenter_does(shipped, scans):
    seen = {}
    hook = shipped.network.split.register_forward_pre_hook(lambda _, inputs: seen.update(x=inputs))
    shipped(scans)
    hook.remove()
    for ours, scan in zip(seen["x"][0], scans, strict=True):
        np.testing.assert_allclose(ours[0], network_input(scan[0].numpy()), atol=1e-4)


def test_weights_are_those_of_the_package_of_a_folder_or_random(shipped, tmp_path):
    network = SegmentationNet.read(WEIGHTS_FOLDER / ONNX_FILE)
    (tmp_path / ONNX_FILE).write_bytes((WEIGHTS_FOLDER / ONNX_FILE).read_bytes())
    own = SegmentationBackbone(weights=str(tmp_path))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, shipped.network.state_dict()[name])
        assert torch.equal(tensor, own.network.state_dict()[name])
    assert shipped.origin.licence == "Apache-2.0"
    assert shipped.origin.sha256 == own.origin.sha256
    random = SegmentationBackbone(weights="none")
    assert random.origin is None
    assert not torch.equal(random.network.read_out.weight, network.read_out.weight)


def test_a_folder_without_a_network_is_refused_with_the_fix(tmp_path):
    with pytest.raises(InputError, match=r"segmentation\.onnx: no such file; .*train-segmenter"):
        SegmentationBackbone(weights=str(tmp_path))


def test_training_scans_standardise_every_token(scans):
    backbone = SegmentationBackbone(weights="none")
    raw = backbone(scans) * backbone.deviation + backbone.mean
    backbone.initialise(scans)
    expected = (raw - raw.mean(dim=0)) / (raw.std(dim=0) + 0.1)
    torch.testing.assert_close(backbone(scans), expected, rtol=1e-3, atol=1e-3)


def test_a_training_step_leaves_frozen_weights_and_takes_no_notice_of_a_missing_view(scans):
    torch.manual_seed(0)
    fusion = CrossTokenFusion(dim=16, depth=1, exchanges=1, num_views=2)
    net = MultiViewNet(SegmentationBackbone(), fusion, ResidualHead(dim=16), num_views=2)
    backbone = net.backbone[0]
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    views = scans[:, None].repeat(1, 2, 1, 1, 1)
    present = torch.tensor([[True, True], [True, False]])
    other = views.clone()
    other[1, 1] = 255 - other[1, 1]
    preop = torch.tensor([0.5, 0.8])
    optimiser = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    net.train()
    head = net.head.loss(net(views, present, preop), torch.tensor([0.1, 0.4]))
    projection = net.project[0].weight.detach().clone()
    head.backward()
    optimiser.step()
    assert not torch.equal(net.project[0].weight, projection)
    after = backbone.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    net.eval()
    with torch.no_grad():
        for one, two in zip(net(views, present, preop), net(other, present, preop), strict=True):
            assert torch.equal(one, two)


@pytest.mark.parametrize("wrong", [(256, 384, "flat"), (128, 192, "none"), (384, 256, "none")])
def test_scans_prepared_otherwise_are_refused_with_the_fix(shipped, wrong):
    with pytest.raises(InputError, match=r"set data\.preprocessing to height: 256, width: 384"):
        shipped.check_size(*wrong)
    shipped.check_size(256, 384, "none")


def test_monai_is_imported_with_this_backbone_only():
    code = (
        "import sys, ctt_net.training.config\n"
        "from ctt_net.models.backbone import SegmentationBackbone as B\n"
        "assert 'monai' not in sys.modules\n"
        "B(weights='none')\n"
        "assert 'monai' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
