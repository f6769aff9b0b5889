"""A made OCT2017 folder in the published layout: `{part}/{class}/{class}-{patient}-{n}.jpeg`."""

import numpy as np
from PIL import Image

PICTURES = (
    "train/CNV/CNV-11-1",
    "train/CNV/CNV-11-2",
    "train/DME/DME-12-1",
    "train/DRUSEN/DRUSEN-13-1",
    "train/NORMAL/NORMAL-14-1",
    "train/NORMAL/NORMAL-15-1",
    "train/DRUSEN/DRUSEN-15-7",
    "val/NORMAL/NORMAL-16-1",
    "val/CNV/CNV-17-1",
    "test/CNV/CNV-11-3",
    "test/DME/DME-17-1",
    "test/NORMAL/NORMAL-18-1",
)


def build(raw, pictures=PICTURES):
    """Patient 11 lies in train and test, 17 in val and test, 15 under two classes."""
    for picture in pictures:
        path = raw / f"{picture}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 12), 40, np.uint8)).save(path)
    return raw
