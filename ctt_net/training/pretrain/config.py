"""From command line and YAML to the parts of a pretraining; config = constructor."""

from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.cli import LightningArgumentParser

from ctt_net.training.config import TrainingConfig, add_scan_size, link_covariates
from ctt_net.training.pretrain.data import PretrainDataModule
from ctt_net.training.pretrain.module import PretrainModule


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

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what belongs to a pretraining and tie together what must agree."""
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
            help="Go on with a folder whose pretraining was cut off.",
        )
        add_scan_size(parser)
        parser.link_arguments("seed_everything", "data.seed")
        link_covariates(parser)
        parser.link_arguments("data.num_views", "model.num_views", apply_on="instantiate")

    def build_once(
        self, folder: Path, callbacks: Sequence[Callback] = (), steps: int = 0
    ) -> tuple[PretrainModule, PretrainDataModule, pl.Trainer]:
        """Instantiate network, data and trainer.

        Args:
            folder: Where logs go.
            callbacks: Besides those of the configuration.
            steps: Taken before, of a pretraining that is resumed.

        Raises:
            InputError: If a value does not suit its part.
        """
        return self.instantiate(self.config.clone(), folder, folder.name, callbacks, steps)
