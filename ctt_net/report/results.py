"""What every evaluation writes: `predictions.csv`, `metrics.json` and `report.html`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.cohort import Cohort
from ctt_net.cohort.manifest_text import read_flow
from ctt_net.cohort.predictions import PREDICTIONS_FILE, predictions_text
from ctt_net.io.atomic_write import atomic_write_all
from ctt_net.metrics.subgroup_columns import covariates_in_words, subgroup_columns
from ctt_net.metrics.summary import METRICS_FILE, ProbabilityCuts, evaluate, metrics_text
from ctt_net.metrics.wrong_outcomes import outcomes_to_check
from ctt_net.outcome import Outcome
from ctt_net.report.evaluation_page import report_files, stale_report_files
from ctt_net.report.facts import Facts
from ctt_net.report.warnings import with_warnings


@dataclass(frozen=True)
class Setting:
    """What was evaluated, in words for the report.

    Args:
        title: Heading.
        evaluated: Which eyes.
        model: Facts on the model.
        interval_level: Nominal coverage of the intervals.
        guarantee: What the prediction intervals promise, and to whom.
        probability_cuts: Per outcome, fixed beforehand; 0.5 where there is none.
        warnings: To be added to those that the figures give.
        test_set: How often these eyes were evaluated on; empty where nobody counts.
        image_weights: Of each network; none where predictions do not start from a clinical one.
    """

    title: str
    evaluated: str
    model: Mapping[str, Any]
    interval_level: float
    guarantee: str = ""
    probability_cuts: ProbabilityCuts = field(default_factory=dict)
    warnings: Sequence[str] = ()
    test_set: Mapping[str, Any] = field(default_factory=dict)
    image_weights: Sequence[float] = ()


@dataclass(frozen=True)
class Results:
    """What was measured.

    Args:
        metrics: Contents of metrics.json.
        predictions: Table of predictions.
        baselines: logMAR, indexed by eye; None if there are none.
        facts: Words of the report.
        to_check: Recorded outcomes by how probably they are wrong; None of a few eyes.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    baselines: pd.DataFrame | None
    facts: Facts
    to_check: pd.DataFrame | None = None

    def write(self, out: Path, also: Mapping[str, str | bytes] | None = None) -> None:
        """Write tables, metrics and report; together or not at all.

        Args:
            out: Folder.
            also: Further files of the folder that belong to this result.
        """
        files: dict[str, str | bytes] = {
            **(also or {}),
            PREDICTIONS_FILE: predictions_text(self.predictions),
            METRICS_FILE: metrics_text(self.metrics),
            **report_files(
                self.metrics, self.predictions, self.baselines, self.facts, self.to_check
            ),
        }
        atomic_write_all(out, files, stale_report_files(out))


def measure_results(
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: Sequence[Outcome],
    cohort: Cohort,
    setting: Setting,
) -> Results:
    """Measure predictions beside their baselines.

    Args:
        predictions: As in `predictions.csv`.
        baselines: logMAR, indexed by eye.
        outcomes: Recovery outcomes.
        cohort: Where the eyes come from.
        setting: What was evaluated.
    """
    spec = cohort.spec
    metrics = evaluate(
        predictions,
        baselines,
        outcomes,
        oracle=cohort.potential(),
        reader=cohort.readable_potential(),
        groups=subgroup_columns(cohort),
        covariates=covariates_in_words(spec),
        interval_level=setting.interval_level,
        probability_cuts=setting.probability_cuts,
    )
    if setting.test_set:
        metrics["test_set"] = dict(setting.test_set)
    if setting.image_weights:
        weights = list(setting.image_weights)
        metrics["image_weight"] = {"mean": sum(weights) / len(weights), "of_networks": weights}
    metrics = with_warnings(metrics, setting.guarantee, setting.warnings, outcomes)
    facts = Facts(
        title=setting.title,
        cohort={"name": spec.name, "source": spec.source, "evaluated": setting.evaluated},
        model=setting.model,
        synthetic=spec.synthetic,
        outcomes=tuple(outcomes),
        flow=read_flow(cohort.root),
    )
    to_check = outcomes_to_check(predictions, spec.acuity.postop_va)
    return Results(metrics, predictions, baselines, facts, to_check)


def write_results(
    out: Path,
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: Sequence[Outcome],
    cohort: Cohort,
    setting: Setting,
    also: Mapping[str, str | bytes] | None = None,
) -> dict[str, Any]:
    """Measure and write all three files, and those of the report; together or not at all.

    Args:
        out: Folder.
        predictions: As in `predictions.csv`.
        baselines: logMAR, indexed by eye.
        outcomes: Recovery outcomes.
        cohort: Where the eyes come from.
        setting: What was evaluated.
        also: Further files of the folder that belong to this result.

    Returns:
        Contents of metrics.json.
    """
    results = measure_results(predictions, baselines, outcomes, cohort, setting)
    results.write(out, also)
    return results.metrics
