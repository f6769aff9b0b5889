"""The vitreous: its detached or attached posterior face, traction, opercula, opacities.

After Johnson 2010 (doi 10.1016/j.ajo.2009.11.022), Duker 2013 (doi 10.1016/j.ophtha.2013.07.042)
and, for opercula, Gass 1995 (doi 10.1016/S0002-9394(14)72781-3). All of it is labelled vitreous.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.extras import Extra, of_kind
from ctt_net.synthetic.macula import Section

Floats = NDArray[np.float64]
Image = NDArray[np.float32]


def shape_traction(section: Section, extra: Extra) -> None:
    """The face pulls the fovea up: the pit is filled and raised to a tent."""
    rng = extra.rng()
    away = np.hypot(section.x_mm, section.y_mm)
    tent = np.exp(-((away / rng.uniform(0.12, 0.5)) ** rng.uniform(1.0, 2.0)))
    lift = extra.between(10.0, 170.0)
    for layer, share in (("inl", 0.35), ("onl", 0.45), ("ipl", 0.2)):
        section.thickness_um[layer] = section.thickness_um[layer] + share * lift * tent


def face_um(section: Section, surface: Floats, extra: Extra) -> Floats:
    """Height of the posterior face above Bruch's membrane; never below the retina's surface."""
    rng = extra.rng()
    x, y = section.x_mm, section.y_mm
    slope, ripple = rng.normal(0.0, 25.0, 2), rng.uniform(2.0, 14.0)
    wave = slope[0] * x + slope[1] * y + ripple * (np.sin(2.3 * x) + np.sin(1.9 * y + 1.0))
    wave += rng.uniform(0.0, 5.0) * np.sin(11.0 * (x - y))
    centre = rng.normal(0.0, 0.06, 2) if extra.kind == "traction" else rng.normal(0.0, 0.4, 2)
    away = np.hypot(x - centre[0], y - centre[1])
    if extra.kind == "traction" and rng.uniform() < 0.7:
        away = _from_rim(section, away, extra.seed)
    at_centre = float(surface[np.argmin(away)])
    high, wide = rng.uniform(60.0, 520.0), rng.uniform(0.4, 2.4)
    if extra.kind == "traction":
        gap = high * (1.0 - np.exp(-(np.maximum(away - rng.uniform(0.0, 0.3), 0.0) / wide)))
        face = at_centre + gap + wave * np.minimum(away, 1.0)
    elif rng.uniform() < 0.35:  # still attached further out
        face = surface + high * np.clip(1.0 - (away / rng.uniform(1.2, 3.0)) ** 2, 0.0, 1.0)
    else:
        face = float(np.median(surface)) + extra.between(30.0, 700.0) + wave
    return np.asarray(np.maximum(face, surface + 4.0))


def _from_rim(section: Section, away: Floats, seed: int) -> Floats:
    """Distance from one edge of the hole instead of its centre, where a flap hangs."""
    rim = np.flatnonzero((section.hole_ratio > 1.2) & (section.hole_ratio < 1.8))
    if not rim.size:
        return away
    at = rim[0] if seed % 2 else rim[-1]
    return np.hypot(section.x_mm - section.x_mm[at], section.y_mm - section.y_mm[at])


def add_vitreous(
    section: Section,
    surface: Floats,
    extras: tuple[Extra, ...],
    image: Image,
    height: Image,
    axial_um: float,
) -> None:
    """Draw all that floats above the retina; changes the picture in place."""
    face = None
    for extra in extras:
        if extra.kind in ("hyaloid", "traction"):
            face = face_um(section, surface, extra)
            rng = np.random.default_rng((extra.seed, 8))
            thick = rng.uniform(0.7, 1.5) * axial_um * (1.0 if rng.uniform() < 0.6 else 2.0)
            patchy = 1.0 + 0.35 * np.sin(3.1 * (section.x_mm + section.y_mm) + rng.uniform(0, 6))
            _sheet(image, height, face, rng.uniform(25.0, 130.0) * patchy, max(thick, 4.0))
            if extra.kind == "traction":  # where it holds the retina it is thick, or tears a flap
                near = np.exp(-(((face - surface) / rng.uniform(20.0, 160.0)) ** 2))
                _sheet(image, height, face, rng.uniform(40, 120) * near, rng.uniform(8.0, 26.0))
    operculum = of_kind(extras, "operculum")
    if operculum is not None:
        _add_operculum(section, surface, face, operculum, image, height)
    opacities = of_kind(extras, "opacities")
    if opacities is not None:
        _add_opacities(surface, opacities, image, height)


def _sheet(image: Image, height: Image, level_um: Floats, grey: Floats, thick_um: float) -> None:
    """A thin bright surface; where something brighter lies, that stays."""
    rows, width = image.shape
    per_row = abs(float(height[1, 0] - height[0, 0]))
    middle = (height[0] - level_um) / per_row
    reach = int(2.2 * thick_um / per_row) + 1
    columns = np.arange(width)
    for step in range(-reach, reach + 1):
        row = np.round(middle).astype(int) + step
        seen = (row >= 0) & (row < rows)
        light = grey * np.exp(-(((row - middle) * per_row / thick_um) ** 2))
        old = image[row[seen], columns[seen]]
        image[row[seen], columns[seen]] = np.maximum(old, light[seen])


def _add_operculum(
    section: Section,
    surface: Floats,
    face: Floats | None,
    extra: Extra,
    image: Image,
    height: Image,
) -> None:
    """A small bright body above the fovea, on the face if there is one."""
    rng = extra.rng()
    x_mm, y_mm = rng.normal(0.0, 0.12), rng.normal(0.0, 0.02)
    half = rng.uniform(0.04, 0.16)
    columns = np.flatnonzero(np.hypot(section.x_mm - x_mm, section.y_mm - y_mm) < 3.0 * half)
    if not columns.size:
        return
    part = slice(columns[0], columns[-1] + 1)
    x, y = section.x_mm[part] - x_mm, section.y_mm[part] - y_mm
    level = surface[part] + rng.uniform(60.0, 420.0) if face is None else face[part]
    across = np.exp(-((np.hypot(x, y) / half) ** 4))
    rough = 1.0 + 0.25 * np.sin(30.0 * (x + y) + rng.uniform(0, 6)) + 0.15 * np.sin(71.0 * (x - y))
    tall = extra.between(14.0, 50.0) * across * rough + 2.0
    bend = rng.uniform(-0.6, 0.6) * tall
    away = (height[:, part] - (level + bend)[None]) / tall[None]
    body = rng.uniform(70.0, 170.0) * np.sqrt(across) * np.exp(-(away**4))
    np.maximum(image[:, part], body.astype(np.float32), out=image[:, part])
    shade = rng.uniform(0.0, 0.25) * across
    image[:, part] *= np.where(away < -1.0, 1.0 - shade, 1.0).astype(np.float32)


def _add_opacities(surface: Floats, extra: Extra, image: Image, height: Image) -> None:
    """Faint clouds, and dots drawn out along the beam."""
    rng = extra.rng()
    rows, width = image.shape
    coarse = np.cumsum(rng.standard_normal((14, 12), dtype=np.float32), axis=1)
    coarse = np.clip(coarse / coarse.std() - rng.uniform(0.0, 1.2), 0.0, 3.0)
    cloud = cv2.resize(coarse, (width, rows), interpolation=cv2.INTER_CUBIC)
    cloud *= np.float32(extra.between(8.0, 30.0))
    for _ in range(int(rng.integers(0, 14))):
        row, column = int(rng.integers(rows)), int(rng.integers(width))
        tall = int(rng.integers(2, 14))
        cloud[row : row + tall, column : column + 1 + int(rng.integers(0, 4))] += rng.uniform(
            20, 70
        )
    above = height > (surface + 12.0).astype(np.float32)[None]
    np.maximum(image, cloud, out=image, where=above)
