"""timm's own weights, from the cache of this machine or from the hub, without long waits."""

import os
from threading import Thread
from typing import Any

import timm
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.utils import get_session
from timm.models import PretrainedCfg

from ctt_net.errors import InputError
from ctt_net.models.backbone.origin import UNKNOWN_LICENCE, WeightsOrigin

# Seconds for one answer of the hub, and for all that may come before it, such as a name server.
ANSWER = 5.0
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
        reason = " (HF_HUB_OFFLINE is set)" if offline else ": the hub does not answer"
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


def is_reachable(address: str, answer: float = ANSWER, patience: float = PATIENCE) -> bool:
    """Whether anything answers there, through a proxy if one is set, within some seconds."""
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(get_session().head(address, timeout=answer).status_code)
        except Exception:  # of whichever library the hub's client stands on
            return

    # Looking up a name has no timeout of its own.
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return bool(answers)


def _unavailable(name: str, reason: str) -> InputError:
    return InputError(
        f"backbone.weights: timm's hub weights of {name!r} cannot be had here{reason}; give the "
        f"path of a weights file, or 'none'"
    )
