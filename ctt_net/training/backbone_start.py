"""What a run settles with its backbone before it starts: size of scans, and licence of weights."""

import sys
from importlib import import_module
from typing import Any

from jsonargparse import Namespace

from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.models import MultiViewNet


def take_scan_size(config: Namespace) -> None:
    """Prepare scans in the size that the backbone was pretrained with.

    Args:
        config: Parsed; height and width of its preprocessing are replaced.

    Raises:
        InputError: If the backbone has no size of its own.
    """
    backbone = config.model.backbone
    arguments = backbone.get("init_args") or Namespace()
    module, _, name = backbone.class_path.rpartition(".")
    size = getattr(import_module(module), name).pretrained_size(arguments.as_dict())
    if size is None:
        raise InputError(
            f"scan_size_of_backbone: {name} has no size of its own; set data.preprocessing.height "
            f"and width instead"
        )
    config.data.preprocessing.height, config.data.preprocessing.width = size


def check_backbone(network: Any, preprocessing: Any) -> None:
    """Encode one blank scan, so that a size that does not suit is refused before the first batch.

    Raises:
        InputError: With the size that the backbone needs.
    """
    if isinstance(network, MultiViewNet) and isinstance(preprocessing, Preprocessing):
        network.backbone[0].check_size(preprocessing.height, preprocessing.width)


def say_origin(network: Any) -> None:
    """Print licence and citation of the weights that training starts from, if there are any."""
    if isinstance(network, MultiViewNet):
        origin = network.backbone[0].origin
        if origin is not None:
            print(origin, file=sys.stderr)
