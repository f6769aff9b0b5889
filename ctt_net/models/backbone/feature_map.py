"""Features of any network back in their places over the scan."""

from typing import Any

from torch import Tensor

from ctt_net.errors import InputError


def in_places(features: Tensor, network: Any, size: tuple[int, int]) -> Tensor:
    """A network's last features as a map, whatever its own layout.

    Args:
        features: (N, E, h, w), (N, h, w, E) or, of a transformer, (N, tokens, E) with its own
            tokens (class, registers) first.
        network: A timm network.
        size: Height and width of its input.

    Returns:
        (N, E, h, w).

    Raises:
        InputError: If the tokens are no grid over the scan.
    """
    if features.ndim == 4:
        nhwc = getattr(network, "output_fmt", "NCHW") == "NHWC"
        return features.permute(0, 3, 1, 2) if nhwc else features
    if features.ndim != 3:
        raise InputError(
            f"backbone.name: this network gives features of shape {tuple(features.shape)}, which "
            f"have no places on the scan; take another network"
        )
    own = getattr(network, "num_prefix_tokens", 0)
    return features[:, own:].mT.unflatten(2, _grid(network, size, features.shape[1] - own))


def _grid(network: Any, size: tuple[int, int], number: int) -> tuple[int, int]:
    feature_size = getattr(getattr(network, "patch_embed", None), "dynamic_feat_size", None)
    if feature_size is not None:
        rows, columns = feature_size(size)
        if rows * columns == number:
            return rows, columns
    # Square steps over the scan, as many as there are tokens.
    step = (size[0] * size[1] / number) ** 0.5
    rows, columns = round(size[0] / step), round(size[1] / step)
    if rows * columns != number:
        raise InputError(
            f"backbone.name: {number} tokens of this network are no grid over scans of "
            f"{size[0]}x{size[1]} pixels; take another network"
        )
    return rows, columns
