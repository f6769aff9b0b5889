"""How long a large table of predictions takes to evaluate; seconds and peak memory.

Run from the checkout, no arguments needed:

    python -m benchmarks.evaluate_rows
    python -m benchmarks.evaluate_rows --rows 100000 --bootstrap 2000

Made up are two eyes a patient, four baselines, an oracle, two outcomes, intervals and eight
groupings beside the three that predictions tell. Timed are reading predictions.csv, all figures of
metrics.json, and writing both files; the page is not. The peak holds the interpreter and its
libraries too.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort.predictions import read_predictions, write_predictions
from ctt_net.metrics.summary import evaluate, write_metrics
from ctt_net.outcome import DEFAULT_OUTCOMES


def random_eyes(rows: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Truth and preoperative acuity, true potential, and groups of made-up eyes.

    Args:
        rows: Number of eyes, two a patient.
        seed: Of all that is random.
    """
    rng = np.random.default_rng(seed)
    patient = np.arange(rows) // 2
    potential = 0.2 + rng.normal(0, 0.15, rows // 2 + 1)[patient] + rng.normal(0, 0.15, rows)
    table = pd.DataFrame(
        {
            "eye_id": [f"e{i:06d}" for i in range(rows)],
            "patient_id": [f"p{i:06d}" for i in patient],
            "preop_logmar": potential + rng.lognormal(-1, 0.4, rows),
            "postop_logmar": (potential + rng.normal(0, 0.06, rows)).round(2),
        }
    )
    off = rng.random(rows) < 0.03
    table["flags"] = np.where(
        off, "off_chart_preop", np.where(rng.random(rows) < 0.1, "low_quality", "")
    )
    levels = {"site": 12, "device": 4, "sex": 2, "age_band": 4, "axial_length_band": 2}
    levels |= {"eye_order": 3, "diabetes": 2, "pathology": 10}
    groups = pd.DataFrame(
        {name: rng.integers(0, n, rows).astype(str) for name, n in levels.items()},
        index=pd.Index(table["eye_id"]),
    )
    return table, pd.Series(potential, index=table["eye_id"]), groups


def random_predictions(table: pd.DataFrame, potential: pd.Series, seed: int = 1) -> pd.DataFrame:
    """A model that sees the potential with noise: rows of predictions.csv, out of fold."""
    rng = np.random.default_rng(seed)
    predicted = potential.to_numpy() + rng.normal(0, 0.08, len(table))
    chance = 1 / (1 + np.exp((predicted - 0.3) / 0.06))
    gain = table["preop_logmar"] - predicted
    return table.assign(
        predicted_logmar=predicted,
        lower_logmar=predicted - 0.16,
        upper_logmar=predicted + 0.16,
        p_recovery=chance,
        fold=np.arange(len(table)) // 2 % 5,
        **{"p_reaches_0.30": chance, "p_gains_0.20": 1 / (1 + np.exp((0.2 - gain) / 0.06))},
    )


def main() -> None:
    """Time one evaluation and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--bootstrap", type=int, default=2000)
    options = parser.parse_args()
    table, potential, groups = random_eyes(options.rows)
    predictions = random_predictions(table, potential)
    rng = np.random.default_rng(2)
    names = {"mean": 0.3, "preop_only": 0.14, "covariates": 0.12, "boosting": 0.11}
    baselines = pd.DataFrame(
        {name: potential + rng.normal(0, sd, options.rows) for name, sd in names.items()}
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.csv"
        write_predictions(predictions, file)
        start, processor = time.perf_counter(), time.process_time()
        read = read_predictions(file)
        metrics = evaluate(
            read,
            baselines,
            DEFAULT_OUTCOMES,
            oracle=potential,
            groups=groups,
            bootstrap=options.bootstrap,
        )
        write_predictions(read, file)
        write_metrics(metrics, file.with_name("metrics.json"))
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        size = file.with_name("metrics.json").stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.rows} eyes, {options.bootstrap} resamples: {seconds:.1f} s")
    print(f"processor {processor:.1f} s, peak {peak:.0f} MB, metrics.json {size:.2f} MB")


if __name__ == "__main__":
    main()
