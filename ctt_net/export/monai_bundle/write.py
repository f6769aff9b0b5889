"""From a model or run folder to a MONAI Bundle."""

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from ctt_net.baselines.clinical import read_baselines, write_baselines
from ctt_net.errors import InputError
from ctt_net.export.monai_bundle.card import render_card
from ctt_net.export.monai_bundle.layout import (
    CARD_FILE,
    INFERENCE_FILE,
    LICENCE_FILE,
    LOGGING_FILE,
    METADATA_FILE,
    SCHEMA_FILE,
    WEIGHTS_FILE,
    member_folder,
)
from ctt_net.export.monai_bundle.metadata import bundle_metadata
from ctt_net.export.monai_bundle.run import load_predictor
from ctt_net.io.atomic_folder import check_not_taken, new_folder
from ctt_net.io.atomic_write import atomic_write, roll_back_unfinished
from ctt_net.metrics.summary import METRICS_FILE, read_metrics
from ctt_net.model_folder.digests import seal, sha256_of
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor
from ctt_net.training.architecture import load_network


def out_of_fold_metrics(run: Path) -> dict[str, float]:
    """Error of each fold's model on the eyes that it never saw; empty if the folder has none.

    Args:
        run: Run or model folder.

    Raises:
        InputError: If metrics.json is damaged.
    """
    roll_back_unfinished(run)
    path = run / METRICS_FILE
    if not path.is_file():
        return {}
    data = read_metrics(run)
    try:
        error = data["regression"]["mae"]
        return {
            "out_of_fold_eyes": int(data["n_eyes"]),
            "out_of_fold_patients": int(data["n_patients"]),
            "out_of_fold_mae_logmar": float(error["value"]),
            "out_of_fold_mae_ci95_low_logmar": float(error["ci95"][0]),
            "out_of_fold_mae_ci95_high_logmar": float(error["ci95"][1]),
        }
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise InputError(
            f"{path}: damaged ({error!r}); train the run again, or bundle one of its model folders"
        ) from None


def largest_difference(one: Predictor, other: Predictor) -> float:
    """Largest difference in acuity, interval (logMAR) or probability; inf where one says NaN.

    Args:
        one: Any predictor.
        other: Of the same views, preprocessing and outcomes.
    """
    V, prepare = len(one.spec.views), one.spec.preprocessing
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (8, V, 8, 8)).astype(np.uint8)
    size = (prepare.width, prepare.height)
    pixels = np.stack(
        [[cv2.resize(view, size, interpolation=cv2.INTER_CUBIC) for view in eye] for eye in coarse]
    )
    present = rng.random((8, V)) > 0.3
    present[0], present[1] = True, False
    preop = np.append(rng.uniform(0, 1.5, 6), [np.nan, 2.7])
    pixels[~present] = 0
    F = len(one.spec.covariates)
    covariates = rng.integers(0, 2, (8, F)).astype(np.float32)  # a level and a number alike
    covariates[rng.random((8, F)) > 0.7] = np.nan
    found = [predictor.predict(pixels, present, preop, covariates) for predictor in (one, other)]
    worst = 0.0
    for name in ("postop_logmar", "lower_logmar", "upper_logmar", "p_recovery"):
        ours, theirs = (getattr(estimate, name) for estimate in found)
        if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
            return float("inf")
        worst = max(worst, float(np.nanmax(np.abs(ours - theirs), initial=0)))
    return worst


TEMPLATES = Path(__file__).parent / "templates"

# Copied unchanged; they contain no name that a person chose.
CONSTANT_FILES = {
    INFERENCE_FILE: "inference.json",
    LOGGING_FILE: "logging.conf",
    SCHEMA_FILE: "metadata_schema.json",
    LICENCE_FILE: "LICENSE",
}

# As far apart as a model's two files may be: model.onnx was compared with this when it was written.
AGREE = 1e-3


@dataclass(frozen=True)
class Bundled:
    """What was written.

    Args:
        members: Number of networks.
        difference: Largest one from `ctt-net predict` on random inputs, logMAR or probability.
    """

    members: int
    difference: float


def write_bundle(model: Path, out: Path, scan_fingerprints: bool = False) -> Bundled:
    """Write a bundle, and check that it predicts what the model predicts.

    Fingerprints of patients never go along: whoever has them and their key can try all record
    numbers a hospital could have given.

    Args:
        model: Model folder, or run folder for the ensemble of its folds.
        out: Folder to make; must not exist.
        scan_fingerprints: Hand over the fingerprints of the training's scans, by which others can
            see whether a scan of theirs took part.

    Raises:
        InputError: If there is no whole model, `out` exists, or model.onnx and model.safetensors
            are not the same network; nothing is left behind then.
    """
    check_not_taken(out)
    predictor = Predictor.load(model)
    metrics = out_of_fold_metrics(model)
    with new_folder(out) as folder:
        weights = _weights(predictor.members)
        atomic_write(folder / WEIGHTS_FILE, weights)
        for number, member in enumerate(predictor.members, start=1):
            place = member_folder(folder, number)
            _write_member(member, place, scan_fingerprints)
            seal(place, {WEIGHTS_FILE.name: sha256_of(weights)})
        for place, name in CONSTANT_FILES.items():
            atomic_write(folder / place, (TEMPLATES / name).read_bytes())
        metadata = json.dumps(bundle_metadata(predictor, metrics), indent=2, ensure_ascii=False)
        atomic_write(folder / METADATA_FILE, metadata + "\n")
        difference = largest_difference(predictor, load_predictor(folder))
        if difference > AGREE:
            raise InputError(
                f"{model}: its model.safetensors and model.onnx differ by {difference:.2g}; they "
                f"are not of one training, so train this fold again"
            )
        card = render_card(predictor, metrics, difference, scan_fingerprints)
        atomic_write(folder / CARD_FILE, card)
    return Bundled(len(predictor.members), difference)


def _write_member(member: Member, place: Path, scan_fingerprints: bool) -> None:
    """The model folder without its networks, written anew so that nothing else comes along."""
    member.spec.write(place)
    member.calibration.write(place)
    if member.abstention is not None:
        member.abstention.write(place)
    if member.clinical_start is not None:
        member.clinical_start.write(place)
    write_baselines(read_baselines(member.folder), place)
    provenance = member.provenance
    scans, salt = (provenance.scans, provenance.salt) if scan_fingerprints else ((), "")
    replace(provenance, patients=(), scans=scans, salt=salt, origins={}, digests={}).write(place)


def _weights(members: list[Member]) -> bytes:
    """State of a `BundleNetwork`: tensors only, so that it loads with `weights_only`."""
    state = {
        f"members.{number}.{name}": tensor
        for number, member in enumerate(members)
        for name, tensor in load_network(member.folder).state_dict().items()
    }
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()
