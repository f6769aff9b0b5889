"""Which eyes carry which lesions, and where: drawn from latent normals that fellow eyes share."""

import numpy as np
from scipy.special import ndtr

from ctt_net.synthetic.lesions import SEMI_AXIS_MM, Lesion, LesionKind, SeenIn

COPATHOLOGY_RATE = 0.369
"""Eyes whose notes name a co-pathology (Day 2015, UK national data set, 180,114 eyes)."""

# Lesions nobody saw behind the cataract, as a share of the eyes without a recorded one: studies
# find a maculopathy that only OCT shows in 4.5 % to 21.5 % of eyes listed for cataract surgery.
OCCULT_RATE = 0.125

# Shares of the kinds, chosen with the costs so that 79.9 % of eyes with and 94.6 % of eyes
# without recorded co-pathology see 0.30 logMAR or better after surgery (Day 2015).
KIND_SHARE: dict[LesionKind, float] = {
    "drusen": 0.42, "erm": 0.33, "ez_loss": 0.09, "cystoid": 0.08, "atrophy": 0.05,
    "macular_hole": 0.03,
}  # fmt: skip
# The foveal rule forgives what spares the foveola, so kinds that destroy retina are commoner;
# chosen with its costs to the same rates.
FOVEAL_KIND_SHARE: dict[LesionKind, float] = {
    "drusen": 0.28, "erm": 0.22, "ez_loss": 0.19, "cystoid": 0.16, "atrophy": 0.11,
    "macular_hole": 0.04,
}  # fmt: skip
OCCULT_KIND_SHARE: dict[LesionKind, float] = {
    "drusen": 0.05, "erm": 0.35, "ez_loss": 0.32, "cystoid": 0.14, "atrophy": 0.09,
    "macular_hole": 0.05,
}  # fmt: skip
# A little over a quarter, since holes are always foveal and so in both views.
ONE_VIEW_SHARE = 0.26
# By the foveal rule what spares the foveola costs little or nothing, and more lesions reach it.
FOVEAL_ONE_VIEW_SHARE = 0.15
# No scan line strays further than this from the fovea; what one view misses keeps clear of it.
FIXATION_LIMIT_MM = 0.04
CLEARANCE_MM = 0.12


def pick(shares: dict[LesionKind, float], uniform: float) -> LesionKind:
    """Kind at this quantile of the shares (which need not sum to 1)."""
    edges = np.cumsum(list(shares.values()))
    index = int(np.searchsorted(edges / edges[-1], uniform, side="right"))
    return list(shares)[min(index, len(shares) - 1)]


def draw_view(rng: np.random.Generator, one_view: float = ONE_VIEW_SHARE) -> SeenIn:
    """Which of the two scans crosses the next lesion: this share each alone, the rest both."""
    uniform = rng.uniform()
    if uniform < one_view:
        return "horizontal"
    return "vertical" if uniform < 2.0 * one_view else "both"


def severity_from(kind: LesionKind, uniform: float) -> float:
    """Severity at this quantile of the kind's own distribution.

    Membranes follow the stages of a series of eyes (stage 1 to 4: 23, 27, 40, 11 %; Doguizi,
    s41433-018-0153-9); of the others mild ones are commoner than severe ones.
    """
    if kind == "erm":
        return float(np.interp(uniform, (0.0, 0.115, 0.365, 0.70, 1.0), (0.0, 0.1, 0.36, 0.67, 1)))
    return float(uniform**1.3)


def place(kind: LesionKind, severity: float, seen_in: SeenIn, rng: np.random.Generator) -> Lesion:
    """Put a lesion of this severity where only the named view, or both, will cross it."""
    low, high = SEMI_AXIS_MM[kind]
    along = low + severity * (high - low)
    across = along * rng.uniform(0.8, 1.0)
    offset, other = np.clip(rng.normal(0.0, 0.07, 2), -0.15, 0.15) * along
    seed = int(rng.integers(2**31))
    if kind == "macular_hole":
        return Lesion(kind, offset, other, along, along, severity, "both", seed)
    if seen_in == "both":
        return Lesion(kind, offset, other, along, across, severity, "both", seed)
    away = along + FIXATION_LIMIT_MM + CLEARANCE_MM + rng.uniform(0.0, 0.3)
    away *= rng.choice((-1.0, 1.0))
    if seen_in == "horizontal":
        return Lesion(kind, away, offset, along, across, severity, seen_in, seed)
    return Lesion(kind, offset, away, across, along, severity, seen_in, seed)


def draw_lesions(
    status: float,
    kind: float,
    severity: float,
    diabetes: bool,
    rng: np.random.Generator,
    known_shares: dict[LesionKind, float] = KIND_SHARE,
    one_view: float = ONE_VIEW_SHARE,
) -> tuple[bool, tuple[Lesion, ...]]:
    """Draw the lesions of an eye from its latents.

    Args:
        status: Standard normal liability to macular disease.
        kind: Uniform in 0..1 that picks the kind.
        severity: Standard normal latent severity.
        diabetes: Makes oedema three times as likely among the kinds.
        rng: Draws the places.
        known_shares: Shares of the kinds among recorded lesions.
        one_view: Share of lesions that the horizontal scan alone crosses, and the vertical alone.

    Returns:
        Whether the notes name a co-pathology, and the lesions.
    """
    uniform = float(ndtr(-status))
    known = uniform < COPATHOLOGY_RATE
    hidden = COPATHOLOGY_RATE + OCCULT_RATE * (1.0 - COPATHOLOGY_RATE)
    if uniform >= hidden:
        return known, ()
    shares = dict(known_shares if known else OCCULT_KIND_SHARE)
    if diabetes:
        shares["cystoid"] *= 3.0
    chosen = pick(shares, kind)
    how_bad = severity_from(chosen, float(ndtr(severity)))
    lesions = [place(chosen, how_bad, draw_view(rng, one_view), rng)]
    if known and rng.uniform() < 0.25 and chosen != "macular_hole":
        second: LesionKind = "drusen" if rng.uniform() < 0.5 else "erm"
        if second != chosen:
            views = draw_view(rng, one_view)
            mild = severity_from(second, rng.uniform(0.0, 0.5))
            lesions.append(place(second, mild, views, rng))
    return known, tuple(lesions)
