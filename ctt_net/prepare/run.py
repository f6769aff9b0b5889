"""`ctt-net prepare`: from mapping, table and folder to a cohort folder, whole or not at all."""

import copy
import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.cohort import Cohort, write_cohort
from ctt_net.cohort.ids import spelling
from ctt_net.cohort.manifest_text import FLOW_FILE
from ctt_net.errors import InputError
from ctt_net.io.atomic_folder import new_folder
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.yaml_file import dump_yaml
from ctt_net.measure import with_measures
from ctt_net.prepare.collect import collect
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.out_folder import (
    MAPPING_FILE,
    check_no_held_out,
    check_out,
    held_out_folder,
    leftovers,
)
from ctt_net.prepare.scans.copy_scans import copy_scans, with_paths
from ctt_net.prepare.tables.flow import ParticipantFlow
from ctt_net.prepare.tables.requirements import required


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A cohort that was written.

    Args:
        cohort: As it reads back.
        flow: Columns step, count, unit, and the ids of what was left out.
        unused: Scan files that belong to no eye of the cohort.
        remarks: What else a person should know.
        held_out: The cohort of the patients that were held out, if any were to be.
    """

    cohort: Cohort
    flow: pd.DataFrame
    unused: tuple[str, ...]
    remarks: tuple[str, ...]
    held_out: Cohort | None = None


def prepare_cohort(
    mapping: CohortMapping,
    out: Path,
    raw: Path | None = None,
    replace: bool = False,
    tables_only: bool = False,
    table: pd.DataFrame | None = None,
    remarks: Sequence[tuple[str, int, str]] = (),
    progress: Callable[[int, int], None] | None = None,
    hold_out: float | None = None,
    seed: int = 0,
) -> Prepared:
    """Read by a mapping, and write the cohort folder.

    Args:
        mapping: From `read_mapping`, see docs/reference/mapping.md.
        out: Cohort folder to make.
        raw: What the paths of the mapping are relative to; default: its own folder.
        replace: Take the place of an existing cohort folder, in one step.
        tables_only: Leave the scans out; every view is then missing.
        table: What `read_table` made of `table.file`, amended, to be taken in its place; indexed
            by its rows, so that errors name those.
        remarks: Step, count and unit of facts for the end of the flow.
        progress: Called with (done, total) while scans are copied, then while they are measured.
        hold_out: Share of the patients whose eyes go to a second folder, `held_out_folder(out)`,
            as `split` test: no training takes them.
        seed: Of the draw of these patients.

    Raises:
        InputError: If anything is wrong; `out` is then as it was.
    """
    folder = mapping.path.parent if raw is None else raw
    inputs = [mapping.path, folder / mapping.table.file]
    inputs += [folder / mapping.scans.folder] if mapping.scans is not None else []
    held_folder = held_out_folder(out)
    check_out(out, replace, inputs)
    if hold_out is None:
        check_no_held_out(out)
    else:
        check_out(held_folder, replace, inputs)
        if mapping.file.columns.split is not None:
            raise InputError(
                f"{mapping.path}: columns.split names the eyes to test on already; take it out, or "
                f"do without --hold-out"
            )
    collected = collect(mapping, folder, not tables_only, table)
    eyes, flow = collected.eyes, collected.flow
    warnings = [*leftovers(out), *leftovers(held_folder), *collected.remarks]
    with ExitStack() as folders:
        beside = folders.enter_context(new_folder(out, replace))
        if collected.found.files:
            copied = copy_scans(eyes, collected.found, mapping.sections, beside, progress)
            eyes = with_paths(eyes, copied, mapping, collected.table_path, warnings)
            eyes = required(eyes, mapping, flow, with_scans=True)
        if not len(eyes.table):
            flow.arrive(0, "in the cohort", "eyes")
            raise InputError(
                f"{mapping.path}: no eye is left\n{flow.to_table().to_string(index=False)}"
            )
        for remark in remarks:
            flow.remark(*remark)
        held_cohort, table = None, eyes.table
        if collected.found.files and mapping.file.measures is not None:
            mapping, table = _with_measures(beside, table, mapping, warnings, progress)
        if hold_out is not None:
            apart = draw_held_out(table["patient_id"], hold_out, seed)
            held, table = table[apart].assign(split="test"), table[~apart]
            place = folders.enter_context(new_folder(held_folder, replace))
            _move_scans(beside, place, held, mapping)
            held_flow = copy.deepcopy(flow)
            held_flow.leave_out(f"for development, in {out.name}", len(table))
            held_cohort = _write(place, held_folder, held, mapping, held_flow)
            flow.leave_out(f"held out for testing, in {held_folder.name}", len(held))
            flow.remark("patients held out", held["patient_id"].nunique(), "patients")
        cohort = _write(beside, out, table, mapping, flow)
        for folder in (out, held_folder) if hold_out is not None else ():
            check_out(folder, replace, inputs)  # both are put in place, or none
    unused = tuple(collected.found.unused)
    return Prepared(cohort, flow.to_table(), unused, tuple(warnings), held_cohort)


def draw_held_out(patient_ids: pd.Series, share: float, seed: int) -> np.ndarray:
    """Which rows are of patients that are held out.

    The draw uses nothing but the id, however it is spelled: both eyes of a patient go
    together, and a patient stays on one side when the table grows. The share is met on average.

    Args:
        patient_ids: One per row.
        share: Of the patients, between 0 and 1.
        seed: Another one holds out others.

    Raises:
        InputError: If one side stays empty.
    """
    drawn = {}
    for text in patient_ids.unique():
        digest = hashlib.sha256(f"{seed}:{spelling(text)}".encode()).digest()
        drawn[text] = int.from_bytes(digest[:8], "big") < share * 2**64
    held = patient_ids.map(drawn).to_numpy(bool)
    if held.all() or not held.any():
        raise InputError(
            f"--hold-out {share:.0%}: of {len(drawn)} patients {'all' if held.all() else 'none'} "
            f"would be held out by seed {seed}; take another share, or another --seed"
        )
    return held


def _write(
    beside: Path, out: Path, table: pd.DataFrame, mapping: CohortMapping, flow: ParticipantFlow
) -> Cohort:
    """The tables of a cohort, into a folder that is to be named `out`."""
    flow.arrive(len(table), "in the cohort", "eyes")
    flow.remark("their patients", table["patient_id"].nunique(), "patients")
    _remove_unused(beside, table, tuple(mapping.spec.views))
    cohort = write_cohort(beside, mapping.spec, table)
    atomic_write(beside / FLOW_FILE, flow.to_csv())
    written = mapping.path.read_bytes() if mapping.path.is_file() else None
    atomic_write(beside / MAPPING_FILE, written or dump_yaml(dict(mapping.given)))
    return dataclasses.replace(cohort, root=out)


def _with_measures(
    root: Path,
    table: pd.DataFrame,
    mapping: CohortMapping,
    remarks: list[str],
    progress: Callable[[int, int], None] | None,
) -> tuple[CohortMapping, pd.DataFrame]:
    """The mapping with the measures declared, and their columns in the table.

    Args:
        root: Holds the scans.
        table: One row per eye, with the paths of its scans.
        mapping: Says which measures.
        remarks: Receives what was not measured.
        progress: Called with (done, total) after each scan.
    """
    from ctt_net.biomarkers.segmenter import Segmenter

    cohort = Cohort(root, mapping.spec, table.reset_index(drop=True), (0,) * len(table))
    spec, columns, notes = with_measures(
        cohort, mapping.file.measures or "default", Segmenter.load(), str(mapping.path), progress
    )
    remarks += [f"measures: {note}" for note in notes]
    return dataclasses.replace(mapping, spec=spec), table.join(columns.set_axis(table.index))


def _move_scans(root: Path, to: Path, table: pd.DataFrame, mapping: CohortMapping) -> None:
    """Scans of some eyes from one cohort folder to another."""
    for path in filter(None, table[list(mapping.spec.views)].to_numpy(object).ravel()):
        (to / path).parent.mkdir(exist_ok=True)
        (root / path).rename(to / path)


def _remove_unused(root: Path, table: pd.DataFrame, views: tuple[str, ...]) -> None:
    """Scans of an eye that was left out after they were copied."""
    used = {path for view in views for path in table[view] if path}
    for file in (root / "scans").glob("*"):
        if file.relative_to(root).as_posix() not in used:
            file.unlink()
