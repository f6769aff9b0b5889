"""Effective receptive field of each stage of a backbone beside the size of lesions.

Run from the checkout, on simulated eyes with labels; takes a minute of one core:

    ctt-net simulate data/labels --eyes 300 --seed 2 --labels
    python -m benchmarks.receptive_fields data/labels [--model runs/ctt_net/fold_1/model]

The field of a stage (Luo et al. 2016, arXiv 1701.04128): gradient of the unit in the middle of its
map with respect to the prepared scan, channels with random signs, root mean square over scans. Its
extent is the middle part that holds 95% of it, across and in depth. Without `--model` the default
backbone with random weights, its batch statistics set by the same scans. Lesions: parts of the
label pictures that hang together, at least nine pixels; width and height of their bounding boxes.
A stage fits a lesion if it is the first whose field is at least as wide and as high as the median.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from ctt_net.cohort import Cohort, read_cohort
from ctt_net.imaging import Preprocessing, read_bscan
from ctt_net.imaging.flatten import KEPT_SHARE
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.models.backbone import Backbone
from ctt_net.synthetic.device import DEVICES
from ctt_net.synthetic.labels import VALUES
from ctt_net.training.architecture import load_network, network_of
from ctt_net.training.config import TrainingConfig

KINDS = (
    "drusen", "subretinal_fluid", "hole", "cyst", "ez_loss", "elm_loss", "rpe_loss", "membrane",
)  # fmt: skip
LEAST_PIXELS, HELD, SCANS, DRAWS = 9, 0.95, 48, 8
DEFAULT = ["--config", "configs/ctt_net.yaml"]


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path, help="simulated with --labels")
    parser.add_argument("--model", type=Path, help="model folder (default: random weights)")
    arguments = parser.parse_args()
    cohort = read_cohort(arguments.cohort)
    if arguments.model is None:
        plain = TrainingConfig([*DEFAULT, "--data.cohort", str(arguments.cohort)])
        preparing = Preprocessing(**plain.config.data.preprocessing.as_dict())
    else:
        preparing = ModelSpec.read(arguments.model).preprocessing
    scans = torch.stack([torch.from_numpy(one)[None] for one in prepared(cohort, preparing)])
    torch.manual_seed(0)
    if arguments.model is None:
        backbone = network_of(DEFAULT, 2).backbone[0]
        set_batch_statistics(backbone, scans)
    else:
        backbone = load_network(arguments.model).backbone[0]
    scale = micrometres(preparing)
    fields = pd.DataFrame(
        [extent(backbone, stage, scans) for stage in range(len(backbone.stages()))],
        columns=["width_px", "height_px"],
    ).rename_axis("stage")
    in_um = {
        f"{device}_um": [f"{across * w:.0f} x {deep * h:.0f}" for w, h in fields.to_numpy()]
        for device, (across, deep) in scale.items()
    }
    print(fields.assign(**in_um).to_string(), end="\n\n")
    table = {}
    for kind, sizes in lesions(cohort, scale).groupby("kind", sort=False):
        quartiles = sizes.drop(columns="kind").quantile([0.25, 0.5, 0.75])
        table[kind] = {"n": len(sizes)} | {
            name: f"{middle:.0f} ({low:.0f}, {high:.0f})"
            for name, (low, middle, high) in quartiles.items()
        }
        table[kind]["stage"] = fitting(fields, sizes.median(numeric_only=True))
    print(pd.DataFrame(table).T.to_string())


def micrometres(preparing: Preprocessing) -> dict[str, tuple[float, float]]:
    """Width and height of a pixel of a prepared (flat) scan on each device, in micrometres."""
    return {
        device.name: (
            device.width_px * device.lateral_um_per_px / preparing.width,
            KEPT_SHARE * device.height_px * device.axial_um_per_px / preparing.height,
        )
        for device in DEVICES
    }


def prepared(cohort: Cohort, preparing: Preprocessing) -> Iterator[NDArray[np.uint8]]:
    """The first scans of a cohort as the network takes them, (h, w)."""
    for row in cohort.table.head(SCANS // 2).to_dict("records"):
        for name, view in cohort.spec.views.items():
            pixels = read_bscan(cohort.root / row[name]).pixels
            yield preparing(pixels, row["laterality"], view.direction)


def set_batch_statistics(backbone: Backbone, scans: Tensor) -> None:
    """As after a training of no step."""
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        backbone.train()(scans)
    backbone.eval()


def extent(backbone: Backbone, stage: int, scans: Tensor) -> tuple[int, int]:
    """Columns and rows that hold 95% of the gradient of the unit in the middle."""
    squares = torch.zeros(scans.shape[-2:])
    maps: list[Tensor] = []
    hook = backbone.stages()[stage].layer.register_forward_hook(lambda *all_: maps.append(all_[2]))
    for some in scans.split(8):
        pixels = some.float().requires_grad_()
        backbone(pixels)
        features = maps.pop()
        middle = features[:, :, features.shape[2] // 2, features.shape[3] // 2]
        for _ in range(DRAWS):
            signs = torch.randint(0, 2, middle.shape) * 2.0 - 1.0
            (gradient,) = torch.autograd.grad((middle * signs).sum(), pixels, retain_graph=True)
            squares += gradient.square().sum(dim=(0, 1))
    hook.remove()
    impact = squares.sqrt().numpy()
    return middle_part(impact.sum(axis=0)), middle_part(impact.sum(axis=1))


def middle_part(profile: NDArray[np.floating]) -> int:
    """Length of the smallest piece around the centre of mass that holds 95%."""
    share = profile / profile.sum()
    place = np.arange(len(share))
    away = np.abs(place - (share * place).sum())
    order = np.argsort(away)
    return int(np.searchsorted(share[order].cumsum(), HELD) + 1)


def lesions(cohort: Cohort, scale: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """Width and height of every lesion, in micrometres and in pixels of the prepared scan."""
    devices = {device.name: device for device in DEVICES}
    found = []
    for row in cohort.table.to_dict("records"):
        device = devices[row["device"]]
        across, deep = scale[row["device"]]
        for view in cohort.spec.views:
            path = cohort.root / "labels" / f"{row['eye_id']}_{view}.png"
            labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            for kind in KINDS:
                parts, _ = ndimage.label(labels == VALUES[kind], np.ones((3, 3)))
                pixels = np.bincount(parts.ravel())[1:]
                for part, area in zip(ndimage.find_objects(parts), pixels, strict=True):
                    if area < LEAST_PIXELS:
                        continue
                    height, width = (piece.stop - piece.start for piece in part)
                    width_um = width * device.lateral_um_per_px
                    height_um = height * device.axial_um_per_px
                    found.append((kind, width_um, height_um, width_um / across, height_um / deep))
    names = ["kind", "width_um", "height_um", "width_px", "height_px"]
    return pd.DataFrame(found, columns=names)


def fitting(fields: pd.DataFrame, size: pd.Series) -> str:
    """The first stage whose field holds a lesion of this size."""
    sides = ["width_px", "height_px"]
    holds = (fields[sides] >= size[sides]).all(axis=1)
    return str(holds.idxmax()) if holds.any() else "none"


if __name__ == "__main__":
    main()
