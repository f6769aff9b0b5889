"""Train in Python, and the results of a run or an evaluation."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from ctt_net import INTENDED_USE
from ctt_net.cohort import Cohort, read_cohort
from ctt_net.errors import InputError, install_extra
from ctt_net.report.comparison import comparison_table, signed_text, span_text, verdict
from ctt_net.report.rerender import read_evaluated
from ctt_net.report.results import Results

REPORT_FILE = "report.html"


class Result:
    """What an evaluation measured; `evaluate` makes one.

    Args:
        results: Metrics, predictions and the words of the report.
    """

    def __init__(self, results: Results) -> None:
        self._results = results

    @property
    def predictions(self) -> pd.DataFrame:
        """The predictions, one row per eye, as in `predictions.csv`."""
        return self._results.predictions

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Every metric: value and confidence interval (`lower`, `upper`), by its dotted name.

        The names are the paths of `metrics.json`, such as `regression.mae` (logMAR),
        `interval.coverage` or `baselines.preop_only.mae`.
        """
        rows = dict(_flat(self._results.metrics))
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "lower", "upper"])
        return table.astype(float).rename_axis("metric")

    @property
    def comparison(self) -> pd.DataFrame:
        """Mean absolute error of the model and its comparators, and the paired differences."""
        rows = comparison_table(self._results.metrics)
        return pd.DataFrame(
            {
                "mae": [row.mae for row in rows],
                "lower": [row.lo for row in rows],
                "upper": [row.hi for row in rows],
                "difference": [row.difference for row in rows],
                "difference_lower": [row.difference_lo for row in rows],
                "difference_upper": [row.difference_hi for row in rows],
            },
            index=pd.Index([row.short_label for row in rows], name="predictor"),
        ).astype(float)

    @property
    def outcomes_to_check(self) -> pd.DataFrame | None:
        """Contents of `outcomes_to_check.csv`, None where eyes are too few for it."""
        return self._results.to_check

    @property
    def verdict(self) -> str:
        """What the images add beyond the strongest comparator, in a sentence."""
        return verdict(self._results.metrics)

    @property
    def warnings(self) -> list[str]:
        """What must be known before the figures are believed."""
        return list(self._results.metrics["warnings"])

    def to_dict(self) -> dict[str, Any]:
        """Contents of `metrics.json`."""
        return dict(self._results.metrics)

    def report(self, path: Path | str) -> Path:
        """Write tables, metrics and report to a folder.

        Args:
            path: The folder.

        Returns:
            The page.
        """
        from ctt_net.io.atomic_write import check_writable

        check_writable(Path(path))
        self._results.write(Path(path))
        return Path(path) / REPORT_FILE

    def __repr__(self) -> str:
        metrics = self._results.metrics
        mae = comparison_table(metrics)[0]
        return (
            f"{type(self).__name__}({metrics['n_eyes']} eyes of {metrics['n_patients']} patients, "
            f"MAE {mae.mae:.3f} logMAR ({span_text(mae.lo, mae.hi)}))"
        )

    def _repr_html_(self) -> str:
        """Comparison, verdict and warnings, for notebooks."""
        rows = "".join(
            f"<tr><td>{escape(row.short_label)}</td><td>{row.mae:.3f} "
            f"({span_text(row.lo, row.hi)})</td><td>{signed_text(row.difference)}</td></tr>"
            for row in comparison_table(self._results.metrics)
        )
        warnings = "".join(f"<li>{escape(one)}</li>" for one in self.warnings)
        return (
            f"<b>{escape(self._results.facts.title)}</b><table><tr><th></th><th>MAE, logMAR "
            f"(CI)</th><th>model minus this</th></tr>{rows}</table><p>{escape(self.verdict)}</p>"
            f"<ul>{warnings}</ul><small>{escape(INTENDED_USE)}</small>"
        )


class Run(Result):
    """A run folder with its out-of-fold results; `train` makes one, `Run(folder)` reads one.

    Args:
        folder: Run folder, or what `ctt-net evaluate` wrote.

    Raises:
        InputError: If a file is missing or cannot be read.

    Example:
        >>> import ctt_net
        >>> run = ctt_net.Run("runs/ctt_net")  # doctest: +SKIP
        >>> run.metrics.loc["regression.mae"]  # doctest: +SKIP
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        read = read_evaluated(self.folder)
        of = dict(read.metrics), read.predictions, read.baselines, read.facts, read.to_check
        super().__init__(Results(*of))

    def report(self, path: Path | str | None = None) -> Path:
        """The page of the run; with a path it is rendered again there."""
        from ctt_net.report.rerender import render_again

        if path is None:
            return self.folder / REPORT_FILE
        return render_again(read_evaluated(self.folder), path)


def train(
    cohort: Path | str | Cohort,
    config: Path | str | Mapping[str, Any] | Sequence[Path | str | Mapping[str, Any]] = "ctt_net",
    *,
    out: Path | str | None = None,
    folds: int | Sequence[int] | None = None,
    resume: bool = False,
    seed: int | None = None,
    model: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    trainer: Mapping[str, Any] | None = None,
) -> Run:
    """Train the folds of a cohort; the same as `ctt-net train`, numbers and run folder included.

    Args:
        cohort: Cohort folder, or a cohort as `load_cohort` reads it.
        config: Configuration: a file, the name of one that comes with ctt-net, a mapping, or
            several of these, later ones overriding.
        out: Run folder to make (default: `runs/<name of the last config file>`).
        folds: Folds to train, from 1 (default: all).
        resume: Go on with a run folder; finished folds stay.
        seed: Of folds, first weights, order and augmentation.
        model: Overrides of this section of the configuration, such as `{"fusion": "MeanFusion"}`.
        data: Overrides of this section, such as `{"batch_size": 32}`.
        trainer: Overrides of this section, such as `{"max_epochs": 30}`.

    Raises:
        InputError: If configuration or cohort are wrong, or the extra `train` is not installed.

    Example:
        >>> import ctt_net
        >>> cohort = ctt_net.load_cohort("data/my_cohort")  # doctest: +SKIP
        >>> run = ctt_net.train(cohort, folds=[1], trainer={"max_epochs": 30})  # doctest: +SKIP
        >>> run.metrics.loc["regression.mae"]  # doctest: +SKIP
    """
    from ctt_net.training.config_keys import as_arguments, checked_arguments

    arguments = []
    for one in [config] if isinstance(config, str | Path | Mapping) else config:
        arguments += as_arguments(one if isinstance(one, Mapping) else {"config": one})
    given = {
        "model": model,
        "data": data,
        "trainer": trainer,
        "out": out,
        "folds": folds,
        "seed_everything": seed,
        "resume": resume or None,
    }
    arguments += as_arguments({key: value for key, value in given.items() if value is not None})
    arguments += as_arguments({"data": {"cohort": _folder(cohort)}})
    try:
        checked = checked_arguments("train", arguments)
        from ctt_net.training.run import train as train_folds
    except ModuleNotFoundError as error:
        if str(error.name).startswith("ctt_net"):
            raise
        raise InputError(
            f"training needs {error.name}, which is not installed; {install_extra('train')}"
        ) from None
    return Run(train_folds(checked).folder)


def _folder(given: Path | str | Cohort) -> Path:
    """The folder of a cohort, whose tables must be those on the disk.

    Raises:
        InputError: If eyes were left out or changed since it was read.
    """
    if not isinstance(given, Cohort):
        return Path(given)
    if not given.table.equals(read_cohort(given.root).table):
        raise InputError(
            f"{given.root}: the table in memory is not that of the folder, which is what a "
            f"training reads; write a new cohort folder with ctt_net.cohort.write_cohort"
        )
    return given.root


def _flat(
    metrics: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, tuple[float | None, ...]]]:
    """Dotted name and (value, lower, upper) of every figure with a confidence interval."""
    for name, value in metrics.items():
        inner = f"{path}.{name}".strip(".")
        if not isinstance(value, Mapping):
            continue
        interval = next((key for key in value if str(key).startswith("ci")), None)
        if "value" in value and interval is not None:
            yield inner, (value["value"], *value[interval])
        else:
            yield from _flat(value, inner)
