"""The networks of a bundle: what MONAI builds from `network_def` and loads `model.pt` into."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ctt_net.export.monai_bundle.layout import member_folders
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.models import MultiViewNet
from ctt_net.training.architecture import build


class BundleNetwork(nn.Module):
    """All members of a bundle side by side, built from their `model.yaml`, weights not loaded.

    Its output is raw: the clinical start, interval, probabilities and the mean over the members are
    made of it by `ctt_net.model_folder.predictor.Predictor`, as in every other command.

    Args:
        bundle_root: Folder of the bundle.

    Raises:
        InputError: If there is no bundle, or a network cannot be built.
    """

    def __init__(self, bundle_root: Path | str = ".") -> None:
        super().__init__()
        folders = member_folders(Path(bundle_root))
        self.members = nn.ModuleList(
            build(ModelSpec.read(folder).architecture, str(folder)) for folder in folders
        )

    def forward(
        self,
        image: Tensor,
        view_present: Tensor | None = None,
        preop_logmar: Tensor | None = None,
        covariates: Tensor | None = None,
    ) -> Tensor:
        """Run every member; M members, K outcomes.

        Args:
            image: (B, V, H, W) grey levels 0..255, one channel per view, zero where absent.
            view_present: (B, V) bool; None = all are there.
            preop_logmar: (B,) or (B, 1), NaN = unknown; None = all unknown.
            covariates: (B, F) as in `EyeBatch`; None = all unknown.

        Returns:
            (B, M * (2 + K)): for each member location and scale, logMAR, and K logits.
        """
        B, V = image.shape[:2]
        if view_present is None:
            view_present = torch.ones(B, V, dtype=torch.bool, device=image.device)
        if preop_logmar is None:
            preop_logmar = torch.full((B,), torch.nan, device=image.device)
        outputs = []
        for member in self.members:
            prediction = member(
                image[:, :, None], view_present, preop_logmar.reshape(B), covariates
            )
            outputs += [
                prediction.postop_logmar[:, None],
                prediction.scale_logmar[:, None],
                prediction.recovery_logit,
            ]
        return torch.cat(outputs, dim=1)


class TorchSession:
    """A torch network in place of `model.onnx`.

    Args:
        network: In eval mode, on the device it is to run on.
    """

    def __init__(self, network: MultiViewNet) -> None:
        self._network = network
        self._device = next(network.parameters()).device

    def run(self, names: None, feeds: dict[str, Any], /) -> list[Any]:
        """Inputs by name to the outputs in their order, eyes first."""
        tensors = {name: torch.as_tensor(array).to(self._device) for name, array in feeds.items()}
        with torch.inference_mode():
            prediction, embedding = self._network.with_embedding(**tensors)
        # In the order of `OUTPUTS`.
        outputs = (
            prediction.postop_logmar,
            prediction.scale_logmar,
            prediction.recovery_logit,
            embedding,
        )
        return [tensor.cpu().numpy() for tensor in outputs]
