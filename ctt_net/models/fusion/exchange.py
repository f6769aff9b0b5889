"""Who hears of whom: how the rows of an eye exchange their tokens."""

from typing import Literal, get_args

import torch
from torch import Tensor

Pattern = Literal["others", "all", "ring", "attention", "none"]


def checked_pattern(pattern: str) -> str:
    """The pattern, if it is one.

    Raises:
        ValueError: If it is none.
    """
    if pattern not in get_args(Pattern):
        raise ValueError(f"pattern must be one of {', '.join(get_args(Pattern))}, got {pattern!r}")
    return pattern


def exchange_weights(pattern: str, present: Tensor) -> Tensor:
    """What each row's token becomes, as weights on the tokens of all rows.

    A row that has nobody to hear of keeps its own token; an absent row is heard of by none.

    Args:
        pattern: `others`: the mean of the other rows that are there, the published swap if they
            are two; `all`: the mean of all that are there; `ring`: the next one that is there;
            `none`, and `attention` before it attends: its own.
        present: (B, R) bool.

    Returns:
        (B, R, R) float, each row summing to one.
    """
    R = present.shape[1]
    itself = torch.eye(R, dtype=torch.bool, device=present.device)
    if pattern in ("none", "attention"):
        return itself.float().expand(present.shape[0], R, R)
    if pattern == "ring":
        place = torch.arange(R, device=present.device)
        # From each row to each other, R - 1 to itself.
        steps = torch.tensor(
            [[(there - here - 1) % R for there in range(R)] for here in range(R)],
            device=present.device,
        )
        # Absent rows come after all others, so that one is taken only where nobody is there.
        steps = steps + R * (~present[:, None, :]).long()
        heard = steps.argmin(dim=2, keepdim=True) == place
    else:
        heard = present[:, None, :] & ~itself if pattern == "others" else present[:, None, :]
        heard = heard.expand(-1, R, -1)
    number = heard.sum(dim=2, keepdim=True)
    return torch.where(number > 0, heard / number.clamp(min=1), itself.float())
