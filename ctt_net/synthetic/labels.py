"""True labels of a simulated scan as files: an index picture and a table of surfaces."""

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.imaging.segmentation import LAYERS, LESIONS, SURFACES, Segmentation

NOT_VISIBLE = 255  # the index that most training code ignores

# Where lesions overlap, the later one is shown.
SHOWN_LESIONS = ("rpe_loss", "elm_loss", "ez_loss", "membrane", "cyst", "hole")
VALUES = {name: value for value, name in enumerate((*LAYERS, *LESIONS))} | {
    "not_visible": NOT_VISIBLE
}


def index_map(truth: Segmentation) -> NDArray[np.uint8]:
    """One value of `VALUES` for every pixel: its layer, or the lesion that lies on it: (H, W)."""
    values = truth.layer_map()
    for name in SHOWN_LESIONS:
        values[truth.lesion(name)] = VALUES[name]
    values[:, ~truth.visible] = NOT_VISIBLE
    return values


def index_png(truth: Segmentation) -> bytes:
    """`index_map` as an 8-bit grey PNG."""
    done, data = cv2.imencode(".png", index_map(truth))
    if not done:
        raise RuntimeError("the labels could not be encoded as PNG")
    return data.tobytes()


def surfaces_csv(truth: Segmentation) -> bytes:
    """Row of every surface (0 = middle of the top row) in every A-scan, one A-scan a line."""
    table = pd.DataFrame(truth.surfaces.T.astype(float), columns=list(SURFACES))
    text = table.to_csv(index_label="a_scan", float_format="%.2f", lineterminator="\n")
    return text.encode()


def values_csv() -> str:
    """The value of every layer and lesion in the index pictures."""
    return "value,name\n" + "".join(f"{value},{name}\n" for name, value in VALUES.items())
