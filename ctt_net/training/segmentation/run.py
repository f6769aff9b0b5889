"""Train a segmentation network on simulated scans, and write it with what it is worth."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ProgressBar
from torch.utils.data import DataLoader

from ctt_net import INTENDED_USE
from ctt_net.biomarkers import NAMES, Segmenter, measure
from ctt_net.biomarkers.segmenter import CARD_FILE, OUTPUTS
from ctt_net.errors import InputError
from ctt_net.imaging.segmentation import COLUMNS, ONNX_FILE, ROWS
from ctt_net.io.atomic_folder import check_not_taken, new_folder
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import write_json
from ctt_net.io.onnx_file import open_onnx
from ctt_net.io.progress import progress_bar
from ctt_net.model_folder.provenance import git_revision, library_versions
from ctt_net.models.segmentation import ExportedSegmentation, SegmentationNet
from ctt_net.synthetic import (
    CIRRUS_LIKE,
    HEIDELBERG_LIKE,
    TOPCON_LIKE,
    Device,
    SimulatedEye,
    training_eye,
)
from ctt_net.synthetic.scan import labelled_scan
from ctt_net.training.epoch_log import epoch_display
from ctt_net.training.export import quiet_exporter, without_traces
from ctt_net.training.segmentation.data import SegmentationDataset, simulate
from ctt_net.training.segmentation.figures import segmentation_figures
from ctt_net.training.segmentation.module import SegmentationModule
from ctt_net.training.trainer import (
    best_precision,
    lightning_errors,
    silence_lightning,
)

# The last is a look that no scan of the training has.
TEST_DEVICES = (CIRRUS_LIKE, HEIDELBERG_LIKE, TOPCON_LIKE)
FEWEST_FOR_AN_SD = 20


@dataclass(frozen=True)
class SegmentationPlan:
    """What a network is trained with; the same plan on the same machine gives the same network.

    Args:
        scans: Simulated scans to learn from.
        test_scans: Further ones of each device look, to measure on.
        epochs: Passes over them.
        seed: Of scans, first weights, order and augmentation.
        batch_size: Scans a step.
        accelerator: As of Lightning's trainer.
        precision: As of Lightning's trainer; `auto` is what the device computes fastest in.
        workers: Processes that simulate.

    Raises:
        InputError: If a value makes no training.
    """

    scans: int = 3000
    test_scans: int = 300
    epochs: int = 10
    seed: int = 0
    batch_size: int = 8
    accelerator: str = "auto"
    precision: str = "auto"
    workers: int = 1

    def __post_init__(self) -> None:
        for name in ("scans", "test_scans", "epochs", "batch_size", "workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name.replace('_', ' ')} must be 1 or more")
        if self.scans < self.batch_size:
            raise InputError(f"{self.scans} scans make no batch of {self.batch_size}")
        if self.seed < 0:
            raise InputError(f"seed must be 0 or more, got {self.seed}")


def train_segmenter(out: Path, plan: SegmentationPlan) -> dict[str, Any]:
    """Train, export and measure.

    Args:
        out: Folder to make: `segmentation.onnx` and its card, `segmentation.json`, with plan,
            versions and figures.
        plan: What with.

    Returns:
        The card.

    Raises:
        InputError: If `out` exists, or the trainer refuses.
    """
    check_not_taken(out)
    network = fit(plan)
    with new_folder(out) as folder:
        segmenter = export_segmentation(network, folder)
        card = {
            "intended_use": INTENDED_USE,
            "trained_on": "simulated scans only; no clinical validity",
            "command": "ctt-net train-segmenter",
            "plan": asdict(plan),
            "architecture": {"channels": list(network.channels), "input": [ROWS, COLUMNS]},
            "versions": library_versions(),
            "revision": git_revision(),
            **evaluate_segmenter(segmenter, plan.test_scans, plan.seed),
        }
        write_json(folder / CARD_FILE, card)
    return card


def fit(plan: SegmentationPlan) -> SegmentationNet:
    """Simulate and train; the network comes back on the CPU, in evaluation mode."""
    with progress_bar("simulating scans") as progress:
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            progress(done, plan.scans)

        scans = simulate(plan.scans, plan.seed, plan.workers, count)
    pl.seed_everything(plan.seed, verbose=False)
    dataset = SegmentationDataset(scans, seed=plan.seed)
    batches = DataLoader(dataset, plan.batch_size, shuffle=True, drop_last=True)
    network = SegmentationNet().to(memory_format=torch.channels_last)
    precision = best_precision(plan.accelerator) if plan.precision == "auto" else plan.precision
    silence_lightning()
    display = epoch_display(bar=True)
    with lightning_errors():
        trainer = pl.Trainer(
            accelerator=plan.accelerator,
            devices=1,
            precision=precision,
            max_epochs=plan.epochs,
            gradient_clip_val=1.0,
            callbacks=display,
            enable_progress_bar=any(isinstance(one, ProgressBar) for one in display),
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        trainer.fit(SegmentationModule(network), batches)
    return network.cpu().float().eval()


def export_segmentation(network: SegmentationNet, folder: Path) -> Segmenter:
    """Write `segmentation.onnx`, and check that it says there what it says here.

    Returns:
        It, opened.

    Raises:
        RuntimeError: If the two differ.
    """
    exported = ExportedSegmentation(network).eval()
    generator = torch.Generator().manual_seed(0)
    example = torch.randn(2, 1, ROWS, COLUMNS, generator=generator)
    with quiet_exporter():
        program = torch.onnx.export(
            exported,
            (example,),
            dynamo=True,
            input_names=["scans"],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("scans", min=1)},),
            optimize=False,  # keeps the names of the weights; ONNX Runtime does it on load
            verbose=False,
        )
    atomic_write(folder / ONNX_FILE, without_traces(program.model_proto).SerializeToString())
    with torch.inference_mode():
        expected = [part.numpy() for part in exported(example)]
    segmenter = Segmenter(open_onnx(folder / ONNX_FILE, "export it again"))
    given = map(np.stack, zip(*map(segmenter.run, example[:, 0].numpy()), strict=True))
    for name, ours, theirs in zip(OUTPUTS, expected, given, strict=True):
        if not np.allclose(ours, theirs, rtol=1e-3, atol=1e-2):
            raise RuntimeError(f"the exported network disagrees with the trained one in {name}")
    return segmenter


def evaluate_segmenter(segmenter: Segmenter, n_scans: int, seed: int) -> dict[str, Any]:
    """Figures on unseen simulated scans: `figures` by device look, `error_sd` by measure.

    Args:
        segmenter: What is measured.
        n_scans: Of each device look.
        seed: Of the training; these scans are others.
    """
    rngs = [np.random.default_rng((seed, 1, index)) for index in range(n_scans)]
    eyes = [training_eye(rng)[0] for rng in rngs]
    figures = {
        device.name: segmentation_figures(segmenter, eyes, device) for device in TEST_DEVICES
    }
    return {"figures": figures, "error_sd": error_sd(segmenter, eyes, CIRRUS_LIKE)}


def error_sd(
    segmenter: Segmenter, eyes: Iterable[SimulatedEye], device: Device
) -> dict[str, float]:
    """Root mean squared error of every measure, where truth and segmentation both give one."""
    errors: dict[str, list[float]] = defaultdict(list)
    scale = (device.axial_um_per_px, device.lateral_um_per_px)
    for eye in eyes:
        image, truth = labelled_scan(eye, device, "horizontal")
        known, found = measure(truth, *scale), measure(segmenter.segment(image), *scale)
        for name in NAMES:
            true, mine = known[name], found[name]
            if true is not None and mine is not None:
                errors[name].append(mine - true)
    return {
        name: float(math.sqrt(np.mean(np.square(values))))
        for name, values in errors.items()
        if len(values) >= FEWEST_FOR_AN_SD
    }
