"""Optimisers, learning-rate schedules and parameter groups."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from ctt_net.errors import InputError
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import Backbone

Groups = list[dict[str, Any]]


class Optimisation(ABC):
    """Makes an optimiser and its schedule from groups of parameters with their rates."""

    @abstractmethod
    def __call__(self, groups: Groups, steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """Make both.

        Args:
            groups: For a torch optimiser, each with `lr` and `weight_decay`.
            steps: That the training will take.

        Returns:
            The optimiser, and a schedule that is stepped after every batch.
        """


class AdamWOneCycle(Optimisation):
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), linear warm-up, cosine to zero.

    Args:
        warmup_fraction: Part of the steps that the rate rises for.
    """

    def __init__(self, warmup_fraction: float = 0.1) -> None:
        if not 0 <= warmup_fraction < 1:
            raise InputError(
                f"optimisation.warmup_fraction must lie in 0..1, got {warmup_fraction}"
            )
        self.warmup_fraction = warmup_fraction

    def __call__(self, groups: Groups, steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """See `Optimisation.__call__`."""
        optimizer = torch.optim.AdamW(groups)
        scheduler = OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in groups],
            total_steps=max(1, steps) + 1,
            pct_start=max(self.warmup_fraction, 1e-3),
            div_factor=100,
            cycle_momentum=False,
        )
        return optimizer, scheduler


class SgdSteps(Optimisation):
    """Stochastic gradient descent, linear warm-up, steps downwards: as CTT-Net was published.

    Weight decay is on everything, biases and norms too, as torch does it unasked.

    Args:
        warmup_steps: That the rate rises for; step i has (i + 1) / warmup_steps of it.
        milestones: Steps from which on the rate is `factor` times what it was.
        factor: Of each milestone.
        momentum: None as published.
    """

    def __init__(
        self,
        warmup_steps: int = 100,
        milestones: Sequence[int] = (600, 900, 1100),
        factor: float = 0.1,
        momentum: float = 0.0,
    ) -> None:
        if warmup_steps < 0 or list(milestones) != sorted(set(milestones)):
            raise InputError(
                f"optimisation: warmup_steps must be 0 or more and milestones ascend, "
                f"got {warmup_steps} and {list(milestones)}"
            )
        if not 0 < factor <= 1 or not 0 <= momentum < 1:
            raise InputError(
                f"optimisation: factor must lie above 0 and up to 1 and momentum in 0..1, "
                f"got {factor} and {momentum}"
            )
        self.warmup_steps = warmup_steps
        self.milestones = tuple(milestones)
        self.factor = factor
        self.momentum = momentum

    def share(self, step: int) -> float:
        """Share of the rate at a step, from 0."""
        passed = sum(step >= milestone for milestone in self.milestones)
        rising = min(1.0, (step + 1) / max(1, self.warmup_steps))
        return rising * self.factor**passed

    def __call__(self, groups: Groups, steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """See `Optimisation.__call__`."""
        decay = max(group["weight_decay"] for group in groups)
        everything = [{**group, "weight_decay": decay} for group in groups]
        optimizer = torch.optim.SGD(everything, momentum=self.momentum)
        return optimizer, LambdaLR(optimizer, self.share)


# Two-dimensional by layout only: places and special tokens, of this project and of timm.
NOT_DECAYED = ("embedding", "pos_embed", "cls_token", "reg_token")


def parameter_groups(
    network: MultiViewNet,
    learning_rate: float,
    backbone_learning_rate: float,
    weight_decay: float,
    backbone_layer_decay: float = 1.0,
    stage_heads: nn.Module | None = None,
) -> list[dict[str, Any]]:
    """Groups for a torch optimiser: every parameter that learns is in exactly one.

    Layer i of a backbone of layers 0 to L learns at `backbone_learning_rate` times
    `backbone_layer_decay` to the power of L - i: what was pretrained nearest to the scan changes
    least (Bao et al. 2022, BEiT, arXiv 2106.08254).

    Args:
        network: Whose parameters without a gradient are left out.
        learning_rate: Of all but the backbone.
        backbone_learning_rate: Of a backbone's last layer.
        weight_decay: Of matrices; biases, norms, embeddings and what a backbone names have none.
        backbone_layer_decay: Above 0 and up to 1; 1 = one rate for the whole backbone.
        stage_heads: Of deep supervision, which learn as all but the backbone does.

    Raises:
        InputError: If the decay is no such factor.
    """
    if not 0 < backbone_layer_decay <= 1:
        raise InputError(
            f"model.backbone_layer_decay must lie above 0 and up to 1, got {backbone_layer_decay}"
        )
    scales: dict[str, float] = {}
    spared: set[str] = set()
    for number, backbone in enumerate(network.backbone):
        prefix = f"backbone.{number}."
        spared |= {prefix + name for name in backbone.undecayed_parameters()}
        for name, scale in layer_scales(backbone, backbone_layer_decay).items():
            scales[prefix + name] = scale
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    beside = [] if stage_heads is None else stage_heads.named_parameters(prefix="stage_heads")
    for name, parameter in chain(network.named_parameters(), beside):
        if not parameter.requires_grad:
            continue
        rate = backbone_learning_rate * scales[name] if name in scales else learning_rate
        decayed = parameter.ndim > 1 and not name.endswith(NOT_DECAYED) and name not in spared
        groups.setdefault((rate, weight_decay if decayed else 0.0), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def layer_scales(backbone: Backbone, decay: float) -> dict[str, float]:
    """Factor of the rate of each parameter of a backbone, 1 for its last layer."""
    depths = backbone.parameter_depths()
    last = max(depths.values())
    return {name: decay ** (last - depth) for name, depth in depths.items()}
