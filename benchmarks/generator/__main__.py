"""The command line; see the package."""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.generator.data import parts, read_real, simulated
from benchmarks.generator.figures import LOOKS, look, summary, teach
from benchmarks.generator.training import Eyes, Training


def main() -> None:
    """Train, measure the look, teach small segmentation networks, or sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("real", type=Path, help="folder of train/ and val/ as published")
    parser.add_argument("out", type=Path, help="folder of simulated scans, checkpoints, figures")
    parser.add_argument("stages", nargs="+", choices=("train", "look", "teach", "summary"))
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and batches")
    parser.add_argument("--steps", type=int, default=300, help="of the generator (default: 300)")
    parser.add_argument("--on", nargs="+", choices=(*LOOKS, "devices"), default=LOOKS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    real, seed, out = read_real(options.real), options.seed, options.out
    if options.stages == ["summary"]:
        summary(real, out)
        return
    shown = real.pictures[parts(len(real.pictures), seed)[0]]
    training = Training(Eyes.of(simulated(out, "seen")), shown, seed)
    checkpoint = out / f"seed_{seed}.pt"
    if checkpoint.is_file():
        training.load(checkpoint)
    if "train" in options.stages:
        train(training, checkpoint, options.steps)
    if "look" in options.stages:
        look(training, real, out)
    if "teach" in options.stages:
        for name in options.on:
            teach(name, training, real, out)


def train(training: Training, checkpoint: Path, steps: int) -> None:
    """Train on to `steps`; a table of losses and a checkpoint every 25."""
    with FlopCounterMode(display=False) as counter:
        Training(training.eyes, np.zeros((8, 128, 192), np.uint8), 0).advance()
    began, first, rows = time.process_time(), training.step, []
    while training.step < steps:
        rows.append({"step": training.step, **training.advance()})
        if training.step % 25 == 0 or training.step == steps:
            training.save(checkpoint)
            print({name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    with checkpoint.with_suffix(".csv").open("a", newline="") as file:
        pd.DataFrame(rows).to_csv(file, index=False, header=first == 0, lineterminator="\n")
    seconds = (time.process_time() - began) / max(training.step - first, 1)
    print(f"{seconds:.2f} s and {counter.get_total_flops() / 1e9:.0f} GFLOP a step")


if __name__ == "__main__":
    main()
