"""Weights in the authors' naming, read safely and refused by name where they do not fit."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ctt_net.errors import InputError
from ctt_net.models.reference.naming import MODULES, aliased, is_unused
from ctt_net.models.reference.network import VARIANTS, ReferenceNet, variant_of

KEY = "net_state_dict"


def load_reference_checkpoint(path: Path, variant: str | None = None) -> ReferenceNet:
    """Read a checkpoint of the published code; nothing in it is run.

    Args:
        path: A .pth file that holds `net_state_dict`.
        variant: As in `load_reference_state_dict`.

    Raises:
        InputError: If the file is no such checkpoint or does not fit.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(f"{path}: no readable checkpoint: {reason}") from None
    state = data.get(KEY) if isinstance(data, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        raise InputError(f"{path}: holds no {KEY!r}, a mapping of names to tensors")
    try:
        return load_reference_state_dict(state, variant)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def load_reference_state_dict(
    state_dict: Mapping[str, Tensor], variant: str | None = None
) -> ReferenceNet:
    """Build a published network and give it weights in the authors' naming.

    Args:
        state_dict: Names to tensors; a prefix `module.` of several GPUs is taken off.
        variant: One of `VARIANTS`; inferred from the names if None, where they decide.

    Returns:
        In eval mode. What took no part is listed in its `ignored`.

    Raises:
        InputError: If tensors are missing, left over or of another shape, by name.
    """
    state = dict(state_dict)
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    name = variant_of(state, variant)
    family = VARIANTS[name].family
    ignored = [key for key in state if is_unused(family, key) or _repeats(state, key)]
    used = {key: tensor for key, tensor in state.items() if key not in set(ignored)}
    net = ReferenceNet(name)
    ours = net.network.state_dict()
    wanted = _wanted(family, list(ours))
    _check_or_raise("lacks", name, [key for key in wanted if key not in used])
    _check_or_raise("has no place for", name, [key for key in used if key not in wanted])
    for theirs, mine in wanted.items():
        pieces = _pieces(used[theirs], len(mine))
        for piece, place in zip(pieces, mine, strict=True):
            if piece.numel() != ours[place].numel() or piece.squeeze().shape != (
                ours[place].squeeze().shape
            ):
                raise InputError(
                    f"reference {name}: {theirs} is of shape {tuple(used[theirs].shape)}, which "
                    f"does not fit"
                )
            ours[place] = piece.reshape(ours[place].shape)
    net.network.load_state_dict(ours)
    net.ignored = tuple(ignored)
    return net.eval()


def _wanted(family: str, ours: Sequence[str]) -> dict[str, list[str]]:
    """Their name of each tensor that we need, and our names of it."""
    wanted: dict[str, list[str]] = {}
    for their_module, our_module in MODULES[family].items():
        for place in ours:
            if place == our_module:
                wanted[their_module] = [place]
            elif place.startswith(f"{our_module}."):
                wanted[their_module + place[len(our_module) :]] = [place]
    if family == "late":
        # One layer over two views side by side is the sum of a layer each.
        wanted |= {f"fc.{k}": [f"project.{v}.{k}" for v in (0, 1)] for k in ("weight", "bias")}
    return wanted


def _pieces(tensor: Tensor, number: int) -> list[Tensor]:
    """A tensor, or that of a layer over several views as one for each."""
    if number == 1:
        return [tensor]
    if tensor.ndim == 1:  # there is one bias in all
        return [tensor, *(torch.zeros_like(tensor) for _ in range(number - 1))]
    return list(tensor.chunk(number, dim=1))


def _repeats(state: Mapping[str, Tensor], key: str) -> bool:
    """Whether a tensor is held a second time under this name.

    Raises:
        InputError: If the two differ, so that nobody knows which is meant.
    """
    first = aliased(key)
    if first is None or first not in state:
        return False
    if not torch.equal(state[first], state[key]):
        raise InputError(f"reference: {key} and {first} must be the same tensor, and differ")
    return True


def _check_or_raise(what: str, variant: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise InputError(
            f"reference: {variant} {what} {', '.join(names[:5])}{more}; is it another variant?"
        )
