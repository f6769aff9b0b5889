"""Take tissue out of a painted section: macular holes and cysts."""

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.cysts import Cyst, cysts_of
from ctt_net.synthetic.lesions import Lesion
from ctt_net.synthetic.macula import Section

Image = NDArray[np.float32]
Floats = NDArray[np.float64]

CYST_BRIGHTNESS = 14.0


def open_hole(section: Section, surface: Floats, image: Image, height: Image) -> None:
    """Cut a full-thickness hole out: an hourglass with a rounded rim."""
    columns = np.flatnonzero(section.hole_ratio < 2.6)
    if not columns.size:
        return
    part = slice(columns[0], columns[-1] + 1)
    away = section.hole_ratio[part][None]
    share = height[:, part] / surface[part][None]
    waist = 1.0 + 0.9 * np.abs(share - 0.55) ** 1.7
    rounding = 1.0 - np.sqrt(np.clip(1.0 - np.clip((share - 0.62) / 0.38, 0.0, 1.0) ** 2, 0, 1))
    inside = np.clip((waist + 0.75 * rounding - away) / 0.1 + 0.5, 0.0, 1.0)
    inside *= np.clip((height[:, part] - 18.0) / 8.0, 0.0, 1.0)
    image[:, part] *= (1.0 - inside).astype(np.float32)


def empty_cysts(
    section: Section,
    tops: dict[str, Floats],
    lesions: tuple[Lesion, ...],
    image: Image,
    height: Image,
    axial_um: float,
) -> None:
    """Empty every cyst that the section cuts; fluid sends almost nothing back."""
    x_mm, y_mm = section.x_mm, section.y_mm
    for cyst in (cyst for lesion in lesions for cyst in cysts_of(lesion)):
        if not _meets(cyst, section):
            continue
        square = ((x_mm - cyst.x_mm) / cyst.semi_x_mm) ** 2
        square += ((y_mm - cyst.y_mm) / cyst.semi_y_mm) ** 2
        columns = np.flatnonzero(square < 1.0)
        if columns.size < 2:
            continue
        part = slice(columns[0], columns[-1] + 1)
        thick = section.thickness_um[cyst.layer][part]
        middle = tops[cyst.layer][part] + (cyst.height - 0.5) * thick
        tall = np.minimum(cyst.semi_z_um, 0.46 * thick) * np.sqrt(np.clip(1 - square[part], 0, 1))
        depth = (tall[None] - np.abs(height[:, part] - middle[None])) / (1.2 * axial_um)
        inside = np.clip(depth, 0.0, 1.0).astype(np.float32)
        image[:, part] += inside * (CYST_BRIGHTNESS - image[:, part])


def _meets(cyst: Cyst, section: Section) -> bool:
    """Whether a straight scan line along x or y can cut this cyst at all."""
    x_mm, y_mm = section.x_mm, section.y_mm
    apart_x = max(x_mm.min() - cyst.x_mm, cyst.x_mm - x_mm.max())
    apart_y = max(y_mm.min() - cyst.y_mm, cyst.y_mm - y_mm.max())
    return bool(apart_x < cyst.semi_x_mm and apart_y < cyst.semi_y_mm)
