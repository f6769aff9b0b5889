"""How many eyes a run's intervals hold on patients it has not seen, and after recalibration.

Run from the checkout:

    python -m benchmarks.coverage runs/ctt_net data/held_out
    python -m benchmarks.coverage runs/ctt_net data/held_out --shifted data/other_device

Prints coverage and mean width overall and by band of preoperative acuity, with 95% intervals by the
bootstrap of patients. Of the shifted cohort it prints the same before recalibration; then, many
times, 100 of its eyes (one of each of 100 patients) recalibrate the ensemble, and the eyes of all
other patients are evaluated: a single draw is off by 3 points (one standard deviation) by chance.
Scans go through the networks once; nothing is written.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.cohort import read_cohort
from ctt_net.inference.recalibrate import recalibration
from ctt_net.inference.training_overlap import load_unseen_scans
from ctt_net.io.progress import progress_bar
from ctt_net.metrics.summary import evaluate
from ctt_net.model_folder.ensemble import Estimate
from ctt_net.model_folder.predictor import Predictor
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.calibration import Calibration


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run or model folder")
    parser.add_argument("cohort", type=Path, help="held-out cohort")
    parser.add_argument("--shifted", type=Path, help="cohort of another device")
    parser.add_argument("--eyes", type=int, default=100, help="that recalibrate (default: 100)")
    parser.add_argument("--draws", type=int, default=200, help="of those eyes (default: 200)")
    options = parser.parse_args()
    predictor = Predictor.load(options.run)
    print(predictor.guarantee)
    table, raws = ask(predictor, options.cohort)
    show(f"{options.cohort.name}", table, said(predictor, raws, table))
    if options.shifted is not None:
        table, raws = ask(predictor, options.shifted)
        show(f"{options.shifted.name}, as it is", table, said(predictor, raws, table))
        recalibrated(predictor, table, raws, options.eyes, options.draws)


def ask(predictor: Predictor, folder: Path) -> tuple[pd.DataFrame, list[ModelOutput]]:
    """What each member says of the eyes of known outcome that the model has not seen."""
    cohort = read_cohort(folder)
    known = cohort.table["postop_logmar"].notna()
    known &= ~cohort.table["patient_id"].astype(str).map(predictor.knows_patient)
    if not known.any():
        raise SystemExit(f"{folder}: the model has seen every patient of known outcome")
    cohort = cohort.where(known)
    with progress_bar("reading scans") as progress:
        scans = load_unseen_scans(predictor, cohort, None, progress=progress)
    return cohort.table, predictor.outputs(cohort.table, scans)


def said(
    predictor: Predictor,
    raws: list[ModelOutput],
    table: pd.DataFrame,
    calibrations: list[Calibration] | None = None,
) -> Estimate:
    """The ensemble's word on some rows."""
    return Predictor(predictor.members, calibrations or predictor.calibrations).estimate(
        raws, table
    )


def held(estimated: Estimate, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which eyes lie in their interval."""
    truth = table["postop_logmar"].to_numpy(float)
    inside: NDArray[np.bool_] = (estimated.lower_logmar <= truth) & (
        truth <= estimated.upper_logmar
    )
    return inside


def show(title: str, table: pd.DataFrame, estimated: Estimate) -> None:
    """Coverage and width, overall and by band."""
    predictions = table[["eye_id", "patient_id", "preop_logmar", "postop_logmar"]].assign(
        predicted_logmar=estimated.postop_logmar,
        lower_logmar=estimated.lower_logmar,
        upper_logmar=estimated.upper_logmar,
        p_recovery=np.nan,
        flags=np.where(table["preop_off_chart"] != "", "off_chart_preop", ""),
    )
    interval = evaluate(predictions, None, ())["interval"]
    print(f"\n{title}: {len(table)} eyes")
    rows = {"all eyes": {**interval, "n_eyes": len(table)}, **interval["by_band"]}
    for name, row in rows.items():
        if row.get("suppressed"):
            continue
        low, high = row["coverage"]["ci95"]
        span = "" if low is None else f" ({low:.1%} to {high:.1%})"
        width = row["mean_width"]["value"]
        print(
            f"  {name:14} {row['n_eyes']:6} eyes  {row['coverage']['value']:.1%}{span}"
            f"  width {width:.3f} logMAR"
        )


def recalibrated(
    predictor: Predictor, table: pd.DataFrame, raws: list[ModelOutput], eyes: int, draws: int
) -> None:
    """Coverage of the other patients' eyes after recalibration on some patients, many times."""
    patients = table["patient_id"].to_numpy(str)
    names = np.unique(patients)
    if len(names) <= eyes:
        raise SystemExit(f"{len(names)} patients: too few to recalibrate on {eyes} and keep some")
    rng = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        local = np.isin(patients, rng.choice(names, eyes, replace=False))
        calibration = recalibration(
            predictor.calibrations, predictor.spec, rows_of(raws, local), table[local], "a sample"
        )
        rest = said(predictor, rows_of(raws, ~local), table[~local], [calibration] * len(raws))
        found.append(held(rest, table[~local]).mean())
    low, high = np.quantile(found, [0.05, 0.95])
    print(
        f"\nrecalibrated on {eyes} patients, evaluated on the other {len(names) - eyes}: "
        f"{np.mean(found):.1%} (mean of {draws} draws; 5% to 95% of them {low:.1%} to {high:.1%})"
    )


def rows_of(raws: list[ModelOutput], chosen: NDArray[np.bool_]) -> list[ModelOutput]:
    """Some eyes of what the members said."""
    return [
        ModelOutput(one.postop_logmar[chosen], one.scale_logmar[chosen], one.recovery_logit[chosen])
        for one in raws
    ]


if __name__ == "__main__":
    main()
