"""The published recipe of CTT-Net written out in plain torch, to measure this project against.

Wang et al., BIBM 2022 (arXiv 2212.05794), as its public code trains it, by the description in
`configs/reference/ctt.yaml` and docs/decisions/0003-network.md: every picture opened anew by Pillow
in every epoch, RGB at 256x256, torchvision's augmentation, no loader processes, two ResNet-18 in
single precision, attention by einsum, SGD without momentum. Nothing is slowed on purpose: only the
two pictures that the network uses are opened.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision import transforms as T  # noqa: N812
from torchvision.models import resnet18

DIM, HEADS, HEAD_DIM, MARGIN = 128, 4, 128, 0.2


def transform(size: int, train: bool) -> T.Compose:
    """Resize without keeping the aspect, augment for training, normalise as ImageNet.

    Args:
        size: Of both sides, pixels.
        train: Whether to augment.
    """
    augment = [
        T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
        T.RandomGrayscale(p=0.2),
        T.RandomHorizontalFlip(),
        T.RandomVerticalFlip(),
        T.RandomRotation(180),
    ]
    normalise = [T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    return T.Compose([T.Resize((size, size)), *(augment if train else []), *normalise])


class Pictures(Dataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """One item = both views of an eye, decimal acuity before and after.

    Args:
        files: Horizontal and vertical scan of each eye.
        preop: (E,) decimal.
        postop: (E,) decimal.
        size: Of both sides, pixels.
        train: Whether to augment.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, Path]],
        preop: Tensor,
        postop: Tensor,
        size: int = 256,
        train: bool = True,
    ) -> None:
        self.files, self.preop, self.postop = files, preop, postop
        self.transform = transform(size, train)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        views = [self.transform(Image.open(path).convert("RGB")) for path in self.files[index]]
        return views[0], views[1], self.preop[index], self.postop[index]


class Block(nn.Module):
    """Attention and MLP, each after a LayerNorm and beside a shortcut: (B, N, D) to the same."""

    def __init__(self) -> None:
        super().__init__()
        inner = HEADS * HEAD_DIM
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.qkv = nn.Linear(DIM, 3 * inner, bias=False)
        self.out = nn.Sequential(nn.Linear(inner, DIM), nn.Dropout(0.1))
        self.mlp = nn.Sequential(
            nn.Linear(DIM, 4 * DIM), nn.GELU(), nn.Dropout(0.1), nn.Linear(4 * DIM, DIM),
            nn.Dropout(0.1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Encode tokens."""
        q, k, v = (
            part.unflatten(-1, (HEADS, HEAD_DIM)).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        weights = (torch.einsum("bhid,bhjd->bhij", q, k) * DIM**-0.5).softmax(dim=-1)
        found = torch.einsum("bhij,bhjd->bhid", weights, v).transpose(1, 2).flatten(2)
        x = x + self.out(found)
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    """ResNet-18 of one view to a token of the transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = nn.Sequential(*list(resnet18().children())[:-1])
        self.project = nn.Linear(512, DIM)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, D)."""
        return self.project(self.resnet(pictures).flatten(1))


class PlainCtt(nn.Module):
    """The published network `ctt`."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList([Encoder(), Encoder()])
        self.own_acuity = nn.ModuleList([nn.Linear(1, DIM), nn.Linear(1, DIM)])
        self.common_acuity = nn.Linear(1, DIM)
        self.first = nn.ModuleList([nn.Sequential(Block(), Block()) for _ in range(2)])
        self.exchange = nn.ModuleList([Block(), Block()])
        self.head = nn.Sequential(
            nn.LayerNorm(DIM), nn.Linear(DIM, DIM), nn.ReLU(), nn.Linear(DIM, 1)
        )

    def forward(self, horizontal: Tensor, vertical: Tensor, preop: Tensor) -> Tensor:
        """Postoperative acuity, decimal: (B,)."""
        z = preop[:, None]
        views = [one(x) for one, x in zip(self.encoders, (horizontal, vertical), strict=True)]
        acuity = [one(z) for one in self.own_acuity]
        common = self.common_acuity(z)
        for blocks, swap in [(self.first, False), *[(self.exchange, True)] * 4]:
            acuity = acuity[::-1] if swap else acuity
            for view, block in enumerate(blocks):
                tokens = block(torch.stack([views[view], acuity[view], common], dim=1))
                views[view], acuity[view] = tokens[:, 0], tokens[:, 1]
        d = self.head((acuity[0] + acuity[1]) / 2)
        return 1.5 * torch.sigmoid(d + z)[:, 0]


def plain_loss(post: Tensor, preop: Tensor, truth: Tensor) -> Tensor:
    """Squared error, and twice the margin of eyes on the wrong side of a gain of 0.2."""
    margin = post - preop - MARGIN
    gained = (truth - preop >= MARGIN).float()
    hinge = (1 - gained) * F.relu(margin) + gained * F.relu(-margin)
    return F.mse_loss(post, truth) + 2 * hinge.mean()


def plain_optimiser(network: nn.Module) -> torch.optim.Optimizer:
    """SGD without momentum, as published."""
    return torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=5e-4)


def plain_step(
    network: nn.Module, optimizer: torch.optim.Optimizer, batch: Sequence[Tensor]
) -> float:
    """One step of training, with the loss read as the published loop does to print it."""
    *inputs, truth = batch
    loss = plain_loss(network(*inputs), inputs[-1], truth)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
