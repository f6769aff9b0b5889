"""Which tensors of one network have a counterpart in another one's weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ctt_net.models import MultiViewNet

# Parts of a network by the first word of their tensors' names, as a person would call them.
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
class Match:
    """What is taken over and what starts anew.

    Args:
        taken: Tensors by their name in the network.
        missed: Why a tensor of the network has no counterpart, by its name there.
    """

    taken: Mapping[str, Tensor]
    missed: Mapping[str, str]

    def missed_of(self, part: str) -> dict[str, str]:
        """What one part lacks."""
        return {name: why for name, why in self.missed.items() if _part(name) == part}

    def in_words(self) -> str:
        """One line: what was taken, and what starts anew."""
        whole, some, anew = [], [], []
        for part, word in PARTS.items():
            taken = sum(_part(name) == part for name in self.taken)
            missed = sum(_part(name) == part for name in self.missed)
            if taken and not missed:
                whole.append(word)
            elif taken:
                some.append(f"{word} ({taken} of {taken + missed} tensors)")
            elif missed:
                anew.append(word)
        return f"{', '.join([*whole, *some])}; anew: {', '.join(anew) or 'nothing'}"


def match_tensors(
    network: MultiViewNet,
    views: Sequence[str],
    state: Mapping[str, Tensor],
    architecture: Mapping[str, Any],
    their_views: Sequence[str],
    same_covariates: bool,
) -> Match:
    """Find a counterpart of the same name and shape for each tensor of a network.

    What belongs to a view has the name of that view, wherever in order it stands. Tensors of a
    fusion or a covariate encoder are taken from one of the same class only. The head has none, and
    neither have the scales of covariates, which are those of a cohort, nor adapters.

    Args:
        network: To be filled.
        views: Names of its views.
        state: Tensors to take from.
        architecture: Of the network they come from.
        their_views: Names of its views.
        same_covariates: Whether both take the same columns.
    """
    taken: dict[str, Tensor] = {}
    missed: dict[str, str] = {}
    learned = dict(network.named_parameters())
    other_class = {
        part: _class_of(architecture.get(part)) != type(getattr(network, part)).__name__
        for part in ("fusion", "covariates")
    }
    for name, tensor in network.state_dict().items():
        part = _part(name)
        if part == "head" or "lora_" in name or (part == "covariates" and name not in learned):
            if part == "head":
                missed[name] = "always starts anew"
            continue
        if other_class.get(part) or (part == "covariates" and not same_covariates):
            missed[name] = "of another kind or of other columns"
            continue
        if part == "view_embedding":
            found = _rows_by_view(tensor, state.get(name), views, their_views)
        else:
            found = state.get(
                _name_there(name.replace(".base_layer.", "."), views, state, their_views)
            )
        if found is None:
            missed[name] = "not there"
        elif found.shape != tensor.shape:
            missed[name] = f"{_size(found)} there, {_size(tensor)} here"
        else:
            taken[name] = found
    return Match(taken, missed)


def _part(name: str) -> str:
    return name.split(".", 1)[0]


def _class_of(described: Any) -> str:
    return str((described or {}).get("class_path", "")).rsplit(".", 1)[-1]


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def _name_there(
    name: str, views: Sequence[str], state: Mapping[str, Tensor], their_views: Sequence[str]
) -> str:
    """Name of a counterpart: members of the shared kind, or of the view of the same name."""
    part, *rest = name.split(".")
    if part not in ("backbone", "project"):
        return name
    theirs = {key.split(".")[1] for key in state if _part(key) == part}
    number = "0"
    if len(theirs) > 1:  # one for each view
        view = views[int(rest[0])]
        number = str(their_views.index(view)) if view in their_views else "none"
    return ".".join([part, number, *rest[1:]])


def _rows_by_view(
    ours: Tensor, theirs: Tensor | None, views: Sequence[str], their_views: Sequence[str]
) -> Tensor | None:
    """The view embedding with the rows of views that both know; None if they share none."""
    known = [view for view in views if view in their_views]
    if theirs is None or not known:
        return None
    if theirs.shape[1:] != ours.shape[1:]:
        return theirs  # and its size is refused
    rows = ours.clone()
    for view in known:
        rows[views.index(view)] = theirs[their_views.index(view)].to(rows)
    return rows
