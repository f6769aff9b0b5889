"""What each input of an eye contributes to its predicted acuity: exact Shapley values."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.data.covariates import covariate_values
from ctt_net.data.scans import Scans
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.spec import ModelSpec

Kind = Literal["view", "preop_va", "measures", "covariates"]

# More inputs than this are grouped: every further one doubles the passes.
MOST_PLAYERS = 6


@dataclass(frozen=True)
class Contribution:
    """What one input adds to the prediction.

    Args:
        name: Name of a view, `preop_va`, `measures` (all that was measured in the scans) or
            `covariates` (all others).
        kind: `view`, `preop_va`, `measures` or `covariates`.
        logmar: Positive = it makes the predicted acuity worse.
    """

    name: str
    kind: Kind
    logmar: float


@dataclass(frozen=True)
class Player:
    """An input, or a group of inputs, that is given or withheld as one.

    Args:
        name: As in `Contribution`.
        kind: As in `Contribution`.
        views: Positions of its views.
        columns: Of the table.
    """

    name: str
    kind: Kind
    views: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()


def shapley_values(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapley values of a game whose coalitions are all known (Shapley 1953).

        value_i = sum over S without i of |S|! (n - |S| - 1)! / n! * (worth(S + i) - worth(S))

    Args:
        worth: (2^n,) of each coalition; bit i of its index says whether player i takes part.

    Returns:
        (n,), whose sum is worth(all) - worth(none).

    Raises:
        ValueError: If the length is no power of two.

    Example:
        >>> shapley_values(np.array([0.0, 1.0, 2.0, 5.0])).tolist()
        [2.0, 3.0]
    """
    n = len(worth).bit_length() - 1
    if len(worth) != 2**n:
        raise ValueError(f"{len(worth)} coalitions: not a power of two")
    index = np.arange(len(worth))
    joined = (index[:, None] >> np.arange(n)) & 1
    weights = np.array([1 / (n * comb(n - 1, size)) for size in range(n)])
    values = np.zeros(n)
    for i in range(n):
        without = index[joined[:, i] == 0]
        gain = worth[without + 2**i] - worth[without]
        values[i] = weights[joined[without].sum(axis=1)] @ gain
    return values


def players_of(spec: ModelSpec, row: pd.Series, present: NDArray[np.bool_]) -> list[Player]:
    """The inputs that are known of an eye; what is absent takes no part and contributes nothing.

    Beyond `MOST_PLAYERS`, views of one direction are one player.

    Args:
        spec: Of the model.
        row: The eye's row of a cohort.
        present: (V,) which views it has.
    """
    names = list(spec.views)
    there = np.flatnonzero(present).tolist()
    views = [Player(names[v], "view", (v,)) for v in there]
    others: list[Player] = []
    if not np.isnan(row["preop_logmar"]):
        others.append(Player("preop_va", "preop_va", (), ("preop_logmar",)))
    known = ~np.isnan(covariate_values(row.to_frame().T, spec.covariates)[0])
    given = [name for name, one in zip(spec.covariates, known, strict=True) if one]
    kinds: tuple[Kind, Kind] = ("measures", "covariates")
    for kind in kinds:
        columns = tuple(
            name
            for name in given
            if (spec.covariates[name].measured_in is not None) == (kind == "measures")
        )
        if columns:
            others.append(Player(kind, kind, (), columns))
    if len(views) + len(others) > MOST_PLAYERS:
        groups: dict[str, list[int]] = {}
        for v in there:
            groups.setdefault(spec.views[names[v]].direction, []).append(v)
        views = [
            Player(
                names[group[0]] if len(group) == 1 else f"{direction} views", "view", tuple(group)
            )
            for direction, group in groups.items()
        ]
    return [*views, *others]


def contributions(
    predictor: Predictor, table: pd.DataFrame, scans: Scans
) -> list[tuple[float, list[Contribution]]]:
    """Exact Shapley values of the predicted acuity of each eye, over the inputs known of it.

    An input that takes no part is absent as the network knows it: the view is not there, the
    acuity or covariate is unknown. All 2^n coalitions are predicted, 64 at most. The picture of a
    scan and what was measured in it are two inputs, and each can be withheld without the other: a
    view's contribution is what the network read in the picture itself.

    Args:
        predictor: One model or an ensemble.
        table: E rows of a cohort.
        scans: Of the same eyes, in the network's order of views.

    Returns:
        Of each eye the prediction with every input withheld, logMAR, and the contributions, whose
        sum is the difference from there to the prediction.
    """
    done = []
    for i in range(len(table)):
        row = table.iloc[i]
        players = players_of(predictor.spec, row, scans.present[i])
        worth = _worth(predictor, table.iloc[[i]], scans.of(np.array([i])), players)
        values = shapley_values(worth)
        parts = [
            Contribution(player.name, player.kind, float(value))
            for player, value in zip(players, values, strict=True)
        ]
        done.append((float(worth[0]), parts))
    return done


def _worth(
    predictor: Predictor, row: pd.DataFrame, scans: Scans, players: Sequence[Player]
) -> NDArray[np.float64]:
    """(2^n,) predicted logMAR of each coalition of one eye."""
    count = 2 ** len(players)
    table, many = repeated(row, scans, count)
    for i, player in enumerate(players):
        withheld = (np.arange(count) >> i) & 1 == 0
        many.present[np.ix_(withheld, player.views)] = False
        for column in player.columns:
            table[column] = table[column].where(~withheld, np.nan)
        if player.kind == "preop_va":
            table["preop_off_chart"] = table["preop_off_chart"].where(~withheld, "")
    return predictor.estimate(predictor.outputs(table, many), table).postop_logmar


def repeated(row: pd.DataFrame, scans: Scans, count: int) -> tuple[pd.DataFrame, Scans]:
    """One eye `count` times, to be changed: its row, indexed from 0, and its scans."""
    table = pd.concat([row] * count, ignore_index=True)
    return table, scans.of(np.zeros(count, dtype=np.int64))
