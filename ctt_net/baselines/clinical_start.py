"""`clinical_start.json`: what a prediction starts from, and how far a network may move it.

    predicted = clinical + image_weight * (network - clinical)

`clinical` is a stack of the predictors without images, fitted on the training of a fold. The image
weight is what held-out eyes of the training say for the network, down to 0: a network that knows
less than the clinical columns then changes nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.baselines.clinical import Baselines, cross_fit_baselines
from ctt_net.cohort.folds import make_folds, most_folds
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.json_file import json_text, read_json
from ctt_net.outcome import Outcome
from ctt_net.types import ModelOutput

if TYPE_CHECKING:
    from ctt_net.cohort import CohortSpec, Covariate

CLINICAL_START_FILE = "clinical_start.json"

# What few eyes are given: of six pairs and triples these two together had the smallest error out of
# fold on a hundred real eyes, at two times after surgery (docs/experiments.md).
PRIOR_WEIGHTS = {"svm": 0.5, "preop_only": 0.5}
PRIOR_SD = 0.3

# Standard errors by which the correction must differ from none. By one, b^2 is too large on average
# (E[b^2] = beta^2 + s^2); by two where the checkpoint was chosen on the same eyes, which adds one.
UNSEEN_EYES, CHECKPOINT_EYES = 1.0, 2.0

# SD of the logistic distribution of scale 1.
LOGISTIC_SD = math.pi / math.sqrt(3)


def stack_weights(predicted: pd.DataFrame, truth_logmar: NDArray[np.float64]) -> dict[str, float]:
    """Weights of predictors whose sum predicts best, shrunk towards `PRIOR_WEIGHTS`.

    Stacked regression (Breiman 1996, doi 10.1007/BF00117832): least squares on predictions out of
    fold, weights of 0 or more that sum to 1, with a normal prior of SD `PRIOR_SD` on each. At a
    hundred eyes the prior has about half of the say, at a thousand nearly none.

    Args:
        predicted: One row per eye, one column per predictor, logMAR, out of fold.
        truth_logmar: (E,).
    """
    from scipy.optimize import nnls

    values = predicted.to_numpy(float)
    prior = np.array([PRIOR_WEIGHTS.get(str(name), 0.0) for name in predicted])
    spread = float(np.sqrt(np.mean((truth_logmar - values @ prior) ** 2)))
    penalty = max(spread, 1e-6) / PRIOR_SD
    # The last row, heavy beside all others, holds the sum at 1.
    rows = [values, penalty * np.eye(len(prior)), np.full((1, len(prior)), 1e4)]
    found = nnls(np.vstack(rows), np.concatenate([truth_logmar, penalty * prior, [1e4]]))[0]
    return dict(zip(map(str, predicted), (found / found.sum()).tolist(), strict=True))


def image_weight(
    truth_logmar: NDArray[np.float64],
    clinical_logmar: NDArray[np.float64],
    network_logmar: NDArray[np.float64],
    standard_errors: float,
) -> float:
    """Share of the network's correction that held-out eyes support, 0..1.

    With the correction d = network - clinical, the error it should remove r = truth - clinical, the
    least-squares weight b = sum(d r) / sum(d^2) and its standard error s:

        weight = b * max(0, 1 - (k s / b)^2), at most 1, and 0 where b is not above 0

    the non-negative garrote (Breiman 1995, doi 10.1080/00401706.1995.10484371): nothing up to k
    standard errors, and nearly b well beyond.

    Args:
        truth_logmar: (E,) of eyes that neither predictor was fitted to.
        clinical_logmar: (E,).
        network_logmar: (E,).
        standard_errors: k: `UNSEEN_EYES`, or `CHECKPOINT_EYES` if they chose the checkpoint.

    Example:
        >>> truth, clinical = np.array([0.0, 0.2, 0.4, 0.9, 1.1]), np.full(5, 0.5)
        >>> image_weight(truth, clinical, truth, 1), image_weight(truth, clinical, clinical, 1)
        (1.0, 0.0)
    """
    correction, wanted = network_logmar - clinical_logmar, truth_logmar - clinical_logmar
    size = float(correction @ correction)
    best = float(correction @ wanted) / size if size > 0 else 0.0
    if len(wanted) < 2 or best <= 0:
        return 0.0
    left = wanted - best * correction
    variance = float(left @ left) / (len(left) - 1) / size
    garrote = max(0.0, 1 - standard_errors**2 * variance / best**2)
    return min(1.0, best * garrote)


@dataclass(frozen=True)
class ClinicalStart:
    """Contents of `clinical_start.json`.

    Args:
        baselines: Fitted on training and validation split of the fold, on the preoperative acuity
            and the network's covariates.
        weights: Of each of their predictions in the stack.
        scale_logmar: SD of the stack's error out of fold.
        image_weight: How far the network moves the prediction, 0..1.
        n_eyes: Held-out eyes that the image weight was estimated on.

    Raises:
        ValueError: If a number is impossible.
    """

    baselines: Baselines
    weights: Mapping[str, float]
    scale_logmar: float
    image_weight: float
    n_eyes: int

    def __post_init__(self) -> None:
        if not 0 <= self.image_weight <= 1:
            raise ValueError(f"image_weight {self.image_weight!r} is not in 0..1")
        if not (math.isfinite(self.scale_logmar) and self.scale_logmar > 0):
            raise ValueError(f"scale_logmar {self.scale_logmar!r} is not above 0")

    @classmethod
    def fit(
        cls, table: pd.DataFrame, spec: "CohortSpec", covariates: Mapping[str, "Covariate"]
    ) -> tuple["ClinicalStart", pd.Series]:
        """Fit the stack; the image weight is 0 until `with_image_weight`.

        Args:
            table: Training and validation split of a fold, all of exactly known outcome.
            spec: Of the cohort.
            covariates: Those of the network.

        Returns:
            The stack, and what it predicts for each row out of fold, grouped by patient; indexed
            like `table`.

        Raises:
            InputError: If a covariate cannot be read.
        """
        own = spec.model_copy(update={"covariates": dict(covariates)})
        unsplit = table.drop(columns="split", errors="ignore")
        fold = table["eye_id"].map(make_folds(unsplit, most_folds(unsplit)))
        predicted = cross_fit_baselines(table, own, fold)
        truth = table["postop_logmar"].to_numpy(float)
        weights = stack_weights(predicted, truth)
        stacked = predicted @ pd.Series(weights)
        scale = max(float(np.sqrt(np.mean((stacked - truth) ** 2))), 1e-3)
        return cls(Baselines.fit(table, own), weights, scale, 0.0, 0), stacked

    def with_image_weight(
        self,
        truth_logmar: NDArray[np.float64],
        clinical_logmar: NDArray[np.float64],
        network_logmar: NDArray[np.float64],
        standard_errors: float,
    ) -> "ClinicalStart":
        """The same with the `image_weight` of these eyes; arguments as there."""
        weight = image_weight(truth_logmar, clinical_logmar, network_logmar, standard_errors)
        return replace(self, image_weight=weight, n_eyes=len(truth_logmar))

    def predict(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """What the stack predicts without the images, logMAR: (eyes,)."""
        predicted = self.baselines.predict(table)
        return np.asarray(
            sum(weight * predicted[name].to_numpy() for name, weight in self.weights.items())
        )

    def blend(
        self,
        output: ModelOutput,
        clinical_logmar: NDArray[np.float64],
        preop_logmar: NDArray[np.float64],
        outcomes: Sequence[Outcome],
    ) -> ModelOutput:
        """Move the clinical prediction towards a network's by the image weight.

        Scale and recovery logits are those of both in the same mixture; the clinical logit is that
        of a logistic distribution with the stack's error.

        Args:
            output: Of the network, E eyes.
            clinical_logmar: (E,) of `predict`.
            preop_logmar: (E,), NaN = unknown.
            outcomes: The K recovery outcomes.

        Returns:
            At weight 1 the network's own output, at 0 the clinical prediction; embedding unchanged.
        """
        if self.image_weight == 1:
            return output
        margins = [outcome.margin(preop_logmar, clinical_logmar) for outcome in outcomes]
        logit = np.column_stack(margins) / self.scale_logmar * LOGISTIC_SD
        scale = np.full(len(clinical_logmar), self.scale_logmar)

        def mixed(
            clinical: NDArray[np.float64], network: NDArray[np.float64]
        ) -> NDArray[np.float64]:
            if self.image_weight == 0:
                return clinical
            return clinical + self.image_weight * (network - clinical)

        return replace(
            output,
            postop_logmar=mixed(clinical_logmar, output.postop_logmar),
            scale_logmar=mixed(scale, output.scale_logmar),
            recovery_logit=mixed(logit, output.recovery_logit),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping of numbers and names for JSON."""
        return {**vars(self), "weights": dict(self.weights), "baselines": self.baselines.to_dict()}

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> "ClinicalStart":
        """Inverse of `to_dict`.

        Raises:
            InputError: If its baselines cannot be read.
            ValueError: If a number is impossible.
        """
        return cls(
            Baselines.from_dict(mapping["baselines"]),
            {name: float(weight) for name, weight in mapping["weights"].items()},
            float(mapping["scale_logmar"]),
            float(mapping["image_weight"]),
            int(mapping["n_eyes"]),
        )

    def text(self) -> str:
        """Contents of `clinical_start.json`."""
        return json_text(self.to_dict())

    def write(self, folder: Path) -> None:
        """Write `clinical_start.json` into a model folder."""
        atomic_write(folder / CLINICAL_START_FILE, self.text())

    @classmethod
    def read(cls, folder: Path) -> "ClinicalStart | None":
        """Read it; None of a model folder without: its predictions are the network's.

        Raises:
            InputError: If it is damaged.
        """
        path = folder / CLINICAL_START_FILE
        return read_json(path, cls.from_dict) if path.exists() else None


def image_weight_in_words(weights: Sequence[float]) -> str:
    """How much the images change the prediction, as sentences; empty without a clinical start.

    Args:
        weights: Image weights of the networks that are averaged, or of the folds.
    """
    if not weights:
        return ""
    mean = float(np.mean(weights))
    span = f" ({min(weights):.0%} to {max(weights):.0%} by network)" if len(weights) > 1 else ""
    if mean == 0:
        return (
            "0%: the network changes nothing, and every prediction is the clinical prediction, "
            "from preoperative VA and covariates, measures of the scans among them if there are "
            "any. On held-out eyes of the training the network did not measurably improve on it."
        )
    return (
        f"{mean:.0%}{span}: a prediction is the clinical prediction, from preoperative VA and "
        f"covariates, moved by this share of the way to the network's. The share is what held-out "
        f"eyes of the training support."
    )
