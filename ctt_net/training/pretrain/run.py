"""Pretrain on synthetic data: from a configuration to a folder that trainings can start from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pytorch_lightning.cli import LightningArgumentParser

from ctt_net import INTENDED_USE
from ctt_net.data.covariates import covariate_levels
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import write_json
from ctt_net.io.progress import progress_bar
from ctt_net.model_folder.provenance import git_revision, library_versions
from ctt_net.training.architecture import describe
from ctt_net.training.config import TrainingConfig
from ctt_net.training.fit import checkpoints, end_trackers, fit, resumable
from ctt_net.training.pretrain.data import Lesions, PretrainDataModule
from ctt_net.training.pretrain.figures import Figures, lesion_figures
from ctt_net.training.pretrain.folder import (
    PRETRAINED_FILE,
    PretrainedSpec,
    write_pretrained_weights,
)
from ctt_net.training.pretrain.module import MONITOR, PretrainModule
from ctt_net.training.run_folder import CONFIG_FILE, only_training_in
from ctt_net.training.run_log import LOG, is_first_process
from ctt_net.training.trainer import warn_of_slow_precision
from ctt_net.types import EyeBatch


class PretrainConfig(TrainingConfig):
    """A parsed configuration of a pretraining.

    Args:
        arguments: Command line after `pretrain`.

    Raises:
        InputError: If a file, key or value is wrong; no data has been touched then.
    """

    module_class = PretrainModule
    data_class = PretrainDataModule
    program = "pretrain"

    def add_own_arguments(self, parser: LightningArgumentParser) -> None:
        """None besides those of every run."""


METRICS_FILE = "metrics.json"


@dataclass(frozen=True)
class FinishedPretraining:
    """Where a pretraining lies and how well it reads simulated eyes.

    Args:
        folder: Holds `pretrained.yaml` and `pretrained.safetensors`.
        figures: On the validation split; None on all but the first process.
    """

    folder: Path
    figures: Figures | None


def pretrain(arguments: Sequence[str]) -> FinishedPretraining:
    """Pretrain from a configuration.

    Args:
        arguments: Command line after `pretrain`.

    Raises:
        InputError: If configuration or cohort are wrong.
    """
    config = PretrainConfig(arguments)
    folder = config.out
    _, data, _ = config.instantiate(config.config.clone(), folder, folder.name)
    data.parts  # noqa: B018 - what is wrong with the cohort comes first
    with only_training_in(folder, config):
        if (folder / PRETRAINED_FILE).exists():
            LOG.info("%s: finished already", folder)
            figures: Figures | None = dict(PretrainedSpec.read(folder).figures)
        else:
            figures = _pretrain(config, folder)
        return FinishedPretraining(folder, figures if is_first_process() else None)


def _pretrain(config: PretrainConfig, folder: Path) -> Figures | None:
    """Pretrain, and write what comes of it; the figures on the first process only."""
    checkpoint = resumable(folder) if config.config.resume else None
    best, last = checkpoints(folder, MONITOR)
    module, data, trainer = config.instantiate(
        config.config.clone(), folder, folder.name, [best, last]
    )
    warn_of_slow_precision(trainer)
    train, val = data.targets_of("train"), data.targets_of("val")
    with progress_bar("reading scans") as progress:
        data.progress = progress
        scans = data.scans
    if is_first_process():
        atomic_write(folder / CONFIG_FILE, config.resolved())
    LOG.info(
        "%s: %d simulated eyes to learn from, %d to choose the epoch by, %d scans",
        data.cohort.spec.source,
        len(train.potential),
        len(val.potential),
        int(scans.present.sum()),
    )
    fit(trainer, module, data, best, checkpoint)
    figures = None
    if is_first_process():
        module.to(trainer.strategy.root_device)
        found = read_part(module, data)
        figures = _write(folder, config, module, data, found)
    end_trackers(trainer)
    return figures


@torch.inference_mode()
def read_part(module: PretrainModule, data: PretrainDataModule) -> Lesions:
    """What a network reads in the validation split, as arrays in the order of its table."""
    module.eval()
    batches = [
        module.read(EyeBatch(*(part.to(module.device) for part in batch)))
        for batch in data.val_dataloader()
    ]
    return Lesions(*(torch.cat(parts).cpu().numpy() for parts in zip(*batches, strict=True)))


def _write(
    folder: Path,
    config: PretrainConfig,
    module: PretrainModule,
    data: PretrainDataModule,
    found: Lesions,
) -> Figures:
    """Write figures, weights and last, since it says that all is there, `pretrained.yaml`."""
    train, val = data.part("train"), data.part("val")
    truth, spec = data.targets_of("val"), data.cohort.spec
    covariates = {} if module.network.covariates is None else data.covariates
    present = module.used_views(torch.from_numpy(data.scans.present[data.positions(val)]))
    figures = lesion_figures(found, truth, present.numpy(), tuple(spec.views))
    mean = float(data.targets_of("train").potential.mean(dtype=float))
    figures["potential"]["mae_of_the_mean"] = float(np.abs(truth.potential - mean).mean())
    write_json(
        folder / METRICS_FILE,
        {
            "intended_use": INTENDED_USE,
            "measured_on": "simulated eyes of the validation split, which also chose the epoch",
            "n_eyes": len(val),
            "n_patients": int(val["patient_id"].nunique()),
            **figures,
        },
    )
    for backbone in module.network.backbone:
        backbone.merge_adapters()
    origin = module.network.backbone[0].origin
    write_pretrained_weights(module.network, folder)
    PretrainedSpec(
        name=folder.name,
        cohort=spec.name,
        source=spec.source,
        views=spec.views,
        preprocessing=data.preprocessing,
        covariates=covariates,
        weights=None if origin is None else origin.to_dict(),
        architecture=describe(config.config.model, data.num_views, covariate_levels(covariates)),
        trained_on={
            "eyes": len(train),
            "patients": int(train["patient_id"].nunique()),
            "val_eyes": len(val),
            "seed": config.seed,
            "versions": library_versions(),
            "revision": git_revision(),
        },
        figures=figures,
    ).write(folder)
    return figures
