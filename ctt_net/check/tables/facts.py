"""Facts on the tables of a cohort: counts, ranges, missing values."""

import pandas as pd

from ctt_net.cohort import Cohort, is_censored
from ctt_net.cohort.manifest import undeclared_columns
from ctt_net.errors import count_of

Facts = list[tuple[str, str]]

_SHOWN_GROUPS = 12


def table_facts(cohort: Cohort) -> Facts:
    """Name and value, in the order to be shown."""
    return [
        *_people(cohort),
        *_views(cohort),
        *_acuities(cohort),
        *_covariates(cohort),
        *_unused(cohort),
    ]


def _people(cohort: Cohort) -> Facts:
    table = cohort.table
    eyes_each = table["patient_id"].value_counts()
    eyes = table["laterality"].value_counts()
    facts = [
        ("eyes", f"{len(table)}"),
        ("patients", f"{len(eyes_each)} ({(eyes_each > 1).sum()} with both eyes)"),
        ("right / left eyes", " / ".join(str(eyes.get(eye, 0)) for eye in ("OD", "OS"))),
    ]
    for column in ("device", "site", "split"):
        if column in table:
            named = table[column].replace("", "not given")
            facts.append((column, _groups(named.value_counts().sort_index())))
    return facts


def _groups(counts: pd.Series) -> str:
    shown = ", ".join(f"{name} {n}" for name, n in counts.iloc[:_SHOWN_GROUPS].items())
    return shown + (f", ... ({len(counts)} in all)" if len(counts) > _SHOWN_GROUPS else "")


def _views(cohort: Cohort) -> Facts:
    facts = []
    for name, view in cohort.spec.views.items():
        present = int((cohort.table[name] != "").sum())
        facts.append(
            (
                f"view {name}",
                f"{count_of(present, 'scan')}, {len(cohort.table) - present} missing "
                f"({view.direction}, {view.angle_deg:g} degrees)",
            )
        )
    return facts


def _acuities(cohort: Cohort) -> Facts:
    facts = []
    censored = is_censored(cohort.table)
    for time in ("preop", "postop"):
        missing = cohort.table[f"{time}_logmar"].isna()
        if time == "postop":
            missing &= ~censored
        logmar = cohort.table[f"{time}_logmar"]
        words = cohort.table[f"{time}_off_chart"]
        off = ", ".join(f"{word} {n}" for word, n in words[words != ""].value_counts().items())
        span = "none known"
        if logmar.notna().any():
            span = (
                f"{logmar.min():.2f} to {logmar.max():.2f}, median {logmar.median():.2f} logMAR "
                f"({missing.sum()} missing)"
            )
        facts.append((f"{time} acuity ({cohort.spec.notation[f'{time}_va']})", span))
        facts.append((f"{time} off-chart ({cohort.spec.acuity.off_chart_policy})", off or "none"))
    if censored.any():
        off_chart = (cohort.table["postop_off_chart"] != "")[censored].sum()
        what = f"{censored.sum()} ({off_chart} of them off the chart): train, but are in no error"
        facts.append(("postop acuity known within bounds only", what))
    return facts


def _covariates(cohort: Cohort) -> Facts:
    facts = []
    for name, covariate in cohort.spec.covariates.items():
        column = cohort.table[name]
        unit = f" {covariate.unit}" if covariate.unit else ""
        if covariate.kind == "categorical":
            what = _groups(column.value_counts())
        elif column.notna().any():
            what = f"{column.min():g} to {column.max():g}, median {column.median():g}{unit}"
        else:
            what = "none known"
        facts.append((f"covariate {name}", f"{what} ({column.isna().sum()} missing)"))
    return facts


def _unused(cohort: Cohort) -> Facts:
    others = undeclared_columns(cohort.table, cohort.spec)
    return [("columns not declared, so not used", ", ".join(others))] if others else []
