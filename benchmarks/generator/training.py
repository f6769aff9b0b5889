"""The generator's training: adversarial, labels kept, views kept, change penalised.

Simulated eyes and real scans are not paired (Zhu 2017, arXiv 1703.10593, without the way back: the
labels hold the picture together). No real eye has two views here, so the order of views (Chen 2022,
ME-GAN, arXiv 2207.10670) can be asked of simulated pairs only: a network that learns it on
untranslated pairs has to read it in the translated ones too.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from monai.losses import DiceLoss, PatchAdversarialLoss
from torch import Tensor, nn

from benchmarks.generator.data import Grey, small
from benchmarks.generator.networks import Discriminator, Generator, ViewsNet, label_maps
from ctt_net.imaging.segmentation import WEIGHTS_FOLDER
from ctt_net.models.segmentation import SegmentationNet, SegmentationOutput
from ctt_net.training.segmentation.data import LabelledScans, lesion_maps
from ctt_net.training.segmentation.module import A_SCAN_STEP, segmentation_loss

WEIGHTS = {"adversarial": 1.0, "labels": 0.5, "views": 0.2, "change": 1.0}
LEARNING_RATE, BETAS = 4e-4, (0.5, 0.99)
CROP = 0.75  # of either side, what the discriminator sees of a picture


class Eyes(NamedTuple):
    """B simulated eyes as tensors.

    Args:
        views: (B, 2, 128, 192) 0 to 1.
        surfaces: (B, 2, 9, 384) rows of 256.
        lesions: (B, 2, 256, 384) bits.
        visible: (B, 2, 384).
    """

    views: Tensor
    surfaces: Tensor
    lesions: Tensor
    visible: Tensor

    @classmethod
    def of(cls, pairs: LabelledScans) -> "Eyes":
        """Two scans an eye."""
        views = small(list(pairs.scans)) / np.float32(255.0)
        arrays = (views, pairs.surfaces.astype(np.float32), pairs.lesions, pairs.visible)
        return cls(*(torch.from_numpy(part).unflatten(0, (-1, 2)) for part in arrays))

    def some(self, index: np.ndarray | slice) -> "Eyes":
        """These eyes."""
        return Eyes(*(part[index] for part in self))

    def translated(self, generator: Generator) -> Tensor:
        """Both views as the generator makes them, its noise from torch's own generator."""
        labels = label_maps(self.surfaces.flatten(0, 1), self.lesions.flatten(0, 1))
        labels = labels.unflatten(0, (-1, 2))
        noise = torch.randn(*labels.shape[:2], *labels.shape[3:])
        made: Tensor = generator(self.views, labels, noise)
        return made


class Training:
    """Networks, optimisers and the step they are at.

    What a step draws depends on the seed and its number only, so that a training that was stopped
    goes on as if it had not been.

    Args:
        eyes: Simulated.
        real: (N, 128, 192) grey.
        seed: Of weights, batches and noise.
        batch_size: Simulated eyes a step.
    """

    def __init__(self, eyes: Eyes, real: Grey, seed: int, batch_size: int = 2) -> None:
        torch.manual_seed(seed)
        self.eyes, self.seed, self.batch_size, self.step = eyes, seed, batch_size, 0
        self.real = torch.from_numpy(real)[:, None] / 255.0
        self.generator, self.judge, self.views = Generator(), Discriminator(), ViewsNet()
        self.frozen = SegmentationNet.read(WEIGHTS_FOLDER / "segmentation.onnx")
        self.frozen.requires_grad_(False)
        self.adversarial = PatchAdversarialLoss(
            criterion="least_squares", no_activation_leastsq=True
        )
        self.dice = DiceLoss(sigmoid=True, batch=True)
        networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "judge": self.judge,
            "views": self.views,
        }
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), LEARNING_RATE, BETAS)
            for name, network in networks.items()
        }
        self.parts: dict[str, Any] = networks | {
            f"{name}_adam": one for name, one in self.optimizers.items()
        }

    def advance(self) -> dict[str, float]:
        """One step of all three networks; the losses."""
        rng = np.random.default_rng((self.seed, self.step))
        torch.manual_seed(int(rng.integers(2**62)))
        eyes = self.eyes.some(rng.choice(len(self.eyes.views), self.batch_size, replace=False))
        made = eyes.translated(self.generator)
        real = _crop(self.real[rng.choice(len(self.real), 2 * self.batch_size)], rng)
        fake = _crop(made.flatten(0, 1)[:, None], rng)
        losses = {
            "judge": 0.5
            * (self._judged(real, True, True) + self._judged(fake.detach(), False, True)),
            "views_untranslated": self.views.loss(eyes.views),
        }
        self._update("judge", losses["judge"])
        self._update("views", losses["views_untranslated"])
        self.views.eval()  # its batch statistics are those of untranslated pairs
        half = slice(self.batch_size // 2)  # reading labels is the dearest of all
        labels = (eyes.some(half), made[half], int(rng.integers(2)), int(rng.integers(4)))
        losses |= {
            "adversarial": self._judged(fake, True, False),
            "labels": self.labels_loss(*labels),
            "views": self.views.loss(made),
            "change": (made - eyes.views).abs().mean(),
        }
        self._update("generator", sum(weight * losses[name] for name, weight in WEIGHTS.items()))
        self.views.train()
        self.step += 1
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def labels_loss(self, eyes: Eyes, made: Tensor, side: int, first: int = 0) -> Tensor:
        """How badly the packaged segmentation network reads the true labels in one view.

        Args:
            eyes: The truth.
            made: (B, 2, h, w) their views, 0 to 1.
            side: 0 = horizontal, 1 = vertical.
            first: A-scan from which on every fourth one counts.
        """
        large = F.interpolate(made[:, side, None], scale_factor=2.0, mode="bilinear")
        sd, mean = torch.std_mean(large, dim=(1, 2, 3), keepdim=True)
        output = self.frozen((large - mean) / (sd + 1.0 / 255.0))
        some = slice(first, None, A_SCAN_STEP)
        read = SegmentationOutput(*(part[..., some] for part in output))
        surfaces, visible = eyes.surfaces[:, side, :, some], eyes.visible[:, side, some]
        lesions = lesion_maps(eyes.lesions[:, side, :, some])
        return segmentation_loss(read, surfaces, lesions, visible, self.dice)["loss"]

    def save(self, path: Path) -> None:
        """Write all that `load` needs."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        torch.save(state | {"step": self.step, "seed": self.seed}, path)

    def load(self, path: Path) -> None:
        """Go on from a file of `save`."""
        state = torch.load(path, weights_only=True)
        self.step, self.seed = state["step"], state["seed"]
        for name, part in self.parts.items():
            part.load_state_dict(state[name])

    def _judged(self, pictures: Tensor, real: bool, for_judge: bool) -> Tensor:
        loss: Tensor = self.adversarial(self.judge(pictures), real, for_judge)
        return loss

    def _update(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad()
        loss.backward()
        self.optimizers[name].step()


def _crop(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """A window of (B, 1, h, w), at the same place of all, mirrored or not; real ones are few."""
    height, width = (round(CROP * side) for side in pictures.shape[2:])
    top = int(rng.integers(pictures.shape[2] - height + 1))
    left = int(rng.integers(pictures.shape[3] - width + 1))
    window = pictures[:, :, top : top + height, left : left + width]
    return window.flip(3) if rng.uniform() < 0.5 else window


def translated(generator: Generator, eyes: Eyes, seed: int) -> Grey:
    """Both views of every eye as the generator makes them: (2 N, 128, 192), in the eyes' order."""
    torch.manual_seed(seed)
    with torch.inference_mode():
        made = [
            eyes.some(slice(first, first + 8)).translated(generator)
            for first in range(0, len(eyes.views), 8)
        ]
    return np.rint(255.0 * torch.cat(made).flatten(0, 1).numpy()).astype(np.uint8)
