"""`baselines.json`: the trivial models fitted on the same eyes, so that none is ever forgotten."""

from pathlib import Path

from ctt_net.baselines.clinical import Baselines
from ctt_net.io.json_file import read_json, write_json

BASELINES_FILE = "baselines.json"


def write_baselines(baselines: Baselines, folder: Path) -> None:
    """Write `baselines.json` into a model folder."""
    write_json(folder / BASELINES_FILE, baselines.to_dict())


def read_baselines(folder: Path) -> Baselines:
    """Read `baselines.json`.

    Raises:
        InputError: If it is missing or damaged.
    """
    return read_json(folder / BASELINES_FILE, Baselines.from_dict)
