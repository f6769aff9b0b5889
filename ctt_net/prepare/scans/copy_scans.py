"""Scans into the cohort folder: pictures as they are, sections of raw device files as PNG."""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ctt_net.cohort import CohortError, Problem
from ctt_net.devices import (
    Acquisition,
    cut_foveal_sections,
    is_device_file,
    raster_lines,
    read_acquisition,
)
from ctt_net.errors import InputError
from ctt_net.imaging import ImagingError, read_bscan
from ctt_net.io.cores import cores
from ctt_net.prepare.mapping.mapping import CohortMapping
from ctt_net.prepare.mapping.scan_rule import line_of
from ctt_net.prepare.out_folder import SCANS_FOLDER
from ctt_net.prepare.scans.find_scans import FoundScans
from ctt_net.prepare.tables.eyes import Eyes


@dataclass(frozen=True)
class Copied:
    """What became of one file of one eye.

    Args:
        position: Of the eye.
        views: View to the path below the cohort folder.
        problems: Why a view is missing after all, with the row of the user's table.
        notes: What was assumed where a device's volume was cut.
    """

    position: int
    views: dict[str, str]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def copy_scans(
    eyes: Eyes,
    found: FoundScans,
    sections: Mapping[str, str],
    root: Path,
    progress: Callable[[int, int], None] | None = None,
) -> list[Copied]:
    """Read every scan once, so that a damaged one is found here, and write it below `root`.

    Args:
        eyes: With `eye_id` and `laterality`.
        found: One file per eye and view.
        sections: View to the section of a device volume that shows it.
        root: Cohort folder.
        progress: Called with (done, total).
    """
    (root / SCANS_FOLDER).mkdir()
    stems = file_stems(eyes.table["eye_id"].to_list())
    sides = eyes.table["laterality"].to_list()
    tasks: dict[tuple[int, Path], list[str]] = {}
    for (position, view), files in found.files.items():
        tasks.setdefault((position, files[0]), []).append(view)
    eyes_of = Counter(file for _, file in tasks)

    def copy(task: tuple[tuple[int, Path], list[str]]) -> Copied:
        (position, file), views = task
        row = int(eyes.rows[position])
        try:
            if not is_device_file(file):
                return Copied(position, _copy_picture(file, views[0], stems[position], root))
            acquisition = read_acquisition(file, sides[position])  # not of the other eye alone
            if acquisition.laterality is None and eyes_of[file] > 1:
                said = f"{file.name} is named for two eyes and does not say which it shows"
                raise ImagingError(said)
            stem = root / SCANS_FOLDER / stems[position]
            return _cut(
                file.name, acquisition, {v: sections[v] for v in views}, stem, position, row
            )
        except ImagingError as error:
            return Copied(position, {}, (Problem(str(error), row=row, column=views[0]),))
        except OSError as error:  # a full disk, a share that went away
            raise InputError(
                f"{file}: cannot be copied: {error.strerror}; make room where the cohort folder is "
                f"made, or see whether the scan can be reached"
            ) from None

    copied = []
    with ThreadPoolExecutor(cores()) as pool:
        for done, result in enumerate(pool.map(copy, tasks.items()), start=1):
            copied.append(result)
            if progress is not None:
                progress(done, len(tasks))
    return copied


def with_paths(
    eyes: Eyes,
    copied: list[Copied],
    mapping: CohortMapping,
    table_path: Path,
    remarks: list[str],
) -> Eyes:
    """The eyes with the paths of their scans.

    Args:
        eyes: With view columns.
        copied: What was written.
        mapping: Says whether an unreadable scan stops everything.
        table_path: For the error.
        remarks: Receives what a person should know.

    Raises:
        CohortError: Naming every scan that cannot be read, unless those are to be left out.
    """
    problems = [problem for one in copied for problem in one.problems]
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors and mapping.scans is not None and not mapping.scans.leave_out_unreadable:
        fix = "; repair or remove the file, or write 'unreadable: leave_out' under scans"
        said = [replace(error, message=error.message.rstrip(".") + fix) for error in errors]
        raise CohortError(table_path, said)
    remarks += [f"missing view: {problem}" for problem in problems]
    assumed = Counter(note for one in copied for note in one.notes)
    remarks += [f"{count} raw device files: {note}" for note, count in assumed.most_common()]
    table = eyes.table.assign(**dict.fromkeys(mapping.spec.views, ""))
    for one in copied:
        for view, path in one.views.items():
            table.loc[one.position, view] = path
    return replace(eyes, table=table)


def file_stems(eye_ids: list[str]) -> list[str]:
    """A name for the files of every eye: safe on every file system, different from all others."""
    stems, taken = [], set()
    for number, eye_id in enumerate(eye_ids, start=1):
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", eye_id).strip("_")[:80]
        if plain != eye_id or plain.lower() in taken:
            plain = f"{number:06d}_{plain}".rstrip("_")
        taken.add(plain.lower())
        stems.append(plain)
    return stems


def _copy_picture(file: Path, view: str, stem: str, root: Path) -> dict[str, str]:
    read_bscan(file)
    target = f"{SCANS_FOLDER}/{stem}_{view}{file.suffix.lower()}"
    shutil.copyfile(file, root / target)
    return {view: target}


def _cut(
    name: str,
    acquisition: Acquisition,
    sections: Mapping[str, str],
    stem: Path,
    position: int,
    row: int,
) -> Copied:
    """Write the section of each view as a PNG; one that the volume has not is a warning."""
    foveal = cut_foveal_sections(acquisition)
    written, problems = {}, []
    for view, section in sections.items():
        pixels: np.ndarray | None
        if section.startswith("line"):
            number, count = line_of(section, view)
            pixels = _line(acquisition, number, count)
        else:
            pixels = foveal.sections.get(section)
        if pixels is None:
            problems.append(Problem(f"{name} holds no section {section!r}", "warning", row, view))
            continue
        done, data = cv2.imencode(".png", pixels)
        if not done:
            raise InputError(f"{name}: its section could not be encoded as PNG")
        target = stem.with_name(f"{stem.name}_{view}.png")
        target.write_bytes(data.tobytes())
        written[view] = f"{SCANS_FOLDER}/{target.name}"
    notes = (*acquisition.notes, *foveal.notes)
    return Copied(position, written, tuple(problems), notes)


def _line(acquisition: Acquisition, number: int, count: int) -> np.ndarray | None:
    """One of the lines of a raster, None if it has fewer."""
    try:
        lines = raster_lines(acquisition, count)
    except InputError:  # too few: a missing view, as a section that is not there
        return None
    return lines[number - 1] if len(lines) == count else None
