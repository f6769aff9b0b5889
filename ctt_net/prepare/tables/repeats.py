"""Two rows for one eye: the same said twice, or a contradiction."""

import numpy as np
import pandas as pd

from ctt_net.cohort import Problem
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.tables.eyes import Eyes
from ctt_net.prepare.tables.flow import Flow


def merge_repeats(eyes: Eyes, mapping: CohortMapping, flow: Flow) -> tuple[Eyes, list[Problem]]:
    """One entry per eye; entries that say the same are one, others are a problem."""
    key = ["eye_id"] if "eye_id" in mapping.columns else ["patient_id", "laterality"]
    table = with_file_cells(eyes, mapping)
    group = table.groupby(key, sort=False).ngroup().to_numpy()
    first = np.unique(group, return_index=True)[1]
    again = table.duplicated(key).to_numpy()
    same = table.duplicated().to_numpy()
    problems = []
    for at in np.flatnonzero(again & ~same):
        one, other = table.iloc[at], table.iloc[first[group[at]]]
        names = table.columns[(one != other).to_numpy()]
        differ = [mapping.place_of(str(name), one["laterality"]) for name in names]
        problems.append(
            Problem(
                f"a second row for eye {' '.join(one[key])} (row {eyes.rows[first[group[at]]]} is "
                f"the first), with another {', '.join(differ)}; leave one out with an 'exclude' "
                f"line, or say 'one_row_per: visit' if these are visits",
                row=int(eyes.rows[at]),
            )
        )
    flow.merge("rows that repeat another one", int((again & same).sum()))
    return eyes.take(~again), problems


def with_file_cells(eyes: Eyes, mapping: CohortMapping) -> pd.DataFrame:
    """The manifest columns, and beside them the cells that lead to files: these too must agree."""
    if mapping.scans is None:
        return eyes.table
    asked = dict.fromkeys(
        [column for rule in mapping.scans.columns.values() for column in rule.columns]
        + [name for pattern in mapping.scans.names for name in pattern.fields.values()]
    )
    cells = {name: eyes.cells[name] for name in asked if name in eyes.cells}
    return eyes.table.assign(**{name: c for name, c in cells.items() if name not in eyes.table})
