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

from ctt_net.metrics import classification
from ctt_net.metrics.bootstrap import Tree, patient_bootstrap
from ctt_net.metrics.calibration import calibration_intercept, calibration_slope
from ctt_net.metrics.classification import auroc
from ctt_net.metrics.regression import mae
from ctt_net.metrics.summary import regression_figures

Floats = NDArray[np.float64]

SHOWN = (
    *("mae", "rmse", "median_ae", "bias", "within_0.1", "within_0.2", "within_0.3"),
    *("r2", "ccc", "icc", "spearman", "calibration_slope", "loa lower", "loa upper"),
    *("auroc", "auroc_difference", "mae_difference", "auprc", "sensitivity", "specificity"),
    *("brier", "slope", "intercept"),
)


def random_eyes(n_patients: int, rng: np.random.Generator) -> dict[str, Floats]:
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


def figures(eyes: dict[str, Floats], patients: NDArray[np.intp], weights: Floats) -> Tree:
    """The figures of one study for each row of weights."""
    out = regression_figures(eyes["predicted"], eyes["truth"], patients, weights)
    out |= {f"loa {end}": out["loa"][end] for end in ("lower", "upper")}
    recovered = (eyes["truth"] <= 0.3).astype(np.float64)
    of_chance = eyes["chance"], recovered, weights
    called = (eyes["chance"] >= 0.5).astype(np.float64), recovered, weights
    area = auroc(*of_chance)
    return {
        **{name: values for name, values in out.items() if name != "loa"},
        "mae_difference": out["mae"] - mae(eyes["other"], eyes["truth"], weights),
        "auroc": area,
        "auroc_difference": area - auroc(-eyes["other"], recovered, weights),
        "auprc": classification.average_precision(*of_chance),
        "sensitivity": classification.sensitivity(*called),
        "specificity": classification.specificity(*called),
        "brier": classification.brier(*of_chance),
        "slope": calibration_slope(*of_chance),
        "intercept": calibration_intercept(*of_chance),
    }


def main() -> None:
    """Simulate and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--patients", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    many = random_eyes(500_000, np.random.default_rng(0))
    found = figures(many, np.repeat(np.arange(500_000), 2), np.ones((1, 1_000_000)))
    truth = {name: float(values[0]) for name, values in found.items()}
    held = {unit: dict.fromkeys(truth, 0) for unit in ("patients", "eyes")}
    patients = np.repeat(np.arange(options.patients), 2)
    for study in range(options.studies):
        eyes = random_eyes(options.patients, np.random.default_rng((1, study)))
        for unit, cluster in (("patients", patients), ("eyes", np.arange(len(patients)))):
            intervals = patient_bootstrap(
                partial(figures, eyes, cluster), cluster, options.resamples, seed=10_000 + study
            )
            for name, one in intervals.items():
                low, high = one["ci95"]
                held[unit][name] += low is not None and low <= truth[name] <= high
    table = pd.DataFrame(held) / options.studies
    print(f"{options.studies} studies of {options.patients} patients, share that hold the truth")
    print(table.loc[list(SHOWN)].to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
