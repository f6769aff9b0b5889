"""`ctt-net pretrain`: its keys come from the constructors it configures, not from here."""

from collections.abc import Sequence
from typing import Any

from ctt_net import INTENDED_USE
from ctt_net.cli.exit_code import DONE
from ctt_net.cli.extra import needs_extra
from ctt_net.cli.parser import Commands


def add(commands: Commands) -> None:
    """Declare the command, for the program's help."""
    commands.add_parser(
        "pretrain",
        help="learn to see from simulated eyes before a training (needs the extra train)",
    )


def run(arguments: Sequence[str]) -> int:
    """Pretrain; imports torch, as training does."""
    with needs_extra("pretraining", "train"):
        from ctt_net.training.pretrain import pretrain
    finished = pretrain(arguments)
    if finished.figures is not None:
        _print(finished.figures)
        print(f"start a training from it: --model.start_from {finished.folder}")
        print(INTENDED_USE)
    return DONE


def _print(figures: dict[str, Any]) -> None:
    """Table of the kinds, and the potential."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="simulated eyes, selection split")
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
