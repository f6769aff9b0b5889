"""Forms of macular holes: full thickness, lamellar, pseudohole, gap of the outer retina only.

Names and sizes: Duker 2013 (doi 10.1016/j.ophtha.2013.07.042), Hubschman 2020
(doi 10.1136/bjophthalmol-2019-315432), Gass 1995 (doi 10.1016/S0002-9394(14)72781-3). Before
surgery holes measure 381 µm, SD 168 (Jenisch 2017, doi 10.2147/OPTH.S125561); the base of large
ones is almost twice as wide as the narrowest part (1,208 and 645 µm; Sinawat 2021,
doi 10.2147/OPTH.S294190).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctt_net.synthetic.cavities import Cyst
from ctt_net.synthetic.extras import Extra
from ctt_net.synthetic.macula import Section

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

RIM_FLAT_UM = {"rnfl": 13, "gcl": 40, "ipl": 34, "inl": 34, "opl": 26, "onl": 88}
RIM_SWOLLEN_UM = {"rnfl": 16, "gcl": 47, "ipl": 39, "inl": 86, "opl": 30, "onl": 140}
EDGE_UM = 10.0
RESIDUE_GREY = 165.0


@dataclass(frozen=True)
class HoleForm:
    """Form of a full-thickness hole.

    Args:
        x_mm: Centre.
        y_mm: Centre.
        radius_um: At the narrowest, mean of all directions.
        off_round: How much the radius differs to opposite sides, share.
        turn: Direction of the wider side.
        lobes: How much it differs in three lobes, share.
        waist: Height of the narrowest part in the retina, 0..1.
        base_um: How much further the base reaches outwards.
        bulge: Form of the wall below the narrowest part, 0 = straight, 1 = round.
        top_um: How much further the top reaches outwards.
        rounding_um: Radius of the rounded upper edge.
        ragged_um: Unevenness of the wall.
        swelling: 0 = edges flat, 1 = swollen.
        rim_mm: How far the swelling reaches.
        cuff_um: Height of the fluid under the rim.
        cuff_mm: How far it reaches.
        lost_mm: How far the ellipsoid zone is lost outside the base.
        wet: Share of the possible cysts in the rim.
        bright: How bright the wall is, relative to the tissue.
        residue: Number of bright deposits on the pigment epithelium in the hole.
        seed: Draws cysts and deposits.
    """

    x_mm: float
    y_mm: float
    radius_um: float
    off_round: float
    turn: float
    lobes: float
    waist: float
    base_um: float
    bulge: float
    top_um: float
    rounding_um: float
    ragged_um: float
    swelling: float
    rim_mm: float
    cuff_um: float
    cuff_mm: float
    lost_mm: float
    wet: float
    bright: float
    residue: int
    seed: int

    @classmethod
    def of(cls, extra: Extra) -> "HoleForm":
        """Draw one; the severity sets the diameter, 100 to 1,200 µm (median of 400)."""
        rng = extra.rng()
        diameter = np.interp(extra.severity, (0, 0.25, 0.5, 0.75, 1), (100, 260, 400, 580, 1200))
        flat = rng.uniform() < 0.15
        detached = rng.uniform() < 0.55
        return cls(
            x_mm=rng.normal(0.0, 0.04),
            y_mm=rng.normal(0.0, 0.04),
            radius_um=float(diameter / 2),
            off_round=rng.uniform(0.0, 0.25),
            turn=rng.uniform(0.0, 2 * np.pi),
            lobes=rng.uniform(0.0, 0.1),
            waist=rng.uniform(0.35, 0.8),
            base_um=rng.uniform(10.0, 300.0) * min(1.0, 0.5 + diameter / 700.0),
            bulge=rng.uniform(),
            top_um=rng.uniform(0.0, 70.0),
            rounding_um=rng.uniform(40.0, 320.0),
            ragged_um=rng.uniform(0.0, 14.0),
            swelling=rng.uniform(0.0, 0.3) if flat else rng.uniform(0.45, 1.35),
            rim_mm=rng.uniform(0.45, 1.0),
            cuff_um=rng.uniform(15.0, 130.0) if detached else 0.0,
            cuff_mm=rng.uniform(0.08, 0.35),
            lost_mm=rng.uniform(0.02, 0.3),
            wet=0.0 if flat else rng.uniform(0.0, 1.0),
            bright=rng.uniform(0.9, 1.3) if rng.uniform() < 0.8 else rng.uniform(1.3, 2.0),
            residue=int(rng.integers(0, 7)) if rng.uniform() < 0.4 else 0,
            seed=extra.seed,
        )

    def radius_towards_um(self, angle: Floats) -> Floats:
        """Narrowest radius in these directions."""
        uneven = self.off_round * np.cos(angle - self.turn) + self.lobes * np.cos(3.0 * angle)
        return self.radius_um * (1.0 + uneven)

    def edge_um(self, share: Image, side: Image) -> Image:
        """How far the wall stands outside the narrowest radius, by height in the retina (0..1)."""
        low = np.clip((self.waist - share) / self.waist, 0.0, 1.0)
        high = np.clip((share - self.waist) / (1.0 - self.waist), 0.0, 1.0)
        round_low = 1.0 - np.sqrt(np.maximum(1.0 - low * low, 0.0))
        edge = self.base_um * (self.bulge * round_low + (1.0 - self.bulge) * low)
        edge += self.top_um * high
        edge += self.rounding_um * (1.0 - np.sqrt(np.maximum(1.0 - high * high, 0.0)))
        phase = 2.0 * side + self.seed % 7
        return np.asarray(edge + self.ragged_um * (1.0 + np.sin(17.0 * share + phase)), np.float32)

    def cysts(self) -> list[Cyst]:
        """Cysts in the rim: rows in the inner nuclear layer, tall ones below it."""
        rng = np.random.default_rng((self.seed, 4))
        size = rng.uniform(0.7, 1.8)
        cysts = []
        for _ in range(round(170 * self.wet)):
            turn = rng.uniform(0.0, 2.0 * np.pi)
            away = 0.001 * float(self.radius_towards_um(np.array(turn)))
            away += (
                0.06
                + 0.001 * (self.top_um + 0.4 * self.rounding_um)
                + 0.6 * self.rim_mm * rng.uniform() ** 1.4
            )
            semi = size * rng.uniform(0.02, 0.07)
            inner = rng.uniform() < 0.6
            tall = rng.uniform(12.0, 34.0 if inner else 62.0) * size
            x, y = self.x_mm + away * np.cos(turn), self.y_mm + away * np.sin(turn)
            layer, height = ("inl" if inner else "onl"), rng.uniform(-0.1, 0.2)
            cysts.append(Cyst(x, y, semi, semi, tall, layer, height))
        # Rows of large ones outwards from the edge along both axes, parted by septa.
        for turn in np.arange(4) * 0.5 * np.pi if rng.uniform() < 0.8 * (self.wet > 0.0) else ():
            for layer in ("onl", "inl")[: int(rng.integers(1, 3))]:
                away = 0.001 * float(self.radius_towards_um(np.array(turn)))
                away += 0.0004 * self.rounding_um + rng.uniform(0.02, 0.1)
                tall, apart = rng.uniform(35.0, 110.0), rng.uniform(1.85, 2.15)
                for _ in range(int(rng.integers(1, 7))):
                    semi = rng.uniform(0.02, 0.12)
                    away += semi
                    x, y = self.x_mm + away * np.cos(turn), self.y_mm + away * np.sin(turn)
                    wide, height = 2.0 * semi * rng.uniform(0.5, 1.5), rng.uniform(-0.1, 0.3)
                    semi_x, semi_y = (semi, wide) if turn in (0.0, np.pi) else (wide, semi)
                    cysts.append(Cyst(x, y, semi_x, semi_y, tall, layer, height))
                    away += (apart - 1.0) * semi
                    tall *= rng.uniform(0.6, 1.05)
        return cysts


def shape_hole(section: Section, form: HoleForm) -> None:
    """Swell and lift the rim; the surfaces run on across the hole, as if it were filled."""
    dx, dy = section.x_mm - form.x_mm, section.y_mm - form.y_mm
    radius = form.radius_towards_um(np.arctan2(dy, dx)) / 1000.0
    away = np.hypot(dx, dy)
    section.hole_ratio = np.minimum(section.hole_ratio, away / radius)
    beyond = np.clip(away - radius, 0.0, None)
    rim = np.exp(-((beyond / form.rim_mm) ** 2))
    thickness = section.thickness_um
    for layer, flat in RIM_FLAT_UM.items():
        target = flat + form.swelling * (RIM_SWOLLEN_UM[layer] - flat)
        thickness[layer] = thickness[layer] + rim * (target - thickness[layer])
    base = np.clip(beyond - form.base_um / 1000.0, 0.0, None)
    section.subretinal_um = np.maximum(
        section.subretinal_um, form.cuff_um * np.exp(-((base / form.cuff_mm) ** 2))
    )
    section.subretinal_um[section.subretinal_um < 2.0] = 0.0
    # Photoreceptors of the rim are lost further out than it is detached.
    lost = np.clip(1.5 - base / form.lost_mm, 0.0, 1.0)
    section.ellipsoid *= 1.0 - lost
    section.elm *= 1.0 - 0.6 * lost
    section.membrane *= 1000.0 * beyond > form.top_um + form.rounding_um


def open_form(
    section: Section, form: HoleForm, tops: dict[str, Floats], image: Image, height: Image
) -> Mask:
    """Cut the hole out, from the pigment epithelium to the vitreous; where it is open: (H, W)."""
    opened = np.zeros(image.shape, np.bool_)
    dx, dy = section.x_mm - form.x_mm, section.y_mm - form.y_mm
    radius = form.radius_towards_um(np.arctan2(dy, dx))
    away = 1000.0 * np.hypot(dx, dy) - radius
    reach = form.base_um + form.top_um + form.rounding_um + 2.0 * form.ragged_um + EDGE_UM
    columns = np.flatnonzero(away < reach)
    if not columns.size:
        return opened
    part = slice(columns[0], columns[-1] + 1)
    single = [values[part].astype(np.float32)[None] for values in (
        away, tops["rnfl"], tops["rpe"], section.subretinal_um, np.sign(dx + dy))]  # fmt: skip
    away32, surface, floor, fluid, side = single
    above = height[:, part]
    share = np.clip((above - floor - fluid) / (surface - floor - fluid), 0.0, 1.0)
    wall = form.edge_um(share, side) - away32
    inside = np.clip(wall / EDGE_UM + 0.5, 0.0, 1.0)
    inside *= np.clip((above - floor) / 6.0, 0.0, 1.0)
    if form.residue:
        rng = np.random.default_rng((form.seed, 6))
        bump = np.zeros(columns[-1] + 1 - columns[0])
        for place in rng.uniform(-0.7, 0.7, form.residue) * form.radius_um / 1000.0:
            along = (dx + dy)[part] - place
            bump += rng.uniform(10.0, 35.0) * np.exp(-((along / rng.uniform(0.012, 0.03)) ** 2))
        kept = np.clip((bump.astype(np.float32)[None] - (above - floor)) / 6.0, 0.0, 1.0)
        kept *= above > floor
        image[:, part] += inside * kept * (RESIDUE_GREY - image[:, part])
        inside *= 1.0 - kept
    lining = 1.0 + (form.bright - 1.0) * np.exp(-np.square((wall + 14.0) / 18.0))
    image[:, part] *= (1.0 - inside) * np.where(above > floor, lining, 1.0)
    opened[:, part] = (inside > 0.5) & (above <= surface)
    return opened


def shape_lamellar(section: Section, extra: Extra) -> None:
    """Inner layers cut away down to the outer nuclear layer, edge steep; the rest is whole."""
    rng = extra.rng()
    away = _away_mm(section, rng)
    half = extra.between(0.10, 0.42)
    lost = 1.0 / (1.0 + np.exp((away - half) / rng.uniform(0.012, 0.04)))
    deep = rng.uniform(0.1, 0.55)
    for layer in ("rnfl", "gcl", "ipl", "inl", "opl"):
        section.thickness_um[layer] = section.thickness_um[layer] * (1.0 - 0.93 * lost)
    section.thickness_um["onl"] = section.thickness_um["onl"] * (1.0 - deep * lost)
    section.ellipsoid *= 1.0 - 0.5 * extra.severity * lost


def lamellar_cysts(extra: Extra) -> list[Cyst]:
    """Split between inner and outer retina that undermines the edge."""
    rng = extra.rng()
    x_mm, y_mm = rng.normal(0.0, 0.03, 2)
    half = extra.between(0.10, 0.42)
    cysts = []
    for turn in np.arange(0.0, 2.0 * np.pi, 0.25 * np.pi):
        long = rng.uniform(0.08, 0.22)
        away = half + 0.75 * long
        x, y = x_mm + away * np.cos(turn), y_mm + away * np.sin(turn)
        cysts.append(Cyst(x, y, long, long, rng.uniform(8.0, 34.0), "onl", 0.42))
    return cysts


def shape_pseudohole(section: Section, extra: Extra) -> None:
    """Steep narrow pit between thickened walls under a membrane; nothing is lost at its floor."""
    rng = extra.rng()
    away = _away_mm(section, rng)
    half = rng.uniform(0.06, 0.2)
    wall = np.exp(-((away / rng.uniform(0.6, 1.1)) ** 2))
    floor = 1.0 / (1.0 + np.exp((away - half) / 0.02))
    for layer, filled in (("rnfl", 18.0), ("gcl", 48.0), ("ipl", 42.0), ("inl", 58.0)):
        thickness = section.thickness_um[layer]
        raised = thickness + extra.between(0.5, 1.0) * wall * np.maximum(filled - thickness, 0.0)
        section.thickness_um[layer] = raised * (1.0 - 0.9 * floor)
    cover = np.clip((away - 1.3 * half) / 0.05, 0.0, 1.0) * np.clip((1.8 - away) / 0.4, 0.0, 1.0)
    section.membrane = np.maximum(section.membrane, cover * rng.uniform(0.5, 1.0))


def shape_outer_gap(section: Section, extra: Extra) -> None:
    """Photoreceptors missing under an unbroken roof, as in stage 1B and after closed holes."""
    rng = extra.rng()
    away = _away_mm(section, rng)
    half, _ = _gap_um(extra)
    lost = np.clip((1.15 * half - 1000.0 * away) / 20.0, 0.0, 1.0)
    section.ellipsoid *= 1.0 - lost
    section.elm *= 1.0 - lost
    raised = extra.between(0.0, 60.0) * np.exp(-((away / 0.25) ** 2))
    section.thickness_um["onl"] = section.thickness_um["onl"] + raised


def open_outer_gap(
    section: Section, extra: Extra, tops: dict[str, Floats], image: Image, height: Image
) -> Mask:
    """Empty the gap; what of it lies above the ellipsoid zone is a cyst: (H, W)."""
    empty = np.zeros(image.shape, np.bool_)
    away = 1000.0 * _away_mm(section, extra.rng())
    half, share = _gap_um(extra)
    columns = np.flatnonzero(away < half)
    if not columns.size:
        return empty
    part = slice(columns[0], columns[-1] + 1)
    dome = np.sqrt(np.clip(1.0 - (away[part] / half) ** 2, 0.0, 1.0))
    floor = tops["rpe"][part]
    roof = floor + share * (tops["onl"][part] - floor) * dome
    above = height[:, part]
    inside = np.clip((roof - above) / 8.0 + 0.5, 0.0, 1.0) * np.clip((above - floor) / 6.0, 0, 1)
    image[:, part] *= (1.0 - 0.93 * inside).astype(np.float32)
    empty[:, part] = (inside > 0.5) & (above > tops["segments"][part])
    return empty


def _gap_um(extra: Extra) -> tuple[float, float]:
    """Half width of the gap, and its height as a share of the outer retina."""
    rng = np.random.default_rng((extra.seed, 7))
    return extra.between(30.0, 220.0), rng.uniform(0.3, 0.9)


def _away_mm(section: Section, rng: np.random.Generator) -> Floats:
    """Distance from a centre near the fovea."""
    x_mm, y_mm = rng.normal(0.0, 0.03, 2)
    return np.hypot(section.x_mm - x_mm, section.y_mm - y_mm)
