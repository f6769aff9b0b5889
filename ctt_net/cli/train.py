"""`ctt-net train`: its keys come from the constructors it configures, not from here."""

from collections.abc import Sequence

from ctt_net.cli.exit_code import DONE
from ctt_net.cli.extra import needs_extra
from ctt_net.cli.parser import Commands
from ctt_net.cli.results import print_results


def add(commands: Commands) -> None:
    """Declare the command, for the program's help."""
    commands.add_parser(
        "train", help="train the folds of a cohort from a config (needs the extra train)"
    )


def run(arguments: Sequence[str]) -> int:
    """Train; imports torch."""
    with needs_extra("training", "train"):
        from ctt_net.training.run import train
    finished = train(arguments)
    if finished.metrics is not None:
        print_results(finished.metrics, finished.folder / "report.html")
    return DONE
