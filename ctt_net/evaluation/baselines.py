"""What can be predicted without looking at a scan; every result stands beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ctt_net.errors import InputError
from ctt_net.evaluation.boosting import BoostedTrees
from ctt_net.evaluation.linear import Feature, LinearModel

if TYPE_CHECKING:
    from ctt_net.cohort import CohortSpec, Covariate

PREOP = Feature("preop_logmar")

# What these say of an eye whose covariates are unknown is not what they are named for.
COVARIATE_BASELINES = ("covariates", "boosting")


@dataclass(frozen=True)
class Baselines:
    """Four predictors without images, all in logMAR.

    An image model is only worth its scans if it beats these (Yang 2024, doi
    10.1080/02713683.2024.2430212: age and sex alone came within 0.005 logMAR of the images).

    Args:
        mean_logmar: `mean`: the same acuity for every eye.
        preop_only: `preop_only`: a straight line on the preoperative acuity.
        covariates: `covariates`: ridge regression on preoperative acuity and the cohort's
            covariates; None if the cohort declares none.
        boosting: `boosting`: gradient-boosted trees on the same columns, so that what is not a
            straight line, in the preoperative acuity too, is not credited to the images. None in
            a model folder that was written before there were any.
    """

    mean_logmar: float
    preop_only: LinearModel
    covariates: LinearModel | None
    boosting: BoostedTrees | None = None

    @classmethod
    def fit(cls, table: pd.DataFrame, spec: "CohortSpec") -> "Baselines":
        """Fit on the eyes whose postoperative acuity is known.

        Args:
            table: Rows of a cohort.
            spec: Says which columns are covariates.

        Raises:
            InputError: If no postoperative acuity is known, or a covariate cannot be read.
        """
        known = table[table["postop_logmar"].notna()]
        if known.empty:
            raise InputError(
                "baselines: no eye has a postoperative acuity; fill postop_va in manifest.csv"
            )
        target = known["postop_logmar"].to_numpy(dtype=np.float64)
        features = [PREOP] + [
            _feature(name, declared, known)
            for name, declared in spec.covariates.items()
            if name != PREOP.column
        ]
        covariates = None
        if spec.covariates:
            covariates = LinearModel.fit(known, features, target, list(known["patient_id"]))
        return cls(
            mean_logmar=float(target.mean()),
            preop_only=LinearModel.fit(known, [PREOP], target, None),
            covariates=covariates,
            boosting=BoostedTrees.fit(known, features, target),
        )

    def predict(self, table: pd.DataFrame) -> pd.DataFrame:
        """Predicted logMAR: one row per row of `table`, one column per baseline."""
        columns = {
            "mean": np.full(len(table), self.mean_logmar),
            "preop_only": self.preop_only.predict(table),
        }
        if self.covariates is not None:
            columns["covariates"] = self.covariates.predict(table)
        if self.boosting is not None:
            columns["boosting"] = self.boosting.predict(table)
        return pd.DataFrame(columns, index=table.index)

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping of numbers and names for JSON; a model folder carries it."""
        return {
            "mean_logmar": self.mean_logmar,
            "preop_only": self.preop_only.to_dict(),
            "covariates": self.covariates.to_dict() if self.covariates else None,
            "boosting": self.boosting.to_dict() if self.boosting else None,
        }

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> "Baselines":
        """Inverse of `to_dict`.

        Raises:
            InputError: If the mapping is not one that `to_dict` wrote.
        """
        try:
            covariates, boosting = mapping["covariates"], mapping.get("boosting")
            return cls(
                mean_logmar=float(mapping["mean_logmar"]),
                preop_only=LinearModel.from_dict(mapping["preop_only"]),
                covariates=LinearModel.from_dict(covariates) if covariates else None,
                boosting=BoostedTrees.from_dict(boosting) if boosting else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"baselines: cannot be read ({error!r}); the model folder is damaged or was "
                "written by another version; train again"
            ) from error


def cross_fit_baselines(table: pd.DataFrame, spec: "CohortSpec", fold: pd.Series) -> pd.DataFrame:
    """Predict each eye by baselines that never saw its fold.

    Args:
        table: Rows of a cohort.
        spec: Its specification.
        fold: Fold of each row, indexed like `table`.

    Returns:
        One row per row of `table`, one column per baseline, logMAR.

    Raises:
        InputError: If an eye has no fold, a patient lies in two, or there is only one.
    """
    fold = fold.reindex(table.index)
    if fold.isna().any():
        eye = table.loc[fold.isna(), "eye_id"].iloc[0]
        raise InputError(f"folds: eye {eye!r} has no fold; write the folds anew for this cohort")
    torn = fold.groupby(table["patient_id"]).nunique()
    if (torn > 1).any():
        patient = torn.index[torn > 1][0]
        raise InputError(
            f"folds: patient {patient!r} lies in more than one fold; write the folds anew, "
            "grouped by patient"
        )
    if fold.nunique() < 2:
        raise InputError("folds: at least two are needed to predict each eye from the others")
    parts = [
        Baselines.fit(table[fold != number], spec).predict(table[fold == number])
        for number in sorted(fold.unique())
    ]
    return pd.concat(parts).reindex(table.index)


def average_baselines(members: Sequence[Baselines], table: pd.DataFrame) -> pd.DataFrame:
    """Mean prediction of the folds' baselines, as an ensemble of the folds' models is averaged.

    Args:
        members: One per fold.
        table: Rows of a cohort.

    Raises:
        ValueError: If there is none.
    """
    if not members:
        raise ValueError("average_baselines needs at least one member")
    frames = [member.predict(table) for member in members]
    names = [name for name in frames[0] if all(name in frame for frame in frames)]
    stacked = np.stack([frame[names].to_numpy(dtype=np.float64) for frame in frames])
    return pd.DataFrame(stacked.mean(axis=0), index=table.index, columns=names)


def _feature(name: str, declared: "Covariate", table: pd.DataFrame) -> Feature:
    """How a declared covariate is read; levels that were not declared are those in the table."""
    missing = tuple(getattr(declared, "missing", ()))
    if declared.kind != "categorical":
        return Feature(name, missing=missing)
    levels = tuple(declared.levels)
    if not levels and name in table:
        seen = {str(cell).strip() for cell in table[name] if not pd.isna(cell)}
        levels = tuple(sorted(seen - {"", *missing}))
    return Feature(name, levels or ("unknown",), missing)
