"""From a cohort folder to a de-identified one, complete and searched, or none at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctt_net.cohort import Cohort, CohortSpec, read_cohort, write_cohort
from ctt_net.cohort.manifest import undeclared_columns
from ctt_net.cohort.manifest_text import FLOW_FILE
from ctt_net.deidentify.covariates import check_no_identity, rare_levels
from ctt_net.deidentify.identity import declared_words, identifying_texts
from ctt_net.deidentify.key import Codes, Key, read_or_make_key
from ctt_net.deidentify.other_files import (
    files_left_behind,
    write_coded_folds,
    write_flow,
)
from ctt_net.deidentify.report import REPORT_FILE, report
from ctt_net.deidentify.review import write_review
from ctt_net.deidentify.rows import SCAN_FOLDER, Rows, coded_rows
from ctt_net.deidentify.scans import WrittenScan, write_scans
from ctt_net.deidentify.verify import verify
from ctt_net.errors import InputError
from ctt_net.io.atomic_folder import folder_beside, new_folder
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.yaml_file import dump_yaml

NAME = "deidentified"
SOURCE = "de-identified from a clinical cohort"


def declarations(spec: CohortSpec, name: str | None, source: str | None) -> CohortSpec:
    """Declarations of the new cohort: rebuilt, free text only where it must stay.

    Sentinels of covariates go, as their cells are written empty: else an age of 90 that was once
    somebody's sign for unknown would be lost.

    Args:
        spec: Of the original; `licence` and `citation` stay as written.
        name: Of the new cohort, `deidentified` by default.
        source: Its origin, a plain sentence by default.
    """
    covariates = {
        key: value.model_copy(update={"missing": ()}) for key, value in spec.covariates.items()
    }
    return spec.model_copy(
        update={"name": name or NAME, "source": source or SOURCE, "covariates": covariates}
    )


@dataclass(frozen=True)
class Deidentified:
    """What was done; nothing of it identifies a patient.

    Args:
        out: The new cohort folder.
        review: Folder of the pages to review.
        key: The key, never shown.
        rows: The new rows.
        scans: The new scans.
        columns_left_out: Names of the undeclared columns.
        rare: Column, level and eyes of values that fewer than five eyes have.
        files_left_behind: Files of the original that are no part of a cohort.
        tables: Names of the optional tables that were written.
        not_searched: Identifying texts equal to a declared word, which no search can tell apart.
    """

    out: Path
    review: Path
    key: Key
    rows: Rows
    scans: tuple[WrittenScan, ...]
    columns_left_out: tuple[str, ...]
    rare: tuple[tuple[str, str, int], ...]
    files_left_behind: int
    tables: tuple[str, ...]
    not_searched: int


def deidentify(
    root: Path,
    out: Path,
    key_file: Path,
    name: str | None = None,
    source: str | None = None,
    review: Path | None = None,
) -> Deidentified:
    """Make a cohort folder that can leave the hospital.

    Args:
        root: Cohort folder.
        out: Folder to make.
        key_file: Secret; made if it does not exist.
        name: Of the new cohort.
        source: Origin, as the new cohort states it.
        review: Folder for the pages to review; `<out>_review` by default.

    Raises:
        InputError: If the cohort is wrong, a place is not allowed, or an identifying text is
            found in the result, which is then removed.
    """
    review = review or folder_beside(out, "_review")
    _check_not_nested(root, out, review)
    cohort = read_cohort(root)
    check_no_identity(cohort)
    with new_folder(out) as folder, new_folder(review) as pages:
        key = read_or_make_key(key_file, (root, out, review))
        spec = declarations(cohort.spec, name, source)
        rows = coded_rows(cohort, Codes(key.secret))
        scans = write_scans(cohort, rows, folder)
        tables = _write_tables(cohort, spec, rows, folder)
        left_out = undeclared_columns(cohort.table, cohort.spec)
        facts = report(spec, rows, scans, len(left_out))
        atomic_write(folder / REPORT_FILE, dump_yaml(facts))
        origins = identifying_texts(cohort, rows, key.secret)
        declared = declared_words(origins, _declared_text(cohort.spec, rows, facts))
        for text in declared:
            del origins[text]
        _search(cohort, folder, spec, scans, origins)
        write_review(scans, folder, pages, spec.synthetic)
    return Deidentified(
        out=out,
        review=review,
        key=key,
        rows=rows,
        scans=tuple(scans),
        columns_left_out=tuple(left_out),
        rare=tuple(rare_levels(cohort)),
        files_left_behind=files_left_behind(cohort),
        tables=tables,
        not_searched=len(declared),
    )


def _write_tables(cohort: Cohort, spec: CohortSpec, rows: Rows, folder: Path) -> tuple[str, ...]:
    """Write all tables; returns the names of the optional ones."""
    write_cohort(folder, spec, rows.table)
    write_coded_folds(cohort, rows.eye_codes, folder)
    return (FLOW_FILE,) if write_flow(cohort, folder) else ()


def _declared_text(spec: CohortSpec, rows: Rows, facts: Mapping[str, Any]) -> str:
    """All text that must be in the new folder whatever the patients are called."""
    no_free_text = {"name": "", "source": "", "licence": "", "citation": ""}
    plain = dump_yaml({**spec.to_dict(), **no_free_text})
    return "\n".join([plain, SCAN_FOLDER, "png", *rows.devices_kept, dump_yaml(dict(facts))])


def _search(
    cohort: Cohort,
    folder: Path,
    spec: CohortSpec,
    scans: Sequence[WrittenScan],
    origins: Mapping[str, str],
) -> None:
    try:
        verify(folder, spec, [scan.path for scan in scans], origins)
    except InputError as error:
        raise InputError(
            f"{cohort.root}: nothing was written, since in the result {error}; correct it in the "
            f"original (cohort.yaml or the scan) and export again"
        ) from None


def _check_not_nested(root: Path, out: Path, review: Path) -> None:
    places = {"COHORT": root.resolve(), "OUT": out.resolve(), "the review": review.resolve()}
    for name, place in places.items():
        for other, folder in places.items():
            if name != other and place.is_relative_to(folder):
                raise InputError(f"{place}: {name} lies in {other}; name folders apart")
