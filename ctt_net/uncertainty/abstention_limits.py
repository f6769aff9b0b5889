"""`abstention.json`: limits beyond which the model abstains.

Set when a fold is finished, on its validation split: eyes that the network was not trained on and
that no report of this run or of a held-out cohort is about. Recalibrating moves that on the scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import json_text, read_json
from ctt_net.io.renamed import ABSTENTION_KEYS, current
from ctt_net.uncertainty.reference_embeddings import (
    ReferenceEmbeddings,
    read_embeddings,
    write_embeddings,
)

ABSTENTION_FILE = "abstention.json"
MEASURED_ON = "eyes of the validation split, which trained nothing but chose the checkpoint"

HIT_LOGMAR = 0.2  # two lines
LEAST_HIT_RATE = 0.5  # below it a prediction is more often wrong by two lines than right
FEWEST_UNSURE = 20  # eyes from which a hit rate is reported
UNSURE = f"fewer than {LEAST_HIT_RATE:.0%} within {HIT_LOGMAR:g} logMAR"

# Of eyes like those of the training, this share stays within a limit.
SHARE_WITHIN = 0.99
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Abstention:
    """Limits of one network.

    Args:
        n_eyes: On how many eyes the limits were measured.
        scale_limit_logmar: Scale of the network from which on it abstains; None = none known.
        scale_limit_from: What set it.
        distance_limits: Of `references`, by name; one that could not be measured is missing.
        distance_quantiles: Of the same eyes' distances, by name.
        training_eyes: How many there were.
        training_counts: How many of them had a flag that a network may not have learned.
        references: `embedding` and `scan`; a network without an embedding has only the latter.
        measured_on: Which eyes set the limits.
    """

    n_eyes: int
    scale_limit_logmar: float | None
    scale_limit_from: str
    distance_limits: Mapping[str, float]
    distance_quantiles: Mapping[str, Mapping[str, float]]
    training_eyes: int
    training_counts: Mapping[str, int]
    references: dict[str, ReferenceEmbeddings]
    measured_on: str = MEASURED_ON

    def __post_init__(self) -> None:
        limits = [*self.distance_limits.values()]
        if self.scale_limit_logmar is not None:
            limits.append(self.scale_limit_logmar)
        if not all(np.isfinite(limit) and limit > 0 for limit in limits):
            raise ValueError(f"limits {limits} must be above 0")
        if lost := set(self.distance_limits) - set(self.references):
            raise ValueError(f"no reference embeddings {sorted(lost)[0]!r}")

    @classmethod
    def measure(
        cls,
        *,
        scale_logmar: NDArray[np.float64],
        error_logmar: NDArray[np.float64],
        features: Mapping[str, NDArray[np.float64]],
        references: dict[str, ReferenceEmbeddings],
        training_eyes: int,
        training_counts: Mapping[str, int],
    ) -> "Abstention":
        """Set the limits on E eyes that the network was not trained on.

        Args:
            scale_logmar: (E,).
            error_logmar: (E,) prediction minus truth.
            features: For each of `references` (E, ..., D); the farthest of an eye counts.
            references: Of the training.
            training_eyes: Kept.
            training_counts: Kept.
        """
        known = {}
        for name, one in references.items():
            distance = one.farthest(features[name])
            known[name] = distance[np.isfinite(distance)]
        limits = {name: upper_limit(one) for name, one in known.items()}
        scale, source = scale_limit(scale_logmar, np.abs(error_logmar) <= HIT_LOGMAR + 1e-9)
        return cls(
            len(scale_logmar),
            scale,
            source,
            {name: limit for name, limit in limits.items() if limit is not None},
            {
                name: {f"{q:g}": float(np.quantile(one, q)) for q in QUANTILES}
                for name, one in known.items()
                if len(one)
            },
            training_eyes,
            dict(training_counts),
            references,
        )

    def with_scale_limit(
        self, scale_logmar: NDArray[np.float64], error_logmar: NDArray[np.float64]
    ) -> "Abstention":
        """The limit on the scale anew, for other predictions of the same eyes; as in `measure`."""
        limit, source = scale_limit(scale_logmar, np.abs(error_logmar) <= HIT_LOGMAR + 1e-9)
        return replace(self, scale_limit_logmar=limit, scale_limit_from=source)

    def recalibrated(
        self, narrower: float, scores: NDArray[np.float64], measured_on: str
    ) -> "Abstention":
        """The limit on the scale for local errors; all others are about the training.

        A limit that asks for hits moves with the intervals, so that the model abstains from the
        same width on as before. One that only asks for scales that were measured stays, unless by
        local scores half of the eyes miss two lines at smaller ones. To set it anew as on the
        validation split would take more eyes than a local sample has.

        Args:
            narrower: Width of an interval before by its width now; above 1 = narrower now.
            scores: (patients,) local |error| / scale.
            measured_on: Which patients those were.
        """
        limit, source = self.scale_limit_logmar, self.scale_limit_from
        if limit is not None and source.startswith(UNSURE):
            found, how = limit * narrower, "moved with the intervals to"
        else:
            middle = float(np.quantile(scores, LEAST_HIT_RATE))
            found, how = HIT_LOGMAR / middle if middle > 0 else np.inf, "by the scores of"
            if limit is not None and limit <= found:
                return self
        if not (np.isfinite(found) and found > 0):
            return self
        return replace(
            self,
            scale_limit_logmar=float(found),
            scale_limit_from=f"{UNSURE}, {how} {measured_on}",
        )

    def relative_distance(
        self, name: str, features: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Distance over its limit, so that above 1 is out of distribution: (E,); None = no limit.

        Args:
            name: `embedding` or `scan`.
            features: (E, ..., D).
        """
        if name not in self.distance_limits:
            return None
        return self.references[name].farthest(features) / self.distance_limits[name]

    def text(self) -> str:
        """Contents of `abstention.json`."""
        return json_text({name: one for name, one in vars(self).items() if name != "references"})

    def write(self, folder: Path) -> None:
        """Write `abstention.json` and the reference embeddings."""
        atomic_write(folder / ABSTENTION_FILE, self.text())
        write_embeddings(self.references, folder)

    @classmethod
    def read(cls, folder: Path) -> "Abstention | None":
        """Read both files; None of a model folder of a version that had none.

        Raises:
            InputError: If one is damaged.
        """
        path = folder / ABSTENTION_FILE
        if not path.exists():
            return None
        references = read_embeddings(folder)

        def build(data: dict[str, Any]) -> "Abstention":
            return cls(**current(data, ABSTENTION_KEYS), references=references)

        return read_json(path, build)


def upper_limit(values: NDArray[np.float64], share: float = SHARE_WITHIN) -> float | None:
    """What a further value of the same kind stays below with this probability.

    The conformal quantile. Where the values are too few for it, the prediction limit of a lognormal
    variable, if that is above the largest value; None of fewer than five.

    Args:
        values: (n,) positive.
        share: Probability.
    """
    n = len(values)
    if n < 5:
        return None
    rank = int(np.ceil((n + 1) * share))
    if rank <= n:
        return float(np.sort(values)[rank - 1])
    logs = np.log(np.maximum(values, 1e-12))
    # Here and not above: a prediction, which fits nothing, starts sooner.
    from scipy import stats

    reach = stats.t.ppf(share, n - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / n)
    return float(max(np.exp(logs.mean() + reach), values.max()))


def scale_limit(
    scale_logmar: NDArray[np.float64], hit: NDArray[np.bool_]
) -> tuple[float | None, str]:
    """Scale from which on fewer than half of the eyes end within two lines, and what set it.

    Where the network does so well that there is none, scales larger than almost all that were
    measured: how good predictions are beyond is unknown.

    Args:
        scale_logmar: (E,).
        hit: (E,) whether the error was small enough.
    """
    order = np.argsort(scale_logmar)[::-1]
    scale = scale_logmar[order]
    rate = np.cumsum(hit[order]) / np.arange(1, len(order) + 1)
    # Equal scales are on one side of a limit together.
    last = np.append(scale[1:] < scale[:-1], True) if len(scale) else np.zeros(0, bool)
    bad = np.flatnonzero(last & (np.arange(1, len(order) + 1) >= FEWEST_UNSURE))
    bad = bad[rate[bad] < LEAST_HIT_RATE]
    if len(bad):
        return float(scale[bad[-1]]), UNSURE
    return upper_limit(scale_logmar), f"larger than {SHARE_WITHIN:.0%} of those measured"
