"""Flags: what to know about the input of one prediction, as short words."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from ctt_net.cohort import Covariate
from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import Scans
from ctt_net.imaging import DOUBTS

# Of `imaging.signal_quality`. Real scans at hand lie in 0.46 to 0.67, simulated ones behind a dense
# cataract reach down to here.
LOW_QUALITY = 0.25

IN_WORDS = {
    "no_preop_va": "the preoperative acuity is unknown",
    "off_chart_preop": "the preoperative acuity is off the chart (counting fingers or less)",
    "off_chart_postop": "the postoperative acuity is off the chart (counting fingers or less)",
    "no_view": "there is no scan: predicted from the acuity alone",
    "missing_view": "a scan the model was trained with is missing ({})",
    "missing_covariate": "not given: {}",
    "not_measured": "nothing was measured in a scan ({})",
    "unseen_level": "{} has a value the model was not trained with: taken as unknown",
    "outside_training": "{} lies outside the range of the training",
    "low_quality": "a scan is of low signal quality",
    "unusable_scan": "a scan is not an upright B-scan of the macula",
    "other_view": "the burnt-in mark of a scan names another view",
    "other_eye": "the burnt-in mark of a scan names the other eye",
    "disc_side": "in a scan the optic disc lies at the other end: it may be of the other eye",
    "train_test_overlap": "a scan took part in the training, so its error is too small",
    "out_of_distribution": "the eye or its scans differ from those the model was trained on",
    "wide_interval": "the uncertainty is too large for a useful prediction",
    "abstain": "this prediction should not be used",
}


def eye_flags(table: pd.DataFrame, scans: Scans, views: tuple[str, ...]) -> list[list[str]]:
    """Flags of each eye; `missing_view:<name>` names the view.

    Args:
        table: Rows of a cohort.
        scans: Of the same eyes.
        views: Names of the views in their order.
    """
    flags = []
    doubted = {name: scans.doubted(name) for name in DOUBTS}
    rows = table[["preop_logmar", "preop_off_chart", "postop_off_chart"]].itertuples(index=False)
    for i, (preop, before, after) in enumerate(rows):
        found = []
        if np.isnan(preop):
            found.append("no_preop_va")
        if before:
            found.append("off_chart_preop")
        if after:
            found.append("off_chart_postop")
        present = scans.present[i]
        if not present.any():
            found.append("no_view")
        else:
            found += [f"missing_view:{views[v]}" for v in np.flatnonzero(~present)]
        if (scans.quality[i][present] < LOW_QUALITY).any():
            found.append("low_quality")
        flags.append(found + [name for name, eyes in doubted.items() if eyes[i]])
    return flags


def covariate_flags(
    table: pd.DataFrame,
    covariates: Mapping[str, Covariate],
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> list[list[str]]:
    """Flags of each eye on its covariates, such as `missing_covariate:<name>`.

    A measure is unknown in many a sound eye, such as the height of a hole where there is none; so
    only a view in which none is known has a flag, `not_measured:<view>`.

    Args:
        table: Rows of a cohort.
        covariates: Of the network.
        ranges: Lowest and highest value of the training, by name; one that is not known is missing.
    """
    flags: list[list[str]] = [[] for _ in range(len(table))]
    values = covariate_values(table, covariates)
    for f, name in enumerate(covariates):
        given = table[name].notna().to_numpy() if name in table else np.zeros(len(table), bool)
        unknown = np.isnan(values[:, f]) if covariates[name].measured_in is None else ()
        for i in np.flatnonzero(unknown):
            flags[i].append(f"{'unseen_level' if given[i] else 'missing_covariate'}:{name}")
        if ranges and name in ranges and name in table:
            numbers, (low, high) = table[name].to_numpy(float), ranges[name]
            for i in np.flatnonzero(~((numbers >= low) & (numbers <= high)) & given):
                flags[i].append(f"outside_training:{name}")
    views = [one.measured_in for one in covariates.values()]
    for view in dict.fromkeys(filter(None, views)):
        of_view = [f for f, own in enumerate(views) if own == view]
        for i in np.flatnonzero(np.isnan(values[:, of_view]).all(axis=1)):
            flags[i].append(f"not_measured:{view}")
    return flags


def flags_in_words(flags: Iterable[str]) -> list[str]:
    """Flags as clauses for a report, those of one kind as one.

    >>> flags_in_words(["no_view", "missing_covariate:age", "missing_covariate:sex"])
    ['there is no scan: predicted from the acuity alone', 'not given: age, sex']
    """
    details: dict[str, list[str]] = {}
    for flag in flags:
        word, _, detail = flag.partition(":")
        details.setdefault(word, []).append(detail)
    return [IN_WORDS[word].format(", ".join(of_word)) for word, of_word in details.items()]
