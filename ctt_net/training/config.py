"""From command line and YAML to the parts of a training; config = constructor."""

import argparse
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from jsonargparse import Namespace, set_loader
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.callbacks import Callback, ProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins import CheckpointIO

from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.io.cores import cores
from ctt_net.io.renamed import current, current_arguments
from ctt_net.io.yaml_file import parse_yaml
from ctt_net.launch import Place
from ctt_net.outcome import DEFAULT_OUTCOMES
from ctt_net.training.config_keys import check_arguments, explain, first_words
from ctt_net.training.epoch_log import TABLE_FILE, EpochTable, epoch_display
from ctt_net.training.module import AcuityModule
from ctt_net.training.run_log import LOG
from ctt_net.training.tracking import Tracker
from ctt_net.training.trainer import (
    EpochSeed,
    PrecisionTrainer,
    WholeCheckpoints,
    best_precision,
    lightning_errors,
    silence_lightning,
)

# The most processes that train on the CPU; two are let be on any machine.
MOST_PROCESSES = max(cores(), 2)

_ON_ANY_MACHINE = {
    "accelerator": "cpu", "devices": 1, "num_nodes": 1, "strategy": "auto", "precision": "32-true",
}  # fmt: skip


# Keys that a resumed run may change, besides its folds and its folder.
HOW_STARTED = ("resume", "report", "launcher", "jobs", "launcher_options")

# Of the whole program, since jsonargparse makes parsers of its own for the parts of a config.
set_loader("yaml", lambda text: current(parse_yaml(text, "config", plain=True)), (InputError,))


class TrainingConfig(LightningCLI):
    """A parsed configuration, from which each fold is built afresh.

    Args:
        arguments: Command line after `train`: `--config FILE` any number of times, later ones and
            single keys override.

    Raises:
        InputError: If a file, key or value is wrong; no data has been touched then.
    """

    module_class: type[pl.LightningModule] = AcuityModule
    data_class: type[EyeDataModule] = EyeDataModule
    program = "train"

    def __init__(self, arguments: Sequence[str]) -> None:
        flags = [] if "--help" in arguments else check_arguments(self.program, arguments)
        silence_lightning()
        self._origin_printed = False
        try:
            super().__init__(
                self.module_class,
                self.data_class,
                run=False,
                trainer_class=PrecisionTrainer,
                args=current_arguments(list(arguments)),
                auto_configure_optimizers=False,
                save_config_callback=None,
                # It fails where a link points into a part that is null; model folders need no such.
                load_from_checkpoint_support=False,
                seed_everything_default=0,
                parser_kwargs={
                    "exit_on_error": False,
                    "usage": "%(prog)s --config FILE --data.cohort FOLDER [--KEY VALUE ...]",
                    "prog": f"ctt-net {self.program}",
                },
            )
        except (argparse.ArgumentError, argparse.ArgumentTypeError) as error:
            classes = {"model": self.module_class, "data": self.data_class, "trainer": pl.Trainer}
            keys = [action.dest for action in self.parser._actions]
            raise InputError(explain(error, flags, classes, keys)) from None
        if self.config.get("scan_size_of_backbone"):
            take_scan_size(self.config)
        if self.config.trainer.precision == "auto":
            if self.elsewhere:
                raise InputError(
                    "trainer.precision: auto would be that of this machine, not of the nodes; name "
                    "one, such as bf16-mixed or 32-true"
                )
            # Resolved, so that config.yaml says what the numbers were made with.
            self.config.trainer.precision = best_precision(self.config.trainer.accelerator)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what belongs to a run and link what must agree."""
        parser.add_argument(
            "--out",
            type=str | None,
            default=None,
            help="Folder to make; runs/<name of the last config file> by default.",
        )
        parser.add_argument(
            "--resume",
            type=bool,
            default=False,
            help="Resume in an existing folder: finished folds stay, an interrupted one goes on.",
        )
        parser.add_argument(
            "--scan_size_of_backbone",
            type=bool,
            default=False,
            help="Prepare scans in the size that the backbone was pretrained with, whatever "
            "height and width data.preprocessing has.",
        )
        self.add_own_arguments(parser)
        parser.link_arguments("seed_everything", "data.seed")
        parser.link_arguments("model.fusion.init_args.dim", "model.covariates.init_args.dim")
        levels = ("data.covariate_levels", "model.covariates.init_args.levels")
        parser.link_arguments(*levels, apply_on="instantiate")
        parser.link_arguments("data.num_views", "model.num_views", apply_on="instantiate")

    def add_own_arguments(self, parser: LightningArgumentParser) -> None:
        """Folds, outcomes and the head, which a pretraining has none of."""
        parser.add_argument(
            "--folds",
            type=int | list[int] | None,
            default=None,
            help="Folds to train, from 1: a number or a list such as [1,2]; all by default.",
        )
        parser.add_argument(
            "--report",
            type=bool,
            default=True,
            help="False trains the folds only, so that others can be trained beside them in the "
            "same folder; --resume true then writes the report.",
        )
        parser.add_argument(
            "--launcher",
            type=Literal["local", "slurm", "ray"] | None,
            default=None,
            help="Train each fold as a job of its own: a process of this machine, a job of SLURM "
            "(submitit) or a task of Ray. One after the other in this process by default.",
        )
        parser.add_argument(
            "--jobs",
            type=int | None,
            default=None,
            help="Jobs at a time; by default as many as there are processors, or as the cluster "
            "has room for.",
        )
        parser.add_argument(
            "--launcher_options",
            type=dict[str, Any],
            default={},
            help="Of a job on slurm or ray, such as {partition: gpu, gpus_per_node: 1}.",
        )
        # As plain data, so that the resolved config can be written and read again.
        outcomes = [outcome.to_dict() for outcome in DEFAULT_OUTCOMES]
        parser.set_defaults({"model.outcomes": outcomes})
        parser.link_arguments("model.fusion.init_args.dim", "model.head.init_args.dim")
        parser.link_arguments("model.outcomes", "model.head.init_args.outcomes")

    def instantiate_classes(self) -> None:
        """Nothing yet: `build` does it, once per fold."""

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.config.seed_everything)

    @property
    def out(self) -> Path:
        """Run folder."""
        if self.config.out:
            return Path(self.config.out)
        files = self.config.get("config") or []
        name = Path(str(files[-1])).stem if files else "run"
        return Path("runs") / name

    def resolved(self) -> str:
        """The whole configuration with every default, as YAML, but how it was started."""
        config = self.config.clone()
        for key in set(HOW_STARTED) & set(vars(config)):
            config[key] = self.parser.get_default(key)
        return self.parser.dump(config)

    @property
    def elsewhere(self) -> bool:
        """Whether the folds are trained on other machines."""
        return self.config.get("launcher") in ("slurm", "ray")

    @property
    def place(self) -> Place | None:
        """Where the folds are trained as jobs of their own; None = in this process."""
        config = self.config
        if config.get("launcher") is None:
            if config.get("jobs") is not None or config.get("launcher_options"):
                raise InputError("jobs, launcher_options: give a launcher, too, or leave them out")
            return None
        if int(os.environ.get("WORLD_SIZE", 1)) > 1:
            raise InputError(
                "launcher: this training has several processes already; start it without torchrun, "
                "and set trainer.devices, or leave the launcher out"
            )
        return Place(config.launcher, config.jobs, config.launcher_options)

    def build(
        self, fold: int, folder: Path, callbacks: Sequence[Callback] = ()
    ) -> tuple[AcuityModule, EyeDataModule, pl.Trainer]:
        """Instantiate network, data and trainer for one fold, from the run's seed.

        Args:
            fold: From 1.
            folder: Where its logs go.
            callbacks: Besides those of the configuration.

        Raises:
            InputError: If a value does not suit its part.
        """
        config = self.config.clone()
        config.data.fold = fold
        name = f"{folder.parent.name}_fold_{fold}"
        return self.instantiate(config, folder, name, callbacks)

    def instantiate(
        self,
        config: Namespace,
        folder: Path,
        name: str,
        callbacks: Sequence[Callback] = (),
    ) -> tuple[Any, Any, pl.Trainer]:
        """Instantiate network, data and trainer of a configuration, from the run's seed.

        Args:
            config: Parsed; its logger gets a place.
            folder: Where its logs go.
            name: What loggers call it.
            callbacks: Besides those of the configuration.

        Raises:
            InputError: If a value does not suit its part.
        """
        if config.trainer.max_epochs == 0:
            raise InputError(
                "trainer.max_epochs: without an epoch nothing is learned; give 1 or more"
            )
        if self.elsewhere:  # this machine may have no such devices, and trains nothing
            config.trainer.update(Namespace(_ON_ANY_MACHINE))
        pl.seed_everything(self.seed, workers=True, verbose=False)
        _place_logger(config, folder, name)
        try:
            self.config_init = self.parser.instantiate_classes(config)
            backbone = self.config_init.model.network.backbone[0]
            size = self.config_init.data.preprocessing
            # Refused before the first batch.
            backbone.check_size(size.height, size.width, size.crop)
            if backbone.origin is not None and not self._origin_printed:
                LOG.info("%s", backbone.origin)
                self._origin_printed = True
            own = self.config_init.trainer.callbacks or []
            own = own if isinstance(own, list) else [own]
            bar = self.config_init.trainer.enable_progress_bar is not False
            if not any(isinstance(one, ProgressBar) for one in own):
                own = [*own, *epoch_display(bar)]
                bar = any(isinstance(one, ProgressBar) for one in own)
            each_epoch = [EpochSeed(self.seed), EpochTable(folder / TABLE_FILE)]
            plugins = self.config_init.trainer.plugins or []
            plugins = plugins if isinstance(plugins, list) else [plugins]
            if not any(isinstance(one, CheckpointIO) for one in plugins):
                plugins = [*plugins, WholeCheckpoints()]
            with lightning_errors():
                trainer = self.instantiate_trainer(
                    default_root_dir=str(folder),
                    logger=_trackers(self.config_init.trainer.logger),
                    callbacks=[*own, *each_epoch, *callbacks],
                    enable_progress_bar=bar,
                    plugins=plugins,
                )
            # Lightning would start a process for each.
            on_cpu = isinstance(trainer.accelerator, CPUAccelerator)
            if on_cpu and trainer.num_devices > MOST_PROCESSES:
                raise InputError(
                    f"trainer.devices: {trainer.num_devices} processes at once are more than this "
                    f"machine has processors; give {MOST_PROCESSES} at most"
                )
        except InputError:
            raise
        except (ValueError, TypeError, ModuleNotFoundError) as error:
            raise InputError(f"config: {first_words(error)}") from error
        return self.config_init.model, self.config_init.data, trainer


def _place_logger(config: Namespace, folder: Path, name: str) -> None:
    """Give a configured logger its folder and name, where it has such arguments."""
    logger: Any = config.trainer.logger
    for one in logger if isinstance(logger, list) else [logger]:
        arguments = one.get("init_args") if isinstance(one, Namespace) else None
        if arguments is None:
            continue
        if "save_dir" in arguments:
            arguments.save_dir = str(folder)
        if "name" in arguments and not arguments.name:
            arguments.name = name


def _trackers(configured: Any) -> list[Logger]:
    """Loggers that the configuration asks for; `metrics.csv` is always written."""
    if configured in (None, True, False):
        return []
    return [Tracker(one) for one in (configured if isinstance(configured, list) else [configured])]


def take_scan_size(config: Namespace) -> None:
    """Prepare scans in the size that the backbone was pretrained with.

    Args:
        config: Parsed; height and width of its preprocessing are replaced.

    Raises:
        InputError: If the backbone has no size of its own.
    """
    backbone = config.model.backbone
    arguments = backbone.get("init_args") or Namespace()
    module, _, name = backbone.class_path.rpartition(".")
    size = getattr(import_module(module), name).pretrained_size(arguments.as_dict())
    if size is None:
        raise InputError(
            f"scan_size_of_backbone: {name} has no size of its own; set data.preprocessing.height "
            f"and width instead"
        )
    config.data.preprocessing.height, config.data.preprocessing.width = size
