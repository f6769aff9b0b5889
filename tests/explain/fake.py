"""A predictor whose prediction is any function of what an eye is given."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from ctt_net.cohort import Covariate, View
from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import Scans

COVARIATES = {
    "age_years": Covariate(kind="numeric", unit="years"),
    "sex": Covariate(kind="categorical", levels=("F", "M")),
    "a_hole_um": Covariate(kind="numeric", unit="um", measured_in="a"),
}


class FakePredictor:
    """Predicts `of(pixels, present, preop, covariates)` in logMAR, 0.2 to either side."""

    def __init__(self, of, directions=("horizontal", "vertical")):
        views = {
            name: View(direction=one) for name, one in zip("abcdefgh", directions, strict=False)
        }
        self.spec = SimpleNamespace(views=views, covariates=COVARIATES)
        self.members, self.image_weights = [None], []
        self.preop_range_logmar = (0.18, 1.31)
        self.of, self.passes = of, 0

    def outputs(self, table, scans):
        self.passes += len(table)
        covariates = covariate_values(table, self.spec.covariates)
        preop = table["preop_logmar"].to_numpy(float)
        assert not (np.isnan(preop) & (table["preop_off_chart"] != "")).any()
        eyes = zip(scans.pixels, scans.present, preop, covariates, strict=True)
        return np.array([self.of(*eye) for eye in eyes])

    def estimate(self, outputs, table):
        assert len(outputs) == len(table)
        return SimpleNamespace(
            postop_logmar=outputs, lower_logmar=outputs - 0.2, upper_logmar=outputs + 0.2
        )


def one_eye(views=2, size=(32, 48), **row):
    """Table and scans of one eye of which all is known."""
    known = {"preop_logmar": 0.5, "preop_off_chart": "", "age_years": 70.0, "sex": "M"}
    known["a_hole_um"] = 400.0
    pixels = np.random.default_rng(0).integers(0, 256, (1, views, *size), dtype=np.uint8)
    present = np.ones((1, views), dtype=bool)
    return pd.DataFrame([known | row]), Scans(pixels, present, np.ones((1, views)))
