"""A timm network with the weights that were asked for, or a clear refusal."""

import inspect
import os
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import timm
import torch
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.utils import get_session
from timm.models import PretrainedCfg
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.backbone.origin import UNKNOWN_LICENCE, WeightsOrigin, origin_of_file
from ctt_net.models.backbone.weights import (
    encoder_tensors,
    packaged_weights,
    read_weights,
    renamed_like,
)


# timm's networks share no typed interface, hence Any.
def create_network(name: str, weights: str, channels: int = 1) -> Any:
    """Build a network whose output is its last map, not pooled.

    Args:
        name: timm's name.
        weights: As in `TimmBackbone`.
        channels: Of its input.

    Raises:
        InputError: If the name is unknown or the weights cannot be had or do not fit.
    """
    _check_name(name)
    # Without a pool the network keeps what it does behind it (a norm, a wider layer), which
    # forward_features leaves out: those layers would have no gradient and their weights no use.
    options: dict[str, Any] = {"num_classes": 0, "in_chans": channels, "global_pool": ""}
    if _takes_any_size(name):
        options["dynamic_img_size"] = True
    if weights == "none":
        return _random(name, options)
    if weights == "hub":
        return from_hub(name, options)
    path = weights_path(name, weights)
    state = encoder_tensors(read_weights(path))
    state = renamed_like(state, timm.create_model(name).state_dict())
    return _from_state(name, options, state, path)


def weights_path(name: str, weights: str) -> Path:
    """The file that `weights` means: the one of a package, or the one that is named."""
    return packaged_weights(name) if weights == "packaged" else Path(weights)


def weights_origin(name: str, weights: str, licence: str | None) -> WeightsOrigin | None:
    """Where the weights come from; None if they are random."""
    if weights == "none":
        return None
    if weights == "hub":
        return hub_origin(name, licence)
    return origin_of_file(weights_path(name, weights), licence)


def input_size(name: str) -> tuple[int, int]:
    """Height and width that a network was pretrained with, by timm's data config.

    Raises:
        InputError: If the name is unknown.
    """
    _check_name(name)
    config = timm.get_pretrained_cfg(name)
    _, height, width = config.input_size if config is not None else (3, 224, 224)
    return height, width


def _check_name(name: str) -> None:
    known = timm.list_models()
    if name not in known and name.split(".")[0] not in known:
        close = get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise InputError(f"backbone.name: timm has no network {name!r}{hint}")


@cache
def _takes_any_size(name: str) -> bool:
    """Whether a transformer has an argument for scans that are not of its training size."""
    with torch.device("meta"):
        kind = type(timm.create_model(name))
    return any("dynamic_img_size" in inspect.signature(c).parameters for c in kind.__mro__[:-1])


def _random(name: str, options: dict[str, Any]) -> Any:
    try:
        return timm.create_model(name, **options)
    except AssertionError as error:  # how timm refuses to leave the pool out
        raise InputError(
            f"backbone.name: {name} has no map of features: {error} Take another network"
        ) from None


def _from_state(
    name: str, options: dict[str, Any], state: dict[str, Tensor], path: Path
) -> nn.Module:
    # Tensors that timm does not recognise are dropped with a log line, and the network would train
    # from random weights unnoticed: build it twice from one seed and see what the file changed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = _random(name, options).state_dict()
        torch.manual_seed(0)
        try:
            network = timm.create_model(
                name, pretrained=True, pretrained_cfg_overlay={"state_dict": state}, **options
            )
        except Exception as error:  # whatever a foreign tensor makes timm's converters raise
            reason = (str(error) or type(error).__name__).splitlines()[0][:160]
            raise InputError(f"backbone.weights: {path} does not fit {name}: {reason}") from None
    missing = [
        key
        for key, value in network.state_dict().items()
        # A vector of the file may well be all ones or zeros, as at the start; a matrix may not.
        if torch.equal(value, plain[key]) and (value.ndim > 1 or key not in state)
        if not key.endswith("num_batches_tracked")
    ]
    if missing:
        raise InputError(
            f"backbone.weights: {path} does not fit {name}: {len(missing)} of its tensors are not "
            f"in the file, such as {missing[0]}"
        )
    return network


# Seconds for one response of the hub, and for all that precedes it, such as a name server.
RESPONSE = 5.0
PATIENCE = 10.0
FILES = ("model.safetensors", "pytorch_model.bin")


def from_hub(name: str, options: dict[str, Any]) -> Any:
    """A network with timm's weights.

    The library's own retries against a dead network take one to three minutes, so the hub is asked
    for a sign of life first; a file that is in the cache needs no network.

    Args:
        name: timm's name.
        options: Of `timm.create_model`.

    Raises:
        InputError: If timm has no weights for it or they cannot be had here.
    """
    # timm only logs that there are none, and the network would train from random weights.
    if not timm.is_model_pretrained(name):
        raise InputError(
            f"backbone.weights: timm has no weights for {name!r}; give the path of a weights file, "
            f"or 'none'"
        )
    config = timm.get_pretrained_cfg(name)
    offline = constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE") == "1"
    overlay: dict[str, Any] = {}
    cached = cached_file(config)
    if cached is not None:
        overlay = {"pretrained_cfg_overlay": {"file": cached}}
    elif config.hf_hub_id and (offline or not is_reachable(constants.ENDPOINT)):
        reason = " (HF_HUB_OFFLINE is set)" if offline else ": the hub does not respond"
        raise _unavailable(name, reason)
    try:
        return timm.create_model(name, pretrained=True, **overlay, **options)
    except Exception as error:
        raise _unavailable(name, "") from error


def hub_origin(name: str, licence: str | None) -> WeightsOrigin:
    """What timm says of its weights."""
    config = timm.get_pretrained_cfg(name)
    full = f"timm {name.split('.')[0]}" + (f".{config.tag}" if config.tag else "")
    return WeightsOrigin(full, licence or config.license or UNKNOWN_LICENCE, config.paper_name)


def cached_file(config: PretrainedCfg) -> str | None:
    """The weights file in this machine's cache, if it is there."""
    if not config.hf_hub_id:
        return None
    repository, _, revision = config.hf_hub_id.partition("@")
    names = (config.hf_hub_filename,) if config.hf_hub_filename else FILES
    for file in names:
        found = try_to_load_from_cache(repository, file, revision=revision or None)
        if isinstance(found, str):
            return found
    return None


def is_reachable(address: str, response: float = RESPONSE, patience: float = PATIENCE) -> bool:
    """Whether a server responds there, through a proxy if one is set, within some seconds."""
    statuses: list[int] = []

    def ask() -> None:
        try:
            statuses.append(get_session().head(address, timeout=response).status_code)
        except Exception:  # of whichever library the hub's client stands on
            return

    # Looking up a name has no timeout of its own.
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return bool(statuses)


def _unavailable(name: str, reason: str) -> InputError:
    return InputError(
        f"backbone.weights: timm's hub weights of {name!r} cannot be had here{reason}; give the "
        f"path of a weights file, or 'none'"
    )
