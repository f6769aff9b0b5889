"""The network: backbone -> tokens -> fusion -> head, in the order an eye walks through it."""

import torch
from torch import Tensor, nn

from ctt_net.models.backbone import Backbone
from ctt_net.models.fusion import Fusion
from ctt_net.models.head import Head
from ctt_net.sample import Prediction


class MultiViewNet(nn.Module):
    """Postoperative acuity from the views of an eye and its preoperative acuity.

    One backbone serves all views in one pass over the B*V scans. Each token then learns which view
    and which strip of the scan it comes from. What is absent (a view, the preop acuity) has no
    influence on anything, batch statistics included.

    Args:
        backbone: Encodes a B-scan.
        fusion: Joins the views.
        head: Reads the fused token.
        num_views: Number V of views a cohort can have.

    Raises:
        ValueError: If fusion and head differ in width.
    """

    def __init__(self, backbone: Backbone, fusion: Fusion, head: Head, num_views: int) -> None:
        super().__init__()
        if fusion.dim != head.dim:
            raise ValueError(f"fusion.dim {fusion.dim} and head.dim {head.dim} must be equal")
        self.num_views = num_views
        self.backbone = backbone
        self.project = nn.Linear(backbone.embed_dim, fusion.dim)
        self.view_embedding = nn.Parameter(torch.zeros(num_views, 1, fusion.dim))
        self.column_embedding = nn.Parameter(torch.zeros(backbone.columns, fusion.dim))
        for embedding in (self.view_embedding, self.column_embedding):
            nn.init.trunc_normal_(embedding, std=0.02)
        self.fusion = fusion
        self.head = head

    def forward(self, views: Tensor, view_present: Tensor, preop_logmar: Tensor) -> Prediction:
        """Predict.

        Args:
            views: (B, V, 1, H, W) grey levels 0..255, anything where absent.
            view_present: (B, V) bool.
            preop_logmar: (B,), NaN = unknown.
        """
        tokens = self.encode(views, view_present)
        known = torch.isfinite(preop_logmar)
        preop = torch.where(known, preop_logmar, 0.0)
        token = self.fusion(tokens, view_present, preop, known)
        return self.head(token, preop, known)

    def encode(self, views: Tensor, view_present: Tensor) -> Tensor:
        """Tokens of every view: (B, V, T, D), zero where absent."""
        B, V = view_present.shape
        if self.num_views < V:
            raise ValueError(f"{V} views are more than the {self.num_views} of num_views")
        bscans = views.flatten(0, 1)  # (N, 1, H, W)
        present = view_present.flatten()
        if self.training:
            # Absent scans would count in the batch statistics: leave them out of the pass.
            where = present.nonzero()[:, 0]
            found = self.project(self.backbone(bscans[where])) if len(where) else None
            T, D = self.column_embedding.shape
            encoded = torch.zeros(B * V, T, D, device=views.device)
            if found is not None:
                encoded = encoded.to(found.dtype).index_copy(0, where, found)
        else:
            encoded = self.project(self.backbone(bscans))
        tokens = encoded.unflatten(0, (B, V)) + self.view_embedding[:V] + self.column_embedding
        return torch.where(view_present[..., None, None], tokens, 0.0)
