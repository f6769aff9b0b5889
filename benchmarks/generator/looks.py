"""Other ways to bring simulated scans nearer to real ones, and how near they are."""

from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from benchmarks.generator.data import HEIGHT, WIDTH, Grey
from ctt_net.biomarkers.segmenter import normalised
from ctt_net.imaging.segmentation import COLUMNS, ROWS, WEIGHTS_FOLDER
from ctt_net.models.segmentation import SegmentationNet

Floats = NDArray[np.float64]
RINGS = 24
CNN_EPOCHS, CNN_BATCH = 12, 16


def matched(pictures: Grey, real: Grey, seed: int) -> Grey:
    """Pictures given the mean power spectrum of the real ones, then each the greys of one of them.

    Args:
        pictures: (N, 128, 192) simulated.
        real: (M, 128, 192).
        seed: Of which real scan lends its greys.
    """
    more = 0.5 * (spectra(real).mean(axis=0) - spectra(pictures).mean(axis=0))
    gain = np.exp(np.interp(_radius(), np.arange(RINGS) + 0.5, more))
    rng = np.random.default_rng(seed)
    out = np.empty_like(pictures)
    for picture, made in zip(pictures, out, strict=True):
        filtered = np.fft.irfft2(np.fft.rfft2(picture) * gain, s=picture.shape)
        greys = np.sort(real[rng.integers(len(real))], axis=None)
        made.flat[np.argsort(filtered, axis=None, kind="stable")] = greys
    return out


def _radius() -> Floats:
    """Frequency of every coefficient of `rfft2`, the highest being 24."""
    rows, columns = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    return np.asarray(np.hypot(rows, columns) * RINGS / np.hypot(0.5, 0.5))


def spectra(pictures: Grey) -> Floats:
    """(N, 24) log mean power of rings of equal width in cycles per pixel."""
    power = np.abs(np.fft.rfft2(pictures.astype(float) - pictures.mean((1, 2), keepdims=True))) ** 2
    ring = np.minimum(_radius().astype(int), RINGS - 1).ravel()
    count = np.bincount(ring)
    means = [np.bincount(ring, one.ravel()) / count for one in power]
    return np.log(np.array(means) + 1.0)


def histograms(pictures: Grey) -> Floats:
    """(N, 64) share of pixels in every four greys."""
    counts = [np.bincount(one.ravel() // 4, minlength=64) / one.size for one in pictures]
    return np.array(counts)


def features(pictures: Grey) -> Floats:
    """(N, 384) mean features of the packaged segmentation network under layers and lesions."""
    network = SegmentationNet.read(WEIGHTS_FOLDER / "segmentation.onnx")
    inputs = [normalised(enlarged(one)) for one in pictures]
    with torch.inference_mode():
        parts = [network.pooled(torch.from_numpy(one)[None, None])[0].flatten() for one in inputs]
    return np.asarray(torch.stack(parts).numpy(), dtype=float)


def enlarged(picture: Grey) -> Grey:
    """A small picture at the size of the packaged segmentation network."""
    large = cv2.resize(picture, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, dtype=np.uint8)


def told_apart(fit: tuple[Grey, Grey], held_out: tuple[Grey, Grey], seed: int) -> dict[str, float]:
    """How well classifiers tell real from simulated scans of other patients.

    Args:
        fit: Real and simulated pictures to learn from.
        held_out: Real and simulated ones to measure on.
        seed: Of the small convolutional network.

    Returns:
        Of each classifier its AUC, and its balanced accuracy under `<name>, accuracy`.
    """
    is_real = [np.repeat((1, 0), [len(one) for one in part]) for part in (fit, held_out)]
    known, asked = np.concatenate(fit), np.concatenate(held_out)
    scores = {"cnn": _cnn(known, is_real[0], asked, seed)}
    for view in (histograms, spectra, features):
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
        )
        model.fit(view(known), is_real[0])
        scores[view.__name__] = model.predict_proba(view(asked))[:, 1]
    found = {name: float(roc_auc_score(is_real[1], score)) for name, score in scores.items()}
    return found | {
        f"{name}, accuracy": float(balanced_accuracy_score(is_real[1], score > 0.5))
        for name, score in scores.items()
    }


def _cnn(known: Grey, is_real: NDArray[np.int_], asked: Grey, seed: int) -> Floats:
    """Probabilities of a small network that is shown mirrored and shifted pictures of mean 0."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    widths = (1, 16, 32, 48, 64)
    blocks = [
        nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in pairwise(widths)
    ]
    network = nn.Sequential(
        *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(widths[-1], 1)
    )
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    share = float(is_real.mean())
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor((1.0 - share) / share))
    inputs, answers = _inputs(known), torch.from_numpy(is_real).float()
    for _ in range(CNN_EPOCHS):
        for index in np.array_split(rng.permutation(len(inputs)), len(inputs) // CNN_BATCH):
            top, left = rng.integers(17, size=2)
            some = inputs[index, :, top : top + HEIGHT - 16, left : left + WIDTH - 16]
            some = some.flip(3) if rng.uniform() < 0.5 else some
            optimizer.zero_grad()
            criterion(network(some)[:, 0], answers[index]).backward()
            optimizer.step()
    network.eval()
    with torch.inference_mode():
        return np.asarray(torch.sigmoid(network(_inputs(asked))[:, 0]).numpy(), dtype=float)


def _inputs(pictures: Grey) -> torch.Tensor:
    return torch.from_numpy(np.stack([normalised(one) for one in pictures]))[:, None]
