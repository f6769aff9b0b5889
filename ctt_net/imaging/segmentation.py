"""What a segmentation of a B-scan is: surfaces of the retina's layers, and maps of its lesions.

The simulator writes it as the truth (`ctt_net.synthetic`), a network predicts it
(`ctt_net.biomarkers`), and both mean the same by these names.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Named after the layer that begins below; names of the IN OCT consensus (Staurenghi 2014,
# doi 10.1016/j.ophtha.2014.02.023).
SURFACES = (
    "ilm", "opl", "elm", "ez", "photoreceptor_tips", "rpe", "rpe_base", "bruch", "choroid_sclera",
)  # fmt: skip
LAYERS = (
    "vitreous", "inner_retina", "outer_nuclear", "myoid", "photoreceptors", "subretinal_fluid",
    "rpe", "drusen", "choroid", "sclera",
)  # fmt: skip
LESIONS = ("hole", "cyst", "ez_loss", "elm_loss", "rpe_loss", "membrane")

# The network takes the whole picture at this size: 8 um a row and 16 um a column of a Cirrus line
# scan.
ROWS, COLUMNS = 256, 384
ONNX_FILE = "segmentation.onnx"
WEIGHTS_FOLDER = Path(__file__).parents[1] / "biomarkers/weights"  # of the network in this package


@dataclass(frozen=True)
class Segmentation:
    """Layers and lesions of one B-scan, vitreous up.

    Surfaces run on across a full-thickness hole, as if it were filled; the map of the hole says
    where it is open. Subretinal fluid and drusen are layers that are usually empty.

    Args:
        surfaces: (9, W) row of each of `SURFACES` in every A-scan, in pixels, not rounded; pixel
            centres lie at whole numbers. From the top down, never crossing.
        lesions: (6, H, W) probability (or truth, 0 or 1) of each of `LESIONS` in every pixel.
        visible: (W,) whether the A-scan shows a retina: no black margin.

    Raises:
        ValueError: If the shapes do not fit together.
    """

    surfaces: NDArray[np.float32]
    lesions: NDArray[np.floating] | NDArray[np.bool_]
    visible: NDArray[np.bool_]

    def __post_init__(self) -> None:
        width = self.visible.shape[0]
        if self.surfaces.shape != (len(SURFACES), width):
            raise ValueError(f"surfaces: {self.surfaces.shape}, not ({len(SURFACES)}, {width})")
        if self.lesions.shape[::2] != (len(LESIONS), width):
            raise ValueError(f"lesions: {self.lesions.shape}, not ({len(LESIONS)}, H, {width})")

    @property
    def height(self) -> int:
        """Rows of the scan."""
        return int(self.lesions.shape[1])

    def surface(self, name: str) -> NDArray[np.float32]:
        """Row of one of `SURFACES` in every A-scan: (W,)."""
        return self.surfaces[SURFACES.index(name)]

    def lesion(self, name: str) -> NDArray[np.bool_]:
        """Where one of `LESIONS` is more likely than not: (H, W)."""
        return np.asarray(self.lesions[LESIONS.index(name)] > 0.5)

    def layer_map(self) -> NDArray[np.uint8]:
        """Index in `LAYERS` of every pixel: (H, W)."""
        rows = np.arange(self.height, dtype=np.float32)[:, None]
        layers = np.zeros((self.height, self.visible.size), np.uint8)
        for surface in self.surfaces:
            layers += rows >= surface[None]
        return layers

    def mirrored(self) -> "Segmentation":
        """The same scan seen from the other side, left and right exchanged."""
        return Segmentation(
            np.ascontiguousarray(self.surfaces[:, ::-1]),
            np.ascontiguousarray(self.lesions[..., ::-1]),
            np.ascontiguousarray(self.visible[::-1]),
        )
