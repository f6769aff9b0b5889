"""Predict many patients: on all cores, one row per eye as it goes, and on where it stopped."""

import os
import threading
import urllib.parse
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from ctt_net import INTENDED_USE, __version__
from ctt_net.acuity import ReportNotation
from ctt_net.cohort.ids import id_fault
from ctt_net.data.scans import Progress
from ctt_net.errors import InputError
from ctt_net.inference.many_rows import LINES_FILE, RUN_FILE, Answer, Rows
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
from ctt_net.io.cores import cores
from ctt_net.io.json_file import json_text
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor

PAGES_FOLDER = "patients"
FORMAT = 1

# A further process takes about as long to begin as this many patients take.
PATIENTS_PER_WORKER = 30
# Patients that wait for a process, times the processes: enough that none is idle.
_AHEAD = 4


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
        rows = Rows(out, file, predictor.spec.outcomes)
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
        workers = min(cores(), 1 + len(patients) // PATIENTS_PER_WORKER)
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
