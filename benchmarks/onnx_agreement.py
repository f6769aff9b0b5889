"""How far what ONNX Runtime predicts is from what torch predicts with the same weights.

```sh
python -m benchmarks.onnx_agreement simulated --real data/real
```

100 simulated eyes of two scans each, and the scans of a folder as eyes of one view. Ends with exit
code 1 where a prediction differs by more than 1e-4 logMAR. With `--int8` also what the convolutions
in int8 change, quantised by half of the simulated eyes and measured on the others.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ctt_net.data.scans import load_scans
from ctt_net.imaging import read_bscan
from ctt_net.io.onnx_file import open_onnx
from ctt_net.model_folder.member import ONNX_FILE, Member
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
    parser.add_argument("--int8", action="store_true", help="also in int8")
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
        if options.int8:
            print(int8_in_words(member, kinds["simulated"]))
    return int(largest > AGREES)


def int8_in_words(member: Member, eyes: Eyes) -> str:
    """How far the network in int8 is from itself in float32 on the second half of some eyes."""
    half = len(eyes[0]) // 2

    def part(piece: slice) -> dict[str, Any]:
        pixels, present, preop, covariates = (one[piece] for one in eyes)
        feeds = {
            "views": pixels[:, :, None],
            "view_present": present,
            "preop_logmar": preop.astype(np.float32),
        }
        return feeds | ({"covariates": covariates} if member.spec.covariates else {})

    seen, new = part(slice(half)), part(slice(half, None))
    with tempfile.TemporaryDirectory() as name:
        path = Path(shutil.copy(member.folder / ONNX_FILE, name))
        sessions = open_onnx(path, "", threads=1), quantised(path, iter([seen]), threads=1)
        exact, small = (session.run(None, new)[0] for session in sessions)
        sizes = [file.stat().st_size / 1e6 for file in (path, path.with_name("int8.onnx"))]
    difference = np.abs(exact - small)
    return (
        f"{member.folder}: in int8, {sizes[1]:.2f} MB instead of {sizes[0]:.2f}, predictions of "
        f"{len(difference)} eyes differ by {np.median(difference):.4f} logMAR in the median, "
        f"{np.quantile(difference, 0.95):.4f} at the 95th percentile, at most "
        f"{difference.max():.4f}"
    )


def quantised(path: Path, batches: Iterator[dict[str, Any]], threads: int) -> Any:
    """A session of the network in int8: ONNX Runtime's static quantisation.

    Args:
        path: Of the network in float32.
        batches: Eyes by which the ranges of values are set.
        threads: Of a run.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, Any] | None:
            return next(batches, None)

    ready, place = path.with_name("ready.onnx"), path.with_name("int8.onnx")
    quant_pre_process(path, ready, skip_symbolic_shape=True)
    quantize_static(
        ready, place, Reader(), quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv"],
        per_channel=True,
    )  # fmt: skip
    return open_onnx(place, "", threads=threads)


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
        plan = CohortPlan(n_eyes=count, seed=77, rule="additive")
        cohort = simulate_cohort(Path(name) / "cohort", plan)
        spec = predictor.spec
        scans = arrange_views(load_scans(cohort, spec.preprocessing), cohort, spec)
    return predictor.members[0].inputs(cohort.table, scans)


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
