"""The process of one job: `python -m benchmarks.comparison.run_job TASK.yaml`.

Trains the folds as `train.py` does (or fits a baseline on the same eyes), predicts the held-out
cohorts, and leaves what it cost beside the run folder. Continues an interrupted run.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.comparison.job import HELD_OUT, training_arguments
from ctt_net.cli import main as ctt_net
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.sigterm import sigterm_interrupts
from ctt_net.io.yaml_file import read_yaml_mapping
from ctt_net.model_folder.provenance import git_revision, library_versions


def main(task_file: Path) -> int:
    """Do what a task file says; exit code as every command's."""
    task = read_yaml_mapping(task_file)
    try:
        with sigterm_interrupts():
            return _train(task) if task["kind"] == "config" else _fit(task)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _train(task: Mapping[str, Any]) -> int:
    run = Path(task["run"])
    status = _timed(task, lambda: ctt_net(["train", *training_arguments(task)]))
    if status:
        return status
    from benchmarks.comparison.networks import network_facts, predict_held_out

    _note(task, network_facts(run, Path(task["cohort_folder"]), task["folds"]))
    for name, cohort in task[HELD_OUT].items():
        predict_held_out(run, Path(cohort["folder"]), run / HELD_OUT / name, task["folds"])
    _finish(task)
    return 0


def _fit(task: Mapping[str, Any]) -> int:
    from benchmarks.comparison.without_images import fit_folds

    facts: dict[str, Any] = {}

    def fit() -> int:
        facts.update(fit_folds(task))
        return 0

    _timed(task, fit)
    _note(task, facts)
    _finish(task)
    return 0


def _timed(task: Mapping[str, Any], work: Callable[[], int]) -> int:
    """Add the seconds to those of earlier processes of this job, even if the work is cut off."""
    before = _facts(task).get("seconds", {"wall": 0.0, "cpu": 0.0})
    start, cpu = time.perf_counter(), _cpu_seconds()
    try:
        return work()
    finally:
        spent = {"wall": time.perf_counter() - start, "cpu": _cpu_seconds() - cpu}
        _note(task, {"seconds": {key: round(before[key] + spent[key], 2) for key in spent}})


def _cpu_seconds() -> float:
    """Of this process and its finished loaders."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _finish(task: Mapping[str, Any]) -> None:
    """From now on the job counts as done."""
    fingerprints = {name: cohort["fingerprint"] for name, cohort in task[HELD_OUT].items()}
    versions = {"revision": git_revision(), "versions": library_versions()}
    _note(task, {"folds": task["folds"], HELD_OUT: fingerprints, **versions})


def _facts(task: Mapping[str, Any]) -> dict[str, Any]:
    path = Path(task["run"]).with_suffix(".json")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return facts


def _note(task: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    text = json.dumps({**_facts(task), **more}, indent=2)
    atomic_write(Path(task["run"]).with_suffix(".json"), text + "\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
