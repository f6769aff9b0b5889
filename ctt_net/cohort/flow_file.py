"""`flow.csv` of a cohort folder: rows in, eyes out, and every reason between."""

from pathlib import Path

import pandas as pd

from ctt_net.cohort.manifest_text import read_manifest_text

FLOW_FILE = "flow.csv"


def read_flow(root: Path) -> pd.DataFrame | None:
    """The steps as text, in the columns the recipe chose; None for a folder without.

    Args:
        root: Cohort folder.

    Raises:
        InputError: If the file cannot be read.
    """
    path = root / FLOW_FILE
    return read_manifest_text(path) if path.is_file() else None
