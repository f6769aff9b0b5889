"""What scans add to acuity and clinical columns on a small cohort, without training a network.

Run from the checkout:

    python -m benchmarks.biomarkers data/chu_quebec --seeds 10

Three descriptions of a scan: measures of the macula (`ctt-net measure`), features of the
segmentation network under its own layers and lesions, and features of a network trained on
photographs (ImageNet), the latter two reduced by principal components as published late fusions do.
Each alone, with the preoperative acuity, and with the clinical columns, by a support vector machine
whose C is chosen inside the training folds. Folds are grouped by patient; an eye's error is its
mean over the seeds, and differences come with the patient bootstrap, so that repeats do not count
as eyes. Research use only. Not a medical device.
"""

import argparse
import warnings
from collections.abc import Hashable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVR

from ctt_net.biomarkers import Segmenter, measure
from ctt_net.biomarkers.segmenter import network_input
from ctt_net.cohort import Cohort, read_cohort
from ctt_net.imaging import read_bscan
from ctt_net.imaging.segmentation import ONNX_FILE, WEIGHTS_FOLDER
from ctt_net.io.progress import progress_bar
from ctt_net.metrics.bootstrap import patient_bootstrap
from ctt_net.metrics.weighted import mean
from ctt_net.models.backbone.timm_network import create_network
from ctt_net.models.segmentation import SegmentationNet

Floats = NDArray[np.float64]

MEASURES = (
    "hole_minimum_diameter_um", "hole_base_diameter_um", "hole_height_um", "cyst_area_mm2",
    "ellipsoid_gap_um", "elm_gap_um", "parafoveal_thickness_um", "subretinal_fluid_area_mm2",
)  # fmt: skip
COMPONENTS = 8
# EfficientNet-Lite0 (Tan 2019, arXiv 1905.11946), trained on ImageNet.
PHOTOGRAPHS = "tf_efficientnet_lite0"
LETTERS_PER_LOGMAR = 50.0


def main() -> None:
    """Measure, cross-validate, print one row a set of predictors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path, help="cohort folder with postoperative acuity")
    parser.add_argument("--seeds", type=int, default=10, help="repeats of 5 folds (default: 10)")
    parser.add_argument("--view", help="of the scans (default: the first)")
    parser.add_argument("--human", nargs="*", default=[], help="covariates a human measured")
    parser.add_argument("--axial-um", type=float, default=4.0, help="of a pixel of every scan")
    parser.add_argument("--lateral-um", type=float, default=8.0, help="of a pixel of every scan")
    parser.add_argument("--imagenet", action="store_true", help="needs the extra `pretrained`")
    parser.add_argument("--out", type=Path, help="CSV of every eye's mean error")
    options = parser.parse_args()
    cohort = read_cohort(options.cohort)
    cohort = cohort.where(cohort.table["postop_logmar"].notna())
    view = options.view or next(iter(cohort.spec.views))
    scans = describe(cohort, view, options.axial_um, options.lateral_um, options.imagenet)
    sets = predictor_sets(cohort, scans, options.human)
    truth = cohort.table["postop_logmar"].to_numpy(float)
    patients = cohort.table["patient_id"].astype(str).to_numpy()
    predicted = {
        name: cross_validated(table, truth, patients, options.seeds) for name, table in sets.items()
    }
    best = "preop VA + clinical"
    for name in [name for name in predicted if name.startswith(best + " +")]:
        predicted[f"mean of ({best}), ({name})"] = 0.5 * (predicted[best] + predicted[name])
    show(predicted, truth, patients, best)
    if options.out is not None:
        errors = {name: np.abs(one - truth).mean(axis=0) for name, one in predicted.items()}
        pd.DataFrame({"eye_id": cohort.table["eye_id"], **errors}).to_csv(options.out, index=False)


def describe(
    cohort: Cohort, view: str, axial_um: float, lateral_um: float, imagenet: bool
) -> dict[str, pd.DataFrame]:
    """Columns by description, one row an eye; an eye without the view has empty ones."""
    segmenter, network = Segmenter.load(), SegmentationNet.read(WEIGHTS_FOLDER / ONNX_FILE)
    photographs = create_network(PHOTOGRAPHS, "packaged").eval() if imagenet else None
    found: dict[str, dict[Hashable, dict[str, float | None]]] = {"measures": {}, "segmentation": {}}
    if photographs is not None:
        found["ImageNet"] = {}
    with progress_bar("describing scans") as progress:
        for done, (row, path) in enumerate(cohort.table[view].items(), 1):
            if isinstance(path, str) and path:
                pixels = read_bscan(cohort.root / path).pixels
                measured = measure(segmenter.segment(pixels), axial_um, lateral_um)
                found["measures"][row] = {name: measured[name] for name in MEASURES}
                scan = torch.from_numpy(network_input(pixels))[None, None]
                with torch.inference_mode():
                    found["segmentation"][row] = _numbered(network.pooled(scan)[0])
                    if photographs is not None:
                        found["ImageNet"][row] = _numbered(photographs(scan).mean(dim=(2, 3)))
            progress(done, len(cohort.table))
    return {
        name: pd.DataFrame.from_dict(rows, orient="index").reindex(cohort.table.index).astype(float)
        for name, rows in found.items()
    }


def _numbered(features: torch.Tensor) -> dict[str, float | None]:
    return {f"f{index}": float(value) for index, value in enumerate(features.flatten())}


def predictor_sets(
    cohort: Cohort, scans: dict[str, pd.DataFrame], human: list[str]
) -> dict[str, pd.DataFrame]:
    """Columns of every row of the table; the human's measurements only where it says so."""
    names = [name for name in cohort.spec.covariates if name != "preop_logmar"]
    acuity = cohort.table[["preop_logmar"]]
    clinical = cohort.table[[name for name in names if name not in human]]
    sets = {
        "mean": pd.DataFrame({"constant": 0.0}, index=acuity.index),
        "preop VA": acuity,
        "clinical": clinical,
        "preop VA + clinical": acuity.join(clinical),
    }
    if human:
        sets[f"preop VA + clinical + {', '.join(human)} by a human"] = acuity.join(
            cohort.table[names]
        )
    for name, columns in scans.items():
        own = columns.add_prefix(f"scan_{name}_")
        sets[name] = own
        sets[f"preop VA + {name}"] = acuity.join(own)
        sets[f"preop VA + clinical + {name}"] = acuity.join(clinical).join(own)
    return sets


def model(table: pd.DataFrame) -> Pipeline:
    """Impute, scale, reduce features of networks, and a support vector machine with an inner C."""
    text = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    names = map(str, table)
    features = [name for name in names if name.startswith("scan_") and "measures" not in name]
    plain = [name for name in table if name not in (*text, *features)]
    numbers = make_pipeline(SimpleImputer(add_indicator=False), StandardScaler())
    reduced = make_pipeline(
        SimpleImputer(), StandardScaler(), PCA(COMPONENTS, random_state=0), StandardScaler()
    )
    columns = make_column_transformer(
        (numbers, plain), (reduced, features), (OneHotEncoder(handle_unknown="ignore"), text)
    )
    return make_pipeline(columns, SVR(epsilon=0.05))


def cross_validated(
    table: pd.DataFrame, truth: Floats, patients: NDArray[np.object_], seeds: int
) -> Floats:
    """Out-of-fold predictions: (seeds, n)."""
    predicted = np.empty((seeds, len(truth)))
    for seed in range(seeds):
        folds = GroupKFold(5, shuffle=True, random_state=seed)
        for train, test in folds.split(table, groups=patients):
            inner = GroupKFold(4, shuffle=True, random_state=seed)
            search = GridSearchCV(
                model(table),
                {"svr__C": [0.03, 0.1, 0.3, 1.0, 3.0]},
                scoring="neg_mean_absolute_error",
                cv=inner.split(train, groups=patients[train]),
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # columns that are empty in a fold
                search.fit(table.iloc[train], truth[train])
            predicted[seed, test] = search.predict(table.iloc[test])
    return predicted


def show(
    predicted: dict[str, Floats], truth: Floats, patients: NDArray[np.object_], best: str
) -> None:
    """One row a set: error, and its difference to the clinical predictors."""
    errors = {name: np.abs(one - truth).mean(axis=0) for name, one in predicted.items()}
    print(f"{len(truth)} eyes; MAE in logMAR (letters); difference to {best!r} with 95% interval")
    for name, error in errors.items():
        difference = error - errors[best]
        apart = patient_bootstrap(partial(mean, difference), patients)
        low, high = apart["ci95"] or (float("nan"), float("nan"))
        print(
            f"{name:60s} {error.mean():.4f} ({LETTERS_PER_LOGMAR * error.mean():.2f})  "
            f"{apart['value']:+.4f} ({low:+.4f} to {high:+.4f})"
        )


if __name__ == "__main__":
    main()
