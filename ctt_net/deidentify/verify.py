"""Verification: every file of the new folder searched for identifying texts of the original."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ctt_net.cohort import CohortSpec
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.folder import MANIFEST_FILE, SPEC_FILE
from ctt_net.cohort.folds import FOLDS_FILE
from ctt_net.cohort.manifest_text import FLOW_FILE, read_manifest_text
from ctt_net.cohort.schema import ACUITY_COLUMNS, BOUND_COLUMNS
from ctt_net.deidentify.names import ByteNames, Names, is_short
from ctt_net.deidentify.other_files import FLOW_UNITS, NUMBER
from ctt_net.deidentify.report import REPORT_FILE
from ctt_net.deidentify.scans import picture_of
from ctt_net.errors import InputError
from ctt_net.io.progress import progress_bar
from ctt_net.io.yaml_file import dump_yaml

_TABLES = (MANIFEST_FILE, FOLDS_FILE, FLOW_FILE)
_ACUITY = re.compile(r"[0-9./+-]*|CF|HM|LP|NLP")
_BOUNDS = "better|worse|than|or|and|to|[<>=≥≤≧≦~〜至到及或以上下]"
_OUTCOME = re.compile(rf"{_ACUITY.pattern}|(?:[0-9.,/+ -]|{_BOUNDS})*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|")
_FLOW = re.compile(rf"[0-9]+(?: left out)?|{'|'.join(FLOW_UNITS)}|")
_FORMS = {
    **dict.fromkeys(DATE_COLUMNS, _DAY),
    **dict.fromkeys((*ACUITY_COLUMNS, *BOUND_COLUMNS), _ACUITY),
    "postop_va": _OUTCOME,
    "followup_days": NUMBER,
    "laterality": re.compile("OD|OS"),
    "split": re.compile("train|val|test|"),
}
_FREE_TEXT = ("name", "source", "licence", "citation")


def verify(
    folder: Path, spec: CohortSpec, scans: Iterable[str], origins: Mapping[str, str]
) -> None:
    """Search the new folder; the caller removes the folder after an error.

    Cells that hold numbers, dates or acuities must be such and nothing else; all others are
    searched, without case and whatever separates the words. Shifted dates are not: one patient's
    may be another's true one.

    Args:
        folder: The new cohort.
        spec: Its declarations.
        scans: Paths of its scans.
        origins: What must not be there, and where it stood in the original.

    Raises:
        InputError: Naming the place of the first find, and what it is; never the text itself.
    """
    everywhere = Names({text: where for text, where in origins.items() if not is_short(text)})
    in_cells = Names(origins)
    found = sorted(path.relative_to(folder).as_posix() for path in _files(folder))
    expected = {*_TABLES, SPEC_FILE, REPORT_FILE, *scans}
    for name in found:
        if name not in expected:
            raise InputError(f"{name}: a file that was not written on purpose")
        _check_or_raise(in_cells.found_in(name), "a file name")
    for name in _TABLES:
        if (folder / name).exists():
            _search_table(folder / name, spec, in_cells)
    if (folder / SPEC_FILE).read_text(encoding="utf-8") != dump_yaml(spec.to_dict()):
        raise InputError(f"{SPEC_FILE}: is not what was written")
    for key in _FREE_TEXT:
        _check_or_raise(everywhere.found_in(str(spec.to_dict()[key])), f"{SPEC_FILE}, {key}")
    _check_or_raise(
        everywhere.found_in((folder / REPORT_FILE).read_text(encoding="utf-8")), REPORT_FILE
    )
    _search_pictures(folder, sorted(scans), ByteNames(origins))


def _search_table(path: Path, spec: CohortSpec, names: Names) -> None:
    table = read_manifest_text(path)
    for column in table:
        form = _form(path.name, str(column), spec)
        for row, text in table[column].items():
            if form is not None and not form.fullmatch(text):
                raise InputError(f"{path.name}, row {row}, column {column}: an unexpected text")
            if form is None:
                _check_or_raise(names.found_in(text), f"{path.name}, row {row}, column {column}")


def _form(file: str, column: str, spec: CohortSpec) -> re.Pattern[str] | None:
    """The form of the cells of a column; None = any text, to be searched."""
    if file == FLOW_FILE:
        return _FLOW
    if file != MANIFEST_FILE:
        return None if column == "eye_id" else NUMBER
    if column in spec.covariates:
        return None if spec.covariates[column].kind == "categorical" else NUMBER
    return _FORMS.get(column)


def _search_pictures(folder: Path, scans: Sequence[str], names: ByteNames) -> None:
    with progress_bar("searching scans") as progress:
        for number, name in enumerate(scans, start=1):
            data = (folder / name).read_bytes()
            try:
                picture_of(data)  # nothing but a picture: no text, no time, no other chunk
            except ValueError as error:
                raise InputError(f"{name}: contains {error}") from None
            # Not in the grey levels: those of a dark vitreous are the codes of the digits, and
            # spell a date in one scan of fifty.
            _check_or_raise(names.found_in(data), name)
            progress(number, len(scans))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def _check_or_raise(origin: str | None, place: str) -> None:
    if origin is not None:
        raise InputError(f"{place} still holds what stood in the original as: {origin}")
