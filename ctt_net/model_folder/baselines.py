"""`baselines.json`: the trivial models fitted on the same eyes, so that none is ever forgotten."""

import json
from pathlib import Path

from ctt_net.errors import InputError
from ctt_net.evaluation import Baselines
from ctt_net.whole_file import write_whole

BASELINES_FILE = "baselines.json"


def write_baselines(baselines: Baselines, folder: Path) -> None:
    """Write `baselines.json` into a model folder."""
    write_whole(folder / BASELINES_FILE, json.dumps(baselines.to_dict(), indent=2) + "\n")


def read_baselines(folder: Path) -> Baselines:
    """Read `baselines.json`.

    Raises:
        InputError: If it is missing or damaged.
    """
    path = folder / BASELINES_FILE
    try:
        return Baselines.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a model folder holds one") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged ({error}); export the model again") from None
