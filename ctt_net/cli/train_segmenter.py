"""`ctt-net train-segmenter`."""

import argparse
from pathlib import Path

from ctt_net.cli.command import DONE, Commands, add_command, needs_extra
from ctt_net.io.cores import cores


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "train-segmenter",
        "train the network that segments B-scans, on simulated scans (extra: train)",
        run,
        ["ctt-net train-segmenter runs/segmenter --scans 3000 --epochs 10 --seed 0"],
    )
    parser.add_argument("out", type=Path, help="folder to make; must not exist")
    parser.add_argument("--scans", type=int, default=3000, help="to learn from (default: 3000)")
    parser.add_argument(
        "--test-scans",
        type=int,
        default=300,
        help="unseen ones of each device look, to measure on (default: 300)",
    )
    parser.add_argument("--epochs", type=int, default=10, help="passes (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--batch-size", type=int, default=8, help="scans a step (default: 8)")
    parser.add_argument("--accelerator", default="auto", help="auto, cpu, gpu, mps (default: auto)")
    parser.add_argument(
        "--precision", default="auto", help="32-true, bf16-mixed, 16-mixed (default: the fastest)"
    )
    parser.add_argument("--workers", type=int, help="processes that simulate (default: all cores)")


def run(options: argparse.Namespace) -> int:
    """Train, and print how well it segments."""
    with needs_extra("training a segmentation network", "train"):
        from ctt_net.training.segmentation.run import SegmentationPlan, train_segmenter
    plan = SegmentationPlan(
        scans=options.scans,
        test_scans=options.test_scans,
        epochs=options.epochs,
        seed=options.seed,
        batch_size=options.batch_size,
        accelerator=options.accelerator,
        precision=options.precision,
        workers=cores() if options.workers is None else options.workers,
    )
    card = train_segmenter(options.out, plan)
    for device, figures in card["figures"].items():
        dice = ", ".join(f"{name} {value:.3f}" for name, value in figures["dice"].items())
        surfaces = figures["surface_mae_um"].values()
        print(f"{device}: Dice {dice}; surfaces {sum(surfaces) / len(surfaces):.1f} um")
    print(f"use it: ctt-net measure ... --segmenter {options.out}")
    print("Trained on simulated eyes. Research use only. Not a medical device.")
    return DONE
