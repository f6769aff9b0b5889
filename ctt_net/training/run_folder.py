"""A run folder: its configuration, and the lock that keeps other runs out."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import check_can_make_folder, is_temporary, remove_temporary
from ctt_net.io.renamed import current
from ctt_net.io.yaml_file import parse_yaml, read_yaml_mapping
from ctt_net.training.config import HOW_STARTED, TrainingConfig
from ctt_net.training.epoch_log import TABLE_FILE
from ctt_net.training.run_log import TEXT_FILE, is_first_process, run_log

CONFIG_FILE = "config.yaml"

NOT_OF_THE_MODEL = {"folds", "out", *HOW_STARTED}


# Of the process that trains in a folder. The operating system holds the lock, not the file: one
# that a killed process leaves behind blocks nobody.
LOCK_FILE = ".lock"

JOB_LOG = "output.log"  # of a fold that is trained as a job of its own

# What a start leaves that failed before the first epoch was finished.
NO_RUN_YET = (LOCK_FILE, CONFIG_FILE, TEXT_FILE, TABLE_FILE, JOB_LOG)


@contextlib.contextmanager
def only_training_in(
    run: Path, config: TrainingConfig, places: Sequence[Path] = ()
) -> Iterator[None]:
    """Train inside; nobody else does in these folders meanwhile.

    Args:
        run: Run folder; made if missing, and taken away again if nothing was written to it.
        config: The configuration now.
        places: That are locked, the first of which gets the log; the run folder by default.

    Raises:
        InputError: If another process trains there, or it is the folder of another run.
    """
    check_same_run(run, config)
    if not is_first_process():
        yield
        return
    places = places or (run,)
    with contextlib.ExitStack() as stack:
        for place in places:
            stack.enter_context(_locked(place, run))
        check_same_run(run, config)  # what the other one has left until now
        # Not in the folder of another fold, which another process may train.
        for place in filter(None, (*places, config.config.data.scan_cache)):
            remove_temporary(Path(place))
        with run_log(places[0]):
            yield


@contextlib.contextmanager
def _locked(place: Path, run: Path) -> Iterator[None]:
    """Lock a folder of a run; both are taken away again if nothing was written to them."""
    place.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place / LOCK_FILE)
    try:
        with lock.acquire(blocking=False):
            try:
                yield
            finally:
                if all(path.name in (LOCK_FILE, TEXT_FILE) for path in place.iterdir()):
                    (place / TEXT_FILE).unlink(missing_ok=True)
                # Windows takes no open file away, and nobody minds one that stays.
                with contextlib.suppress(OSError):
                    (place / LOCK_FILE).unlink()
                    place.rmdir()  # refused where something was written
                    run.rmdir()
    except Timeout:
        raise InputError(
            f"{place}: another process is training in this folder; wait for it, or give another "
            f"--out"
        ) from None


def check_same_run(run: Path, config: TrainingConfig) -> None:
    """Refuse to overwrite a run, or to resume it with another configuration than it began with.

    Args:
        run: Run folder, new or not.
        config: The configuration now.

    Raises:
        InputError: If the folder cannot be made, holds a run already, or began otherwise.
    """
    if not is_first_process():
        return
    check_can_make_folder(run)
    if not run.exists() or all(
        path.is_dir()
        or path.name in NO_RUN_YET
        or path.parent.name == "slurm"  # logs of its jobs
        or is_temporary(path)
        for path in run.rglob("*")
    ):
        return  # nothing there, or a start that failed before its first epoch was finished
    if not config.config.resume:
        raise InputError(
            f"{run} holds a run already; give another --out, or --resume true to go on with it"
        )
    path = run / CONFIG_FILE
    before, now = current(read_yaml_mapping(path)), parse_yaml(config.resolved(), "config")
    before, now = (
        {key: value for key, value in values.items() if key not in NOT_OF_THE_MODEL}
        for values in (before, now)
    )
    for key, then, here in _differences(before, now):
        raise InputError(
            f"{path}: this run began with {key}: {then}, and it is {here} now; resume it with the "
            f"same configuration, or give another --out"
        )


def _differences(before: Any, now: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Keys, as one would type them, that two configurations set differently, with both values."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now}):
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}".strip("."))
    elif before != now:
        yield key, before, now
