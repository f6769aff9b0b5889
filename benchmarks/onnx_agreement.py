"""How far what ONNX Runtime predicts is from what torch predicts with the same weights.

```sh
python -m benchmarks.onnx_agreement simulated --real data/real
```

100 simulated eyes of two scans each, and the scans of a folder as eyes of one view. Ends with exit
code 1 where a prediction differs by more than 1e-4 logMAR.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import load_scans
from ctt_net.imaging import read_bscan
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.table import arrange_views
from ctt_net.synthetic import CohortPlan, simulate_cohort
from ctt_net.training.architecture import load_network

AGREES = 1e-4
SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")

# (E, V, H, W) pixels, (E, V) which are there, (E,) preop logMAR, (E, F) covariates.
Eyes = tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float32]]


def main() -> int:
    """Print the largest difference of each fold and kind of scan."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path, help="run or model folder, or 'simulated'")
    parser.add_argument("--real", type=Path, help="folder of real B-scans")
    parser.add_argument("--eyes", type=int, default=100, help="simulated (default: 100)")
    parser.add_argument("--scans", type=int, default=50, help="real, at most (default: 50)")
    options = parser.parse_args()
    predictor = Predictor.load(options.model)
    kinds = {"simulated": simulated(predictor, options.eyes)}
    if options.real:
        kinds["real"] = real(predictor, options.real, options.scans)
    largest = 0.0
    for member in predictor.members:
        for kind, eyes in kinds.items():
            difference = differences(member, eyes)
            largest = max(largest, difference.max())
            print(
                f"{member.folder}: {int(eyes[1].sum())} {kind} scans of {len(difference)} eyes, "
                f"difference in logMAR {np.median(difference):.1e}, at most {difference.max():.1e}"
            )
    return int(largest > AGREES)


def differences(member: Member, eyes: Eyes) -> NDArray[np.float64]:
    """(E,) between the predictions of both, logMAR."""
    pixels, present, preop, covariates = eyes
    network = load_network(member.folder)
    with torch.inference_mode():
        theirs = network(
            torch.from_numpy(pixels[:, :, None]),
            torch.from_numpy(present),
            torch.from_numpy(preop.astype(np.float32)),
            torch.from_numpy(covariates),
        )
    ours = member.network(pixels, present, preop, covariates)
    return np.abs(ours.postop_logmar - theirs.postop_logmar.numpy())


def simulated(predictor: Predictor, count: int) -> Eyes:
    """Eyes with all their views and covariates."""
    with tempfile.TemporaryDirectory() as name:
        cohort = simulate_cohort(Path(name) / "cohort", CohortPlan(n_eyes=count, seed=77))
        spec = predictor.spec
        scans = arrange_views(load_scans(cohort, spec.preprocessing), cohort, spec)
    table = cohort.table
    preop, covariates = table["preop_logmar"], covariate_values(table, spec.covariates)
    return scans.pixels, scans.present, preop.to_numpy(float), covariates


def real(predictor: Predictor, folder: Path, most: int) -> Eyes:
    """Each scan as the first view of a right eye, of which nothing else is known but the acuity."""
    spec = predictor.spec
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)[:most]
    height, width = spec.preprocessing.height, spec.preprocessing.width
    pixels = np.zeros((len(files), len(spec.views), height, width), np.uint8)
    direction = next(iter(spec.views.values())).direction
    for place, path in enumerate(files):
        pixels[place, 0] = spec.preprocessing(read_bscan(path).pixels, "OD", direction)
    present = np.zeros(pixels.shape[:2], bool)
    present[:, 0] = True
    covariates = np.full((len(files), len(spec.covariates)), np.nan, np.float32)
    return pixels, present, np.linspace(0.0, 1.5, len(files)), covariates


if __name__ == "__main__":
    sys.exit(main())
