"""One row of the table with one seed: where it lies, what it is, whether it is finished."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.comparison.plan import Plan, Row
from ctt_net.cohort import Cohort
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.yaml_file import dump_yaml, read_yaml_mapping
from ctt_net.launch import Command

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT = "held_out"

# What a row is. Folds, held-out cohorts and places may be added without training anew.
IDENTITY = (
    "kind", "config", "overrides", "baseline", "training_eyes", "seed", "n_folds", "fold_seed",
    "cohort",
)  # fmt: skip
IN_WORDS = {
    "config": "other contents of its configuration files",
    "cohort": "other tables of the cohort",
    "overrides": "other overrides",
    "fold_seed": "other folds",
}


@dataclass(frozen=True)
class Job:
    """A row of a plan with one seed.

    Args:
        row: What is trained or fitted.
        seed: Of the repeat.
        run: Run folder, `OUT/<row>/seed_<seed>`; its description, log and facts lie beside it.
        folds: Folds to train.
        task: All that the process needs to know, as plain data.
    """

    row: Row
    seed: int
    run: Path
    folds: tuple[int, ...]
    task: Mapping[str, Any]

    @property
    def title(self) -> str:
        """For messages."""
        return f"{self.row.name}, seed {self.seed}"

    @property
    def task_file(self) -> Path:
        """Description that the process reads."""
        return self.run.with_suffix(".yaml")

    @property
    def log_file(self) -> Path:
        """All that the process printed."""
        return self.run.with_suffix(".log")

    @property
    def facts_file(self) -> Path:
        """Seconds, parameters, and what is finished."""
        return self.run.with_suffix(".json")

    def facts(self) -> dict[str, Any]:
        """What an earlier process left; empty if there was none."""
        if not self.facts_file.exists():
            return {}
        facts: dict[str, Any] = json.loads(self.facts_file.read_text(encoding="utf-8"))
        return facts

    def finished(self) -> bool:
        """Whether every fold and every held-out cohort is done already."""
        facts = self.facts()
        held_out = {name: one["fingerprint"] for name, one in self.task[HELD_OUT].items()}
        done = facts.get(HELD_OUT, {})
        same = all(done.get(name) == fingerprint for name, fingerprint in held_out.items())
        return facts.get("folds") == list(self.folds) and same

    @property
    def command(self) -> Command:
        """Of the process, which reads the description."""
        arguments = ("-m", "benchmarks.comparison.run_job", str(self.task_file.resolve()))
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        return Command(arguments, self.log_file, environment=(("PYTHONPATH", paths),))

    @property
    def parts(self) -> int:
        """Folds to train; a row without a network is done in a moment."""
        return len(self.folds) if self.row.kind == "config" else 1

    def parts_done(self) -> int:
        """Folds whose model is there."""
        return sum((self.run / f"fold_{fold}" / "model").is_dir() for fold in self.folds)

    def write_task(self) -> None:
        """Leave the description for the process."""
        atomic_write(self.task_file, dump_yaml(dict(self.task)))

    def check_same(self) -> None:
        """Refuse a folder that holds the same name with another meaning.

        Raises:
            InputError: Naming what differs.
        """
        if not self.task_file.exists():
            if self.run.exists():
                raise InputError(
                    f"{self.run}: a run that this comparison did not make; name another --out"
                )
            return
        before = read_yaml_mapping(self.task_file)
        for key in IDENTITY:
            if before.get(key) != self.task[key]:
                what = IN_WORDS.get(key, f"{key} {before.get(key)!r}, now {self.task[key]!r}")
                raise InputError(
                    f"{self.run}: row {self.row.name!r} was made with {what}; give the row another "
                    f"name, name another --out, or delete this folder and {self.task_file.name}"
                )


def make_jobs(
    plan: Plan, out: Path, folds: Sequence[int], cohort: Cohort, held_out: Mapping[str, Cohort]
) -> list[Job]:
    """Every row with every seed, all rows of the first seed first.

    Args:
        plan: Checked.
        out: Folder of the comparison.
        folds: Folds to train.
        cohort: The plan's.
        held_out: The plan's, by name.
    """
    fingerprint = cohort_fingerprint(cohort, with_folds=plan.folds_from == "cohort")
    others = {
        name: {"folder": str(one.root), "fingerprint": cohort_fingerprint(one, with_folds=False)}
        for name, one in held_out.items()
    }
    jobs = []
    for seed in plan.seeds:
        for row in plan.rows:
            run = out / row.name / f"seed_{seed}"
            task = {
                "row": row.name,
                "kind": row.kind,
                "config": [read_yaml_mapping(Path(file)) for file in row.config],
                "config_files": list(row.config),
                "overrides": dict(row.overrides),
                "baseline": row.baseline,
                "training_eyes": row.training_eyes,
                "seed": seed,
                "n_folds": plan.n_folds,
                "fold_seed": seed if plan.folds_from == "seed" else None,
                "cohort": fingerprint,
                "cohort_folder": str(cohort.root),
                "folds": list(folds),
                HELD_OUT: others,
                "run": str(run),
            }
            jobs.append(Job(row, seed, run, tuple(folds), task))
    return jobs


def cohort_fingerprint(cohort: Cohort, with_folds: bool) -> str:
    """Digest of a cohort's tables: another one means other eyes, other acuities or other folds."""
    digest = hashlib.sha256()
    for name in ("cohort.yaml", "manifest.csv", *(["folds.csv"] if with_folds else [])):
        path = cohort.root / name
        digest.update(name.encode() + b"\0" + (path.read_bytes() if path.exists() else b"") + b"\0")
    return digest.hexdigest()[:24]


def fold_table(folder: Path, fold: int) -> Path:
    """File of one fold's own predictions of a held-out cohort."""
    return folder / f"fold_{fold}.csv"


def training_arguments(task: Mapping[str, Any]) -> list[str]:
    """Command line after `train`; what all rows share comes last, so that no row changes it."""
    arguments = [word for file in task["config_files"] for word in ("--config", file)]
    arguments += [f"--{key}={_text(value)}" for key, value in task["overrides"].items()]
    shared = {
        "data.cohort": task["cohort_folder"],
        "data.n_folds": task["n_folds"],
        "data.fold_seed": task["fold_seed"],
        "data.training_eyes": task["training_eyes"],
        "data.scan_cache": str(scan_cache(Path(task["run"]))),
        "seed_everything": task["seed"],
        "trainer.enable_progress_bar": False,
        "folds": task["folds"],
        "out": task["run"],
        "resume": True,
    }
    return [*arguments, *(f"--{key}={_text(value)}" for key, value in shared.items())]


def scan_cache(run: Path) -> Path:
    """Where all runs of a comparison keep decoded scans."""
    return run.parents[1] / "scans"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
