"""Receptive fields and lesions, of networks and pictures in which one can count them."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from benchmarks.receptive_fields import extent, fitting, lesions, micrometres, middle_part
from ctt_net.cohort import read_cohort
from ctt_net.imaging import Preprocessing
from ctt_net.models.backbone import Backbone
from ctt_net.models.backbone.base import Stage
from ctt_net.synthetic.labels import VALUES


class Blurs(Backbone):
    """Convolutions of equal weights without padding: 3x5 pixels, then 3x5 of every second."""

    def __init__(self):
        super().__init__()
        layers = [
            nn.Conv2d(1, 1, (3, 5), stride=2, bias=False),
            nn.Conv2d(1, 1, (3, 5), bias=False),
        ]
        for layer in layers:
            nn.init.ones_(layer.weight)
        self.layers = nn.Sequential(*layers)

    def forward(self, bscans):
        return self.layers(bscans)

    def stages(self):
        return [Stage(layer, 1) for layer in self.layers]


# Across, the second sees 1 1 2 2 3 2 3 2 3 2 2 1 1 of 25, of which the middle twelve are 24.
@pytest.mark.parametrize(("stage", "width", "height"), [(0, 5, 3), (1, 12, 7)])
def test_the_extent_of_a_linear_network_is_what_its_kernels_span(stage, width, height):
    assert extent(Blurs(), stage, torch.ones(2, 1, 33, 41)) == (width, height)


def test_the_middle_part_of_a_gaussian_is_two_deviations_to_either_side():
    place = np.arange(-100, 101)
    profile = np.exp(-((place / 20) ** 2) / 2)
    assert middle_part(profile) == pytest.approx(2 * 1.96 * 20, abs=1)


def test_lesions_are_measured_in_micrometres_and_in_pixels_of_the_prepared_scan(
    small_cohort, tmp_path
):
    cohort = read_cohort(small_cohort)
    cohort = replace(cohort, root=tmp_path, table=cohort.table.groupby("device").head(1))
    (tmp_path / "labels").mkdir()
    for row in cohort.table.itertuples():
        size = (500, 750) if row.device == "cirrus_like" else (496, 768)
        labels = np.zeros(size, np.uint8)
        labels[100:120, 200:250] = VALUES["cyst"]
        labels[10, 10] = VALUES["cyst"]  # a speck
        for view in cohort.spec.views:
            cv2.imwrite(str(tmp_path / f"labels/{row.eye_id}_{view}.png"), labels)
    scale = micrometres(Preprocessing(height=96, width=144, crop="flat"))
    found = lesions(cohort, scale)
    assert len(found) == 2 * 2, "two devices, two views"
    cirrus = found[found["width_um"] == 50 * 8.0].iloc[0]
    assert cirrus["height_um"] == 20 * 4.0
    assert cirrus["width_px"] == pytest.approx(50 * 144 / 750)
    assert cirrus["height_px"] == pytest.approx(20 * 96 / (0.46 * 500))


def test_the_first_stage_that_holds_a_lesion_fits():
    fields = pd.DataFrame({"width_px": [3, 20, 46], "height_px": [3, 20, 46]})
    sizes = [(2, 3), (4, 2), (19, 42), (60, 2)]
    found = [fitting(fields, pd.Series({"width_px": w, "height_px": h})) for w, h in sizes]
    assert found == ["0", "1", "2", "none"]
