"""What is audited: a model, the eyes of a cohort with their scans, and the predictions for them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from ctt_net.acuity import preop_band
from ctt_net.audit.resampling import patient_folds
from ctt_net.audit.result import Row
from ctt_net.audit.scan_files import CohortScans
from ctt_net.cohort import Cohort
from ctt_net.data.covariates import covariate_values
from ctt_net.metrics.subgroup_columns import AGE_COLUMNS
from ctt_net.model_folder.predictor import Predictor

Floats = NDArray[np.float64]

ENOUGH_PATIENTS = 30


@dataclass(frozen=True)
class CohortUnderAudit:
    """A model and the eyes it is audited on.

    Args:
        predictor: The model.
        cohort: Its rows are the audited eyes.
        read: Their scans; `files` and `outside` in the cohort's order of views.
        pixels: (E, V, H, W) network input, views in the network's order.
        present: (E, V) of the same views.
        members: (E, M) bool, which members of the ensemble predict each eye.
    """

    predictor: Predictor
    cohort: Cohort
    read: CohortScans
    pixels: NDArray[np.uint8]
    present: NDArray[np.bool_]
    members: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> "CohortUnderAudit":
        """The same for some eyes only."""
        return replace(
            self,
            cohort=self.cohort.where(pd.Series(chosen, index=self.table.index)),
            read=self.read.of(np.flatnonzero(chosen)),
            pixels=self.pixels[chosen],
            present=self.present[chosen],
            members=self.members[chosen],
        )

    def rows_of(self, chosen: NDArray[np.bool_], what: str) -> tuple[Row, ...]:
        """Rows of the manifest at which an (E,) mask is true, for a finding."""
        ids = self.table["eye_id"]
        return tuple(
            Row(self.cohort.rows[eye], str(ids.iloc[eye]), what) for eye in np.flatnonzero(chosen)
        )

    @property
    def table(self) -> pd.DataFrame:
        """Rows of the cohort."""
        return self.cohort.table

    @cached_property
    def patients(self) -> NDArray[Any]:
        """(E,)."""
        return self.table["patient_id"].to_numpy(str)

    @cached_property
    def n_patients(self) -> int:
        """Number of patients."""
        return len(np.unique(self.patients))

    @cached_property
    def preop(self) -> Floats:
        """(E,) logMAR, NaN = unknown."""
        return self.table["preop_logmar"].to_numpy(float)

    @cached_property
    def truth(self) -> Floats:
        """(E,) postoperative logMAR."""
        return self.table["postop_logmar"].to_numpy(float)

    @cached_property
    def band(self) -> NDArray[np.str_]:
        """(E,) band of preoperative acuity."""
        return preop_band(self.preop, self.table["preop_off_chart"].to_numpy(str) != "")

    @cached_property
    def quality(self) -> Floats:
        """(E,) mean signal quality of an eye's scans, the median where there is none."""
        of_eye = pd.DataFrame(self.read.scans.quality).mean(axis=1)
        return of_eye.fillna(of_eye.median()).fillna(0.0).to_numpy(float)

    @cached_property
    def preop_terms(self) -> Floats:
        """(E, 4) preoperative acuity, its square, whether it is off the chart, or unknown."""
        unknown = np.isnan(self.preop)
        usual = 0.0 if unknown.all() else float(np.nanmean(self.preop))
        known = np.where(unknown, usual, self.preop)
        off_chart = self.table["preop_off_chart"].to_numpy(str) != ""
        return np.column_stack([known, known**2, off_chart, unknown]).astype(float)

    @cached_property
    def given(self) -> Floats:
        """(E, G) preoperative acuity and, where the cohort declares it, age."""
        for name in AGE_COLUMNS:
            declared = self.cohort.spec.covariates.get(name)
            if declared is not None and declared.kind == "numeric" and name in self.table:
                age = self.table[name].to_numpy(float)
                if np.isfinite(age).any():
                    filled = np.where(np.isnan(age), np.nanmean(age), age)
                    return np.column_stack([self.preop_terms, filled, np.isnan(age)])
        return self.preop_terms

    @cached_property
    def preop_only(self) -> Floats:
        """(E,) predicted from preoperative acuity alone, fitted on other patients here."""
        folds = PredefinedSplit(patient_folds(self.patients))
        return cross_val_predict(LinearRegression(), self.preop_terms, self.truth, cv=folds)

    @cached_property
    def covariates(self) -> NDArray[np.float32]:
        """(E, F) as the network takes them."""
        return covariate_values(self.table, self.predictor.spec.covariates)

    @cached_property
    def predicted(self) -> Floats:
        """(E,) the model's predictions, logMAR."""
        return self.predict(self.pixels)

    def predict(
        self,
        pixels: NDArray[np.uint8],
        present: NDArray[np.bool_] | None = None,
        preop: Floats | None = None,
    ) -> Floats:
        """Predictions for the same eyes with other scans or another acuity.

        Args:
            pixels: (E, V, H, W).
            present: (E, V); as it is by default.
            preop: (E,) logMAR; as it is by default.
        """
        present = self.present if present is None else present
        preop = self.preop if preop is None else preop
        total = np.zeros(len(preop))
        for number, member in enumerate(self.predictor.members):
            chosen = self.members[:, number]
            if chosen.any():
                raw = member(
                    pixels[chosen], present[chosen], preop[chosen], self.covariates[chosen]
                )
                total[chosen] += raw.postop_logmar
        return total / np.maximum(self.members.sum(axis=1), 1)

    def embedding(self) -> Floats | None:
        """(E, D) of the first member, None of a network without embeddings."""
        member = self.predictor.members[0]
        one = (self.pixels[:1], self.present[:1], self.preop[:1], self.covariates[:1])
        if member(*one).embedding is None:
            return None
        return member(self.pixels, self.present, self.preop, self.covariates).embedding
