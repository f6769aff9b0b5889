"""How often bootstrap intervals hold the truth, with two correlated eyes a patient.

Run from the checkout, no arguments needed:

    python -m benchmarks.bootstrap_coverage
    python -m benchmarks.bootstrap_coverage --studies 1000 --patients 100 --resamples 1000

Each study has its own eyes and its own resamples. Errors of the two eyes correlate by 0.7, outcomes
by one half. `eyes` resamples eyes as if they were independent. The truth of a figure without a
formula is that of a million eyes. 95% is meant; of 1,000 studies, 93.6 to 96.4% are within chance.
"""

import argparse
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.metrics.bootstrap import Draws, Weights, with_intervals
from ctt_net.metrics.calibration import logistic_calibration
from ctt_net.metrics.recovery import auroc, recovery_figures
from ctt_net.metrics.regression import regression_figures

SHOWN = (
    *("mae", "rmse", "median_ae", "bias", "within_0.1", "within_0.2", "within_0.3"),
    *("r2", "ccc", "icc", "spearman", "calibration_slope", "loa lower", "loa upper"),
    *("auroc", "auroc_difference", "mae_difference", "auprc", "sensitivity", "specificity"),
    *("brier", "slope", "intercept"),
)


def random_eyes(n_patients: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Truth, two predictions and a probability of eyes, two a patient.

    Args:
        n_patients: Number of patients.
        rng: Source of all that is random.
    """

    def alike(correlation: float) -> NDArray[np.float64]:
        shared = np.repeat(rng.normal(size=n_patients), 2)
        return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * rng.normal(
            size=2 * n_patients
        )

    truth = 0.25 + 0.25 * alike(0.5)
    predicted = 0.1 + 0.7 * truth + 0.12 * alike(0.7)
    other = 0.15 + 0.5 * truth + 0.15 * alike(0.7)
    chance = 1 / (1 + np.exp(-(0.3 - predicted) / 0.1))
    return {"truth": truth, "predicted": predicted, "other": other, "chance": chance}


def figures(eyes: dict[str, NDArray[np.float64]], patients: list[str], weights: Weights) -> Draws:
    """The figures of one study for each row of weights."""
    out = regression_figures(eyes["predicted"], eyes["truth"], weights, patients)
    recovered = (eyes["truth"] <= 0.3).astype(np.float64)
    out |= recovery_figures(eyes["chance"], recovered, weights)
    out[("auroc_difference",)] = out[("auroc",)] - auroc(-eyes["other"], recovered, weights)
    other = np.abs(eyes["other"] - eyes["truth"])
    out[("mae_difference",)] = out[("mae",)] - weights @ other / weights.sum(axis=1)
    return out | logistic_calibration(eyes["chance"], recovered, weights)


def main() -> None:
    """Simulate and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--patients", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    many = random_eyes(500_000, np.random.default_rng(0))
    patients = np.repeat(np.arange(500_000), 2).astype(str).tolist()
    truth = {
        path: float(values[0])
        for path, values in figures(many, patients, np.ones((1, 1_000_000))).items()
    }
    held = {unit: dict.fromkeys(truth, 0) for unit in ("patients", "eyes")}
    patients = np.repeat(np.arange(options.patients), 2).astype(str).tolist()
    alone = np.arange(2 * options.patients).astype(str).tolist()
    for study in range(options.studies):
        eyes = random_eyes(options.patients, np.random.default_rng((1, study)))
        for unit, cluster in (("patients", patients), ("eyes", alone)):
            found = with_intervals(
                partial(figures, eyes, cluster),
                cluster,
                options.resamples,
                0.95,
                10_000 + study,
            )
            for path, one in found.items():
                low, high = one["ci95"]
                held[unit][path] += low is not None and low <= truth[path] <= high
    named = {
        unit: {" ".join(path): n for path, n in counts.items()} for unit, counts in held.items()
    }
    table = pd.DataFrame(named) / options.studies
    print(f"{options.studies} studies of {options.patients} patients, share that hold the truth")
    print(table.loc[list(SHOWN)].to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
