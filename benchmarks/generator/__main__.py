"""The three stages; see the package."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.generator.data import RealScans, halved, parts, read_real, simulated, small, some
from benchmarks.generator.looks import matched, told_apart
from benchmarks.generator.segmenters import holes_found, labels_kept, packaged_holes, taught
from benchmarks.generator.training import Eyes, Training, translated
from ctt_net.io.json_file import write_json

LABELS_OF = 208  # scans of eyes of all kinds in which labels are read
EPOCHS = 4  # of the small segmentation networks
RESAMPLES = 2000
Floats = NDArray[np.float64]


def main() -> None:
    """Train, measure or sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=("train", "measure", "summary"))
    parser.add_argument("real", type=Path, help="folder of train/ and val/ as published")
    parser.add_argument("out", type=Path, help="folder of simulated scans, checkpoints, figures")
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and batches")
    parser.add_argument("--steps", type=int, default=500, help="of the generator (default: 500)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    real = read_real(options.real)
    if options.stage == "summary":
        summary(real, options.out)
        return
    scans = options.out / "simulated"
    shown, held_out = parts(len(real.pictures), options.seed)
    training = Training(Eyes.of(simulated(scans, "seen")), real.pictures[shown], options.seed)
    checkpoint = options.out / f"seed_{options.seed}.pt"
    if checkpoint.is_file():
        training.load(checkpoint)
    if options.stage == "train":
        train(training, checkpoint, options.steps)
    else:
        figures = measured(training, real, scans, shown, held_out)
        write_json(options.out / f"seed_{options.seed}.json", figures)


def train(training: Training, checkpoint: Path, steps: int) -> None:
    """Train on to `steps`; a table of losses and a checkpoint every hundred."""
    with FlopCounterMode(display=False) as counter:
        Training(training.eyes, np.zeros((8, 128, 192), np.uint8), 0).advance()
    began, first, rows = time.process_time(), training.step, []
    while training.step < steps:
        rows.append({"step": training.step, **training.advance()})
        if training.step % 100 == 0 or training.step == steps:
            training.save(checkpoint)
            print({name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    with checkpoint.with_suffix(".csv").open("a", newline="") as file:
        pd.DataFrame(rows).to_csv(file, index=False, header=first == 0, lineterminator="\n")
    seconds = (time.process_time() - began) / max(training.step - first, 1)
    print(f"{seconds:.2f} s and {counter.get_total_flops() / 1e9:.0f} GFLOP a step")


def measured(
    training: Training,
    real: RealScans,
    scans: Path,
    shown: NDArray[np.intp],
    held_out: NDArray[np.intp],
) -> dict[str, Any]:
    """All figures of one seed: look, labels, views, and holes in real eyes by small networks."""
    seed = training.seed
    looks: dict[str, list[Any]] = {"simulated": [], "translated": [], "matched": []}
    names = ("seen", "held_out", "taught")
    truths = {name: simulated(scans, name) for name in names}
    for truth in truths.values():
        own = small(list(truth.scans))
        looks["simulated"].append(own)
        looks["translated"].append(translated(training.generator, Eyes.of(truth), seed))
        looks["matched"].append(matched(own, real.pictures[shown], seed))
    figures: dict[str, Any] = {"held_out": held_out.tolist(), "steps": training.step}
    holes = {"packaged network": packaged_holes(real.pixels[held_out])}
    taught_on = {}
    for name, (seen, other, mixed) in looks.items():
        fit, asked = (real.pictures[shown], seen[::2]), (real.pictures[held_out], other[::2])
        dice, found = labels_kept(other[::2], some(truths["held_out"], slice(None, None, 2)))
        figures[name] = {
            "told_apart": told_apart(fit, asked, seed),
            "dice": labels_kept(mixed[:LABELS_OF], some(truths["taught"], slice(LABELS_OF)))[0],
            "dice, holes": dice,
            "holes": found.tolist(),
            "views": views_read(training, other),
            "change": float(np.abs(other.astype(float) - looks["simulated"][1]).mean()),
        }
        taught_on[name] = halved(truths["taught"], mixed)
    taught_on["devices"] = halved(simulated(scans, "devices"))
    for name, labelled in taught_on.items():
        network = taught(labelled, seed, EPOCHS)
        holes[name] = holes_found(network, real.pictures[held_out], real.pixels[held_out])
        print(name, spearman(holes[name], real.size_um[held_out]), flush=True)
    return figures | {"real_holes": {name: found.tolist() for name, found in holes.items()}}


def views_read(training: Training, pictures: NDArray[np.uint8]) -> float:
    """Share of right answers of the network of views on pairs (2 N, 128, 192)."""
    training.views.eval()
    views = torch.from_numpy(pictures).unflatten(0, (-1, 2)) / 255.0
    with torch.inference_mode():
        logits, answers = training.views.asked(views)
    return float((logits.argmax(dim=1) == answers).float().mean())


def spearman(found: Floats, size_um: Floats) -> float:
    """Rank correlation with the human size; a hole that was not found has none."""
    return float(spearmanr(np.nan_to_num(found), size_um).statistic)


def summary(real: RealScans, out: Path) -> None:
    """Means over seeds; differences to "simulated" with intervals by resampled patients."""
    seeds = [json.loads(path.read_text()) for path in sorted(out.glob("seed_*.json"))]
    for look in ("simulated", "translated", "matched"):
        table = pd.json_normalize([one[look] for one in seeds], sep=": ")
        print(f"\n{look}, mean and each seed")
        for name in table.columns.drop("holes"):
            print(f"  {name:32}{table[name].mean():.3f}  {table[name].round(3).tolist()}")
        pairs = [(one[look]["holes"], one["simulated"]["holes"]) for one in seeds]
        away = [np.nanmedian(np.abs(np.subtract(*pair, dtype=float))) for pair in pairs]
        print(f"  hole, median change, um         {np.mean(away):.1f}")
    rng = np.random.default_rng(0)
    names = [*seeds[0]["real_holes"]]
    draws: dict[str, list[float]] = {name: [] for name in names}
    values = {name: _correlations(seeds, real, name, None) for name in names}
    for _ in range(RESAMPLES):
        weight = np.bincount(rng.integers(len(real.size_um), size=len(real.size_um)))
        for name in names:
            draws[name].append(float(np.mean(_correlations(seeds, real, name, weight))))
    print("\nhole's Spearman with the human size on real eyes not shown to the generator")
    for name in names:
        found = [np.isfinite(np.array(one["real_holes"][name], float)).mean() for one in seeds]
        less = np.array(draws[name]) - np.array(draws["simulated"])
        low, high = np.percentile(less, (2.5, 97.5))
        print(
            f"  {name:18}{np.mean(values[name]):.3f}  {np.round(values[name], 3)}  found "
            f"{np.mean(found):.0%}; minus simulated "
            f"{np.mean(values[name]) - np.mean(values['simulated']):+.3f} ({low:.3f} to {high:.3f})"
        )


def _correlations(
    seeds: list[dict[str, Any]], real: RealScans, name: str, counts: NDArray[np.intp] | None
) -> list[float]:
    """Of every seed, eyes repeated as often as they were drawn."""
    result = []
    for one in seeds:
        eyes = np.array(one["held_out"])
        found = np.array(one["real_holes"][name], dtype=float)
        times = np.ones(len(real.size_um), int)
        if counts is not None:
            times = np.pad(counts, (0, len(times) - len(counts)))
        index = np.repeat(np.arange(len(eyes)), times[eyes])
        result.append(spearman(found[index], real.size_um[eyes[index]]))
    return result


if __name__ == "__main__":
    main()
