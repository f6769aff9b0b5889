"""A cohort in Python: its table, its scans, its plots."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ctt_net.cohort import Cohort as CheckedCohort
from ctt_net.cohort import read_cohort
from ctt_net.errors import InputError, close_name, count_of
from ctt_net.imaging import Preprocessing, orient, read_bscan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Sizes of a plot, inches.
_VIEW_WIDTH, _HEIGHT = 4.5, 3.2


class Cohort(CheckedCohort):
    """A checked cohort folder; `load_cohort` reads one.

    Besides `table` (one row per eye), `spec` (what `cohort.yaml` declares), `root` (its folder),
    `where(mask)` (some of its eyes) and `folds()` of `ctt_net.cohort.Cohort`, it shows scans.
    """

    @property
    def views(self) -> list[str]:
        """Names of the views."""
        return list(self.spec.views)

    def scan(
        self, eye_id: str, view: str, preprocessing: Preprocessing | None = None
    ) -> np.ndarray:
        """One B-scan of one eye.

        Args:
            eye_id: Which eye.
            view: Which view.
            preprocessing: As a network reads it (`model.preprocessing`); None = in full size.

        Returns:
            (H, W) uint8, burnt-in marks removed, horizontal scans with the nasal side at the right.

        Raises:
            InputError: If there is no such eye or view, or the scan is missing or unreadable.
        """
        row = self._row(eye_id)
        if view not in self.spec.views:
            raise InputError(f"no view {view!r}; the views are {', '.join(self.views)}")
        path = self.scan_path(row, view)
        if path is None:
            raise InputError(f"eye {eye_id}: its {view} scan is missing")
        side, direction = row["laterality"], self.spec.views[view].direction
        pixels = read_bscan(path).pixels
        if preprocessing is None:
            return orient(pixels, side, direction)
        return preprocessing(pixels, side, direction)

    def plot(self, eye_id: str) -> "Figure":
        """The scans of one eye with its acuity before and after, as a matplotlib figure."""
        from matplotlib import pyplot

        row = self._row(eye_id)
        width = _VIEW_WIDTH * len(self.views)
        figure, axes = pyplot.subplots(1, len(self.views), figsize=(width, _HEIGHT), squeeze=False)
        for axis, view in zip(axes[0], self.views, strict=True):
            axis.set(title=view)
            axis.axis("off")
            if row[view]:
                axis.imshow(self.scan(eye_id, view), cmap="gray", aspect="auto")
            else:
                axis.text(0.5, 0.5, "missing", ha="center", va="center")
        before, after = (
            "unknown" if pd.isna(row[f"{time}_logmar"]) else f"{row[f'{time}_logmar']:.2f} logMAR"
            for time in ("preop", "postop")
        )
        figure.suptitle(f"{eye_id} ({row['laterality']}): {before} before, {after} after surgery")
        figure.tight_layout()
        pyplot.close(figure)  # a notebook shows what a cell returns, and would show it twice
        return figure

    def check(self, scans: bool = True) -> pd.DataFrame:
        """The findings of `ctt-net check` on the folder, worst first.

        Args:
            scans: Whether scans are read, too.

        Returns:
            One row per finding: severity, code, message, fix.
        """
        from ctt_net.check import examine

        found = examine(self.root, scans).findings
        rows = [(one.severity, one.code, one.message, one.check.fix) for one in found]
        return pd.DataFrame(rows, columns=["severity", "code", "message", "fix"])

    def measure(self) -> pd.DataFrame:
        """Segment every scan and measure hole, layers and lesions, as `ctt-net measure` does.

        Returns:
            One row per scan: eye_id, view, file, each of `ctt_net.biomarkers.NAMES` and its SD
            (NaN = not measured), and a note that says why something was not measured.

        Example:
            >>> cohort = ctt_net.load_cohort("data/my_cohort")  # doctest: +SKIP
            >>> cohort.measure()[["eye_id", "view", "hole_minimum_diameter_um"]]  # doctest: +SKIP
        """
        from ctt_net.biomarkers.segmenter import Segmenter
        from ctt_net.measure import measure_cohort

        return measure_cohort(self, Segmenter.load())

    def _row(self, eye_id: str) -> pd.Series:
        found = self.table[self.table["eye_id"] == str(eye_id)]
        if found.empty:
            close = close_name(str(eye_id), self.table["eye_id"])
            hint = f"did you mean {close!r}?" if close else "see the column eye_id of its table"
            raise InputError(f"{self.root}: no eye {eye_id!r}; {hint}")
        return found.iloc[0]

    def __repr__(self) -> str:
        return f"Cohort({_counted(self)})"

    def _repr_html_(self) -> str:
        """A summary of the cohort and its first rows, for notebooks."""
        table = self.table
        acuity = "".join(
            f"<tr><td>{name}</td><td>{table[column].median():.2f} logMAR "
            f"({table[column].quantile(0.25):.2f} to {table[column].quantile(0.75):.2f})</td></tr>"
            for name, column in (
                ("preoperative VA, median (IQR)", "preop_logmar"),
                ("postoperative VA, median (IQR)", "postop_logmar"),
            )
        )
        present = "".join(
            f"<tr><td>{escape(view)} scans</td><td>{(table[view] != '').sum():,}</td></tr>"
            for view in self.views
        )
        simulated = "<p>Simulated eyes: no clinical validity.</p>" if self.spec.synthetic else ""
        return (
            f"<b>{escape(_counted(self))}</b>{simulated}<table>{acuity}{present}</table>"
            f"{table.head().to_html(index=False, border=0)}"
        )


def _counted(one: CheckedCohort) -> str:
    patients = count_of(one.table["patient_id"].nunique(), "patient")
    return f"{one.spec.name}: {count_of(len(one.table), 'eye')} of {patients}"


def load_cohort(folder: Path | str) -> Cohort:
    """Read a cohort folder and check its tables.

    Args:
        folder: With `cohort.yaml`, `manifest.csv` and the scans.

    Raises:
        InputError: Naming every row and column that is wrong.

    Example:
        >>> import ctt_net, tempfile
        >>> folder = tempfile.mkdtemp() + "/cohort"
        >>> _ = ctt_net.simulate_cohort(folder, eyes=4, seed=1)
        >>> cohort = ctt_net.load_cohort(folder)
        >>> cohort
        Cohort(synthetic: 4 eyes of 3 patients)
        >>> cohort.views
        ['horizontal', 'vertical']
        >>> cohort.scan(cohort.table["eye_id"][0], "horizontal").dtype
        dtype('uint8')
    """
    return Cohort(**vars(read_cohort(folder)))


def simulate_cohort(out: Path | str, eyes: int = 400, seed: int = 0, **options: Any) -> Cohort:
    """Make a cohort folder of simulated eyes with a known truth; no clinical validity.

    Args:
        out: Folder to make; must not exist.
        eyes: Operated eyes.
        seed: Same seed, same bytes.
        options: Of `ctt_net.synthetic.CohortPlan`, such as `missing_views=0.1`.

    Raises:
        InputError: If the folder exists or a value is wrong.

    Example:
        >>> import ctt_net, tempfile
        >>> ctt_net.simulate_cohort(tempfile.mkdtemp() + "/cohort", eyes=4, seed=1)
        Cohort(synthetic: 4 eyes of 3 patients)
    """
    from ctt_net.synthetic import CohortPlan
    from ctt_net.synthetic import simulate_cohort as simulate

    return Cohort(**vars(simulate(Path(out), CohortPlan(n_eyes=eyes, seed=seed, **options))))
