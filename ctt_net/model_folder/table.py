"""A cohort's eyes through a predictor: the rows of `predictions.csv`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ctt_net.cohort import Cohort, Covariate
from ctt_net.cohort.schema import BOUND_COLUMNS
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError
from ctt_net.model_folder.ensemble import Estimate
from ctt_net.model_folder.predictor import Predictor, preop_of
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.uncertainty.abstention import abstention_reasons, with_abstention
from ctt_net.uncertainty.flags import covariate_flags, eye_flags


def arrange_views(scans: Scans, cohort: Cohort, spec: ModelSpec) -> Scans:
    """Bring a cohort's views into the order of the network's input.

    Views are matched by name; one that the cohort has not counts as missing for every eye.

    Raises:
        InputError: If no view is known to the model, one of the same name runs another way, or one
            of another name is probably the view that is missing.
    """
    names = list(cohort.spec.views)
    if not set(names) & set(spec.views):
        raise InputError(
            f"{cohort.root}: its views ({', '.join(names)}) are none of the model's "
            f"({', '.join(spec.views)}); rename the manifest's columns and the views in cohort.yaml"
        )
    columns = []
    for name, view in spec.views.items():
        if name in names and cohort.spec.views[name].direction != view.direction:
            raise InputError(
                f"{cohort.root}: view {name!r} is {cohort.spec.views[name].direction}, the model "
                f"was trained with a {view.direction} one; correct cohort.yaml"
            )
        for other in set(names) - set(spec.views) if name not in names else ():
            if cohort.spec.views[other].direction == view.direction:
                raise InputError(
                    f"{cohort.root}: the model's {view.direction} view is called {name!r}, here "
                    f"{other!r}; rename that in cohort.yaml and manifest.csv, or remove it if it "
                    f"is another scan: {name!r} then counts as missing"
                )
        columns.append(names.index(name) if name in names else -1)
    if columns == list(range(len(names))):
        return scans  # a cohort may be larger than memory
    chosen = np.array(columns)
    there = chosen >= 0
    return Scans(
        np.where(there[:, None, None], scans.pixels[:, chosen], 0).astype(np.uint8),
        scans.present[:, chosen] & there,
        np.where(there, scans.quality[:, chosen], np.nan),
        scans.doubts[:, chosen] & there[:, None],
    )


def check_same_covariates(cohort: Cohort, spec: ModelSpec) -> None:
    """Covariates are matched by name, so one name must mean one thing.

    One that the cohort has not is unknown for all its eyes, unless it can be measured in its scans;
    a level the model does not know is unknown too.

    Raises:
        InputError: If a covariate of the same name is of another kind or unit, or the cohort lacks
            one that was measured in scans.
    """
    lacking = lacking_measures(cohort, spec.covariates)
    if lacking:
        raise InputError(f"{cohort.root}: the model takes {lacking}")
    for name, trained in spec.covariates.items():
        here = cohort.spec.covariates.get(name)
        if here is not None and (here.kind, here.unit) != (trained.kind, trained.unit):
            raise InputError(
                f"{cohort.root}: covariate {name!r} is {_kind(here)}, the model was trained with "
                f"{_kind(trained)}; correct cohort.yaml or the column, or rename it to leave it out"
            )


def lacking_measures(cohort: Cohort, covariates: Mapping[str, Covariate]) -> str:
    """Measures of scans that a cohort lacks, and the command that adds them; empty if none.

    Args:
        cohort: Whose table.
        covariates: That are wanted.
    """
    lacking = {
        name: name.removeprefix(f"{one.measured_in}_")
        for name, one in covariates.items()
        if one.measured_in is not None and name not in cohort.table
    }
    if not lacking:
        return ""
    return (
        f"measures of the scans that manifest.csv lacks ({', '.join(lacking)}); add them: "
        f"ctt-net measure {cohort.root} --add-to {cohort.root}_measured --measures "
        f"{' '.join(dict.fromkeys(lacking.values()))}"
    )


def _kind(covariate: Covariate) -> str:
    return covariate.kind + (f" in {covariate.unit}" if covariate.unit else "")


@dataclass(frozen=True)
class Predicted:
    """What a predictor predicts for E eyes.

    Args:
        estimate: The numbers.
        flags: Of each eye, `abstain` and its reasons included.
        reasons: Why the model abstains, as keys of `ABSTENTION_REASONS`; empty = it does not.
    """

    estimate: Estimate
    flags: list[list[str]]
    reasons: list[list[str]]


def predicted(predictor: Predictor, table: pd.DataFrame, scans: Scans) -> Predicted:
    """Predict rows of a cohort.

    Args:
        predictor: One model or an ensemble.
        table: Cohort rows; a covariate that is no column of it is unknown.
        scans: Of the same eyes, in the network's order of views.
    """
    spec = predictor.spec
    outputs = predictor.outputs(table, scans)
    limits = [member.abstention for member in predictor.members]
    reasons = abstention_reasons(limits, outputs, scans, *preop_of(table))
    flags = eye_flags(table, scans, tuple(spec.views))
    of_covariates = covariate_flags(table, spec.covariates, predictor.covariate_ranges)
    for i, why in enumerate(reasons):
        flags[i] += of_covariates[i]
        if any(predictor.knows_scan(pixels) for pixels in scans.pixels[i][scans.present[i]]):
            flags[i].append("train_test_overlap")
            # Whatever the limit says: an eye of the training is not out of its distribution.
            reasons[i] = why = [name for name in why if name != "out_of_distribution"]
        flags[i] = with_abstention(flags[i], why)
    return Predicted(predictor.estimate(outputs, table), flags, reasons)


def predict_eyes(predictor: Predictor, table: pd.DataFrame, scans: Scans) -> pd.DataFrame:
    """The same as rows of `predictions.csv`."""
    said = predicted(predictor, table, scans)
    estimate = said.estimate
    columns = {
        "eye_id": table["eye_id"].to_numpy(),
        "patient_id": table["patient_id"].to_numpy(),
        "preop_logmar": table["preop_logmar"].to_numpy(float),
        "postop_logmar": table["postop_logmar"].to_numpy(float),
        **{name: table[name].to_numpy(float) for name in BOUND_COLUMNS if name in table},
        "predicted_logmar": estimate.postop_logmar,
        "lower_logmar": estimate.lower_logmar,
        "upper_logmar": estimate.upper_logmar,
        "p_recovery": estimate.p_recovery[:, 0],
        "scale_logmar": estimate.scale_logmar,
        "flags": [";".join(flags) for flags in said.flags],
    }
    columns |= {
        f"p_{outcome.name}": estimate.p_recovery[:, k]
        for k, outcome in enumerate(predictor.spec.outcomes)
    }
    return pd.DataFrame(columns)
