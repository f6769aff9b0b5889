"""`model.start_from`: weights of a pretraining, or of a model from another training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load
from torch import Tensor

from ctt_net.cohort import Covariate
from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.io.renamed import current
from ctt_net.model_folder.digests import check_no_links, verify
from ctt_net.model_folder.provenance import Provenance
from ctt_net.model_folder.spec import SPEC_FILE, ModelSpec
from ctt_net.models import MultiViewNet
from ctt_net.training.architecture import WEIGHTS_FILE
from ctt_net.training.matching import Match, match_tensors
from ctt_net.training.pretrain.folder import PRETRAINED_FILE, PRETRAINED_WEIGHTS, PretrainedSpec

KEY = "model.start_from"


@dataclass(frozen=True)
class Source:
    """What a training starts from.

    Args:
        folder: Of a pretraining, or a model folder.
        name: Of the run it comes from.
        views: Names of the views, in order.
        preprocessing: Of the scans it learned from.
        covariates: Columns that became tokens, in order.
        architecture: As in `model.yaml`.
        state: Tensors by name.
        digest: SHA-256 of the weights file.
        weights: Published weights that it started from itself: name, licence, citation.
        provenance: Of a model folder: its patients. None for a pretraining, whose eyes do not
            exist.
    """

    folder: Path
    name: str
    views: tuple[str, ...]
    preprocessing: Preprocessing
    covariates: Mapping[str, Covariate]
    architecture: Mapping[str, Any]
    state: Mapping[str, Tensor]
    digest: str
    weights: Mapping[str, str] | None
    provenance: Provenance | None

    @property
    def backbone(self) -> str:
        """Its backbone as one would write it in a config."""
        described = self.architecture["backbone"]
        arguments = described.get("init_args", {})
        inner = ", ".join(f"{key}: {value}" for key, value in arguments.items())
        return f"{described['class_path']} {{{inner}}}"

    def facts(self) -> dict[str, Any]:
        """For `provenance.json`: no path, which would name folders of the machine."""
        kind = "pretraining on simulated eyes" if self.provenance is None else "model"
        return {"name": self.name, "kind": kind, "sha256": self.digest, "weights": self.weights}


def read_source(folder: Path) -> Source:
    """Read the folder of a pretraining, or a model folder.

    Raises:
        InputError: If it is neither, or damaged.
    """
    if (folder / PRETRAINED_FILE).is_file():
        check_no_links(folder, (PRETRAINED_FILE, PRETRAINED_WEIGHTS))
        provenance: Provenance | None = None
        spec: PretrainedSpec | ModelSpec = PretrainedSpec.read(folder)
        weights = folder / PRETRAINED_WEIGHTS
    elif (folder / SPEC_FILE).is_file():
        provenance = verify(folder)
        spec, weights = ModelSpec.read(folder), folder / WEIGHTS_FILE
    else:
        raise InputError(
            f"{KEY}: {folder} holds neither {PRETRAINED_FILE} nor {SPEC_FILE}; give the folder "
            f"that `ctt-net pretrain` made, or the model folder of a training "
            f"(runs/<name>/fold_<k>/model)"
        )
    try:
        content = weights.read_bytes()
        state = load(content)
    except OSError as error:
        raise InputError(f"{KEY}: {weights}: cannot be read: {error.strerror}") from None
    except Exception as error:  # whatever safetensors says of a file that is none
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{KEY}: {weights}: no readable weights file: {reason}") from None
    return Source(
        folder, spec.name, tuple(spec.views), spec.preprocessing, spec.covariates,
        current(spec.architecture), state, sha256(content).hexdigest(), spec.weights, provenance,
    )  # fmt: skip


@dataclass(frozen=True)
class Start:
    """How a training began: from what, and with which of its tensors."""

    source: Source
    match: Match

    def in_words(self) -> str:
        """One line for whoever trains."""
        return f"starts from {self.source.folder}: {self.match.in_words()}"


def start_from(folder: str | None, network: MultiViewNet, data: EyeDataModule) -> Start | None:
    """Take over into a network whatever fits.

    Args:
        folder: Of a pretraining, or a model folder; None starts anew.
        network: Changed in place.
        data: Of the training that begins; its tables are read, no scan.

    Raises:
        InputError: If it is no such folder, the scans are prepared otherwise, or the backbone is
            another one.
    """
    if folder is None:
        return None
    source = read_source(Path(folder))
    views = tuple(data.cohort.spec.views)
    match = take_over(network, source, views, data.preprocessing, data.covariates)
    return Start(source, match)


def check_no_overlap(source: Source, data: EyeDataModule, folds: Sequence[int]) -> None:
    """Refuse to report on, or to choose a checkpoint by, patients of the source.

    Those that train again do no harm.

    Args:
        source: What the training starts from.
        data: Of the training; its fold is set.
        folds: To be trained.

    Raises:
        InputError: If there are such patients.
    """
    if source.provenance is None:
        return
    for fold in folds:
        data.fold = fold
        held_back = pd.concat([data.part("test"), data.part("val")])
        patients = held_back["patient_id"].unique()
        known = [who for who in patients if source.provenance.knows_patient(str(who))]
        if known:
            raise InputError(
                f"{KEY}: {source.folder} was trained on {len(known)} of the {len(patients)} "
                f"patients that fold {fold} reports on or chooses its checkpoint by, such as "
                f"{known[0]!r}; their figures would be too good. Start from a model of another "
                f"cohort, or from a pretraining"
            )


@torch.no_grad()
def take_over(
    network: MultiViewNet,
    source: Source,
    views: Sequence[str],
    preprocessing: Preprocessing,
    covariates: Mapping[str, Covariate],
) -> Match:
    """Copy every tensor that has a counterpart.

    Args:
        network: Changed in place, in nothing but the tensors that were taken.
        source: What they are taken from.
        views: Names of the network's views.
        preprocessing: Of its scans.
        covariates: Of its cohort, in its order.

    Returns:
        What was taken and what was not.

    Raises:
        InputError: If the scans are prepared otherwise, or the backbone is another one.
    """
    _check_same_scans(source, preprocessing)
    same = _columns(covariates) == _columns(source.covariates)
    match = match_tensors(
        network, views, source.state, source.architecture, source.views, same_covariates=same
    )
    # A backbone that is half pretrained and half random is worse than either.
    missed = match.missed_of("backbone")
    if missed:
        name, why = next(iter(missed.items()))
        raise InputError(
            f"{KEY}: the backbone in {source.folder} is another one ({len(missed)} tensors do not "
            f"fit, such as {name}: {why}); model.backbone and model.sharing must agree with it: "
            f"{source.backbone}"
        )
    state = network.state_dict()
    for name, tensor in match.taken.items():
        state[name].copy_(tensor)
    return match


def _check_same_scans(source: Source, preprocessing: Preprocessing) -> None:
    theirs, ours = source.preprocessing.to_dict(), preprocessing.to_dict()
    differ = [key for key, value in theirs.items() if ours.get(key) != value]
    if differ:
        keys = ", ".join(
            f"data.preprocessing.{key} ({theirs[key]} there, {ours.get(key)} here)"
            for key in differ
        )
        raise InputError(
            f"{KEY}: {source.folder} learned from scans that were prepared otherwise; make these "
            f"agree: {keys}"
        )


def _columns(covariates: Mapping[str, Covariate]) -> list[tuple[Any, ...]]:
    """What a network takes of its covariates: which, in which order, of which levels."""
    return [(name, one.kind, one.unit, one.levels) for name, one in covariates.items()]
