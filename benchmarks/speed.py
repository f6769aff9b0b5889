"""How fast ctt-net is beside the published recipe in plain torch, and beside what the machine can.

```sh
python -m benchmarks.speed                     # a quarter of an hour of one core; see --parts
python -m benchmarks.speed --device cuda       # see benchmarks/gpu.md
```

Simulates a cohort and runs `benchmarks/plain_pipeline.py` and this project in turns, in one process
on one thread, so that a busy machine slows both. A ratio is the plain time over ours, the median of
the rounds with its quartiles, in processor time (of a GPU, by the clock); above 1 is faster. Prints
tables and writes `speed.json`. Simulated eyes: no clinical validity. Research use only. Not a
medical device.
"""

import argparse
import itertools
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

import ctt_net
from benchmarks.machine_limits import machine_limits, now, seconds
from benchmarks.onnx_agreement import quantised
from benchmarks.plain_pipeline import PlainCtt, plain_optimiser, plain_step
from benchmarks.turns import BATCH, PREPARED, Bench, Works, compared
from ctt_net.biomarkers.macular import macular_signs, read_macular_bscan
from ctt_net.data.augmentation import ReferenceAugmentation, ScanAugmenter
from ctt_net.data.dataset import EpochSampler, EyeDataset, collate_eyes
from ctt_net.data.scans import load_scans
from ctt_net.imaging import Preprocessing, doubts_of, signal_quality
from ctt_net.imaging.decode import decode_file
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.onnx_file import open_onnx
from ctt_net.model_folder.member import ONNX_FILE
from ctt_net.training.export import export_onnx, quiet_exporter
from ctt_net.training.schedule import parameter_groups
from ctt_net.training.trainer import best_precision

GFLOP_OF_A_STEP = 27.9  # an eye, forward and backward at 256x256, by torch's flop counter


def loader(bench: Bench) -> dict[str, Any]:
    """An epoch of augmented eyes from the second on: as uint8, and as the plain one's floats."""
    scans = load_scans(bench.cohort, PREPARED, cache=bench.kept)
    augmenter = ScanAugmenter(ReferenceAugmentation(), seed=0)
    data = EyeDataset(bench.cohort.table, range(len(scans.pixels)), scans, augmenter)
    sampler = EpochSampler(data, num_replicas=1, rank=0, seed=0)
    ours = DataLoader(data, BATCH, sampler=sampler, drop_last=True, collate_fn=collate_eyes)
    plain, backbone = bench.pictures(train=True), bench.network().backbone[0].cpu()

    def floats() -> None:
        for batch in ours:
            (batch.views.flatten(0, 1) / 255 - backbone.mean).div_(backbone.std)

    works = {"plain": lambda: list(plain), "float": floats, "uint8": lambda: list(ours)}
    return bench.turns(works, bench.eyes)


def step(bench: Bench) -> dict[str, Any]:
    """A training step on a batch in memory; bf16 where `precision: auto` would take it."""
    module, data, _ = bench.config().build(1, bench.scratch / "run")
    batch = next(iter(data.train_dataloader()))
    network = module.network.to(bench.device).train()
    batch = type(batch)(*(tensor.to(bench.device) for tensor in batch))
    optimizer, _ = module.optimisation(parameter_groups(network, 0.01, 0.01, 5e-4), 1)

    def ours(precision: torch.dtype | None = None) -> None:
        torch.use_deterministic_algorithms(True, warn_only=True)  # as its configuration says
        with torch.autocast(bench.device, precision, enabled=precision is not None):
            output = network(batch.views, batch.view_present, batch.preop_logmar)
            loss = module.loss(output, batch, network.head).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()

    plain = PlainCtt().to(bench.device).train()
    plain_sgd = plain_optimiser(plain)
    pictures = [tensor.to(bench.device) for tensor in next(iter(bench.pictures(train=True)))]

    def theirs() -> None:
        torch.use_deterministic_algorithms(False)
        plain_step(plain, plain_sgd, pictures)

    works: Works = {"plain": theirs, "fp32": ours}
    if best_precision(bench.device) != "32-true":
        works["bf16"] = lambda: ours(torch.bfloat16)
    found = bench.turns(works, BATCH)
    for one in found.values():
        one["gflops"] = round(1e3 * GFLOP_OF_A_STEP / one["ms_an_eye"])
    return found


class InTurns(pl.Callback):
    """After each epoch of a training, an epoch of the plain pipeline with as many steps."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.pictures = bench, bench.pictures(train=True)
        self.plain = PlainCtt().to(bench.device).train()
        self.optimizer = plain_optimiser(self.plain)
        self.ours: list[float] = []
        self.theirs: list[float] = []
        self.steps = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self.begun = now(self.bench.device)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop it, and let the other run."""
        self.ours.append(now(self.bench.device) - self.begun)
        self.steps = int(trainer.num_training_batches)
        torch.use_deterministic_algorithms(False)
        self.theirs.append(seconds(self._plain_epoch, self.bench.device))
        torch.use_deterministic_algorithms(True, warn_only=True)

    def _plain_epoch(self) -> None:
        batches = itertools.islice(itertools.chain(self.pictures, self.pictures), self.steps)
        for batch in batches:
            batch = [tensor.to(self.bench.device) for tensor in batch]
            plain_step(self.plain, self.optimizer, batch)


def epoch(bench: Bench) -> dict[str, Any]:
    """Epochs of `ctt-net train` on the published configuration, from the second on."""
    found: dict[str, Any] = {}
    precisions = dict.fromkeys(("32-true", best_precision(bench.device)))
    for precision in precisions:
        turns = InTurns(bench)
        place = bench.scratch / f"epoch_{precision}"
        module, data, trainer = bench.config(precision).build(1, place, [turns])
        trainer.fit(module, datamodule=data)
        spent = np.stack([turns.theirs[1:], turns.ours[1:]], axis=1)
        found |= compared([f"plain ({precision})", precision], spent, turns.steps * BATCH)
    return found


def evaluation(bench: Bench) -> dict[str, Any]:
    """Acuities from files on the CPU, eight eyes at once: read, or kept by a cache; then ONNX."""
    pictures, plain = bench.pictures(train=False), PlainCtt().eval()
    network = bench.network().cpu().eval()
    with quiet_exporter():
        export_onnx(network, bench.scratch, PREPARED.height, PREPARED.width)
    threads = torch.get_num_threads()
    session = open_onnx(bench.scratch / ONNX_FILE, "", threads=threads)
    preop = bench.cohort.table["preop_logmar"].to_numpy(np.float32)

    def theirs() -> None:
        with torch.inference_mode():
            for horizontal, vertical, acuity, _ in pictures:
                plain(horizontal, vertical, acuity)

    def feeds(cache: Path | None) -> Iterator[dict[str, Any]]:
        scans = load_scans(bench.cohort, PREPARED, cache=cache)
        for start in range(0, bench.eyes, BATCH):
            part = slice(start, start + BATCH)
            pixels, present = scans.pixels[part][:, :, None], scans.present[part]
            yield {"views": pixels, "view_present": present, "preop_logmar": preop[part]}

    def ours(network: Any, cache: Path | None) -> Any:
        return np.concatenate([network.run(None, batch)[0] for batch in feeds(cache)])

    small = quantised(bench.scratch / ONNX_FILE, itertools.islice(feeds(bench.kept), 2), threads)
    works = {
        "plain": theirs,
        "read": lambda: ours(session, None),
        "kept": lambda: ours(session, bench.kept),
        "kept, int8": lambda: ours(small, bench.kept),
    }
    return bench.turns(works, bench.eyes)


def preparation(bench: Bench) -> dict[str, Any]:
    """A scan from its file to the network's input; ratios are to decoding, here in scans."""
    files = sorted((bench.cohort.root / "images").glob("*.png"))[:64]
    scans = [read_macular_bscan(path) for path in files]
    flat = Preprocessing(96, 144, "flat")

    def each(work: Callable[[Any], Any], things: list[Any]) -> Callable[[], Any]:
        return lambda: [work(one) for one in things]

    works = {
        "decode": each(decode_file, files),
        "read, checked for a macula": each(read_macular_bscan, files),
        "of it the check": each(lambda scan: macular_signs(scan.pixels), scans),
        "flatten": each(lambda scan: flat(scan.pixels, "OD", "horizontal"), scans),
        "quality": each(lambda scan: signal_quality(scan.pixels), scans),
        "doubts": each(lambda scan: doubts_of(scan, "OD", "horizontal"), scans),
    }
    return bench.turns(works, len(files))


def scaling(bench: Bench) -> dict[str, Any]:
    """Milliseconds of the default network for one eye, by views and by size of a scan."""
    found: dict[str, Any] = {}
    for views, height, width in (
        *((views, 96, 144) for views in (1, 2, 6, 12, 25, 49)),
        *((2, *size) for size in ((128, 192), (256, 256), (384, 384), (496, 768))),
    ):
        network: Any = ctt_net.create_model("ctt_net", num_views=views)
        network = network.to(bench.device).eval()
        pixels = torch.zeros(1, views, 1, height, width, dtype=torch.uint8, device=bench.device)
        present = torch.ones(1, views, dtype=torch.bool, device=bench.device)
        acuity = torch.zeros(1, device=bench.device)

        def forward(one: Any = network, given: Any = (pixels, present, acuity)) -> None:
            with torch.inference_mode():
                one(*given)

        forward()
        spent = [seconds(forward, bench.device) for _ in range(bench.rounds + 2)]
        name = f"{views} views, {height}x{width}"
        found[name] = {"ms_an_eye": round(1e3 * float(np.median(spent)), 2)}
    for eyes in (bench.eyes // 4, bench.eyes // 2, bench.eyes):
        table = bench.cohort.table
        some = bench.cohort.where(table["eye_id"].isin(table["eye_id"][:eyes]))
        read = partial(load_scans, some, PREPARED, cache=bench.kept)
        read()
        spent = [seconds(read, "cpu") for _ in range(bench.rounds)]
        found[f"{eyes} kept eyes"] = {"ms_an_eye": round(1e3 * float(np.median(spent)) / eyes, 3)}
    return found


PARTS = {
    part.__name__: part for part in (loader, step, epoch, evaluation, preparation, scaling)
}  # fmt: skip


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="above 1 times are by the clock")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--eyes", type=int, default=48)
    parser.add_argument("--out", type=Path, default=Path("out/speed.json"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), arguments.device, arguments.rounds, arguments.eyes)
        scans = sorted((bench.cohort.root / "images").glob("*.png"))
        result: dict[str, Any] = {"machine": machine_limits(scans, arguments.device)}
        print(json.dumps(result["machine"], indent=1))
        for name in arguments.parts:
            result[name] = PARTS[name](bench)
            print(f"\n{PARTS[name].__doc__}")
            for row, values in result[name].items():
                facts = [f"{key} {value}" for key, value in values.items()]
                print(f"  {row:28s}", *facts, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result["peak_memory_mb"] = round(peak)
    print(f"\npeak memory of all: {peak:.0f} MB")
    atomic_write(arguments.out, json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
