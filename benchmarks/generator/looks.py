"""Other ways to bring simulated scans nearer to real ones, and how near they are."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.generator.data import HEIGHT, WIDTH, Grey
from ctt_net.biomarkers.segmenter import normalised
from ctt_net.imaging.segmentation import COLUMNS, ROWS, WEIGHTS_FOLDER
from ctt_net.models.segmentation import SegmentationNet

Floats = NDArray[np.float64]
RINGS = 24


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
    return np.array([_pooled(one.tobytes()) for one in pictures])


@lru_cache(maxsize=1000)  # the real ones come again with every look
def _pooled(picture: bytes) -> Floats:
    pixels = np.frombuffer(picture, np.uint8).reshape(HEIGHT, WIDTH)
    inputs = torch.from_numpy(normalised(enlarged(pixels)))[None, None]
    with torch.inference_mode():
        return np.asarray(_network().pooled(inputs)[0].flatten().numpy(), dtype=float)


@lru_cache(maxsize=1)
def _network() -> SegmentationNet:
    return SegmentationNet.read(WEIGHTS_FOLDER / "segmentation.onnx")


def enlarged(picture: Grey) -> Grey:
    """A small picture at the size of the packaged segmentation network."""
    large = cv2.resize(picture, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, dtype=np.uint8)


def told_apart(fit: tuple[Grey, Grey], held_out: tuple[Grey, Grey]) -> dict[str, float]:
    """How well logistic regressions tell real from simulated scans of other patients.

    Args:
        fit: Real and simulated pictures to learn from.
        held_out: Real and simulated ones to measure on.

    Returns:
        Of `histograms`, `spectra` and `features` the AUC; `<name>, accuracy` is the balanced one.
    """
    is_real = [np.repeat((1, 0), [len(one) for one in part]) for part in (fit, held_out)]
    known, asked = np.concatenate(fit), np.concatenate(held_out)
    scores = {}
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
