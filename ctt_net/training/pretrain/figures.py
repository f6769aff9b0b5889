"""How well lesions are read: per view and kind, per eye and kind, and the potential."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torchmetrics import Metric

from ctt_net.synthetic import KINDS
from ctt_net.training.pretrain.data import Lesions

Figures = dict[str, Any]


def lesion_figures(
    found: Lesions, truth: Lesions, view_present: NDArray[np.bool_], views: Sequence[str]
) -> Figures:
    """Figures of E eyes; None where one is not defined, as an AUROC without a case.

    Args:
        found: As read, arrays.
        truth: As simulated, arrays.
        view_present: (E, V); absent views do not count.
        views: Names of the V views.
    """
    by_view: dict[str, Figures] = {}
    for v, name in enumerate(views):
        there = view_present[:, v]
        by_view[name] = {
            kind: {
                "share": _mean(truth.presence[there, v, k]),
                "auroc": _auroc(truth.presence[there, v, k], found.presence[there, v, k]),
                **_closeness(found.view_cost[there, v, k], truth.view_cost[there, v, k], "cost_"),
            }
            for k, kind in enumerate(KINDS)
        }
    return {
        "potential": _closeness(found.potential, truth.potential),
        "cost": {
            kind: _closeness(found.cost[:, k], truth.cost[:, k]) for k, kind in enumerate(KINDS)
        },
        "views": by_view,
    }


def flat(figures: Figures, above: str = "") -> dict[str, float]:
    """Nested figures by one name each, the undefined ones left out."""
    names: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            names |= flat(value, f"{above}{name}_")
        elif value is not None:
            names[above + name] = float(value)
    return names


def _closeness(found: NDArray[np.float32], truth: NDArray[np.float32], prefix: str = "") -> Figures:
    """Mean absolute error, logMAR, and Pearson's correlation."""
    r = None
    if len(truth) > 1 and np.ptp(truth) > 0 and np.ptp(found) > 0:
        r = float(np.corrcoef(found.astype(float), truth.astype(float))[0, 1])
    return {f"{prefix}mae": _mean(np.abs(found - truth)), f"{prefix}r": r}


def _mean(values: NDArray[np.float32]) -> float | None:
    return float(values.mean(dtype=float)) if len(values) else None


def _auroc(truth: NDArray[np.float32], found: NDArray[np.float32]) -> float | None:
    return float(roc_auc_score(truth, found)) if len(np.unique(truth)) == 2 else None


class LesionMeter(Metric):
    """Collects batches on every process until the figures are asked for.

    Args:
        views: Names of the views.
    """

    full_state_update = False

    def __init__(self, views: Sequence[str]) -> None:
        super().__init__()
        self.views = tuple(views)
        for part in ("present", *(f"found_{n}" for n in Lesions._fields), *_TRUTH):
            self.add_state(part, default=[], dist_reduce_fx="cat")

    def update(self, found: Lesions, truth: Lesions, view_present: Tensor) -> None:
        """Add B eyes."""
        self.present.append(view_present)
        for name in Lesions._fields:
            getattr(self, f"found_{name}").append(getattr(found, name).detach())
            getattr(self, f"truth_{name}").append(getattr(truth, name))

    def compute(self) -> Figures:
        """Figures of all eyes so far."""
        found, truth = (
            Lesions(*(self._whole(f"{side}_{name}") for name in Lesions._fields))
            for side in ("found", "truth")
        )
        return lesion_figures(found, truth, self._whole("present"), self.views)

    def _whole(self, state: str) -> NDArray[Any]:
        parts = getattr(self, state)
        return (parts if isinstance(parts, Tensor) else torch.cat(parts)).cpu().numpy()


_TRUTH = tuple(f"truth_{name}" for name in Lesions._fields)
