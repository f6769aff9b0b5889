"""What an eye must have to be taken, and the time after surgery it must be measured in."""

import numpy as np
import pandas as pd

from ctt_net.cohort import Problem
from ctt_net.cohort.columns import says_missing
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.tables.eyes import Eyes
from ctt_net.prepare.tables.flow import ParticipantFlow

_REASONS = {
    "preop_va": "no preoperative acuity",
    "postop_va": "no postoperative acuity",
    "any_view": "no scan",
    "all_views": "not all views",
}


def required(eyes: Eyes, mapping: CohortMapping, flow: ParticipantFlow, with_scans: bool) -> Eyes:
    """Eyes that have all that `require` asks for, measured inside the follow-up window.

    Args:
        eyes: With their view columns.
        mapping: Says what is asked for.
        flow: Counts who is left out.
        with_scans: Whether scans were looked for at all.
    """
    views = eyes.table[list(mapping.spec.views)] != ""
    for requirement in mapping.file.require:
        if requirement in ("preop_va", "postop_va"):
            has = ~says_missing(eyes.table[requirement]).to_numpy()
        elif not with_scans:
            continue
        else:
            has = (views.any(axis=1) if requirement == "any_view" else views.all(axis=1)).to_numpy()
        flow.leave_out(_REASONS[requirement], int((~has).sum()), eyes.table["eye_id"][~has])
        eyes, views = eyes.take(has), views[has]
    if mapping.file.followup_window_days is None:
        return eyes
    low, high = mapping.file.followup_window_days
    days = followup_days(eyes.table)
    outside = (days < low) | (days > high)  # an unknown time is no reason
    reason = f"measured outside {low:g} to {high:g} days after surgery"
    flow.leave_out(reason, int(outside.sum()), eyes.table["eye_id"][outside])
    return eyes.take(~outside)


def measured_before_surgery(eyes: Eyes, mapping: CohortMapping) -> list[Problem]:
    """Eyes whose postoperative acuity does not lie after the surgery: no reason, a mistake."""
    return [
        Problem(
            "the postoperative acuity does not lie after the surgery; correct one of the dates, or "
            "leave such rows out with an 'exclude' line",
            row=int(eyes.rows[at]),
            column=mapping.place_of("postop_date", eyes.table["laterality"].iloc[at]),
        )
        for at in np.flatnonzero(followup_days(eyes.table) <= 0)
    ]


def followup_days(table: pd.DataFrame) -> np.ndarray:
    """Days from surgery to the postoperative acuity, NaN = unknown."""
    days = np.full(len(table), np.nan)
    if {"surgery_date", "postop_date"} <= set(table):
        surgery, postop = (
            pd.to_datetime(table[name], errors="coerce") for name in ("surgery_date", "postop_date")
        )
        days = (postop - surgery).dt.days.to_numpy(float)
    if "followup_days" in table:
        given = pd.to_numeric(table["followup_days"], errors="coerce").to_numpy(float)
        days = np.where(np.isnan(given), days, given)
    return days
