"""What can be predicted without a network; every result stands beside it.

Reports, predictions and comparisons (`benchmarks/`) all take these.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ctt_net.baselines.boosting import BoostedTrees
from ctt_net.baselines.linear import Feature, FittedModel, LinearModel
from ctt_net.baselines.support_vectors import SupportVectorMachine
from ctt_net.errors import InputError
from ctt_net.io.json_file import read_json, write_json

if TYPE_CHECKING:
    from ctt_net.cohort import CohortSpec, Covariate

BASELINES_FILE = "baselines.json"

PREOP = Feature("preop_logmar")

# What these say of an eye whose covariates are unknown is not what they are named for.
COVARIATE_BASELINES = ("covariates", "boosting", "svm", "svm_measures")
# Of these, what also takes the covariates that were measured in scans.
MEASURES_BASELINE = "svm_measures"

BASELINES = {
    "mean": "Mean outcome",
    "median": "Median outcome",
    "preop_only": "Preop VA only",
    "covariates": "Preop VA and covariates, ridge regression",
    "boosting": "Preop VA and covariates, gradient boosting",
    "svm": "Preop VA and covariates, support vector machine",
    "svm_measures": "Preop VA, covariates and measures, support vector machine",
}


# Not one of them but their stack, which predictions may start from (`clinical_start`).
STACK = "stack"
STACK_LABEL = "Clinical start: stack of the above"


@dataclass(frozen=True)
class Baselines:
    """Predictors without a network, all in logMAR; only `svm_measures` takes anything of scans.

    An image model is only worth its scans if it beats these (Yang 2024, doi
    10.1080/02713683.2024.2430212: age and sex alone came within 0.005 logMAR of the images).

    Args:
        mean_logmar: `mean`: the same acuity for every eye.
        preop_only: `preop_only`: a straight line on the preoperative acuity.
        covariates: `covariates`: ridge regression on preoperative acuity and the cohort's
            covariates; None if the cohort declares none.
        boosting: `boosting`: gradient-boosted trees on the same columns, so that what is not a
            straight line, in the preoperative acuity too, is not credited to the images.
        median_logmar: `median`: the best that one acuity for every eye can do by absolute error.
        svm: `svm`: support vector machine with a radial kernel on the same columns.

        svm_measures: `svm_measures`: the same machine with the covariates that were measured in
            scans too; None if the cohort declares none.

    The last four are None in model folders from before there were any.
    """

    mean_logmar: float
    preop_only: LinearModel
    covariates: LinearModel | None = None
    boosting: BoostedTrees | None = None
    median_logmar: float | None = None
    svm: SupportVectorMachine | None = None
    svm_measures: SupportVectorMachine | None = None

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
        declared = [
            _feature(name, one, known)
            for name, one in spec.covariates.items()
            if name != PREOP.column
        ]
        features = [PREOP, *(one for one in declared if one.measured_in is None)]
        covariates, svm_measures = None, None
        if any(one.measured_in is None for one in spec.covariates.values()):
            covariates = LinearModel.fit(known, features, target, list(known["patient_id"]))
        if any(one.measured_in is not None for one in declared):
            svm_measures = SupportVectorMachine.fit(known, [PREOP, *declared], target)
        return cls(
            mean_logmar=float(target.mean()),
            preop_only=LinearModel.fit(known, [PREOP], target, None),
            covariates=covariates,
            boosting=BoostedTrees.fit(known, features, target),
            median_logmar=float(np.median(target)),
            svm=SupportVectorMachine.fit(known, features, target),
            svm_measures=svm_measures,
        )

    def predict(self, table: pd.DataFrame) -> pd.DataFrame:
        """Predicted logMAR: one row per row of `table`, one column per baseline."""
        constants = {"mean": self.mean_logmar, "median": self.median_logmar}
        columns = {n: np.full(len(table), one) for n, one in constants.items() if one is not None}
        for name in ("preop_only", *COVARIATE_BASELINES):
            fitted = getattr(self, name)
            if fitted is not None:
                columns[name] = fitted.predict(table)
        return pd.DataFrame(columns, index=table.index)

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping of numbers and names for JSON; a model folder carries it."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: part.to_dict() if isinstance(part, FittedModel) else part
            for name, part in parts.items()
        }

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> "Baselines":
        """Inverse of `to_dict`.

        Raises:
            InputError: If the mapping is not one that `to_dict` wrote.
        """
        kinds: dict[str, Callable[[Any], Any]] = {
            "mean_logmar": float,
            "preop_only": LinearModel.from_dict,
            "covariates": LinearModel.from_dict,
            "boosting": BoostedTrees.from_dict,
            "median_logmar": float,
            "svm": SupportVectorMachine.from_dict,
            "svm_measures": SupportVectorMachine.from_dict,
        }
        try:
            parts = {
                name: kind(mapping[name])
                for name, kind in kinds.items()
                if name in ("mean_logmar", "preop_only") or mapping.get(name) is not None
            }
            return cls(**parts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"baselines: cannot be read ({error!r}); the model folder is damaged or was "
                "written by another version; train again"
            ) from error


def baseline_label(name: str, beside: Container[str]) -> str:
    """Name for readers.

    Args:
        name: Of the baseline.
        beside: All of its evaluation; without `covariates` among them a cohort declares none, and
            the others know the preoperative acuity alone.

    Example:
        >>> baseline_label("svm", ["mean", "svm"])
        'Preop VA, support vector machine'
    """
    label = {**BASELINES, STACK: STACK_LABEL}.get(name, name)
    if "covariates" in beside:
        return label
    return label.replace(", covariates and", " and").replace(" and covariates", "")


def left_out_baselines(unknown: Iterable[str], covariates: Mapping[str, "Covariate"]) -> list[str]:
    """Baselines that would not know what they are named for.

    Args:
        unknown: Names of covariates that are unknown of every eye.
        covariates: Those that the baselines take.
    """
    kinds = {covariates[name].measured_in is None for name in unknown}
    if True in kinds:
        return list(COVARIATE_BASELINES)
    return [MEASURES_BASELINE] if kinds else []


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
    divided = fold.groupby(table["patient_id"]).nunique()
    if (divided > 1).any():
        patient = divided.index[divided > 1][0]
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


def write_baselines(baselines: Baselines, folder: Path) -> None:
    """Write `baselines.json` into a model folder."""
    write_json(folder / BASELINES_FILE, baselines.to_dict())


def read_baselines(folder: Path) -> Baselines:
    """Read `baselines.json`.

    Raises:
        InputError: If it is missing or damaged.
    """
    return read_json(folder / BASELINES_FILE, Baselines.from_dict)


def _feature(name: str, declared: "Covariate", table: pd.DataFrame) -> Feature:
    """How a declared covariate is read; levels that were not declared are those in the table."""
    missing = tuple(getattr(declared, "missing", ()))
    if declared.kind != "categorical":
        return Feature(name, missing=missing, measured_in=getattr(declared, "measured_in", None))
    levels = tuple(declared.levels)
    if not levels and name in table:
        seen = {str(cell).strip() for cell in table[name] if not pd.isna(cell)}
        levels = tuple(sorted(seen - {"", *missing}))
    return Feature(name, levels or ("unknown",), missing)
