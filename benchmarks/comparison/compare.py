"""From a plan to its table: check everything, run what is missing, measure, write."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.comparison.job import Job, make_jobs, training_arguments
from benchmarks.comparison.page import write_markdown, write_page
from benchmarks.comparison.plan import Plan, read_plan
from benchmarks.comparison.scores import measure
from benchmarks.comparison.table import facts_of, flat_table
from ctt_net.cohort import Cohort, read_cohort
from ctt_net.cohort.folds import FOLDS_FILE
from ctt_net.errors import InputError
from ctt_net.io.atomic_write import atomic_write_all, check_can_make_folder
from ctt_net.launch import Place, exit_code, run_jobs

TABLE_FILE, MARKDOWN_FILE, PAGE_FILE = "comparison.csv", "comparison.md", "comparison.html"


def compare(
    plan_file: Path,
    out: Path,
    *,
    cohort_folder: Path | None,
    held_out_folders: Sequence[Path] | None,
    place: Place,
    bootstrap: int,
    console: Console,
) -> int:
    """Run a plan and write `comparison.csv`, `comparison.md` and `comparison.html`.

    Args:
        plan_file: YAML file.
        out: Folder for the runs and the table.
        cohort_folder: Instead of the plan's.
        held_out_folders: Instead of the plan's.
        place: Where the trainings run.
        bootstrap: Resamples of patients.
        console: For progress.

    Returns:
        0; 2 if rows failed and all because of their input; 1 if one failed otherwise.

    Raises:
        InputError: If plan, cohorts, configurations or folder are wrong; nothing has run then.
    """
    if bootstrap < 2:
        raise InputError("--bootstrap must be 2 or more")
    check_can_make_folder(out)
    plan = read_plan(plan_file, cohort_folder, held_out_folders)
    cohort = read_cohort(plan.cohort)
    held_out = {name: read_cohort(folder) for name, folder in plan.held_out.items()}
    jobs = make_jobs(plan, out, _folds(plan, cohort), cohort, held_out)
    for job in jobs:
        job.check_same()
    _check_configs(plan, jobs)
    for job in jobs:
        if not job.finished():
            job.write_task()
    failures = run_jobs(jobs, place)
    for failure in failures:
        console.print(f"\n{failure}", markup=False, highlight=False, soft_wrap=True)
    finished = [job for job in jobs if job.finished()]
    failed = [failure.title for failure in failures]
    scores = measure(plan, finished, list(held_out), bootstrap)
    if scores:
        synthetic = any(one.spec.synthetic for one in (cohort, *held_out.values()))
        facts = facts_of(finished, cohort.spec.name, synthetic, plan.folds_from)
        table = flat_table(scores, finished, facts)
        title = f"{cohort.spec.name}: {plan_file.stem}"
        text = write_markdown(table, facts, failed, title)
        files = {
            TABLE_FILE: table.to_csv(index=False, lineterminator="\n"),
            MARKDOWN_FILE: text,
            PAGE_FILE: write_page(table, facts, failed, title, plan),
        }
        atomic_write_all(out, files)
        print(text)
        console.print(f"{out / PAGE_FILE}", highlight=False, soft_wrap=True)
    return exit_code(failures)


def _folds(plan: Plan, cohort: Cohort) -> list[int]:
    """The plan's folds, which must be there."""
    if plan.folds_from == "cohort":
        if len(plan.seeds) > 1 and not (cohort.root / FOLDS_FILE).exists():
            raise InputError(
                f"{plan.path}: folds_from: {cohort.root} has no {FOLDS_FILE}, so that each seed "
                f"would have folds of its own; write one, or set folds_from to seed"
            )
        known = sorted(int(fold) for fold in cohort.folds(plan.n_folds).unique())
    else:
        known = list(range(1, plan.n_folds + 1))
    chosen = known if plan.folds is None else sorted(plan.folds)
    for fold in chosen:
        if fold not in known:
            raise InputError(
                f"{plan.path}: folds: there is no fold {fold}; {cohort.root} has folds {known[0]} "
                f"to {known[-1]}"
            )
    return chosen


def _check_configs(plan: Plan, jobs: Sequence[Job]) -> None:
    """Find a misspelt key now and not after the hours that the rows before it take."""
    rows = {job.row.name: job for job in jobs if job.row.kind == "config" and not job.finished()}
    if not rows:
        return
    from ctt_net.training.config import TrainingConfig

    for name, job in rows.items():
        try:
            TrainingConfig(training_arguments(job.task))
        except InputError as error:
            raise InputError(f"{plan.path}: rows.{name}: {error}") from None
