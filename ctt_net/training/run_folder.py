"""A run folder: what it began with, and that no other run takes its place."""

from pathlib import Path

from ctt_net.errors import InputError
from ctt_net.training.config import TrainingConfig, is_first_process
from ctt_net.whole_file import refuse_no_folder
from ctt_net.yaml_file import parse_yaml, read_yaml_mapping

CONFIG_FILE = "config.yaml"

# Sections of a configuration that a resumed run may change.
NOT_OF_THE_MODEL = {"folds", "out", "resume"}


def refuse_other_run(run: Path, config: TrainingConfig) -> None:
    """Refuse to overwrite a run, or to resume it with another configuration than it began with.

    Args:
        run: Run folder, new or not.
        config: The configuration now.

    Raises:
        InputError: If the folder cannot be made, holds a run already, or began otherwise.
    """
    if not is_first_process():
        return
    refuse_no_folder(run)
    if not run.exists() or not any(run.iterdir()):
        return
    if not config.config.resume:
        raise InputError(
            f"{run} holds a run already; give another --out, or --resume true to go on with it"
        )
    path = run / CONFIG_FILE
    before, now = read_yaml_mapping(path), parse_yaml(config.resolved(), "config")
    for key in sorted((set(before) | set(now)) - NOT_OF_THE_MODEL):
        if before.get(key) != now.get(key):
            raise InputError(
                f"{path}: this run began with another '{key}' section; resume it with the same "
                f"configuration, or give another --out"
            )
