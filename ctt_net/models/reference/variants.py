"""Which published networks there are, and which of them a state dict belongs to."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from ctt_net.errors import InputError


class Variant(NamedTuple):
    """What tells one published network from the others.

    Args:
        family: Networks that are built alike and have the same names.
        bounded: Whether the output goes through 1.5 * sigmoid.
        gain_of_output: Whether it returns (post, post - preop, post - preop - 0.2); the others
            return (post, d, d) with d the correction.
        view: The one it looks at: 0 horizontal, 1 vertical; None = both.
    """

    family: str
    bounded: bool
    gain_of_output: bool
    view: int | None = None


_PLAIN = {
    "ctt": Variant("ctt", bounded=True, gain_of_output=True),
    "ctt_f": Variant("ctt_f", bounded=False, gain_of_output=True),
    "full_attention": Variant("full_attention", bounded=False, gain_of_output=False),
    "late_join": Variant("late_join", bounded=False, gain_of_output=False),
    "late_join_pva": Variant("late_join_pva", bounded=True, gain_of_output=True),
    "single_view_h": Variant("single_view", bounded=False, gain_of_output=False, view=0),
    "single_view_v": Variant("single_view", bounded=False, gain_of_output=False, view=1),
}

# With suffix _s the output is bounded; of `ctt` and `late_join_pva` it is so anyway.
VARIANTS: Mapping[str, Variant] = {
    **_PLAIN,
    **{f"{k}_s": v._replace(bounded=True, gain_of_output=True) for k, v in _PLAIN.items()},
}


def variant_of(state: Mapping[str, Tensor], variant: str | None) -> str:
    """The variant that was asked for, or the one that the names tell.

    `ctt` and `ctt_f` have the same names, and no name tells whether an output is bounded: without
    being asked for anything else, the plain name is taken.

    Raises:
        InputError: If there is no such variant, or the names do not decide.
    """
    if variant is not None:
        if variant not in VARIANTS:
            raise InputError(
                f"reference: no variant {variant!r}; there are {', '.join(sorted(VARIANTS))}"
            )
        return variant
    if any(name.startswith("Transformer_layer.Transformer_") for name in state):
        return "ctt"
    if "reg_token" in state:
        return "full_attention"
    if "fc1.weight" in state:
        return "late_join_pva"
    width = state["fc.weight"].shape[-1] if "fc.weight" in state else 0
    if width == 2 * 512:
        return "late_join"
    told = "it reads one view, and no name says which" if width == 512 else "its names are of none"
    raise InputError(
        f"reference: cannot tell the variant of these weights: {told}; give one of "
        f"{', '.join(sorted(VARIANTS))}"
    )
