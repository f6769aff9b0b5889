"""How well a segmenter finds what is known of simulated scans, at their own resolution."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ctt_net.biomarkers.segmenter import Segmenter
from ctt_net.imaging.segmentation import LAYERS, SURFACES, Segmentation
from ctt_net.synthetic.device import Device
from ctt_net.synthetic.eye import SimulatedEye
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan

Mask = NDArray[np.bool_]

# Away from a lesion by this much, a surface lies where no lesion is.
CLEAR_UM = 100.0


class Overlap(NamedTuple):
    """Pixels of a region in truth and prediction, summed over scans."""

    both: int
    either: int  # the sum of both sizes, as Dice has it

    @property
    def dice(self) -> float:
        """2 |A and B| / (|A| + |B|) (Dice 1945, doi 10.2307/1932409); NaN where neither is."""
        return 2.0 * self.both / self.either if self.either else float("nan")


def regions(segmentation: Segmentation) -> dict[str, Mask]:
    """What overlaps are counted of: (H, W) each.

    Retina is all above the pigment epithelium that is not empty; `outer_nuclear` reaches from the
    outer plexiform layer to the ellipsoid zone; `ellipsoid_zone` is where it is intact.
    """
    layers = segmentation.layer_map()

    def between(first: str, last: str) -> Mask:
        return (layers >= LAYERS.index(first)) & (layers <= LAYERS.index(last))

    fluid = between("subretinal_fluid", "subretinal_fluid")
    open_space = segmentation.lesion("hole") | segmentation.lesion("cyst")
    empty = (open_space & between("inner_retina", "rpe")) | fluid
    photoreceptors = between("photoreceptors", "photoreceptors")
    return {
        "retina": between("inner_retina", "photoreceptors") & ~empty,
        "inner_retina": between("inner_retina", "inner_retina") & ~empty,
        "outer_nuclear": between("outer_nuclear", "myoid") & ~empty,
        "ellipsoid_zone": photoreceptors & ~segmentation.lesion("ez_loss") & ~empty,
        "empty": empty,
    }


def segmentation_figures(
    segmenter: Segmenter, eyes: Iterable[SimulatedEye], device: Device
) -> dict[str, dict[str, float]]:
    """Compare with the truth, one scan an eye, horizontal and vertical in turn.

    Returns:
        `dice` of each of `regions`, pooled over scans; `surface_mae_um`, mean absolute error of
        each surface over the A-scans more than 100 um away from any lesion.
    """
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    errors: dict[str, list[NDArray[np.float64]]] = {name: [] for name in SURFACES}
    reach = max(1, round(CLEAR_UM / device.lateral_um_per_px))
    for number, eye in enumerate(eyes):
        image, truth = labelled_scan(eye, device, DIRECTIONS[number % 2])
        found = segmenter.segment(image)
        counted = truth.visible[None]
        predicted = regions(found)
        for name, region in regions(truth).items():
            mine, theirs = region & counted, predicted[name] & counted
            sums[name]["both"] += int((mine & theirs).sum())
            sums[name]["either"] += int(mine.sum() + theirs.sum())
        layers = truth.layer_map()
        rare = (layers == LAYERS.index("subretinal_fluid")) | (layers == LAYERS.index("drusen"))
        lesion = (truth.lesions.any(axis=0) | rare).any(axis=0)
        near = np.convolve(lesion, np.ones(2 * reach + 1), mode="same") > 0
        for name in SURFACES:
            rows = truth.surface(name)
            clear = truth.visible & ~near & (rows > 0) & (rows < truth.height - 1)
            away = np.abs(found.surface(name) - rows)[clear]
            errors[name].append(away * device.axial_um_per_px)
    return {
        "dice": {name: Overlap(one["both"], one["either"]).dice for name, one in sums.items()},
        "surface_mae_um": {
            name: float(np.concatenate(of_scans).mean()) for name, of_scans in errors.items()
        },
    }
