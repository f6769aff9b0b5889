"""`model.start_from`: initial weights from a pretraining, or from a model of another training."""

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
from ctt_net.training.pretrain.folder import PRETRAINED_FILE, PRETRAINED_WEIGHTS, PretrainedSpec

KEY = "model.start_from"

# Parts of a network by the first word of their tensors' names, and what users call them.
PARTS = {
    "backbone": "backbone",
    "project": "projection",
    "view_embedding": "view embeddings",
    "place_embedding": "place embeddings",
    "covariates": "covariates",
    "fusion": "fusion",
    "head": "head",
}


@dataclass(frozen=True)
class Source:
    """What a training starts from.

    Args:
        folder: Of a pretraining, or a model folder.
        spec: Contents of its `pretrained.yaml` or `model.yaml`.
        state: Tensors by name.
        digest: SHA-256 of the weights file.
        provenance: Of a model folder: its patients. None for a pretraining, whose eyes do not
            exist.
    """

    folder: Path
    spec: PretrainedSpec | ModelSpec
    state: Mapping[str, Tensor]
    digest: str
    provenance: Provenance | None

    @property
    def architecture(self) -> dict[str, Any]:
        """As in `model.yaml`."""
        return dict(current(self.spec.architecture))

    def facts(self) -> dict[str, Any]:
        """For `provenance.json`: no path, which would name folders of the machine."""
        kind = "pretraining on simulated eyes" if self.provenance is None else "model"
        weights = self.spec.weights
        return {"name": self.spec.name, "kind": kind, "sha256": self.digest, "weights": weights}


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
    return Source(folder, spec, state, sha256(content).hexdigest(), provenance)


@dataclass(frozen=True)
class Start:
    """Which tensors a training takes from its source.

    Args:
        source: Where they come from.
        taken: Tensors by their name in the network.
        missed: Why a tensor of the network has no counterpart, by its name there.
    """

    source: Source
    taken: Mapping[str, Tensor]
    missed: Mapping[str, str]

    def in_words(self) -> str:
        """One line: what was taken, and what is initialised anew."""
        whole, some, anew = [], [], []
        for part, word in PARTS.items():
            taken, missed = (
                sum(_part(name) == part for name in names) for names in (self.taken, self.missed)
            )
            if taken and not missed:
                whole.append(word)
            elif taken:
                some.append(f"{word} ({taken} of {taken + missed} tensors)")
            elif missed:
                anew.append(word)
        return f"{', '.join([*whole, *some])}; anew: {', '.join(anew) or 'nothing'}"


def start_from(folder: str | None, network: MultiViewNet, data: EyeDataModule) -> Start | None:
    """Copy into a network what fits.

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
    source, views = read_source(Path(folder)), tuple(data.cohort.spec.views)
    return take_over(network, source, views, data.preprocessing, data.covariates)


def check_no_overlap(source: Source, data: EyeDataModule, folds: Sequence[int]) -> None:
    """Refuse to report on, or to select a checkpoint by, patients of the source.

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
) -> Start:
    """Copy every tensor that has a counterpart.

    Args:
        network: Changed in place, in nothing but the tensors that were taken.
        source: What they are taken from.
        views: Names of the network's views.
        preprocessing: Of its scans.
        covariates: Of its cohort, in its order.

    Raises:
        InputError: If the scans are prepared otherwise, or the backbone is another one.
    """
    theirs, ours = source.spec.preprocessing.to_dict(), preprocessing.to_dict()
    differ = [
        f"data.preprocessing.{key} ({value} there, {ours.get(key)} here)"
        for key, value in theirs.items()
        if ours.get(key) != value
    ]
    if differ:
        raise InputError(
            f"{KEY}: {source.folder} learned from scans that were prepared otherwise; make these "
            f"agree: {', '.join(differ)}"
        )
    start = match_tensors(network, views, source, covariates)
    # A backbone that is half pretrained and half random is worse than either.
    missed = {name: why for name, why in start.missed.items() if _part(name) == "backbone"}
    if missed:
        name, why = next(iter(missed.items()))
        described = source.architecture["backbone"]
        arguments = ", ".join(f"{k}: {v}" for k, v in described.get("init_args", {}).items())
        raise InputError(
            f"{KEY}: the backbone in {source.folder} is another one ({len(missed)} tensors do not "
            f"fit, such as {name}: {why}); model.backbone and model.sharing must agree with it: "
            f"{described['class_path']} {{{arguments}}}"
        )
    state = network.state_dict()
    for name, tensor in start.taken.items():
        state[name].copy_(tensor)
    return start


def match_tensors(
    network: MultiViewNet,
    views: Sequence[str],
    source: Source,
    covariates: Mapping[str, Covariate],
) -> Start:
    """Find a counterpart of the same name and shape for each tensor of a network.

    Tensors of a view belong to the view of that name, whatever its place. Those of a fusion or a
    covariate encoder are taken from one of the same class only, and of the encoder for the same
    columns only. The head has none, and neither have the scales of covariates, which are those of
    a cohort, nor adapters.
    """
    taken: dict[str, Tensor] = {}
    missed: dict[str, str] = {}
    learned, their_views = dict(network.named_parameters()), tuple(source.spec.views)
    other = {part for part in ("fusion", "covariates") if not _same_class(network, source, part)}
    if _columns(covariates) != _columns(source.spec.covariates):
        other.add("covariates")
    for name, tensor in network.state_dict().items():
        part = _part(name)
        if part == "head":
            missed[name] = "always starts anew"
        elif "lora_" in name or (part == "covariates" and name not in learned):
            continue
        elif part in other:
            missed[name] = "of another kind or of other columns"
        else:
            if part == "view_embedding":
                found = _rows_by_view(tensor, source.state.get(name), views, their_views)
            else:
                theirs = _name_there(name.replace(".base_layer.", "."), views, source)
                found = source.state.get(theirs)
            if found is None:
                missed[name] = "not there"
            elif found.shape != tensor.shape:
                missed[name] = f"{_size(found)} there, {_size(tensor)} here"
            else:
                taken[name] = found
    return Start(source, taken, missed)


def _part(name: str) -> str:
    return name.split(".", 1)[0]


def _same_class(network: MultiViewNet, source: Source, part: str) -> bool:
    path = str((source.architecture.get(part) or {}).get("class_path", ""))
    return path.rsplit(".", 1)[-1] == type(getattr(network, part)).__name__


def _columns(covariates: Mapping[str, Covariate]) -> list[tuple[Any, ...]]:
    """What a network takes of its covariates: which, in which order, of which levels."""
    return [(name, one.kind, one.unit, one.levels) for name, one in covariates.items()]


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def _name_there(name: str, views: Sequence[str], source: Source) -> str:
    """Name of a counterpart: of the shared part, or of the part of the view of the same name."""
    part, *rest = name.split(".")
    if part not in ("backbone", "project"):
        return name
    number, their_views = "0", tuple(source.spec.views)
    if len({key.split(".")[1] for key in source.state if _part(key) == part}) > 1:
        view = views[int(rest[0])]
        number = str(their_views.index(view)) if view in their_views else "none"
    return ".".join([part, number, *rest[1:]])


def _rows_by_view(
    ours: Tensor, theirs: Tensor | None, views: Sequence[str], their_views: Sequence[str]
) -> Tensor | None:
    """The view embedding with the rows of views that both have; None if they share none."""
    known = [view for view in views if view in their_views]
    if theirs is None or not known:
        return None
    if theirs.shape[1:] != ours.shape[1:]:
        return theirs  # and its size is refused
    rows = ours.clone()
    for view in known:
        rows[views.index(view)] = theirs[their_views.index(view)].to(rows)
    return rows
