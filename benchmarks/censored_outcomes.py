"""What outcomes known within bounds only are worth in training, on simulated eyes without scans.

Run from the checkout; takes three minutes of one core:

    python -m benchmarks.censored_outcomes

Each head is trained on 300 simulated eyes and predicts 300 others, all of exactly known outcome. It
reads the preoperative acuity and, in place of scans, what a noisy reader sees of the macula, age
and noise. The same training eyes are recorded in several ways: `exact`; `censored`, where the worst
are off the chart, which is taken to end there, and of 30% of all eyes only a band is known;
`left_out`, without these eyes; `midpoint`, with numbers instead: the middle of each band, and half
a line beyond the chart's end; `bach`, the same with 1.9 logMAR off the chart. Prints the mean
absolute error and differences, eyes averaged over seeds, with 95% intervals by the bootstrap of
patients.

With `--scans COHORT HELD_OUT` the whole network learns from the scans of a simulated cohort, on the
eyes of its first fold's training, and predicts another cohort; `--config` adds configurations, such
as one that starts from pretrained weights.
"""

import argparse
import os
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import ctt_net
from benchmarks.noisy_outcomes import EYES, HELD_OUT_SEED, Eyes
from ctt_net.acuity import parse_va, parse_va_bounds
from ctt_net.cohort import read_cohort, write_cohort
from ctt_net.cohort.folds import FOLDS_FILE, write_folds
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.metrics.bootstrap import patient_weights
from ctt_net.models.head import Head, OrdinalHead, ResidualHead

WAYS = ("exact", "censored", "left_out", "midpoint", "bach")
BAND_SHARE = 0.30
# Decimal edges of the bands; beyond the first and the last they are open.
EDGES = ("0.8", "0.5", "0.2")
OPEN_END_LOGMAR = 0.1
STEPS, LEARNING_RATE, WEIGHT_DECAY = 300, 0.005, 0.05

Floats = NDArray[np.float64]


def main() -> None:
    """Train, predict and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--off-chart", type=float, nargs="+", default=[0.15, 0.05])
    parser.add_argument("--scans", type=Path, nargs=2, metavar=("COHORT", "HELD_OUT"))
    parser.add_argument("--config", nargs="+", default=["ctt_net"])
    arguments = parser.parse_args()
    if arguments.scans:
        for share in arguments.off_chart:
            print(f"{share:.0%} off the chart, network, {arguments.seeds} seeds")
            cohort, unseen = arguments.scans
            _print(*_networks(cohort, unseen, arguments.config, share, arguments.seeds))
        return
    held_out = Eyes.draw(HELD_OUT_SEED, "additive")
    weights = np.concatenate(list(patient_weights(list(held_out.patient), 2000, 0)))
    for share in arguments.off_chart:
        for name in ("gaussian", "laplace", "ordinal"):
            errors: dict[str, list[Floats]] = {way: [] for way in WAYS}
            for seed in range(arguments.seeds):
                eyes = Eyes.draw(seed, "additive")
                token, preop = eyes.token, eyes.preop
                for way in WAYS:
                    lower, upper = _recorded(eyes.postop, way, share, seed)
                    kept = np.ones(EYES, bool) if way != "left_out" else lower == upper
                    head = _trained(name, seed, token[kept], preop[kept], lower[kept], upper[kept])
                    errors[way].append(
                        _error(head, held_out.token, held_out.preop, held_out.postop)
                    )
            print(f"{share:.0%} off the chart, {name}, {arguments.seeds} seeds")
            _print({way: np.mean(each, axis=0) for way, each in errors.items()}, weights)


def _recorded(postop: Floats, way: str, share: float, seed: int) -> tuple[Floats, Floats]:
    """Best and worst logMAR that each outcome may be, as recorded in one of the ways."""
    chart_end = float(np.quantile(postop, 1 - share))
    off_chart = postop > chart_end
    chance = np.random.default_rng(seed).random(len(postop))
    banded = ~off_chart & (chance < BAND_SHARE / (1 - share))
    texts = [f">={EDGES[0]}", *(f"{b} to {a}" for a, b in pairwise(EDGES)), f"<={EDGES[-1]}"]
    bounds = np.array([parse_va_bounds(text, "decimal") for text in texts], float)
    cuts = [parse_va(edge, "decimal").logmar for edge in EDGES]
    band = np.digitize(postop - 1e-6, cuts)
    lower, upper = postop.copy(), postop.copy()
    if way in ("censored", "left_out"):
        lower[banded], upper[banded] = bounds[band[banded]].T
        lower[off_chart], upper[off_chart] = chart_end + 0.01, np.inf
    elif way in ("midpoint", "bach"):
        ends = np.clip(bounds, cuts[0] - OPEN_END_LOGMAR, cuts[-1] + OPEN_END_LOGMAR)
        lower[banded] = upper[banded] = ends.mean(axis=1)[band[banded]]
        number = 1.9 if way == "bach" else chart_end + OPEN_END_LOGMAR / 2
        lower[off_chart] = upper[off_chart] = number
    return lower, upper


def _networks(
    cohort: Path, held_out: Path, config: list[str], share: float, seeds: int
) -> tuple[dict[str, Floats], Floats]:
    """Mean absolute error of each held-out eye over seeds, by way; resampling weights of eyes."""
    errors: dict[str, list[Floats]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(dir=cohort.parent) as folder:
        for seed in range(seeds):
            for way in WAYS:
                # One folder, whose prepared scans a cache knows again.
                recorded = _recorded_cohort(cohort, Path(folder) / "cohort", way, share, seed)
                run = ctt_net.train(
                    recorded, config, out=Path(folder) / f"run_{way}_{seed}", folds=1, seed=seed,
                    trainer={"enable_progress_bar": False},
                )  # fmt: skip
                found = ctt_net.evaluate(run, held_out).predictions
                missed = found["predicted_logmar"] - found["postop_logmar"]
                errors[way].append(missed.abs().to_numpy())
                print(f"  seed {seed}, {way}: {errors[way][-1].mean():.4f}", flush=True)
    weights = np.concatenate(list(patient_weights(found["patient_id"].tolist(), 2000, 0)))
    return {way: np.mean(each, axis=0) for way, each in errors.items()}, weights


def _recorded_cohort(cohort: Path, place: Path, way: str, share: float, seed: int) -> Path:
    """The same eyes and folds with outcomes as one of the ways records them."""
    read = read_cohort(cohort)
    rows = read_manifest_text(cohort / "manifest.csv")
    rows = rows.drop(columns=[name for name in map(str, rows) if name.startswith("postop_")])
    lower, upper = _recorded(read.table["postop_logmar"].to_numpy(float), way, share, seed)
    rows["postop_va"] = [
        f"{best:.9f}" if best == worst else f"<={worst:.9f}" if np.isinf(best)
        else f">={best:.9f}" if np.isinf(worst) else f"{best:.9f} to {worst:.9f}"
        for best, worst in zip(lower, upper, strict=True)
    ]  # fmt: skip
    if not place.exists():
        shutil.copytree(cohort / "images", place / "images", copy_function=os.link)
    acuity = read.spec.acuity.model_copy(update={"postop_va": "logmar"})
    spec = read.spec.model_copy(update={"acuity": acuity})
    kept = (lower == upper) if way == "left_out" else np.full(len(rows), True)
    write_cohort(place, spec, rows[kept])
    folds = read.folds()
    write_folds(folds[folds.index.isin(rows["eye_id"][kept])], place / FOLDS_FILE)
    return place


def _trained(
    name: str, seed: int, token: Floats, preop: Floats, lower: Floats, upper: Floats
) -> Head:
    torch.manual_seed(seed)
    size, hidden = token.shape[1], 32
    head: Head = OrdinalHead(size, hidden=hidden, dropout=0.0)
    if name == "gaussian":
        head = ResidualHead(size, hidden=hidden, dropout=0.0, distribution="gaussian")
    elif name == "laplace":
        head = ResidualHead(size, hidden=hidden, dropout=0.0, distribution="laplace")
    tokens, acuity, best, worst = (_tensor(one) for one in (token, preop, lower, upper))
    exact = best == worst
    head.initialise(acuity[exact], best[exact])
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    known = torch.ones(len(acuity), dtype=torch.bool)
    for _ in range(STEPS):
        loss = head.loss(head(tokens, acuity, known), best, worst)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return head


@torch.no_grad()
def _error(head: Head, token: Floats, preop: Floats, postop: Floats) -> Floats:
    known = torch.ones(len(preop), dtype=torch.bool)
    said = head(_tensor(token), _tensor(preop), known).postop_logmar.numpy()
    return np.abs(said - postop)


def _tensor(values: Floats) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _print(means: dict[str, Floats], weights: Floats) -> None:
    for way, mean in means.items():
        line = f"  {way}: {mean.mean():.4f}"
        for other in ("exact", "left_out", "midpoint"):
            if other != way and way in ("censored", "left_out"):
                gap = mean - means[other]
                drawn = (weights @ gap) / weights.sum(axis=1)
                low, high = np.quantile(drawn, [0.025, 0.975])
                relative = gap.mean() / means[other].mean()
                line += f"; minus {other} {gap.mean():+.4f} ({low:+.4f}, {high:+.4f}; "
                line += f"{relative:+.1%})"
        print(line, flush=True)


if __name__ == "__main__":
    main()
