"""The network: backbone -> tokens -> fusion -> head, in the order of the data flow."""

from copy import deepcopy
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ctt_net.models.backbone import Backbone
from ctt_net.models.covariates import CovariateEncoder
from ctt_net.models.fusion import Fusion
from ctt_net.models.fusion.base import FusionInput
from ctt_net.models.head import Head
from ctt_net.types import Prediction

Sharing = Literal["all", "backbone", "none"]


class MultiViewNet(nn.Module):
    """Postoperative acuity from the views of an eye, its preoperative acuity and its covariates.

    What is absent (a view, the preop acuity, a covariate) has no influence on anything, batch
    statistics included.

    Args:
        backbone: Encodes a B-scan.
        fusion: Fuses the views.
        head: From the fused token to acuity, scale and recovery.
        num_views: Number V of views a cohort can have.
        covariates: Turns covariates into tokens; None leaves them out.
        sharing: What serves all views: `all` (backbone and token projection), `backbone` (each view
            projects for itself) or `none` (each view has its own of both, as published).
        place_embeddings: Whether tokens learn which view and which part of the scan they are from.
        use_preop_va: False hides the preoperative acuity from fusion and head alike.

    Raises:
        ValueError: If the parts differ in width or the fusion is for another number of views.
    """

    def __init__(
        self,
        backbone: Backbone,
        fusion: Fusion,
        head: Head,
        num_views: int,
        covariates: CovariateEncoder | None = None,
        sharing: Sharing = "all",
        place_embeddings: bool = True,
        use_preop_va: bool = True,
    ) -> None:
        super().__init__()
        for name, part in (("head", head), ("covariates", covariates)):
            if part is not None and part.dim != fusion.dim:
                raise ValueError(f"fusion.dim {fusion.dim} and {name}.dim {part.dim} must be equal")
        fusion.check_views(num_views)
        if sharing not in get_args(Sharing):
            raise ValueError(f"sharing must be one of {get_args(Sharing)}, got {sharing!r}")
        self.num_views = num_views
        self.use_preop_va = use_preop_va
        project = nn.Linear(backbone.embed_dim, fusion.dim)
        self.backbone = _copies(backbone, num_views if sharing == "none" else 1)
        self.project = _copies(project, 1 if sharing == "all" else num_views)
        self.view_embedding: nn.Parameter | None = None
        self.place_embedding: nn.Parameter | None = None
        if place_embeddings:
            self.view_embedding = nn.Parameter(torch.zeros(num_views, 1, fusion.dim))
            self.place_embedding = nn.Parameter(torch.zeros(backbone.tokens, fusion.dim))
            for embedding in (self.view_embedding, self.place_embedding):
                nn.init.trunc_normal_(embedding, std=0.02)
        self.covariates = covariates
        self.fusion = fusion
        self.head = head

    def forward(
        self,
        views: Tensor,
        view_present: Tensor,
        preop_logmar: Tensor,
        covariates: Tensor | None = None,
    ) -> Prediction:
        """Predict.

        Args:
            views: (B, V, 1, H, W) grey levels 0..255, anything where absent.
            view_present: (B, V) bool.
            preop_logmar: (B,), NaN = unknown.
            covariates: (B, F) as in `EyeBatch`; None = all unknown.
        """
        return self.with_embedding(views, view_present, preop_logmar, covariates)[0]

    def with_embedding(
        self,
        views: Tensor,
        view_present: Tensor,
        preop_logmar: Tensor,
        covariates: Tensor | None = None,
    ) -> tuple[Prediction, Tensor]:
        """The prediction, and the fused token (B, D) that the head took."""
        eyes = self.fusion_input(views, view_present, preop_logmar, covariates)
        token = self.fusion(eyes)
        return self.head(token, eyes.preop_logmar, eyes.preop_known), token

    def fusion_input(
        self,
        views: Tensor,
        view_present: Tensor,
        preop_logmar: Tensor,
        covariates: Tensor | None = None,
    ) -> FusionInput:
        """What the fusion takes of B eyes; arguments as in `forward`."""
        # Views that the fusion does not use must not count in batch statistics either.
        view_present = self.fusion.used_views(view_present)
        tokens = self.encode(views, view_present)
        preop, known = self.known_preop(preop_logmar)
        covariate_tokens = None
        if self.covariates is not None:
            if covariates is None:
                shape = (preop.shape[0], self.covariates.num_covariates)
                covariates = preop.new_full(shape, torch.nan)
            covariate_tokens = self.covariates(covariates)
        return FusionInput(tokens, view_present, preop, known, covariate_tokens)

    def known_preop(self, preop_logmar: Tensor) -> tuple[Tensor, Tensor]:
        """Acuity before surgery, 0 where it is unknown or hidden, and where it is neither: (B,)."""
        known = torch.isfinite(preop_logmar)
        if not self.use_preop_va:
            known = torch.zeros_like(known)
        return torch.where(known, preop_logmar, 0.0), known

    def encode(self, views: Tensor, view_present: Tensor) -> Tensor:
        """Tokens of every view: (B, V, T, D), zero where absent."""
        V = view_present.shape[1]
        if self.num_views < V:
            raise ValueError(f"{V} views are more than the {self.num_views} of num_views")
        if len(self.backbone) == 1:
            features = self._features(self.backbone[0], views.flatten(0, 1), view_present.flatten())
            features = features.unflatten(0, view_present.shape)
        else:
            each = [
                self._features(self.backbone[v], views[:, v], view_present[:, v]) for v in range(V)
            ]
            features = torch.stack(each, dim=1)  # (B, V, T, E)
        if len(self.project) == 1:
            tokens = self.project[0](features)
        else:
            tokens = torch.stack([self.project[v](features[:, v]) for v in range(V)], dim=1)
        if self.view_embedding is not None:
            tokens = tokens + self.view_embedding[:V] + self.place_embedding
        return torch.where(view_present[..., None, None], tokens, 0.0)

    def _features(self, backbone: nn.Module, bscans: Tensor, present: Tensor) -> Tensor:
        """Encode N scans, anything where absent: (N, 1, H, W) and (N,) -> (N, T, E)."""
        if not self.training:
            return backbone(bscans)
        # Absent scans would count in the batch statistics: leave them out of the pass.
        where = present.nonzero()[:, 0]
        shape = (len(bscans), backbone.tokens, backbone.embed_dim)
        features = torch.zeros(shape, device=bscans.device)
        if len(where) == 0:
            return features
        found = backbone(bscans[where])
        return features.to(found.dtype).index_copy(0, where, found)


def _copies(part: nn.Module, number: int) -> nn.ModuleList:
    return nn.ModuleList([part, *(deepcopy(part) for _ in range(number - 1))])
