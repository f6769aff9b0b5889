"""From a model or run folder to a MONAI Bundle."""

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ctt_net.baselines.clinical import read_baselines, write_baselines
from ctt_net.errors import InputError
from ctt_net.export.monai_bundle.agreement import largest_difference
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
from ctt_net.export.monai_bundle.out_of_fold import out_of_fold_metrics
from ctt_net.export.monai_bundle.run import load_predictor
from ctt_net.io.atomic_folder import check_not_taken, new_folder
from ctt_net.io.atomic_write import atomic_write
from ctt_net.model_folder.digests import seal, sha256_of
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor
from ctt_net.training.architecture import load_network

TEMPLATES = Path(__file__).parent / "templates"

# Written as they are; nothing that a person has named stands in them.
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
        difference: Largest one from `ctt-net predict` on made-up eyes, logMAR or probability.
    """

    members: int
    difference: float


def write_bundle(model: Path, out: Path, scan_fingerprints: bool = False) -> Bundled:
    """Write a bundle, and see that it says what the model says.

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
