"""Which eye a row is, where only the names of its scans say so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort import Problem
from ctt_net.prepare.mapping.scan_rule import ScanRule
from ctt_net.prepare.scans.find_scans import find_scans
from ctt_net.prepare.tables.eyes import Eyes
from ctt_net.prepare.tables.flow import Flow


def sides_from_files(
    eyes: Eyes, rule: ScanRule, folder: Path, views: tuple[str, ...], flow: Flow
) -> tuple[Eyes, list[Problem]]:
    """Fill `laterality` from the file names; eyes without a scan are left out, and counted."""
    said = find_scans(eyes, rule, folder, views).sides
    problems = [
        Problem(
            "its scans are named OD and OS, so nobody knows which eye the acuity is of; add a "
            "column that says it",
            row=int(eyes.rows[at]),
        )
        for at, sides in sorted(said.items())
        if len(sides) > 1
    ]
    known = np.array([len(said.get(at, ())) == 1 for at in range(len(eyes.table))], dtype=bool)
    lost = eyes.table["patient_id"][~known]
    flow.leave_out("no scan says which eye it is", len(lost), lost)
    side = [next(iter(said[int(at)])) for at in np.flatnonzero(known)]
    kept = eyes.take(known)
    table = kept.table.assign(laterality=pd.Series(side, dtype=object))
    return replace(kept, table=table), problems
