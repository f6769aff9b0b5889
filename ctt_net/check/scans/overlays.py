"""Burnt-in marks that tell the outcome: a shortcut for a network."""

import pandas as pd

from ctt_net.check.association import association
from ctt_net.check.finding import Check, Finding
from ctt_net.check.scans.reading import Scan
from ctt_net.check.tables.shortcuts import EFFECT_FLOOR, in_words, is_strong

SHORTCUT = Check(
    "overlay-predicts-outcome",
    "a network can see whether a mark was there, even where it was filled, and predict from that",
    "export all scans alike, without writing and marks",
)


def overlay_findings(scans: list[Scan], table: pd.DataFrame) -> list[Finding]:
    """Kinds of marks whose bearers have another outcome than the rest."""
    found = []
    for kind in sorted({kind for scan in scans for kind in scan.record.overlays}):
        bearers = [scan for scan in scans if kind in scan.record.overlays]
        label = pd.Series("", index=table.index, dtype=object)
        label.iloc[sorted({scan.position for scan in scans})] = "without"
        label.iloc[sorted({scan.position for scan in bearers})] = "with"
        link = association(label, table["postop_logmar"], table["patient_id"], EFFECT_FLOOR)
        if link is not None and is_strong(link):
            what = f"a burnt-in {kind.replace('_', ' ')} ({len(bearers)} of {len(scans)} scans)"
            rows = [scan.row for scan in bearers]
            paths = [scan.record.path for scan in bearers]
            found.append(SHORTCUT.found("warning", in_words(what, link), rows, scans=paths))
    return found
