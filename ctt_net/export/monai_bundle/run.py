"""What `python -m monai.bundle run` does with a bundle: predict or evaluate, by its networks."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from ctt_net import INTENDED_USE
from ctt_net.errors import InputError
from ctt_net.export.monai_bundle.layout import OUT_FOLDER, WEIGHTS_FILE, member_folders
from ctt_net.export.monai_bundle.network import BundleNetwork, TorchSession
from ctt_net.inference.evaluate import evaluate_model
from ctt_net.inference.predict import predict_patient
from ctt_net.io.progress import progress_bar
from ctt_net.model_folder.digests import sha256_of, verify
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor


def run(
    network: BundleNetwork,
    bundle_root: Path | str,
    patient: str | int | None = None,
    cohort: str | int | None = None,
    output_dir: str | int | None = None,
    preop_va: str | Sequence[str] = (),
    notation: str | None = None,
    device: str = "cpu",
) -> None:
    """Predict a patient folder, or evaluate a cohort folder, and print where the results are.

    Wrong input ends the process with exit code 2 and one message, as in `ctt-net`. Command lines
    turn names such as 42 into numbers, so those are taken, too.

    Args:
        network: As built from `network_def`; the bundle's weights are loaded into it.
        bundle_root: Folder of the bundle.
        patient: Folder with one patient's scans.
        cohort: Cohort folder, in place of `patient`.
        output_dir: Folder for the results; None = `eval` in the bundle.
        preop_va: `EYE=VALUE`, one or several.
        notation: Of those values.
        device: Where to compute; numbers differ slightly between devices.
    """
    out = Path(bundle_root) / OUT_FOLDER if output_dir is None else Path(str(output_dir))
    try:
        if (patient is None) == (cohort is None):
            raise InputError("give --patient FOLDER or --cohort FOLDER, one of the two")
        if cohort is not None and (preop_va or notation is not None):
            raise InputError("--preop_va and --notation go with --patient; a cohort has its own")
        predictor = load_predictor(bundle_root, network, device)
        if patient is not None:
            given = (preop_va,) if isinstance(preop_va, str) else tuple(map(str, preop_va))
            done = predict_patient(str(patient), predictor, out, given, notation)
            print(f"prediction: {done.json_path}\nreport: {done.report_path}")
        else:
            _evaluate(predictor, str(cohort), out)
            print(f"results: {out}")
        print(INTENDED_USE)
    except InputError as error:
        # MONAI would wrap it and show a traceback.
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def load_predictor(
    bundle_root: Path | str, network: BundleNetwork | None = None, device: str = "cpu"
) -> Predictor:
    """The members of a bundle, computed by torch and calibrated as in every other command.

    Args:
        bundle_root: Folder of the bundle.
        network: Its networks, in any state; None = build them.
        device: Where to compute.

    Raises:
        InputError: If the bundle is damaged or the device cannot be used.
    """
    root = Path(bundle_root)
    network = BundleNetwork(root) if network is None else network
    path = root / WEIGHTS_FILE
    folders = member_folders(root)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; make the bundle again") from None
    made_with = {verify(folder).digests.get(path.name) for folder in folders} - {None}
    if made_with - {sha256_of(content)}:
        raise InputError(
            f"{path}: is not the file that this bundle was made with; get the bundle again"
        )
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except Exception as error:  # torch has no base class for what a damaged file can cause
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: does not fit the networks of this bundle: {reason}") from None
    try:
        network.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r}: {str(error).splitlines()[0]}; use cpu") from None
    return Predictor(
        [
            Member(folder, TorchSession(member))
            for folder, member in zip(folders, network.members, strict=True)
        ]
    )


def _evaluate(predictor: Predictor, cohort: str, out: Path) -> None:
    """Without fingerprints train-test overlap cannot be checked, and the report says so."""
    checkable = any(member.provenance.scans for member in predictor.members)
    with progress_bar("reading scans") as progress:
        evaluate_model(predictor, cohort, out, allow_training_eyes=not checkable, progress=progress)
