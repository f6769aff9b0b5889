"""Predict many patients: on all cores, one row per eye as it goes, and on where it stopped."""

import csv
import io
import json
import os
import threading
import urllib.parse
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, BinaryIO

from ctt_net import INTENDED_USE, __version__
from ctt_net.acuity import ReportNotation
from ctt_net.cohort.ids import id_fault
from ctt_net.cohort.predictions import (
    COLUMNS,
    OUTCOME_PREFIX,
    PREDICTIONS_FILE,
    READ_BY_PEOPLE,
)
from ctt_net.data.scans import Progress
from ctt_net.errors import InputError
from ctt_net.inference.patient import check_different_pictures
from ctt_net.inference.patient_list import ListedPatient, PatientList, list_patients
from ctt_net.inference.patient_report import Language
from ctt_net.inference.predict import (
    PatientPrediction,
    predict_patient,
    predict_read,
    predicting_model,
)
from ctt_net.inference.run_manifest import run_manifest
from ctt_net.inference.shard import Shard
from ctt_net.io.atomic_write import atomic_write, check_writable, named, only_writer
from ctt_net.io.formula import escape_formula
from ctt_net.io.json_file import json_text, read_json
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor
from ctt_net.outcome import Outcome

LINES_FILE = "predictions.jsonl"
FAILED_FILE = "failed.csv"
RUN_FILE = "run.json"
PAGES_FOLDER = "patients"
FORMAT = 1

# A further process takes about as long to begin as this many patients take.
PATIENTS_PER_WORKER = 30
# Patients that wait for a process, times the processes: enough that none is idle.
_AHEAD = 4


@dataclass(frozen=True)
class Answer:
    """What came of one patient.

    Args:
        patient: Which.
        prediction: Contents of prediction.json; None if there is none.
        error: Why there is none; empty = there is.
    """

    patient: ListedPatient
    prediction: dict[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True)
class Summary:
    """What lies in the folder at the end.

    Args:
        patients: That were predicted, now or before.
        eyes: Theirs.
        abstained: Eyes on which the model abstains.
        kept: Patients of an earlier run that was stopped.
        failed: Patients that could not be predicted.
    """

    patients: int
    eyes: int
    abstained: int
    kept: int
    failed: int


@dataclass(frozen=True)
class Pages:
    """Pages of many patients, each as `predict_patient` of one writes it.

    Args:
        folder: For a folder of each patient, with prediction.json and report.html.
        language: Of the pages: `en` or `zh`.
        report_notation: Of the acuities; None = as each patient.yaml says, else as recorded.
        heat_maps: Also where in the scans each prediction comes from; takes seconds.
    """

    folder: Path
    language: Language = "en"
    report_notation: ReportNotation | None = None
    heat_maps: bool = False

    def write(self, done: PatientPrediction, name: str) -> None:
        """Explain a prediction, and write it into a folder of that name."""
        done = done.with_details(heat_maps=self.heat_maps)
        done.write(self.folder / _file_name(name), self.language, self.report_notation)


def predict_many(
    path: Path | str,
    model: Path | str | Predictor,
    out: Path | str,
    *,
    notation: str | None = None,
    workers: int | None = None,
    pages: Pages | None = None,
    overwrite: bool = False,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Predict all patients of a folder, a cohort or a table, and write a row per eye as it goes.

    A run that was stopped goes on: rows that are whole stay, what failed is tried again. The rows
    are those of one patient alone, whatever the number of processes.

    Args:
        path: Folder of patient folders, cohort folder (outcomes are not needed), or table (CSV).
        model: Model or run folder, or a predictor.
        out: Folder for `predictions.csv`, `predictions.jsonl`, `failed.csv` and `run.json`.
        notation: Of the acuities in a table, where no column says it.
        workers: Processes; None = all cores where there are enough patients.
        pages: Of each patient, which are to be written too.
        overwrite: Begin anew, and replace what an earlier run wrote.
        shard: Only the patients of this part; each needs an `out` of its own.
        progress: Called after each patient.

    Raises:
        InputError: If input, model or folder cannot be used, or the folder holds a run of another
            model or input. What is wrong with one patient is written to `failed.csv`.
    """
    path, out = Path(path), Path(out)
    check_writable(out)
    if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
        raise InputError(f"{out}: lies inside {path}, which is the input; name another --out")
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    listed = list_patients(path, predictor, notation)
    if not listed.patients:
        raise InputError(f"{path}: no patient here")
    if shard is not None:
        listed = replace(listed, patients=[one for one in listed.patients if shard.has(one.name)])
    run = _run(path, listed, predictor, notation, pages)
    with named(out):
        out.mkdir(parents=True, exist_ok=True)
    with named(out / LINES_FILE), only_writer(out / LINES_FILE) as file:
        rows = _Rows(out, file, predictor.spec.outcomes)
        rows.begin(run, {one.name for one in listed.patients}, overwrite)
        kept = len(rows.patients)
        waiting = [one for one in listed.patients if one.name not in rows.patients]
        answers = predict_each(waiting, predictor, workers, pages)
        failed = 0
        for done, answer in enumerate(answers, 1):
            failed += not rows.add(answer)
            if progress is not None:
                progress(kept + done, len(listed.patients))
        summary = Summary(len(rows.patients), rows.eyes, rows.abstained, kept, failed)
        run["summary"] = {name: value for name, value in vars(summary).items() if name != "kept"}
        atomic_write(out / RUN_FILE, json_text(run))
    return summary


def predict_each(
    patients: Iterable[ListedPatient],
    predictor: Predictor,
    workers: int | None = None,
    pages: Pages | None = None,
) -> Iterator[Answer]:
    """Predict patients in their order; one that cannot be predicted is an answer with its error.

    Args:
        patients: As listed.
        predictor: What predicts; other processes load its model folders themselves.
        workers: Processes; None = all cores where there are enough patients, 1 = this one.
        pages: Of each patient, which are to be written too.

    Raises:
        InputError: If `workers` is none.
    """
    patients = list(patients)
    if workers is None:
        workers = min(os.cpu_count() or 1, 1 + len(patients) // PATIENTS_PER_WORKER)
    if workers < 1:
        raise InputError(f"workers must be 1 or more, got {workers}")
    if workers == 1:
        return (_answer(one, predictor, pages) for one in patients)
    folders = [member.folder for member in predictor.members]
    return _in_processes(patients, folders, workers, pages)


def _answer(one: ListedPatient, predictor: Predictor, pages: Pages | None) -> Answer:
    try:
        done = _predicted(one, predictor)
        if pages is not None:
            pages.write(done, one.name)
        return Answer(one, done.prediction)
    except InputError as error:
        return Answer(one, error=str(error))
    except Exception as error:  # whatever it is, the other patients are predicted
        return Answer(one, error=f"internal error, please report it: {error!r}")


def _predicted(one: ListedPatient, predictor: Predictor) -> PatientPrediction:
    if one.wrong:
        raise InputError(one.wrong)
    if one.patient is None:
        done, stated_in = predict_patient(one.folder, predictor, details=False), one.folder
    else:
        scans = (scan for eye in one.patient.eyes for scan in eye.scans.values())
        check_different_pictures(one.folder, scans)
        done, stated_in = predict_read(one.patient, one.folder, predictor), one.patient.stated_in
    fault = id_fault(done.prediction["patient_id"])  # it goes into tables
    if fault is not None:
        raise InputError(f"{stated_in}: patient_id: {fault}")
    return done


def _file_name(name: str) -> str:
    """A name for a folder on every system; two patients never get the same."""
    text = urllib.parse.quote(name, safe=" ")
    return text.replace(".", "%2E") if text.strip(". ") != text else text


# Of a worker process, from its beginning on.
_OWN: dict[str, Any] = {}


def _begin(folders: list[Path], pages: Pages | None) -> None:
    """Load the model in a worker process, with one thread for each network."""
    import cv2

    cv2.setNumThreads(1)
    # A parent that was killed cannot end its workers, which would wait for work for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    predictor = Predictor([Member(folder, threads=1) for folder in folders])
    _OWN.update(predictor=predictor, pages=pages)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(one: ListedPatient) -> Answer:
    return _answer(one, _OWN["predictor"], _OWN["pages"])


def _in_processes(
    patients: list[ListedPatient], folders: list[Path], workers: int, pages: Pages | None
) -> Iterator[Answer]:
    """Answers in order. A patient that ends its process is named, and the others go on."""
    rest = deque(patients)
    alone = 0  # how many of the next are run by themselves: one of them ended a process
    while rest:
        running: deque[tuple[ListedPatient, Future[Answer]]] = deque()
        few = bool(alone)
        n_workers, ahead = (1, 1) if few else (workers, _AHEAD * workers)
        pool = ProcessPoolExecutor(n_workers, get_context("spawn"), _begin, (folders, pages))
        try:
            while running or (rest and few == bool(alone)):
                while rest and len(running) < ahead:
                    future = pool.submit(_work, rest[0])
                    running.append((rest.popleft(), future))
                answer = running[0][1].result()
                running.popleft()
                alone = max(0, alone - 1)
                yield answer
        except BrokenProcessPool:
            if not running:
                raise
            if few or len(running) == 1:
                yield Answer(running.popleft()[0], error="the process that read it was ended")
                alone = max(0, alone - 1)
            else:
                alone = len(running)
            rest.extendleft(one for one, _ in reversed(running))
        finally:
            pool.shutdown(cancel_futures=True)


def _run(
    path: Path, listed: PatientList, predictor: Predictor, notation: str | None, pages: Pages | None
) -> dict[str, Any]:
    """Contents of `run.json`; `settings` must be the same for a run to go on."""
    manifest = run_manifest(predictor)
    return {
        "format": FORMAT,
        "intended_use": INTENDED_USE,
        "settings": {
            "input": path.resolve().as_posix(),
            "kind": listed.kind,
            "notation": notation,
            "pages": pages and {**vars(pages), "folder": pages.folder.resolve().as_posix()},
            "model_digest": manifest["model_digest"],
            "ctt_net_version": __version__,
        },
        "model": predicting_model(predictor),
        "provenance": manifest,
    }


class _Rows:
    """The files of a run, row by row.

    `predictions.jsonl` counts: what it lacks has not been done. A patient's rows are written at
    once, and `predictions.csv` after it.
    """

    def __init__(self, out: Path, lines: BinaryIO, outcomes: tuple[Outcome, ...]) -> None:
        self._out, self._lines, self._outcomes = out, lines, outcomes
        self.patients: set[str] = set()  # names in the input
        self._names: dict[str, str] = {}  # patient_id to the name
        self.eyes = self.abstained = 0

    def begin(self, run: dict[str, Any], names: set[str], overwrite: bool) -> None:
        """Take over what an earlier run left, and write the beginning of every file.

        Raises:
            InputError: If the folder holds something else.
        """
        run_path = self._out / RUN_FILE
        earlier = read_json(run_path, dict) if run_path.exists() and not overwrite else None
        others = [PREDICTIONS_FILE, FAILED_FILE]
        if earlier is not None:
            self._check_same(earlier.get("settings", {}), run["settings"])
        elif not overwrite and (
            self._lines.seek(0, io.SEEK_END) or any((self._out / one).exists() for one in others)
        ):
            raise InputError(
                f"{self._out}: holds predictions of something else; name another --out, or say "
                f"--overwrite"
            )
        whole = self._whole_lines() if earlier is not None else []
        # The rows of the last patient may lack one that was not written any more.
        if whole and "summary" not in (earlier or {}):
            last = whole[-1][1]["source"]
            whole = [one for one in whole if one[1]["source"] != last]
        for _, eye in whole:
            if eye["source"] not in names:
                raise InputError(
                    f"{self._out}: holds predictions of {eye['source']!r}, which the input has "
                    f"not any more; name another --out, or say --overwrite"
                )
            self._count(eye)
        self._lines.truncate(sum(length for length, _ in whole))
        self._lines.seek(0, io.SEEK_END)
        self._lines.flush()
        header = [*COLUMNS, *(OUTCOME_PREFIX + one.name for one in self._outcomes), *READ_BY_PEOPLE]
        rows = [header, *(self._row(eye) for _, eye in whole)]
        atomic_write(self._out / PREDICTIONS_FILE, "".join(map(_csv_line, rows)))
        atomic_write(self._out / FAILED_FILE, _csv_line(["patient", "message"]))
        atomic_write(run_path, json_text(run))

    def _check_same(self, earlier: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        for name, value in now.items():
            if earlier.get(name) != value:
                raise InputError(
                    f"{self._out}: holds a run with {name} {earlier.get(name)!r}, now it is "
                    f"{value!r}, and rows of both must not be mixed; name another --out, or say "
                    f"--overwrite"
                )

    def _whole_lines(self) -> list[tuple[int, dict[str, Any]]]:
        """Length in bytes and content of each line, up to the first that was cut short."""
        self._lines.seek(0)
        found = []
        for line in self._lines:
            try:
                eye = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n") or not isinstance(eye, dict) or "source" not in eye:
                break
            found.append((len(line), eye))
        return found

    def _count(self, eye: Mapping[str, Any]) -> None:
        self.patients.add(eye["source"])
        self._names[eye["patient_id"]] = eye["source"]
        self.eyes += 1
        self.abstained += eye["abstain"]

    def add(self, answer: Answer) -> bool:
        """Write the rows of one patient, or why there are none; whether there are."""
        name, error, eyes = answer.patient.name, answer.error, []
        if answer.prediction is not None:
            eyes = eye_lines(answer.patient, answer.prediction)
            patient_id = eyes[0]["patient_id"]
            if patient_id in self._names:
                error = f"patient_id {patient_id!r} is that of {self._names[patient_id]!r}, too; "
                error += "correct one of them"
        if error:
            self._append(FAILED_FILE, [[name, error]])
            return False
        lines = [json.dumps(eye, ensure_ascii=False, allow_nan=False) + "\n" for eye in eyes]
        self._lines.write("".join(lines).encode())
        self._lines.flush()
        self._append(PREDICTIONS_FILE, [self._row(eye) for eye in eyes])
        for eye in eyes:
            self._count(eye)
        return True

    def _append(self, name: str, rows: list[list[Any]]) -> None:
        with named(self._out / name), (self._out / name).open("ab") as file:
            file.write("".join(map(_csv_line, rows)).encode())

    def _row(self, eye: Mapping[str, Any]) -> list[Any]:
        """A row of `predictions.csv`, in the order of its header."""
        p = eye["p_recovery"]
        first = self._outcomes[0].name
        return [
            eye["eye_id"],
            eye["patient_id"],
            eye["preop"] and eye["preop"]["logmar"],
            None,
            eye["postop"]["logmar"],
            eye["interval"]["lower_logmar"],
            eye["interval"]["upper_logmar"],
            p[first],
            ";".join(eye["flags"]),
            *(p[one.name] for one in self._outcomes),
            eye["laterality"],
            eye["postop"]["snellen_20ft"],
            eye["reason"],
        ]


def eye_lines(patient: ListedPatient, prediction: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One line of `predictions.jsonl` for each eye: the eye of prediction.json, and whose it is.

    Args:
        patient: As listed.
        prediction: Contents of prediction.json.
    """
    patient_id = prediction["patient_id"]
    return [
        {
            "source": patient.name,
            "patient_id": patient_id,
            "eye_id": patient.eye_ids.get(eye["laterality"], f"{patient_id}_{eye['laterality']}"),
            "intended_use": INTENDED_USE,
            **eye,
        }
        for eye in prediction["eyes"]
    ]


def _csv_line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    escaped = [escape_formula(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(text, lineterminator="\n").writerow(escaped)
    return text.getvalue()
