"""`ctt-net prepare`: from mapping, table and folder to a cohort folder, whole or not at all."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from ctt_net.cohort import Cohort, write_cohort
from ctt_net.cohort.flow_file import FLOW_FILE
from ctt_net.errors import InputError
from ctt_net.intake.collect import collect
from ctt_net.intake.copy_scans import copy_scans, with_paths
from ctt_net.intake.flow import Flow
from ctt_net.intake.mapping import CohortMapping
from ctt_net.intake.out_folder import MAPPING_FILE, leftovers, refuse_out
from ctt_net.intake.requirements import required
from ctt_net.whole_file import write_whole
from ctt_net.whole_folder import new_folder
from ctt_net.yaml_file import dump_yaml


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A cohort that was written.

    Args:
        cohort: As it reads back.
        flow: Columns step, count, unit, and the ids of what was left out.
        unused: Scan files that belong to no eye of the cohort.
        remarks: What else a person should know.
    """

    cohort: Cohort
    flow: pd.DataFrame
    unused: tuple[str, ...]
    remarks: tuple[str, ...]


def prepare_cohort(
    mapping: CohortMapping,
    out: Path,
    raw: Path | None = None,
    replace: bool = False,
    tables_only: bool = False,
    table: pd.DataFrame | None = None,
    remarks: Sequence[tuple[str, int, str]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Read by a mapping, and write the cohort folder.

    Args:
        mapping: From `read_mapping`, see docs/mapping.md.
        out: Cohort folder to make.
        raw: What the paths of the mapping are relative to; default: its own folder.
        replace: Take the place of an existing cohort folder, in one step.
        tables_only: Leave the scans out; every view is then missing.
        table: What `read_table` made of `table.file`, amended, to be taken in its place; indexed
            by its rows, so that errors name those.
        remarks: Step, count and unit of facts to be said at the end of the flow.
        progress: Called with (done, total) while scans are copied.

    Raises:
        InputError: If anything is wrong; `out` is then as it was.
    """
    folder = mapping.path.parent if raw is None else raw
    inputs = [mapping.path, folder / mapping.table.file]
    inputs += [folder / mapping.scans.folder] if mapping.scans is not None else []
    refuse_out(out, replace, inputs)
    collected = collect(mapping, folder, not tables_only, table)
    eyes, flow = collected.eyes, collected.flow
    warnings = leftovers(out) + _excludes_nothing(mapping, flow)
    with new_folder(out, replace) as beside:
        if collected.found.files:
            copied = copy_scans(eyes, collected.found, mapping.sections, beside, progress)
            eyes = with_paths(eyes, copied, mapping, collected.table_path, warnings)
            eyes = required(eyes, mapping, flow, with_scans=True)
        flow.arrive(len(eyes.table), "in the cohort", "eyes")
        flow.remark("their patients", eyes.table["patient_id"].nunique(), "patients")
        for remark in remarks:
            flow.remark(*remark)
        if not len(eyes.table):
            raise InputError(
                f"{mapping.path}: no eye is left\n{flow.to_table().to_string(index=False)}"
            )
        _remove_unused(beside, eyes.table, tuple(mapping.spec.views))
        cohort = write_cohort(beside, mapping.spec, eyes.table)
        write_whole(beside / FLOW_FILE, flow.to_csv())
        written = mapping.path.read_bytes() if mapping.path.is_file() else None
        write_whole(beside / MAPPING_FILE, written or dump_yaml(dict(mapping.given)))
    unused, cohort = tuple(collected.found.unused), dataclasses.replace(cohort, root=out)
    return Prepared(cohort, flow.to_table(), unused, tuple(warnings))


def _excludes_nothing(mapping: CohortMapping, flow: Flow) -> list[str]:
    """A word that stands in no cell is misspelt more often than rare."""
    counted = {step for step, *_ in flow.steps}
    return [
        f"exclude ({line.reason}) left out no row: no other row holds {' or '.join(line.values)} "
        f"in column {line.column}; look how the table spells it"
        for line in mapping.exclude
        if line.values and f"left out: {line.reason}" not in counted  # noqa: PD011
    ]


def _remove_unused(root: Path, table: pd.DataFrame, views: tuple[str, ...]) -> None:
    """Scans of an eye that was left out after they were copied."""
    used = {path for view in views for path in table[view] if path}
    for file in (root / "scans").glob("*"):
        if file.relative_to(root).as_posix() not in used:
            file.unlink()
