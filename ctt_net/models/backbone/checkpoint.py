"""Tensors of other people's checkpoints under the names that a backbone of timm's knows."""

import logging
import re
from collections.abc import Mapping

from torch import Tensor

LOG = logging.getLogger(__name__)

# Where trainings keep the network besides its optimiser; the first that is there counts.
WRAPPERS = ("teacher", "state_dict", "model")
# What stands before every name: distributed training, self-distillation.
PREFIXES = ("module.", "backbone.")
# What a backbone has no use for: a decoder, classifiers and heads of a self-supervised training.
DROPPED = re.compile(r"(decoder_|decoder\.|head\.|fc\.|classifier\.|dino_head|ibot_head)")


def encoder_tensors(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keep a vision transformer's encoder; anything else comes back as it is.

    Made for checkpoints of masked autoencoders (RETFound: encoder, decoder and mask in one), of
    their fine-tuned forms (a norm behind the pool instead of before it), and of DINOv2 (teacher
    with heads, blocks in chunks). Position embeddings of another size are resampled by timm.

    Args:
        weights: As read.
    """
    named = dict(weights)
    for prefix in PREFIXES:
        if any(name.startswith(prefix) for name in named):
            left = [name for name in named if not name.startswith(prefix)]
            _say(left, f"not below {prefix}")
            named = {k[len(prefix) :]: v for k, v in named.items() if k.startswith(prefix)}
    if "patch_embed.proj.weight" not in named:
        return named
    # DINOv2 in chunks: blocks.<chunk>.<number of the block>.
    named = {re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", k): v for k, v in named.items()}
    dropped = [name for name in named if DROPPED.match(name)]
    if any(name.startswith("decoder") for name in dropped):
        # timm would take a mask for the sign of DINOv2 and rename by that.
        dropped += [name for name in named if name == "mask_token"]
    for kind in ("weight", "bias"):
        if f"norm.{kind}" in named:
            dropped += [name for name in named if name == f"fc_norm.{kind}"]
        elif f"fc_norm.{kind}" in named:
            named[f"norm.{kind}"] = named.pop(f"fc_norm.{kind}")
            LOG.warning("backbone.weights: fc_norm.%s of the file taken for norm.%s", kind, kind)
    _say(dropped, "of a decoder or a head")
    return {name: value for name, value in named.items() if name not in dropped}


def _say(names: list[str], why: str) -> None:
    if names:
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        LOG.warning("backbone.weights: %d tensors %s left out: %s", len(names), why, shown)
