"""A timm network with the weights that were asked for, or a clear refusal."""

import inspect
import os
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.backbone.weights import packaged_weights, read_weights, renamed_like


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
    known = timm.list_models()
    if name not in known and name.split(".")[0] not in known:
        close = get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise InputError(f"backbone.name: timm has no network {name!r}{hint}")
    # Without a pool the network keeps what it does behind it (a norm, a wider layer), which
    # forward_features leaves out: those layers would have no gradient and their weights no use.
    options: dict[str, Any] = {"num_classes": 0, "in_chans": channels, "global_pool": ""}
    if _takes_any_size(name):
        options["dynamic_img_size"] = True
    if weights == "none":
        return timm.create_model(name, **options)
    if weights == "hub":
        return _from_hub(name, options)
    path = packaged_weights(name) if weights == "packaged" else Path(weights)
    state = renamed_like(read_weights(path), timm.create_model(name).state_dict())
    return _from_state(name, options, state, path)


@cache
def _takes_any_size(name: str) -> bool:
    """Whether a transformer has to be told that scans are not of its training size."""
    with torch.device("meta"):
        kind = type(timm.create_model(name))
    return any("dynamic_img_size" in inspect.signature(c).parameters for c in kind.__mro__[:-1])


def _from_hub(name: str, options: dict[str, Any]) -> nn.Module:
    # timm only logs that there are none, and the network would train from random weights.
    if not timm.is_model_pretrained(name):
        raise InputError(
            f"backbone.weights: timm has no weights for {name!r}; give the path of a weights file, "
            f"or 'none'"
        )
    try:
        return timm.create_model(name, pretrained=True, **options)
    except Exception as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") == "1" else ""
        raise InputError(
            f"backbone.weights: timm's hub weights of {name!r} cannot be had here{offline}; give "
            f"the path of a weights file, or 'none'"
        ) from error


def _from_state(
    name: str, options: dict[str, Any], state: dict[str, Tensor], path: Path
) -> nn.Module:
    # Tensors that timm does not recognise are dropped with a log line, and the network would train
    # from random weights unnoticed: build it twice from one seed and see what the file changed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        plain = timm.create_model(name, **options).state_dict()
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
