"""Files by eye and view, as they were found."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from ctt_net.prepare.tables.eyes import Eyes


@dataclass
class FoundScans:
    """Files by eye and view.

    Args:
        files: (position of the eye, view) to its files; more than one is a problem.
        sides: Position of an eye to the sides its file names say.
        devices: Position of an eye to the devices its file names say.
        unused: Files that belong to no eye, relative to the folder.
    """

    files: dict[tuple[int, str], list[Path]] = field(default_factory=dict)
    sides: dict[int, set[str]] = field(default_factory=dict)
    devices: dict[int, set[str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def shown_in(self, eyes: Eyes, views: tuple[str, ...]) -> Eyes:
        """The eyes with a column per view: `yes` where there is a file, blank elsewhere."""
        columns = {
            view: pd.Series(
                ["yes" if (at, view) in self.files else "" for at in range(len(eyes.table))],
                dtype=object,
            )
            for view in views
        }
        return replace(eyes, table=eyes.table.assign(**columns))

    def of(self, taken: Eyes, eyes: Eyes) -> "FoundScans":
        """The files of those eyes that were taken."""
        place = {eye: at for at, eye in enumerate(taken.table["eye_id"])}
        ids = eyes.table["eye_id"].to_list()
        files = {
            (place[ids[at]], view): paths
            for (at, view), paths in self.files.items()
            if ids[at] in place
        }
        return replace(self, files=files)
