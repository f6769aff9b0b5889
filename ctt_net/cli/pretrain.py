"""`ctt-net pretrain`: its keys come from the constructors it configures, not from here."""

from collections.abc import Sequence
from typing import Any

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, needs_extra
from ctt_net.cli.train import arguments_or_help

PURPOSE = "pretrain the encoder on simulated eyes (extra: train)"

HELP = f"""\
usage: ctt-net pretrain --config FILE --data.cohort FOLDER [--KEY VALUE ...]

Pretrain the encoder on synthetic data; a training starts from it with --model.start_from FOLDER.

examples:
  ctt-net simulate data/synthetic --eyes 2000
  ctt-net pretrain --config configs/pretrain/synthetic.yaml --data.cohort data/synthetic
  ctt-net pretrain ... --out runs/pretrained --resume true  go on where it was interrupted

a pretraining:
  --config FILE               configuration; given again, later files override
  --data.cohort FOLDER        cohort folder of simulated eyes
  --out FOLDER                folder to make (default: runs/<name of the last config>)
  --resume true               go on with a folder
  --seed_everything N         first weights, order, augmentation (default: 0)

often changed (defaults: the configuration's):
  --data.batch_size N         eyes per step
  --model.learning_rate X     of everything but the backbone
  --trainer.max_epochs N
  --trainer.accelerator NAME  auto, cpu, gpu, mps
  --trainer.precision NAME    32-true, bf16-mixed, 16-mixed; auto: fastest on this device

Every key of the configuration is a flag. --help-all lists them with their defaults,
--print_config prints the configuration that would be used.

{INTENDED_USE}"""


def add(commands: Commands) -> None:
    """Declare the command, for the program's help."""
    commands.add_parser("pretrain", help=PURPOSE)


def run(arguments: Sequence[str]) -> int:
    """Pretrain; imports torch, as training does."""
    checked = arguments_or_help("pretrain", arguments, HELP)
    if checked is None:
        return DONE
    with needs_extra("pretraining", "train"):
        from ctt_net.training.pretrain.run import pretrain
    finished = pretrain(checked)
    if finished.figures is not None:
        _print(finished.figures)
        print(f"start a training from it: --model.start_from {finished.folder}")
        print(INTENDED_USE)
    return DONE


def _print(figures: dict[str, Any]) -> None:
    """Table of the kinds, and the potential."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="simulated eyes, validation split")
    table.add_column("lesion")
    for view in figures["views"]:
        table.add_column(f"AUROC {view}", justify="right")
    table.add_column("cost MAE", justify="right")
    table.add_column("cost r", justify="right")
    for kind, cost in figures["cost"].items():
        aurocs = [kinds[kind]["auroc"] for kinds in figures["views"].values()]
        table.add_row(kind, *map(_shown, (*aurocs, cost["mae"], cost["r"])))
    console = Console()
    console.print(table)
    potential = figures["potential"]
    console.print(
        f"potential: MAE {_shown(potential['mae'])} logMAR, of the mean "
        f"{_shown(potential['mae_of_the_mean'])}",
        highlight=False,
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
