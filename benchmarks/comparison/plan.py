"""What is to be compared: a page of YAML, read and checked before anything runs.

    cohort: data/synthetic
    reference: ctt_net
    rows:
      preop_only: {baseline: preop_only}
      ctt_net: {config: configs/ctt_net.yaml}
      mean_fusion:
        config: configs/ctt_net.yaml
        overrides: {model.fusion: ctt_net.models.fusion.MeanFusion}

All keys: docs/how-to/compare.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from benchmarks.comparison.plan_values import a_number, numbers, one_of, sizes, words
from ctt_net.baselines.clinical import BASELINES
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys, read_yaml_mapping

PLAN_KEYS = (
    "cohort", "held_out", "folds", "n_folds", "folds_from", "seeds", "reference", "training_eyes",
    "overrides", "rows",
)  # fmt: skip
ROW_KEYS = ("config", "overrides", "baseline", "oracle", "reader", "training_eyes")

# The same for every row, or the rows would not be compared on the same eyes.
OF_THE_PLAN = {
    "seed_everything": "seeds",
    "folds": "folds",
    "data.cohort": "cohort",
    "data.fold": "folds",
    "data.n_folds": "n_folds",
    "data.seed": "seeds",
    "data.fold_seed": "folds_from",
    "data.training_eyes": "training_eyes",
}
OF_THE_COMPARISON = ("out", "resume", "config")
PERFECT: tuple[Literal["oracle", "reader"], ...] = ("oracle", "reader")
KINDS_IN_WORDS = "config, baseline, oracle or reader"

# Names folders, so it must be a name on every file system; @ parts the number of training eyes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,60}")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        name: Unique; of a row with few training eyes `<base>@<eyes>`.
        base: As written in the plan.
        kind: Trained from configs, fitted without images, or a perfect predictor of simulated eyes.
        config: Configuration files, later ones override.
        overrides: Single keys of the configuration, over the files.
        baseline: One of `BASELINES`.
        training_eyes: Eyes outside the fold that may be used; None = all.
    """

    name: str
    base: str
    kind: Literal["config", "baseline", "oracle", "reader"]
    config: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    baseline: str | None = None
    training_eyes: int | None = None


@dataclass(frozen=True)
class Plan:
    """A checked plan.

    Args:
        path: Its file.
        cohort: Cohort folder.
        held_out: Name to cohort folder, of eyes that no row may train on.
        folds: Folds to train; None = all.
        n_folds: Folds to make where the cohort's own are not taken.
        folds_from: `cohort`: those of its folds.csv, for every seed the same; `seed`: each seed
            makes its own.
        seeds: Repeats.
        reference: Row that the others are compared with.
        rows: In the order of the table.
    """

    path: Path
    cohort: Path
    held_out: Mapping[str, Path]
    folds: tuple[int, ...] | None
    n_folds: int
    folds_from: Literal["cohort", "seed"]
    seeds: tuple[int, ...]
    reference: str
    rows: tuple[Row, ...]

    @property
    def references(self) -> dict[str, str]:
        """Each row and the row it is compared with: of as many training eyes, if there is one."""
        names = {row.name for row in self.rows}
        fixed = self.reference in names and "@" in self.reference
        of_base = [row for row in self.rows if row.base == self.reference]
        # A row without a size, such as the oracle, stands beside the one that learnt from most.
        largest = max(
            of_base, key=lambda row: row.training_eyes or float("inf"), default=self.rows[0]
        )
        pairs = {}
        for row in self.rows:
            beside = [one.name for one in of_base if one.training_eyes == row.training_eyes]
            pairs[row.name] = self.reference if fixed else (*beside, largest.name)[0]
        return pairs


def read_plan(
    path: Path, cohort: Path | None = None, held_out: Sequence[Path] | None = None
) -> Plan:
    """Read and check a plan.

    Args:
        path: YAML file.
        cohort: Takes the place of the plan's.
        held_out: Take the place of the plan's.

    Raises:
        InputError: Naming file, key, value and fix.
    """
    data = read_yaml_mapping(path)
    where = str(path)
    check_known_keys(data, PLAN_KEYS, where)
    folder = cohort or data.get("cohort")
    if not folder:
        raise InputError(f"{where}: key 'cohort' is missing; name a cohort folder, or --cohort")
    others = held_out if held_out is not None else words(data.get("held_out"), f"{where}: held_out")
    seeds = numbers(data.get("seeds", 0), f"{where}: seeds", lowest=0)
    if not seeds:
        raise InputError(f"{where}: seeds must hold at least one number")
    by_default = "seed" if len(seeds) > 1 else "cohort"
    folds = data.get("folds")
    rows = _rows(data, where)
    plan = Plan(
        path=path,
        cohort=Path(folder),
        held_out=_named(others, where),
        folds=None if folds is None else numbers(folds, f"{where}: folds", lowest=1),
        n_folds=a_number(data.get("n_folds", 5), f"{where}: n_folds", lowest=2),
        folds_from=one_of(
            data.get("folds_from", by_default), ("cohort", "seed"), f"{where}: folds_from"
        ),
        seeds=seeds,
        reference=str(data.get("reference", "")),
        rows=rows,
    )
    known = list(dict.fromkeys([row.base for row in rows] + [row.name for row in rows]))
    if plan.reference not in known:
        raise InputError(
            f"{where}: reference {plan.reference!r} is no row; name the row that the others are "
            f"compared with: {', '.join(known)}"
        )
    return plan


def _rows(data: Mapping[str, Any], where: str) -> tuple[Row, ...]:
    section = data.get("rows")
    if not isinstance(section, Mapping) or not section:
        raise InputError(f"{where}: rows must hold a name and what it stands for, line by line")
    shared = _overrides(data.get("overrides"), f"{where}: overrides")
    everywhere = sizes(data.get("training_eyes"), f"{where}: training_eyes")
    rows: list[Row] = []
    for name, facts in section.items():
        row = _row(str(name), facts, shared, f"{where}: rows.{name}")
        own = facts.get("training_eyes", ...)
        chosen = everywhere if own is ... else sizes(own, f"{where}: rows.{name}.training_eyes")
        if row.kind in PERFECT:
            if own is not ...:
                raise InputError(f"{where}: rows.{name}: the {row.kind} learns from no eyes")
            chosen = (None,)
        rows += [
            replace(row, name=f"{name}@{count}" if count else str(name), training_eyes=count)
            for count in chosen
        ]
    return tuple(rows)


def _row(name: str, facts: Any, shared: Mapping[str, Any], where: str) -> Row:
    if not _NAME.fullmatch(name):
        raise InputError(f"{where}: a row's name is made of letters, digits and _ . + -")
    if not isinstance(facts, Mapping):
        raise InputError(f"{where} must hold {KINDS_IN_WORDS}, got {facts!r}")
    check_known_keys(facts, ROW_KEYS, where)
    kinds = [kind for kind in ("config", "baseline", *PERFECT) if kind in facts]
    if len(kinds) != 1:
        raise InputError(f"{where}: give one of {KINDS_IN_WORDS}, not {len(kinds)}")
    if kinds[0] != "config" and "overrides" in facts:
        raise InputError(f"{where}: only a row with a config has overrides")
    if kinds[0] == "baseline":
        baseline = one_of(facts["baseline"], tuple(BASELINES), f"{where}.baseline")
        return Row(name, name, "baseline", baseline=baseline)
    for kind in PERFECT:
        if kind in facts:
            one_of(facts[kind], (True,), f"{where}.{kind}")
            return Row(name, name, kind)
    files = words(facts["config"], f"{where}.config")
    if not files:
        raise InputError(f"{where}.config: name at least one configuration file")
    for file in files:
        if not Path(file).is_file():
            raise InputError(f"{where}.config: {file}: no such file; name it as seen from here")
    own = _overrides(facts.get("overrides"), f"{where}.overrides")
    return Row(name, name, "config", config=files, overrides={**shared, **own})


def _overrides(section: Any, where: str) -> dict[str, Any]:
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise InputError(f"{where} must hold lines such as trainer.max_epochs: 30, got {section!r}")
    for key in section:
        if key in OF_THE_PLAN:
            raise InputError(
                f"{where}: {key} is the same for every row; set it by {OF_THE_PLAN[key]!r} of the "
                f"plan"
            )
        if key in OF_THE_COMPARISON:
            raise InputError(f"{where}: {key} belongs to the comparison; take it out")
    return {str(key): value for key, value in section.items()}


def _named(folders: Sequence[Path | str], where: str) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for folder in folders:
        name = Path(folder).resolve().name
        if name in named:
            raise InputError(f"{where}: two held-out cohorts are called {name!r}; rename a folder")
        named[name] = Path(folder)
    return named
