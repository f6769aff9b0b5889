"""TRIPOD+AI, item by item: filled where the figures and files know it, left to the author else.

Collins and others 2024, doi 10.1136/bmj-2023-078378, CC BY 4.0; the items are told in own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ctt_net.report.facts import Facts
from ctt_net.report.methods import cut_sentence

TO_COMPLETE = "Author to complete"

ITEMS: tuple[tuple[str, str], ...] = (
    ("1", "Title: model developed or evaluated, population, outcome"),
    ("2", "Abstract by its own checklist"),
    ("3a", "Clinical context and reason; existing models"),
    ("3b", "Target population, purpose and users of the model"),
    ("3c", "Known health inequalities between groups"),
    ("4", "Objectives: development, evaluation, or both"),
    ("5a", "Sources of the data, and how representative"),
    ("5b", "Dates of recruitment and follow-up"),
    ("6a", "Setting, number and place of centres"),
    ("6b", "Who was eligible"),
    ("6c", "Treatments received"),
    ("7", "Data preparation and quality checks"),
    ("8a", "Outcome and its time horizon"),
    ("8b", "Who assessed the outcome, if judged"),
    ("8c", "Blinding of that assessment"),
    ("9a", "How predictors were chosen"),
    ("9b", "Definition and measurement of all predictors"),
    ("9c", "Who assessed predictors, if judged"),
    ("10", "How the sample size came about"),
    ("11", "Missing data"),
    ("12a", "How data were divided and used"),
    ("12b", "Form of the predictors in the analysis"),
    ("12c", "Type of model, building and internal validation"),
    ("12d", "Differences between clusters such as hospitals"),
    ("12e", "Measures of performance and comparisons"),
    ("12f", "Updating of the model after evaluation"),
    ("12g", "How predictions were calculated"),
    ("13", "Class imbalance"),
    ("14", "Fairness: approach"),
    ("15", "Output of the model and thresholds"),
    ("16", "Differences between development and evaluation data"),
    ("17", "Ethics approval and consent"),
    ("18a", "Funding"),
    ("18b", "Conflicts of interest"),
    ("18c", "Protocol"),
    ("18d", "Registration"),
    ("18e", "Availability of the data"),
    ("18f", "Availability of the code"),
    ("19", "Patient and public involvement"),
    ("20a", "Flow of participants"),
    ("20b", "Characteristics of participants, missing data"),
    ("20c", "Important predictors: development against evaluation"),
    ("21", "Participants and events in each analysis"),
    ("22", "Full model, for use on new individuals"),
    ("23a", "Performance with intervals, and in groups"),
    ("23b", "Heterogeneity between clusters"),
    ("24", "Result of updating"),
    ("25", "Interpretation, fairness included"),
    ("26", "Limitations"),
    ("27a", "Handling of poor or missing input when used"),
    ("27b", "What users must do, and must know"),
    ("27c", "Next steps"),
)


@dataclass(frozen=True)
class ChecklistRow:
    """One item: number, subject, and what the software knows, empty if the author must tell."""

    item: str
    subject: str
    known: str


def checklist(metrics: Mapping[str, Any], facts: Facts) -> list[ChecklistRow]:
    """All 52 items; an answer only where metrics or facts hold it."""
    known = {**_from_metrics(metrics, facts), **_from_facts(facts)}
    return [ChecklistRow(item, subject, known.get(item, "")) for item, subject in ITEMS]


def _from_metrics(metrics: Mapping[str, Any], facts: Facts) -> dict[str, str]:
    settings = metrics["settings"]
    eyes = f"{metrics['n_eyes']:,} eyes of {metrics['n_patients']:,} patients"
    events = "".join(
        f"; {part['n_recovered']:,} of {part['n_eyes']:,} recovered ({name})"
        for name, part in metrics.get("recovery", {}).items()
    )
    left_out = f"{metrics['n_missing_truth']:,} eyes without a measured outcome were left out"
    # Of a bare table of predictions nobody knows what made it.
    known_model = bool(facts.model.get("architecture"))
    told = "; the model is told which scans and acuities are missing" if known_model else ""
    flow = " See the flow of the data." if facts.flow else ""
    known = {
        "20a": f"Evaluated: {eyes}; {left_out}.{flow}",
        "11": f"{left_out}{told}.",
        "12e": f"{settings['level']:.0%} intervals from {settings['bootstrap']:,} resamples of "
        "patients; baselines by paired differences: see how it was measured.",
        "21": f"{eyes}{events}.",
        "23a": "Errors, agreement, calibration, discrimination and intervals: see the tables"
        + (" and the groups." if metrics.get("subgroups") else "."),
    }
    if facts.outcomes:
        questions = "; ".join(outcome.in_words() for outcome in facts.outcomes)
        horizon = facts.model.get("follow-up", "not recorded")
        known["8a"] = f"Postoperative acuity in logMAR; {questions}. Time after surgery: {horizon}."
        interval = " with an interval" if metrics["interval"]["coverage"]["value"] else ""
        known["15"] = (
            f"Acuity in logMAR{interval}, and a probability of each outcome; cut at "
            f"{cut_sentence(metrics, facts.outcomes)}, fixed beforehand."
        )
        known["13"] = f"No resampling of classes here{events}."
    groups = metrics.get("subgroups") or {}
    if groups:
        known["14"] = f"Error, bias, coverage, width and abstention by {_listed(groups)}."
    sites = [name for name in ("site", "device") if name in groups]
    if sites:
        known["12d"] = f"Figures by {_listed(sites)}, each against all other eyes."
        known["23b"] = f"By {_listed(sites)}: see the groups."
    if known_model and "abstention" in metrics.get("selective", {}):
        n = metrics["selective"]["abstention"]["n_abstained"]
        known["27a"] = (
            "Poor scans, missing views, eyes unlike the training and wide intervals earn a flag or "
            f"the advice not to use the prediction; so advised for {n:,} of these eyes."
        )
    return known


def _from_facts(facts: Facts) -> dict[str, str]:
    known: dict[str, str] = {}
    source = facts.cohort.get("source")
    if source:
        known["5a"] = f"{facts.cohort.get('name', 'Cohort')}: {source}."
    if facts.cohort.get("evaluated"):
        known["12a"] = f"Patients are never divided. Evaluated: {facts.cohort['evaluated']}."
    model = facts.model
    if model.get("preprocessing"):
        known["7"] = f"Scans: {model['preprocessing']}."
    if model.get("covariates"):
        known["9b"] = f"Scans, preoperative acuity; covariates: {model['covariates']}."
    if model.get("architecture"):
        known["12c"] = f"{model['architecture']}; {model.get('training', 'training not recorded')}."
        known["12g"] = "By the model folder with the software named below."
        known["22"] = (
            "The model folder holds weights, preprocessing and calibration as plain files."
        )
    if model.get("software"):
        known["18f"] = f"{model['software']}."
    return known


def _listed(names: Any) -> str:
    return ", ".join(str(name).replace("_", " ") for name in names)
