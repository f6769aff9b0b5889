"""The training of the segmentation network, against formulas written out and the simulator."""

import json

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss

from ctt_net.biomarkers import Segmenter
from ctt_net.biomarkers.segmenter import upsampled
from ctt_net.cli import main
from ctt_net.imaging.segmentation import COLUMNS, LAYERS, LESIONS, ROWS, SURFACES
from ctt_net.models.segmentation import SegmentationNet, SegmentationOutput
from ctt_net.synthetic import CIRRUS_LIKE, DEVICES, training_eye
from ctt_net.synthetic.scan import labelled_scan
from ctt_net.training.segmentation.data import SegmentationDataset, downsampled, lesion_maps
from ctt_net.training.segmentation.figures import regions, segmentation_figures
from ctt_net.training.segmentation.module import segmentation_loss


@pytest.fixture(scope="module")
def scan():
    eye, _ = training_eye(np.random.default_rng(3))
    return labelled_scan(eye, CIRRUS_LIKE, "horizontal")


def certain(layers):
    """Logits of a map of layers (h, w) that leave no doubt."""
    one_hot = torch.nn.functional.one_hot(torch.from_numpy(layers.astype(np.int64)), len(LAYERS))
    return 50.0 * one_hot.permute(2, 0, 1)[None].float()


def test_the_row_of_a_surface_is_where_the_layers_change():
    layers = np.zeros((20, 3), np.uint8)
    layers[7:, :] = 1  # the first surface between rows 6 and 7
    layers[12:, 1] = len(LAYERS) - 1  # all others between 11 and 12
    output = SegmentationOutput(certain(layers), torch.zeros(1, len(LESIONS), 20, 3))
    surfaces = output.surfaces()
    np.testing.assert_allclose(surfaces[0, 0], 6.5, atol=1e-4)
    np.testing.assert_allclose(surfaces[0, 1:, 1], 11.5, atol=1e-4)
    np.testing.assert_allclose(surfaces[0, 1:, 0], 19.5, atol=1e-4)  # not in the picture


def test_surfaces_of_any_logits_are_ordered():
    torch.manual_seed(0)
    output = SegmentationOutput(torch.randn(2, len(LAYERS), 16, 8), torch.zeros(2, 6, 16, 8))
    assert (output.surfaces().diff(dim=1) >= 0).all()


def test_the_loss_of_the_truth_is_nothing_and_of_an_error_more(scan):
    data = downsampled(*scan)
    surfaces = torch.from_numpy(data.surfaces.astype(np.float32))
    rows = np.arange(ROWS)[:, None]
    layers = (rows >= data.surfaces[0][:, None]).sum(axis=0)
    lesions = lesion_maps(torch.from_numpy(data.lesions))
    truth = SegmentationOutput(certain(layers), 100.0 * (lesions - 0.5))
    visible, dice = torch.from_numpy(data.visible), DiceLoss(sigmoid=True, batch=True)
    right = segmentation_loss(truth, surfaces, lesions, visible, dice)
    assert right["layers"] < 1e-3
    assert right["surface_rows"] < 0.2  # they lie between rows
    wrong = segmentation_loss(truth, surfaces + 3.0, lesions, visible, dice)
    assert wrong["loss"] > right["loss"] + 0.2
    # A-scans that show no retina do not count.
    absent = segmentation_loss(truth, surfaces + 3.0, lesions, torch.zeros_like(visible), dice)
    assert absent["layers"] == 0
    assert absent["surface_rows"] == 0


def test_the_truth_survives_the_size_of_the_network(scan):
    image, truth = scan
    data = downsampled(image, truth)
    lesions = lesion_maps(torch.from_numpy(data.lesions))[0].numpy()
    back = upsampled(data.surfaces[0].astype(np.float32), lesions, image)
    inside = truth.visible & (np.abs(np.gradient(truth.surfaces, axis=1)).max(axis=0) < 1.0)
    away = np.abs(back.surfaces - truth.surfaces)[:, inside]
    assert np.median(away) < 0.25
    for name in ("inner_retina", "empty"):
        mine, theirs = regions(back)[name], regions(truth)[name]
        if theirs.any():
            assert 2 * (mine & theirs).sum() / (mine.sum() + theirs.sum()) > 0.93


def test_a_mirrored_training_scan_has_mirrored_labels(scan):
    data = downsampled(*scan)
    dataset = SegmentationDataset(data, seed=1)
    seen = [dataset[0] for _ in range(12)]
    straight = data.surfaces[0].astype(np.float32)
    kinds = {bool(np.array_equal(surfaces, straight)) for _, surfaces, _, _ in seen}
    assert kinds == {True, False}
    for _, surfaces, lesions, visible in seen:
        if not np.array_equal(surfaces, straight):
            np.testing.assert_array_equal(surfaces, straight[:, ::-1])
            np.testing.assert_array_equal(lesions, data.lesions[0][:, ::-1])
            np.testing.assert_array_equal(visible, data.visible[0][::-1])
        assert surfaces.shape == (len(SURFACES), COLUMNS)


class Oracle:
    """Says the truth of the scans that it is given in this order."""

    def __init__(self, eyes, device):
        self.truths = [
            labelled_scan(eye, device, ("horizontal", "vertical")[number % 2])[1]
            for number, eye in enumerate(eyes)
        ]

    def segment(self, _):
        return self.truths.pop(0)


def test_the_figures_of_the_truth_are_perfect():
    eyes = [training_eye(np.random.default_rng(seed))[0] for seed in range(3)]
    figures = segmentation_figures(Oracle(eyes, DEVICES[0]), eyes, DEVICES[0])
    assert {value for value in figures["dice"].values() if value == value} == {1.0}
    assert set(figures["surface_mae_um"].values()) == {0.0}


def test_the_network_takes_any_number_of_scans():
    network = SegmentationNet((8, 8, 8, 8, 8, 8)).eval()
    output = network(torch.zeros(3, 1, 128, 192))
    assert output.layers.shape == (3, len(LAYERS), 128, 192)
    assert output.lesions.shape == (3, len(LESIONS), 128, 192)


@pytest.mark.slow
def test_the_command_leaves_a_segmenter_and_its_card(tmp_path, capsys):
    out = tmp_path / "segmenter"
    options = ["--scans", "8", "--test-scans", "2", "--epochs", "1", "--batch-size", "4"]
    assert main(["train-segmenter", str(out), *options, "--workers", "1"]) == 0
    assert "Research use only" in capsys.readouterr().out
    card = json.loads((out / "segmentation.json").read_text())
    assert card["plan"]["scans"] == 8
    assert set(card["figures"]) == {"cirrus_like", "heidelberg_like", "topcon_like"}
    image, _ = labelled_scan(training_eye(np.random.default_rng(0))[0], CIRRUS_LIKE, "vertical")
    assert Segmenter.load(out).segment(image).surfaces.shape == (9, 750)
    assert main(["train-segmenter", str(out), *options]) == 2
    assert "exists" in capsys.readouterr().err


def test_a_plan_that_makes_no_training_is_refused(tmp_path, capsys):
    assert main(["train-segmenter", str(tmp_path / "x"), "--scans", "4"]) == 2
    assert "4 scans make no batch of 8" in capsys.readouterr().err
