"""What outcomes known within bounds only are worth in training, on simulated eyes.

Run from the checkout:

    python -m benchmarks.censored_outcomes out/censored_outcomes

The same training eyes are recorded in several ways: `exact`; `censored`, where the worst 15% are
off the chart, which is taken to end there, and of 30% of all eyes only a band is known; `left_out`,
without these eyes; `midpoint`, with numbers instead: the middle of each band, and half a line
beyond the chart's end. A network is trained on each, with the default
configuration without its clinical start (which exact eyes alone fit), and predicts the same
held-out eyes, all of exactly known outcome. Prints its mean absolute error on them and differences
to `exact` and to `left_out`, eyes averaged over seeds, with 95% intervals by the bootstrap of
patients.
"""

import argparse
import os
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort import read_cohort, write_cohort
from ctt_net.inference.evaluate import predict_cohort
from ctt_net.metrics.bootstrap import patient_weights
from ctt_net.model_folder.predictor import Predictor
from ctt_net.synthetic import CohortPlan, simulate_cohort
from ctt_net.training.run import train

WAYS = ("exact", "censored", "left_out", "midpoint")
OFF_CHART_SHARE, BAND_SHARE = 0.15, 0.30
# Decimal edges of the bands; beyond the first and the last they are open.
EDGES = (0.2, 0.5, 0.8)
OPEN_END_LOGMAR = 0.1


def main() -> None:
    """Train, predict and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--eyes", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--keys", nargs=argparse.REMAINDER, default=[], help="further, of train")
    arguments = parser.parse_args()
    held_out = _simulated(arguments.out / "held_out", arguments.eyes, 1000)
    errors = {}
    for seed in arguments.seeds:
        cohort = _simulated(arguments.out / f"cohort_{seed}", arguments.eyes, seed)
        for way in arguments.ways:
            folder = arguments.out / f"cohort_{seed}_{way}"
            _record(cohort, folder, way, seed)
            run = arguments.out / f"run_{seed}_{way}"
            if not (run / "predictions.csv").exists():
                keys = ["--config", "configs/ctt_net.yaml", "--data.cohort", str(folder)]
                keys += ["--model.clinical_start", "false", "--seed_everything", str(seed)]
                train([*keys, "--folds", "1", "--out", str(run), *arguments.keys])
            said = predict_cohort(Predictor.load(run), held_out)
            error = (said["predicted_logmar"] - said["postop_logmar"]).abs()
            errors[way, seed] = error.to_numpy(float)
            print(f"seed {seed}, {way}: mean absolute error {error.mean():.4f}", flush=True)
    _print_differences(errors, read_cohort(held_out).table, arguments.ways)


def _simulated(folder: Path, eyes: int, seed: int) -> Path:
    if not folder.exists():
        simulate_cohort(folder, CohortPlan(n_eyes=eyes, seed=seed))
    return folder


def _record(cohort: Path, folder: Path, way: str, seed: int) -> None:
    """The same eyes with their outcomes recorded in one of the ways."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(cohort, folder, copy_function=os.link)
    for name in ("manifest.csv", "cohort.yaml", "folds.csv"):
        (folder / name).unlink()
    before = read_cohort(cohort)
    table, spec = before.table.copy(), before.spec
    logmar = table["postop_logmar"].to_numpy(float)
    chart_end = float(np.quantile(logmar, 1 - OFF_CHART_SHARE))
    off_chart = logmar > chart_end
    chance = np.random.default_rng(seed).random(len(logmar))
    banded = ~off_chart & (chance < BAND_SHARE / (1 - OFF_CHART_SHARE))
    edges = -np.log10(EDGES)[::-1]
    band = np.digitize(logmar - 1e-6, edges)
    ends = [edges[0] - OPEN_END_LOGMAR, *edges, edges[-1] + OPEN_END_LOGMAR]
    middle = [(one + other) / 2 for one, other in pairwise(ends)]
    decimals = [f"{edge:g}" for edge in EDGES][::-1]
    texts = [f">={decimals[0]}"]
    texts += [f"{worse} to {better}" for better, worse in pairwise(decimals)]
    texts += [f"<={decimals[-1]}"]
    recorded = table["postop_va"].astype(object).to_numpy(copy=True)
    if way == "censored":
        recorded[banded] = np.array(texts, object)[band[banded]]
        recorded[off_chart] = f"worse than {10**-chart_end:.4f}"
    elif way == "midpoint":
        recorded[banded] = [f"{10**-x:.4f}" for x in np.array(middle)[band[banded]]]
        recorded[off_chart] = f"{10 ** -(chart_end + OPEN_END_LOGMAR / 2):.4f}"
    table["postop_va"] = recorded
    table = table.drop(columns=["postop_logmar", "postop_off_chart"])
    if way == "left_out":
        table = table[~(off_chart | banded)]
    write_cohort(folder, spec, table)


def _print_differences(
    errors: dict[tuple[str, int], np.ndarray], table: pd.DataFrame, ways: tuple[str, ...]
) -> None:
    print(f"{len(table)} held-out eyes, mean of {len(errors) // len(ways)} seeds")
    means = {way: np.mean([e for (w, _), e in errors.items() if w == way], axis=0) for way in ways}
    weights = np.concatenate(list(patient_weights(table["patient_id"].tolist(), 2000, 0)))
    for way in ways:
        line = f"{way}: {means[way].mean():.4f}"
        for other in ("exact", "left_out"):
            if other in means and other != way:
                gap = means[way] - means[other]
                drawn = (weights * gap).sum(axis=1) / weights.sum(axis=1)
                low, high = np.quantile(drawn, [0.025, 0.975])
                line += f"; minus {other} {gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
                line += f" ({gap.mean() / means[other].mean():+.1%})"
        print(line)


if __name__ == "__main__":
    main()
