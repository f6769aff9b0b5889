"""Figures as one flat table: `comparison.csv`, a line for every row and every set of eyes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.job import Job
from benchmarks.comparison.scores import CORRECTED, OUTCOME, Scores
from ctt_net import INTENDED_USE, __version__
from ctt_net.metrics.bootstrap import interval_key
from ctt_net.metrics.chart_units import PER_LOGMAR
from ctt_net.metrics.compare import DIFFERENCE
from ctt_net.model_folder.provenance import git_revision

FIGURES = ("mae", "rmse", "auroc", "coverage", "width")
KEY = interval_key(0.95)


@dataclass(frozen=True)
class Facts:
    """What goes with every line.

    Args:
        cohort: Name of the cohort.
        synthetic: Whether its eyes, or held-out ones, are simulated.
        seeds: Repeats.
        folds: Folds trained.
        folds_from: Where they come from.
        revisions: Code that the runs were made with, and that measured them last.
        versions: Of the libraries.
    """

    cohort: str
    synthetic: bool
    seeds: tuple[int, ...]
    folds: tuple[int, ...]
    folds_from: str
    revisions: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def in_words(self) -> dict[str, str]:
        """For readers."""
        folds = ", ".join(map(str, self.folds))
        origin = "of the cohort" if self.folds_from == "cohort" else "made by each seed"
        libraries = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return {
            "cohort": f"{self.cohort} (simulated eyes)" if self.synthetic else self.cohort,
            "folds": f"{folds}, {origin}",
            "seeds": ", ".join(map(str, self.seeds)),
            "outcome of the AUROC": OUTCOME.in_words(),
            "code": ", ".join(self.revisions),
            "versions": libraries,
        }


def facts_of(jobs: Sequence[Job], cohort: str, synthetic: bool, folds_from: str) -> Facts:
    """What the finished jobs say of themselves.

    Args:
        jobs: Finished ones.
        cohort: Name of the cohort.
        synthetic: Whether any eye is simulated.
        folds_from: Of the plan.
    """
    notes = [job.facts() for job in jobs]
    revisions = {str(note["revision"]) for note in notes if note.get("revision")}
    revisions.add(git_revision() or f"ctt-net {__version__}")
    return Facts(
        cohort=cohort,
        synthetic=synthetic,
        seeds=tuple(sorted({job.seed for job in jobs})),
        folds=jobs[0].folds,
        folds_from=folds_from,
        revisions=tuple(sorted(revisions)),
        versions=notes[0].get("versions", {}),
    )


def flat_table(scores: Sequence[Scores], jobs: Sequence[Job], facts: Facts) -> pd.DataFrame:
    """One line per set of eyes and row; empty where there is nothing to say.

    Differences are row minus reference: a negative one favours the row. Letters are 0.02 logMAR.
    """
    lines = []
    for score in scores:
        for name, figures in score.figures.items():
            own = [job for job in jobs if job.row.name == name]
            line: dict[str, Any] = {
                "evaluated": score.evaluated,
                "row": name,
                "n_eyes": figures["n_eyes"],
                "n_patients": figures["n_patients"],
            }
            for figure in FIGURES:
                line |= _spread(figure, figures[figure])
            line["mae_letters"] = figures["mae"]["value"] * PER_LOGMAR["letters"]
            line["mae_sd_of_repeats"] = _sd(figures["repeats"])
            line["reference"] = score.references.get(name)
            line |= _spread("mae_difference", figures.get(DIFFERENCE))
            low, high = figures.get(CORRECTED, (None, None))
            line |= {"mae_difference_corrected_lo": low, "mae_difference_corrected_hi": high}
            difference = line["mae_difference"]
            line["mae_difference_letters"] = (
                None if difference is None else difference * PER_LOGMAR["letters"]
            )
            line |= _costs(own)
            lines.append(line)
    table = pd.DataFrame(lines)
    return table.assign(
        cohort=facts.cohort,
        simulated_eyes=facts.synthetic,
        seeds=" ".join(map(str, facts.seeds)),
        folds=" ".join(map(str, facts.folds)),
        folds_from=facts.folds_from,
        code=" ".join(facts.revisions),
        intended_use=INTENDED_USE,
    )


def _spread(name: str, figure: Mapping[str, Any] | None) -> dict[str, float | None]:
    value, (low, high) = (None, (None, None)) if figure is None else (figure["value"], figure[KEY])
    return {name: value, f"{name}_lo": low, f"{name}_hi": high}


def _sd(repeats: Sequence[float]) -> float | None:
    return float(np.std(repeats, ddof=1)) if len(repeats) > 1 else None


def _costs(jobs: Sequence[Job]) -> dict[str, float | None]:
    """Mean over the seeds of what a row cost; empty for what is not trained."""
    notes = [job.facts() for job in jobs]
    folds = sum(note.get("folds_trained", 0) for note in notes)
    network = jobs[0].row.kind == "config"
    sizes = [n for note in notes for n in note.get("training_eyes", {}).values()]
    timed = [note["predict_ms_per_eye"] for note in notes] if network else []
    return {
        "training_eyes": float(np.mean(sizes)) if sizes else None,
        "parameters": notes[0].get("parameters"),
        "trainable_parameters": notes[0].get("trainable_parameters"),
        "wall_s_per_fold": _per_fold(notes, "wall", folds) if network else None,
        "cpu_s_per_fold": _per_fold(notes, "cpu", folds) if network else None,
        "predict_ms_per_eye": float(np.mean(timed)) if timed else None,
    }


def _per_fold(notes: Sequence[Mapping[str, Any]], which: str, folds: int) -> float:
    return float(sum(note["seconds"][which] for note in notes)) / folds
