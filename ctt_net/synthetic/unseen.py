"""What keeps an eye from seeing well and shows in no macular B-scan: amblyopia, optic nerve."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

UnseenKind = Literal["amblyopia", "glaucoma", "ischaemic_optic_neuropathy"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class UnseenCause:
    """How common one cause is among operated eyes, and the acuity it takes.

    Args:
        kind: Its name.
        rate: Share of operated eyes that lose acuity by it.
        shares: Cumulative shares of these eyes, 0 to 1.
        logmar: Acuity lost at these shares, logMAR; between them linear.
    """

    kind: UnseenKind
    rate: float
    shares: tuple[float, ...]
    logmar: tuple[float, ...]

    def cost_logmar(self, uniform: float | Floats) -> Floats:
        """Acuity lost at this quantile of the eyes that have the cause."""
        return np.asarray(np.interp(uniform, self.shares, self.logmar), dtype=np.float64)


UNSEEN_CAUSES: tuple[UnseenCause, ...] = (
    # Attebo 1998, Ophthalmology 105:154-159: 3.2 % of persons aged 49 or more, taken here as one
    # eye each; of these eyes 11 % read 20/30, 52 % 20/40 to 20/63, 19 % 20/80 to 20/160, 19 %
    # 20/200 or worse. The worst, 1.3, is a judgement.
    UnseenCause("amblyopia", 0.016, (0.0, 0.11, 0.63, 0.81, 1.0), (0.15, 0.25, 0.55, 0.95, 1.3)),
    # Glaucoma itself: 4 % of persons aged 48 to 92 (Chan 2017, BMJ 358:j3889). Central acuity goes
    # late; of glaucoma patients 11.0 % were blind in one eye and 1.6 % in both, by acuity or field
    # (Rossetti 2015, PLoS One 10:e0136632). That 2 % of operated eyes lose central acuity by it,
    # and how much, is a judgement.
    UnseenCause("glaucoma", 0.020, (0.0, 0.5, 0.9, 1.0), (0.10, 0.30, 0.70, 1.3)),
    # Foster 2019, IOVS abstract 2742446: 10.2 new cases in 100,000 a year from the age of 50 on,
    # so some 0.25 % of persons aged 73; mean 0.76 logMAR afterwards, 9 % count fingers or less.
    # The rate of eyes and the spread are judgements.
    UnseenCause("ischaemic_optic_neuropathy", 0.002, (0.0, 0.5, 0.9, 1.0), (0.2, 0.6, 1.3, 1.7)),
)


def draw_unseen(rng: np.random.Generator) -> tuple[UnseenKind | None, float]:
    """Cause that no scan of this eye shows, if any, and the acuity it takes, logMAR.

    Example:
        >>> kind, logmar = draw_unseen(np.random.default_rng(0))
        >>> (kind is None) == (logmar == 0.0)
        True
    """
    which, how_bad = rng.uniform(size=2)
    edges = np.cumsum([cause.rate for cause in UNSEEN_CAUSES])
    if which >= edges[-1]:
        return None, 0.0
    cause = UNSEEN_CAUSES[int(np.searchsorted(edges, which, side="right"))]
    return cause.kind, float(cause.cost_logmar(how_bad))


def unseen_distribution(n_each: int) -> tuple[Floats, Floats]:
    """Acuity that unseen causes take in the population.

    Args:
        n_each: Quantiles of every cause.

    Returns:
        Costs, logMAR, and their probabilities, (1 + causes * n_each,) each; the first is none.
    """
    middles = (np.arange(n_each) + 0.5) / n_each
    costs = [cause.cost_logmar(middles) for cause in UNSEEN_CAUSES]
    chances = [np.full(n_each, cause.rate / n_each) for cause in UNSEEN_CAUSES]
    none = 1.0 - sum(cause.rate for cause in UNSEEN_CAUSES)
    return np.concatenate([[0.0], *costs]), np.concatenate([[none], *chances])
