"""Measures of scans as covariates: one column per view and measure."""

import dataclasses
import math
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd

from ctt_net.biomarkers import DEFINITIONS, NAMES, Definition
from ctt_net.cohort import Cohort, CohortSpec, Covariate, write_cohort
from ctt_net.cohort.folder import MANIFEST_FILE, SPEC_FILE
from ctt_net.cohort.folds import FOLDS_FILE
from ctt_net.cohort.manifest_text import read_manifest_text
from ctt_net.data.scans import Progress
from ctt_net.errors import InputError
from ctt_net.io.atomic_folder import new_folder
from ctt_net.io.schema import Choice, Items
from ctt_net.measure.run import Segments, measure_scans
from ctt_net.measure.sources import Source, cohort_sources

# What studies of macular surgery relate to the acuity after it; few, as cohorts are small.
DEFAULT_MEASURES = (
    "hole_minimum_diameter_um",
    "hole_base_diameter_um",
    "hole_height_um",
    "cyst_area_mm2",
    "ellipsoid_gap_um",
    "ellipsoid_intact_share",
    "central_subfield_thickness_um",
    "subretinal_fluid_area_mm2",
)
ChosenMeasures = Literal["default"] | Items[Annotated[str, Choice(NAMES)]]

_SHOWN_NOTES = 8
# Beyond these a segmentation went wrong: no retina is thicker, no line scan longer.
_THICKEST_UM, _LONGEST_UM, _LARGEST_MM2 = 1500.0, 20000.0, 20.0


def declare_measures(
    spec: CohortSpec, chosen: str | Sequence[str], where: str
) -> dict[str, Covariate]:
    """Declarations of the columns: every measure in every view.

    Args:
        spec: Of the cohort.
        chosen: Names of measures; `default` stands for `DEFAULT_MEASURES`.
        where: The file of `spec`, for errors.

    Raises:
        InputError: If there is no such measure, lengths are asked for and no size of a pixel is
            declared, or a covariate that was not measured has a column's name.
    """
    definitions = {one.name: one for one in DEFINITIONS}
    measures = DEFAULT_MEASURES if chosen == "default" else tuple(chosen)
    for name in measures:
        if name not in definitions:
            raise InputError(f"no measure {name!r}; choose of {', '.join(NAMES)}")
    scaled = [name for name in measures if definitions[name].needs]
    if scaled and not spec.devices:
        raise InputError(
            f"{where}: {scaled[0]} needs the size of a pixel; declare the device, such as "
            f"devices: {{Cirrus: {{axial_um_per_px: 2.0, lateral_um_per_px: 6.0}}}}"
        )
    declared = {
        f"{view}_{name}": _covariate(definitions[name], view)
        for view in spec.views
        for name in measures
    }
    for column in declared:
        other = spec.covariates.get(column)
        if other is not None and other.measured_in is None:
            raise InputError(f"{where}: there is a covariate {column!r} already; rename it")
    return declared


def _covariate(definition: Definition, view: str) -> Covariate:
    if definition.unit == "0/1":
        return Covariate(kind="binary", measured_in=view)
    unit = None if definition.unit in ("share", "ratio") else definition.unit
    return Covariate(kind="numeric", unit=unit, range=_possible(definition), measured_in=view)


def _possible(definition: Definition) -> tuple[float, float] | None:
    if definition.unit == "ratio":
        return None
    if definition.unit == "share":
        return 0.0, 1.0
    if definition.unit == "mm2":
        return 0.0, _LARGEST_MM2
    if definition.needs == ("lateral",):
        return 0.0, _LONGEST_UM
    return -_THICKEST_UM if definition.name == "foveal_depth_um" else 0.0, _THICKEST_UM


def measured_columns(
    sources: Iterable[Source],
    covariates: Mapping[str, Covariate],
    eye_ids: Sequence[str],
    segmenter: Segments,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, list[tuple[str, str, str]]]:
    """Measure the scans of eyes.

    Args:
        sources: The scans; those of other views are left out.
        covariates: The columns; those not measured in scans are left out.
        eye_ids: One per row.
        segmenter: Segments the scans.
        progress: Called with (done, total) after each scan.

    Returns:
        Eye by column, NaN = not measured; and eye, view and note of what was not.

    Raises:
        InputError: If a column is named for a measure that this version has not.
    """
    columns = {
        name: (one.measured_in, _measure_of(name, one.measured_in), one.range)
        for name, one in covariates.items()
        if one.measured_in is not None
    }
    views = {view for view, _, _ in columns.values()}
    wanted = [source for source in sources if source.view in views]
    table = pd.DataFrame(math.nan, index=pd.Index(eye_ids), columns=list(columns))
    notes = []
    for one in measure_scans(wanted, segmenter, progress=progress):
        eye, view = one.source.eye_id, one.source.view
        notes += [(eye, view, note) for note in one.measures.notes]
        for name, (own, measure, limits) in columns.items():
            value = one.measures[measure]
            if own != view or value is None:
                continue
            low, high = limits or (-math.inf, math.inf)
            if low <= value <= high:
                table.loc[eye, name] = float(f"{value:.5g}")
            else:
                notes.append((eye, view, f"{measure} {value:.5g} is not possible, left out"))
    return table, notes


def _measure_of(column: str, view: str) -> str:
    name = column.removeprefix(f"{view}_")
    if name not in NAMES:
        raise InputError(
            f"covariate {column!r}: measured_in says that it was measured in the view {view!r}, "
            f"and there is no measure {name!r} in this version of ctt-net"
        )
    return name


def with_measures(
    cohort: Cohort,
    chosen: str | Sequence[str],
    segmenter: Segments,
    where: str,
    progress: Progress | None = None,
) -> tuple[CohortSpec, pd.DataFrame, list[str]]:
    """Declarations of a cohort with its measures, their columns, and what was not measured.

    Args:
        cohort: Whose scans.
        chosen: Names, each a column of every view; `default`: those of `DEFAULT_MEASURES` that any
            eye has.
        segmenter: Segments them.
        where: File of its declarations, for errors.
        progress: Called with (done, total) after each scan.

    Raises:
        InputError: As `declare_measures`.
    """
    declared = declare_measures(cohort.spec, chosen, where)
    ids = cohort.table["eye_id"].tolist()
    columns, notes = measured_columns(cohort_sources(cohort), declared, ids, segmenter, progress)
    if chosen == "default":
        columns = columns.dropna(axis="columns", how="all")
    covariates = cohort.spec.covariates | {str(name): declared[str(name)] for name in columns}
    spec = cohort.spec.model_copy(update={"covariates": covariates})
    counts = Counter(note for _, _, note in notes)
    remarks = [f"{note} ({count} of the scans)" for note, count in counts.most_common(_SHOWN_NOTES)]
    return spec, columns, remarks


def add_measures(
    cohort: Cohort,
    out: Path,
    chosen: str | Sequence[str],
    segmenter: Segments,
    progress: Progress | None = None,
) -> tuple[Cohort, list[str]]:
    """Copy a cohort folder and add measures of its scans as covariates; folds stay.

    Args:
        cohort: As read.
        out: Folder to make.
        chosen: Names, each a column of every view; `default`: those of `DEFAULT_MEASURES` that any
            eye has.
        segmenter: Segments the scans.
        progress: Called with (done, total) after each scan.

    Returns:
        The new cohort, and what was not measured.

    Raises:
        InputError: If `out` exists, or as `declare_measures`; nothing is written then.
    """
    where = str(cohort.root / SPEC_FILE)
    declare_measures(cohort.spec, chosen, where)  # before the copy
    with new_folder(out) as folder:
        spec, columns, remarks = with_measures(cohort, chosen, segmenter, where, progress)
        shutil.copytree(
            cohort.root, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*")
        )
        text = read_manifest_text(cohort.root / MANIFEST_FILE)
        for name in columns:
            text[name] = ["" if math.isnan(x) else f"{x:.5g}" for x in columns[name]]
        written = write_cohort(folder, spec, text)
        if (cohort.root / FOLDS_FILE).exists():
            shutil.copyfile(cohort.root / FOLDS_FILE, folder / FOLDS_FILE)
        else:
            (folder / FOLDS_FILE).unlink(missing_ok=True)
    return dataclasses.replace(written, root=out), remarks
