"""The contract of a backbone: one B-scan in, a row of tokens out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from timm.layers import RmsNorm, RmsNorm2d
from torch import Tensor, nn

from ctt_net.errors import InputError
from ctt_net.models.backbone.lora import merge_adapters
from ctt_net.models.backbone.origin import WeightsOrigin

Tune = Literal["full", "frozen", "norms", "lora"]

# torch's base class of all batch and instance norms, from which timm's fused ones inherit too.
_BATCH_NORMS = nn.modules.batchnorm._NormBase
NORMS = (_BATCH_NORMS, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, RmsNorm, RmsNorm2d)


def restrict(network: nn.Module, tune: Tune) -> None:
    """Require a gradient of what is trained only; `lora.add_adapters` adds adapters.

    Args:
        network: Its parameters' `requires_grad` is set.
        tune: `full`, `frozen` or `norms` (scale and shift of every norm).

    Raises:
        InputError: If there are no norms to train.
    """
    if tune == "full":
        return
    network.requires_grad_(False)
    if tune == "norms":
        norms = [module for module in network.modules() if isinstance(module, NORMS)]
        learning = [parameter for norm in norms for parameter in norm.parameters(recurse=False)]
        if not learning:
            raise InputError("backbone.tune: this network has no norms to train; take full or lora")
        for parameter in learning:
            parameter.requires_grad_(True)


def keep_frozen_in_eval(network: nn.Module, tune: Tune) -> None:
    """Put what is not trained in eval mode, below a module that is in train mode.

    A frozen network that drops features or moves its batch statistics would be another one at each
    step, and another one again when it predicts. With `norms` the statistics move: they are half of
    what a norm is. Of adapters only the dropout stays on.
    """
    if tune not in ("frozen", "lora"):
        return
    for child in network.children():
        child.eval()
    for module in network.modules():
        for dropout in getattr(module, "lora_dropout", {}).values():
            dropout.train()


class Stage(NamedTuple):
    """A layer whose output is a feature map (N, C, h, w) of N scans.

    Args:
        layer: A module of the backbone.
        channels: C.
    """

    layer: nn.Module
    channels: int


class Backbone(nn.Module, ABC):
    """Encodes single B-scans; it knows nothing of views and eyes.

    Attributes:
        embed_dim: Width E of its tokens.
        columns: Tokens from a scan's left (temporal if horizontal) to its right.
        rows: Tokens from its top (vitreous) to its bottom; T = rows * columns, row by row.
        tune: What of it learns.
        origin: Where its weights come from; None = they are random.
    """

    embed_dim: int
    columns: int
    rows: int = 1
    tune: Tune = "full"
    origin: WeightsOrigin | None = None

    @property
    def tokens(self) -> int:
        """Number T of tokens per scan."""
        return self.rows * self.columns

    @abstractmethod
    def forward(self, bscans: Tensor) -> Tensor:
        """Encode.

        Args:
            bscans: (N, 1, H, W), grey levels 0..255.

        Returns:
            (N, T, E).
        """

    def train(self, mode: bool = True) -> Any:
        """Train or eval mode; what is frozen stays in eval mode."""
        super().train(mode)
        if mode:
            keep_frozen_in_eval(self, self.tune)
        return self

    def merge_adapters(self) -> None:
        """Make it a plain network before it is written: the same numbers, and no adapters."""
        if self.tune == "lora":
            merge_adapters(self)
            self.tune = "frozen"

    def parameter_depths(self) -> dict[str, int]:
        """Depth of the layer that each parameter belongs to, 0 = nearest to the scan."""
        return {name: 0 for name, _ in self.named_parameters()}

    def stages(self) -> list[Stage]:
        """Layers that deep supervision can read, the nearest to the scan first; none by default."""
        return []

    def undecayed_parameters(self) -> set[str]:
        """Names of parameters that weight decay must spare besides biases and norms."""
        return set()

    def initialise(self, bscans: Tensor) -> None:
        """Set by training scans, before the first step, what is no weight; nothing by default.

        Args:
            bscans: (N, 1, H, W), grey levels 0..255, not augmented.
        """

    def check_size(self, height: int, width: int, crop: str = "none") -> None:
        """Check that it encodes scans as they are prepared, before anything is read or trained.

        Args:
            height: Rows of a scan.
            width: Columns of a scan.
            crop: As in `Preprocessing`.

        Raises:
            InputError: With the size or crop it needs.
        """
        was_training = self.training
        device = next(self.parameters()).device
        try:
            with torch.no_grad():
                self.eval()(torch.zeros(1, 1, height, width, dtype=torch.uint8, device=device))
        finally:
            self.train(was_training)

    @classmethod
    def pretrained_size(cls, arguments: Mapping[str, Any]) -> tuple[int, int] | None:
        """Height and width of the scans it was pretrained with, if it has been.

        Args:
            arguments: Of the constructor, as in a config.
        """
        return None
