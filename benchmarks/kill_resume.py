"""Whether a killed training that is resumed ends as one that was left alone.

```sh
python benchmarks/kill_resume.py --kills 20 --seed 0
```

Trains three small epochs on simulated eyes without a disturbance. Then trains again and again, and
kills each process (SIGKILL, loaders and all) at a random moment, some also while they resume, until
the kills are spent. Each training is resumed to its end and compared with the undisturbed one:
names and bytes of all files; of checkpoints, which hold paths, weights, optimiser and schedule.
Simulated eyes: no clinical validity. Research use only. Not a medical device.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SOURCE_DATE_EPOCH", "1790000000")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from ctt_net.cli import main as ctt_net
from ctt_net.model_folder import provenance
from ctt_net.synthetic import CohortPlan, simulate_cohort
from ctt_net.training import fold, run  # noqa: F401, loaded once for every process that is forked

ROOT = Path(__file__).resolve().parents[1]
SMALL = [
    "--config", str(ROOT / "configs/ctt_net.yaml"),
    "--data.preprocessing.height", "64", "--data.preprocessing.width", "96",
    "--model.backbone", "SmallConvBackbone", "--model.backbone.init_args.widths", "[4,8,8]",
    "--model.backbone.init_args.columns", "3", "--model.fusion.init_args.dim", "16",
    "--model.fusion.init_args.depth", "1", "--model.fusion.init_args.exchanges", "1",
    "--model.covariates.init_args.layers", "1", "--model.clinical_start", "false",
    "--trainer.max_epochs", "3", "--trainer.accelerator", "cpu",
    "--trainer.log_every_n_steps", "1",
]  # fmt: skip
# What holds times of the clock: of the log the name must be there.
NOT_COMPARED = {"train.log"}


def main() -> int:
    """Kill, resume, compare; 0 if all were the same."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", default="1", help="such as [1,2] (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="loaders of each training")
    parser.add_argument("--signal", choices=("KILL", "TERM"), default="KILL")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    number = getattr(signal, f"SIG{arguments.signal}")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        simulate_cohort(place / "cohort", CohortPlan(n_eyes=60, seed=5))
        keys = [*SMALL, "--data.cohort", str(place / "cohort"), "--data.num_workers"]
        keys += [str(arguments.workers), "--folds", arguments.folds]
        begun = time.monotonic()
        status = end_of(start(keys, place, number))
        seconds = time.monotonic() - begun
        if status:
            return status
        (place / "runs/small").rename(place / "undisturbed")
        whole, kills, wrong = contents(place / "undisturbed"), 0, 0
        print(f"undisturbed: {seconds:.1f} s, {len(whole)} files", flush=True)
        while kills < arguments.kills:
            shutil.rmtree(place / "runs", ignore_errors=True)
            shutil.rmtree(place / "cache", ignore_errors=True)
            moments, before = [], kills
            for _ in range(min(dice.choice((1, 1, 2, 3)), arguments.kills - kills)):
                moments.append(dice.uniform(0, seconds))
                ended = end_of(start(keys, place, number, after=moments[-1]))
                kills += ended != 0  # else it had ended before
            status = end_of(start(keys, place, number))
            faults = [f"exit code {status}"] if status else differences(place, whole)
            wrong += bool(faults)
            shown = ", ".join(f"{moment:.2f}" for moment in moments)
            said = "; ".join(faults) or "the same"
            print(f"{kills - before} kills, after {shown} s: {said}", flush=True)
    print(f"{kills} kills; {wrong} trainings ended differently")
    return int(wrong > 0)


def start(keys: list[str], place: Path, number: int, after: float | None = None) -> int:
    """Fork a training that goes on with what is there, and kill it after so many seconds."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        said = os.open(place / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        # Random, so that nobody can compare the patients of two models; here two are compared.
        provenance.new_salt = fold.new_salt = lambda: "00" * 16
        places = ["--out", str(place / "runs/small"), "--data.scan_cache", str(place / "cache")]
        status = 1
        try:
            status = ctt_net(["train", *keys, *places, "--resume", "true"])
        finally:
            os._exit(status)
    if after is not None:
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):  # it has no group yet
            os.killpg(child, number)
    return child


def end_of(child: int) -> int:
    """Exit code of a training, once it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def differences(place: Path, whole: dict[str, Any]) -> list[str]:
    """What is not as in the undisturbed run, also of caches."""
    now = contents(place / "runs/small")
    faults = [f"{name} is missing" for name in whole.keys() - now.keys()]
    faults += [f"{name} is too much" for name in now.keys() - whole.keys()]
    faults += [f"{name} differs" for name in whole.keys() & now.keys() if whole[name] != now[name]]
    strays = [path.name for path in (place / "cache").iterdir() if path.name.startswith(".")]
    return sorted(faults + [f"cache/{name} is too much" for name in strays])


def contents(folder: Path) -> dict[str, Any]:
    """What is compared of each file, by name."""
    return {
        path.relative_to(folder).as_posix(): _content(path)
        for path in folder.rglob("*")
        if path.is_file()
    }


def _content(path: Path) -> Any:
    if path.name in NOT_COMPARED:
        return None
    if path.suffix != ".ckpt":
        return path.read_bytes()
    state = torch.load(path, weights_only=True)
    kept = ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step")
    return [_plain(state[name]) for name in kept]


def _plain(value: Any) -> Any:
    """Tensors as bytes, so that two can be compared."""
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    sys.exit(main())
