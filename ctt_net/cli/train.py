"""`ctt-net train`: its keys come from the constructors it configures, not from here."""

import sys
from collections.abc import Sequence

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, needs_extra, print_results
from ctt_net.training.config_keys import checked_arguments

PURPOSE = "train the folds of a cohort from a config (extra: train)"

HELP = f"""\
usage: ctt-net train --config FILE --data.cohort FOLDER [--KEY VALUE ...]

Train the folds of a cohort from a config, and report on the eyes that each fold never saw.

examples:
  ctt-net train --config configs/ctt_net.yaml --data.cohort data/my_cohort
  ctt-net train --config ctt_net --data.cohort data/my_cohort    a config of the package, by name
  ctt-net train --config configs/ctt_net.yaml --data.cohort data/my_cohort \\
      --folds 1 --trainer.max_epochs 30 --out runs/first
  ctt-net train --config configs/ctt_net.yaml --data.cohort data/my_cohort \\
      --config configs/ablations/mean.yaml
  ctt-net train ... --out runs/first --resume true       go on where it was interrupted

a run:
  --config FILE               configuration; given again, later files override
  --data.cohort FOLDER        cohort folder (cohort.yaml, manifest.csv, scans)
  --out FOLDER                run folder to make (default: runs/<name of the last config>)
  --folds N                   folds to train, 1 or [1,2] (default: all)
  --resume true               go on with a run folder; finished folds stay
  --launcher NAME             each fold as a job of its own: local, slurm, ray (extra: launch)
  --jobs N                    jobs at a time
  --report false              train the folds only, beside others in the same folder
  --seed_everything N         folds, first weights, order, augmentation (default: 0)

often changed (defaults: the configuration's):
  --data.batch_size N         eyes per step
  --data.num_workers N        processes that load eyes; the numbers do not depend on it
  --data.scan_cache FOLDER    keep prepared scans for the next command
  --data.covariates LIST      which of the cohort's; --model.covariates null: none
  --model.learning_rate X     of everything but the backbone
  --model.fusion NAME         CrossTokenFusion, ConcatFusion, MeanFusion, ...
  --model.start_from FOLDER   a pretraining, or the model folder of another training
  --trainer.max_epochs N
  --trainer.accelerator NAME  auto, cpu, gpu, mps
  --trainer.devices N         how many of them
  --trainer.precision NAME    32-true, bf16-mixed, 16-mixed; auto: fastest on this device

Every key of the configuration is a flag. --help-all lists them with their defaults,
--print_config prints the configuration that would be used.

{INTENDED_USE}"""


def add(commands: Commands) -> None:
    """Declare the command, for the program's help."""
    commands.add_parser("train", help=PURPOSE)


def arguments_or_help(program: str, arguments: Sequence[str], text: str) -> list[str] | None:
    """Print the help of `train` or `pretrain`, or see that keys, files and the cohort are right.

    Args:
        program: `train` or `pretrain`.
        arguments: Command line after it.
        text: Its short help.

    Returns:
        What to train with; None where the help was all that was wanted.

    Raises:
        InputError: If a key, a file or the cohort is wrong, or packages are missing.
    """
    if {"-h", "--help"} & set(arguments):
        print(text)
        return None
    if "--help-all" in arguments:
        return ["--help"]
    with needs_extra("training", "train"):
        return checked_arguments(program, arguments)


def run(arguments: Sequence[str]) -> int:
    """Train; imports torch."""
    checked = arguments_or_help("train", arguments, HELP)
    if checked is None:
        return DONE
    with needs_extra("training", "train"):
        from ctt_net.launch import exit_code
        from ctt_net.training.run import train
    finished = train(checked)
    if finished.metrics is not None:
        print_results(finished.metrics, finished.folder / "report.html")
    for failure in finished.failures:
        print(f"failed: {failure.title}: {failure.log_file}", file=sys.stderr)
    return exit_code(finished.failures)
