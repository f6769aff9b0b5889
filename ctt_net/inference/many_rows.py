"""The files of many predictions: what came of each patient, row by row, and on where it stopped."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ctt_net import INTENDED_USE
from ctt_net.cohort.predictions import (
    COLUMNS,
    OUTCOME_PREFIX,
    PREDICTIONS_FILE,
    READ_BY_PEOPLE,
)
from ctt_net.errors import InputError
from ctt_net.inference.patient_list import ListedPatient
from ctt_net.io.atomic_write import atomic_write, named
from ctt_net.io.formula import escape_formula
from ctt_net.io.json_file import json_text, read_json
from ctt_net.outcome import Outcome

LINES_FILE = "predictions.jsonl"
FAILED_FILE = "failed.csv"
RUN_FILE = "run.json"


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


class Rows:
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
