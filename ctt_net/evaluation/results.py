"""What every evaluation leaves behind: `predictions.csv`, `metrics.json` and `report.html`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net.cohort import Cohort
from ctt_net.evaluation.metrics import evaluate, write_metrics
from ctt_net.evaluation.predictions import write_predictions
from ctt_net.evaluation.recovery import ProbabilityCuts
from ctt_net.evaluation.report import REPORT_FILE, flow_of, write_report
from ctt_net.evaluation.subgroup_columns import covariates_in_words, subgroup_columns
from ctt_net.outcome import Outcome

PREDICTIONS_FILE = "predictions.csv"
METRICS_FILE = "metrics.json"


@dataclass(frozen=True)
class Setting:
    """What was evaluated, in words for the report.

    Args:
        title: Heading.
        evaluated: Which eyes.
        model: Facts on the model.
        interval_level: Nominal coverage of the intervals.
        guarantee: What those promise and to whom.
        probability_cuts: Per outcome, fixed beforehand; 0.5 where there is none.
        warnings: To be added to those that the figures give.
        locked_test: How often these eyes were looked at; empty where nobody counts.
    """

    title: str
    evaluated: str
    model: Mapping[str, Any]
    interval_level: float
    guarantee: str = ""
    probability_cuts: ProbabilityCuts = field(default_factory=dict)
    warnings: Sequence[str] = ()
    locked_test: Mapping[str, Any] = field(default_factory=dict)


def write_results(
    out: Path,
    predictions: pd.DataFrame,
    baselines: pd.DataFrame | None,
    outcomes: Sequence[Outcome],
    cohort: Cohort,
    setting: Setting,
) -> dict[str, Any]:
    """Measure and write all three files.

    Args:
        out: Folder.
        predictions: Table of door 3.
        baselines: logMAR, indexed by eye.
        outcomes: Recovery questions.
        cohort: Where the eyes come from.
        setting: What was evaluated.

    Returns:
        Contents of metrics.json.
    """
    spec = cohort.spec
    metrics = evaluate(
        predictions,
        baselines,
        outcomes,
        oracle=cohort.potential(),
        groups=subgroup_columns(cohort),
        covariates=covariates_in_words(spec),
        interval_level=setting.interval_level,
        guarantee=setting.guarantee,
        probability_cuts=setting.probability_cuts,
    )
    if setting.locked_test:
        metrics["locked_test"] = dict(setting.locked_test)
    metrics["warnings"] += setting.warnings
    write_predictions(predictions, out / PREDICTIONS_FILE)
    write_metrics(metrics, out / METRICS_FILE)
    write_report(
        metrics,
        predictions,
        baselines,
        outcomes,
        out / REPORT_FILE,
        title=setting.title,
        cohort={"name": spec.name, "source": spec.source, "evaluated": setting.evaluated},
        model=setting.model,
        synthetic=spec.synthetic,
        flow=flow_of(cohort.root),
    )
    return metrics
