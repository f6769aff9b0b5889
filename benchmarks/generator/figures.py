"""Figures of one seed, and what they come to over all seeds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.generator.data import Grey, RealScans, halved, parts, simulated, small, some
from benchmarks.generator.looks import matched, told_apart
from benchmarks.generator.segmenters import holes_found, labels_kept, packaged_holes, taught
from benchmarks.generator.training import Eyes, Training, translated
from ctt_net.io.json_file import write_json
from ctt_net.training.segmentation.data import LabelledScans

LOOKS = ("simulated", "matched", "translated")
# Simulated scans to fit the classifiers on, and to read labels in; of each kind of eye.
FIT, LABELS_OF = 52, 20
EPOCHS = 4  # of the small segmentation networks
RESAMPLES = 2000
Floats = NDArray[np.float64]


def pictures(name: str, training: Training, scans: LabelledScans, real: RealScans) -> Grey:
    """Simulated scans in one of `LOOKS`: (N, 128, 192)."""
    if name == "translated":
        return translated(training.generator, Eyes.of(scans), training.seed)
    own = small(list(scans.scans))
    shown = parts(len(real.pictures), training.seed)[0]
    return own if name == "simulated" else matched(own, real.pictures[shown], training.seed)


def look(training: Training, real: RealScans, out: Path) -> None:
    """Write `look_<seed>.json`: of every look how real it is, and what is left of the truth."""
    shown, held_out = parts(len(real.pictures), training.seed)
    seen = some(simulated(out, "seen"), slice(2 * FIT))
    eyes = some(simulated(out, "held_out"), slice(2 * len(held_out)))
    mixed = some(simulated(out, "taught"), slice(LABELS_OF))
    horizontal = some(eyes, slice(0, 2 * LABELS_OF, 2))
    figures: dict[str, Any] = {"steps": training.step}
    for name in LOOKS:
        pairs = pictures(name, training, eyes, real)
        fit = (real.pictures[shown], pictures(name, training, seen, real)[::2])
        asked = (real.pictures[held_out], pairs[::2])
        figures[name] = {
            "told_apart": told_apart(fit, asked),
            "dice": labels_kept(pictures(name, training, mixed, real), mixed)[0],
            "holes": labels_kept(pairs[: 2 * LABELS_OF : 2], horizontal)[1].tolist(),
            "views": views_read(training, pairs),
            "change, grey levels": float(
                np.abs(pairs.astype(float) - small(list(eyes.scans))).mean()
            ),
        }
    write_json(out / f"look_{training.seed}.json", figures)


def views_read(training: Training, pairs: Grey) -> float:
    """Share of right answers of the network of views on pairs (2 N, 128, 192)."""
    training.views.eval()
    views = torch.from_numpy(pairs).unflatten(0, (-1, 2)) / 255.0
    with torch.inference_mode():
        logits, answers = training.views.asked(views)
    return float((logits.argmax(dim=1) == answers).float().mean())


def teach(name: str, training: Training, real: RealScans, out: Path) -> None:
    """Write `holes_<name>_<seed>.json`: what a network taught on one look measures in real eyes."""
    scans = simulated(out, "devices" if name == "devices" else "taught")
    views = None if name == "devices" else pictures(name, training, scans, real)
    network = taught(halved(scans, views), training.seed, EPOCHS)
    found = holes_found(network, real.pictures, real.pixels)
    write_json(out / f"holes_{name}_{training.seed}.json", {"um": found.tolist()})
    held_out = parts(len(real.pictures), training.seed)[1]
    print(name, training.seed, spearman(found[held_out], real.size_um[held_out]), flush=True)


def spearman(found: Floats, size_um: Floats) -> float:
    """Rank correlation with the human size; a hole that was not found has none."""
    return float(spearmanr(np.nan_to_num(found), size_um).statistic)


def summary(real: RealScans, out: Path) -> None:
    """Print means over seeds; differences to "simulated" with intervals by resampled patients."""
    seeds = [json.loads(path.read_text()) for path in sorted(out.glob("look_*.json"))]
    for name in LOOKS:
        table = pd.json_normalize([one[name] for one in seeds], sep=": ").drop(columns="holes")
        print(f"\n{name}: mean, each seed")
        for column in table:
            print(f"  {column:32} {table[column].mean():.3f}  {table[column].round(3).tolist()}")
        pairs = [
            [np.array(one[look]["holes"], float) for look in (name, LOOKS[0])] for one in seeds
        ]
        away = [np.nanmedian(np.abs(mine - own)) for mine, own in pairs]
        ranks = [spearman(mine, np.nan_to_num(own)) for mine, own in pairs]
        print(f"  hole: median change {np.mean(away):.1f} um, Spearman {np.mean(ranks):.3f}")
    print("\nhole's Spearman with the human size on real eyes not shown to the generator")
    packaged = packaged_holes(real.pixels)
    found = {
        name: {
            int(path.stem.rsplit("_", 1)[1]): np.array(json.loads(path.read_text())["um"], float)
            for path in sorted(out.glob(f"holes_{name}_*.json"))
        }
        for name in (*LOOKS, "devices")
        if any(out.glob(f"holes_{name}_*.json"))
    }
    found["packaged, whole scans"] = dict.fromkeys(found[LOOKS[0]], packaged)
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(packaged), size=len(packaged)) for _ in range(RESAMPLES)]
    for name, by_seed in found.items():
        values = [_held_out(one, real, seed) for seed, one in by_seed.items()]
        both = [(seed, one, found[LOOKS[0]][seed]) for seed, one in by_seed.items()]
        less = [
            np.mean(
                [
                    _held_out(one, real, seed, draw) - _held_out(own, real, seed, draw)
                    for seed, one, own in both
                ]
            )
            for draw in draws
        ]
        low, high = np.percentile(less, (2.5, 97.5))
        share = np.mean([np.isfinite(one).mean() for one in by_seed.values()])
        print(
            f"  {name:22} {np.mean(values):.3f} {np.round(values, 3).tolist()}, found {share:.0%}, "
            f"minus simulated {np.mean(less):+.3f} ({low:.3f} to {high:.3f})"
        )


def _held_out(
    found: Floats, real: RealScans, seed: int, draw: NDArray[np.intp] | None = None
) -> float:
    """Of the eyes that were not shown, as often as they were drawn."""
    held_out = parts(len(real.pictures), seed)[1]
    eyes = held_out if draw is None else draw[np.isin(draw, held_out)]
    return spearman(found[eyes], real.size_um[eyes])
