"""What segmentation networks read in pictures: the packaged one, and small ones taught here."""

from collections import Counter, defaultdict

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from benchmarks.generator.data import Grey
from benchmarks.generator.looks import enlarged
from ctt_net.biomarkers import Segmenter, measure
from ctt_net.biomarkers.segmenter import normalised, upsampled
from ctt_net.imaging.segmentation import COLUMNS, LAYERS, LESIONS, ROWS, Segmentation
from ctt_net.models.segmentation import SegmentationNet
from ctt_net.training.segmentation.data import LabelledScans, SegmentationDataset
from ctt_net.training.segmentation.figures import Overlap, regions
from ctt_net.training.segmentation.module import SegmentationModule
from ctt_net.training.trainer import silence_lightning

Floats = NDArray[np.float64]
HOLE = "hole_minimum_diameter_um"
# Of a Cirrus export of 500 x 750; the real files do not say.
AXIAL_UM, LATERAL_UM = 4.0, 8.0
SMALL_UM = AXIAL_UM * 500 / ROWS, LATERAL_UM * 750 / COLUMNS
KEPT = ("ez_loss", "membrane")  # lesions beyond those of `regions`, and drusen, a layer


def truth_of(scans: LabelledScans, index: int) -> Segmentation:
    """The true segmentation of one scan, (256, 384)."""
    bits = [(scans.lesions[index] >> number) & 1 for number in range(len(LESIONS))]
    surfaces = scans.surfaces[index].astype(np.float32)
    return Segmentation(surfaces, np.stack(bits).astype(np.float32), scans.visible[index])


def labels_kept(pictures: Grey, scans: LabelledScans) -> tuple[dict[str, float], Floats]:
    """How well the packaged network reads the true labels in small pictures.

    Args:
        pictures: (N, 128, 192) of the scans, translated or not.
        scans: Their truth.

    Returns:
        Dice overlap of every region and lesion over all scans; (N,) measured hole, NaN = none.
    """
    segmenter = Segmenter.load()
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    holes = []
    for index, picture in enumerate(pictures):
        found, truth = segmenter.segment(enlarged(picture)), truth_of(scans, index)
        mine, theirs = (
            regions(one) | {name: one.lesion(name) for name in KEPT} | {"drusen": _drusen(one)}
            for one in (found, truth)
        )
        for name, region in theirs.items():
            mask, other = region & truth.visible, mine[name] & truth.visible
            sums[name]["both"] += int((mask & other).sum())
            sums[name]["either"] += int(mask.sum() + other.sum())
        holes.append(_hole(found, *SMALL_UM))
    dice = {name: Overlap(one["both"], one["either"]).dice for name, one in sums.items()}
    return dice, np.array(holes)


def taught(scans: LabelledScans, seed: int, epochs: int) -> SegmentationNet:
    """A network of the packaged kind, taught on small pictures as `ctt-net train-segmenter`."""
    silence_lightning()
    pl.seed_everything(seed, verbose=False)
    dataset = SegmentationDataset(scans, seed=seed)
    network = SegmentationNet().to(memory_format=torch.channels_last)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    trainer.fit(SegmentationModule(network), DataLoader(dataset, 8, shuffle=True, drop_last=True))
    return network.eval()


def holes_found(network: SegmentationNet, pictures: Grey, pixels: Grey) -> Floats:
    """(N,) minimum diameter of the hole in um that a small network finds; NaN = none.

    Args:
        network: Of `taught`.
        pictures: (N, 128, 192) real scans.
        pixels: (N, H, W) the same as exported, whose geometry counts.
    """
    holes = []
    for picture, whole in zip(pictures, pixels, strict=True):
        with torch.inference_mode():
            output = network(torch.from_numpy(normalised(picture))[None, None])
        surfaces = 2.0 * output.surfaces()[0].numpy() + 0.5  # rows of 256, as `upsampled` takes
        lesions = torch.sigmoid(output.lesions)[0].numpy()
        holes.append(_hole(upsampled(surfaces, lesions, whole), AXIAL_UM, LATERAL_UM))
    return np.array(holes)


def packaged_holes(pixels: Grey) -> Floats:
    """(N,) the same by the packaged network from whole scans."""
    segmenter = Segmenter.load()
    found = [_hole(segmenter.segment(one), AXIAL_UM, LATERAL_UM) for one in pixels]
    return np.array(found)


def _hole(found: Segmentation, axial_um: float, lateral_um: float) -> float:
    value = measure(found, axial_um, lateral_um)[HOLE]
    return np.nan if value is None else float(value)


def _drusen(segmentation: Segmentation) -> NDArray[np.bool_]:
    return np.asarray(segmentation.layer_map() == LAYERS.index("drusen"))
