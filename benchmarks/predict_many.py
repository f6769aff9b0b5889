"""What predicting many patients costs beside reading their scans and running the network.

```sh
python benchmarks/predict_many.py runs/ctt_net
```

Simulates 500 patients (24 simulated eyes, copied), and measures in the processor's time of one
process: `bare`, decoding and preparing the scans and running the network; and `rows`, all that
`ctt-net predict` does. Both take turns, so that a busy machine slows both. Then the command runs
in earnest on all cores, is killed (SIGKILL) twice, goes on, and its rows are compared with those of
an undisturbed run. Simulated eyes: no clinical validity. Research use only. Not a medical device.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import yaml

from ctt_net.cohort import Cohort
from ctt_net.data.scans import load_scans
from ctt_net.inference.many import predict_each
from ctt_net.inference.many_rows import LINES_FILE
from ctt_net.inference.patient import read_patient
from ctt_net.inference.patient_cohort import patient_cohort
from ctt_net.inference.patient_list import ListedPatient, list_patients
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor, model_folders
from ctt_net.model_folder.table import arrange_views
from ctt_net.synthetic import CohortPlan, simulate_cohort

SIMULATED = 24
TURN = 10  # patients


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path, help="run or model folder")
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        clinic = make_clinic(Path(scratch), arguments.patients)
        folders = model_folders(arguments.model)
        predictor = Predictor([Member(folder, threads=1) for folder in folders])
        patients = list_patients(clinic, predictor).patients
        bare, rows = take_turns(patients, predictor)
        n = len(patients)
        print(f"{n} patients, processor time of one process for each:")
        print(f"  bare (decode, prepare, network)  {1e3 * bare / n:.1f} ms")
        print(f"  rows (all of ctt-net predict)    {1e3 * rows / n:.1f} ms")
        print(f"  rows reach {bare / rows:.0%} of the bare throughput")
        run(clinic, arguments.model, Path(scratch), arguments.workers)
    return 0


def make_clinic(scratch: Path, n: int) -> Path:
    """A folder of patient folders with one eye each."""
    cohort = simulate_cohort(scratch / "cohort", CohortPlan(n_eyes=SIMULATED, seed=77))
    rows = cohort.table.to_dict("records")
    for number in range(n):
        row = rows[number % len(rows)]
        side, folder = row["laterality"], scratch / "clinic" / f"p{number:05d}"
        folder.mkdir(parents=True)
        for view in cohort.spec.views:
            shutil.copy(cohort.root / row[view], folder / f"{side}_{view}.png")
        facts = {"notation": "decimal", "preop_va": {side: row["preop_va"]}}
        facts["covariates"] = {name: row[name] for name in cohort.spec.covariates}
        (folder / "patient.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    return scratch / "clinic"


def take_turns(patients: list[ListedPatient], predictor: Predictor) -> tuple[float, float]:
    """Processor seconds of the bare work and of the rows; whoever begins changes."""
    cohorts = [_cohort(one.folder, predictor) for one in patients]
    spent = {"bare": 0.0, "rows": 0.0}
    list(predict_each(patients[:2], predictor, 1))
    for turn, start in enumerate(range(0, len(patients), TURN)):
        for kind in ("bare", "rows") if turn % 2 else ("rows", "bare"):
            begun = time.process_time()
            if kind == "bare":
                for cohort in cohorts[start : start + TURN]:
                    _bare(cohort, predictor)
            else:
                for answer in predict_each(patients[start : start + TURN], predictor, 1):
                    if answer.error:
                        raise RuntimeError(answer.error)
                    json.dumps(answer.prediction)
            spent[kind] += time.process_time() - begun
    return spent["bare"], spent["rows"]


def _cohort(folder: Path, predictor: Predictor) -> Cohort:
    spec = predictor.spec
    patient = read_patient(folder, spec.views, spec.off_chart_policy)
    return patient_cohort(patient, folder, spec, predictor.covariates)


def _bare(cohort: Cohort, predictor: Predictor) -> None:
    spec = predictor.spec
    scans = arrange_views(load_scans(cohort, spec.preprocessing), cohort, spec)
    for member in predictor.members:
        member.network(*member.inputs(cohort.table, scans))


def run(clinic: Path, model: Path, scratch: Path, workers: int) -> None:
    """The command undisturbed, and killed twice."""
    command = [sys.executable, "-m", "ctt_net.cli", "predict", str(clinic), "--model", str(model)]
    command += ["--workers", str(workers), "--out"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1790000000"}
    begun = time.perf_counter()
    subprocess.run(
        [*command, str(scratch / "whole")], env=environment, check=True, capture_output=True
    )
    wall = time.perf_counter() - begun
    n = len(list(clinic.iterdir()))
    print(f"command, {workers} processes: {wall:.1f} s, {n / wall:.1f} patients a second")
    out = scratch / "killed"
    for share in (0.3, 0.6):
        begun_process = subprocess.Popen(
            [*command, str(out)], env=environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while begun_process.poll() is None and _lines(out) < share * n:
            time.sleep(0.01)
        begun_process.kill()
        begun_process.wait()
        print(f"killed with {_lines(out)} rows")
    subprocess.run([*command, str(out)], env=environment, check=True, capture_output=True)
    same = all(
        (out / path.name).read_bytes() == path.read_bytes()
        for path in (scratch / "whole").iterdir()
        if path.is_file()
    )
    print(f"gone on: {_lines(out)} rows, {'equal' if same else 'NOT equal'} to the undisturbed run")


def _lines(out: Path) -> int:
    path = out / LINES_FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    sys.exit(main())
