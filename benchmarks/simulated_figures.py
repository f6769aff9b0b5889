"""What preop VA, a second view and their exchange are worth on simulated eyes, without networks.

Run from the checkout; tables only, no scan is drawn:

    OMP_NUM_THREADS=1 python -m benchmarks.simulated_figures --eyes 2000 --seeds 0 1 2

Predictors on the true figures of the lesions that each scan crosses: kind, severity, half-width and
distance of the nearest spared retina along that scan. Each is fitted on `--eyes` eyes and measured
on as many of other patients. Boosted trees may use one view or both; `no exchange` is a sum of
trees each of which sees one view (with age, cataract signal and preop VA), `exchange` has no such
limit. Beside them the errors of perfect readers (`ctt_net/synthetic/floor.py`). Second column: eyes
with a lesion whose two extents are drawn apart and that both scans cross.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ctt_net.acuity import parse_va
from ctt_net.synthetic import KINDS, CohortPlan, SimulatedEye, draw_eyes
from ctt_net.synthetic.eye import RULES, AcuityRule
from ctt_net.synthetic.floor import readable_logmar
from ctt_net.synthetic.foveal import SHORT_AND_LONG_MM
from ctt_net.synthetic.population import CATARACTS
from ctt_net.synthetic.scan import DIRECTIONS
from ctt_net.synthetic.simulate import manifest_row

CLINICAL = ("age_years", "signal_loss_db", "cataract")
PREOP = "preop_logmar"


def figures(eye: SimulatedEye) -> dict[str, float]:
    """What the two scans show of an eye, a column a figure; what is not there is 0."""
    found = {
        "age_years": eye.age_years,
        "signal_loss_db": eye.signal_loss_db,
        "cataract": float(CATARACTS.index(eye.cataract)),
    }
    for view, axis in zip(DIRECTIONS, "xy", strict=True):
        for kind in KINDS:
            crossed = [
                one for one in eye.lesions if one.kind == kind and one.seen_in in (view, "both")
            ]
            names = ("there", "severity", "half", "spared")
            values = (0.0, 0.0, 0.0, 0.0)
            if crossed:
                lesion = crossed[0]
                half = lesion.semi_x_mm if axis == "x" else lesion.semi_y_mm
                centre = lesion.x_mm if axis == "x" else lesion.y_mm
                values = (1.0, lesion.severity, half, half - abs(centre))
            found |= {f"{view} {kind} {n}": v for n, v in zip(names, values, strict=True)}
    return found


def table_of(eyes: Sequence[SimulatedEye], plan: CohortPlan) -> pd.DataFrame:
    """Figures, acuities and perfect readers of these eyes."""
    rows = [manifest_row(eye, plan) for eye in eyes]
    table = pd.DataFrame([figures(eye) for eye in eyes])
    for when in ("preop", "postop"):
        table[f"{when}_logmar"] = [parse_va(row[f"{when}_va"], "decimal").logmar for row in rows]
    table["extents"] = [
        any(one.kind in SHORT_AND_LONG_MM and one.seen_in == "both" for one in eye.lesions)
        for eye in eyes
    ]
    table["perfect"] = [eye.potential_logmar for eye in eyes]
    if plan.rule == "foveal":
        table["reader"] = readable_logmar(eyes, [row["preop_va"] for row in rows])
        table["reader_without_preop"] = readable_logmar(eyes, None)
    return table


def errors(seed: int, n_eyes: int, rule: AcuityRule) -> pd.DataFrame:
    """Absolute errors on eyes that nothing was fitted on, logMAR: mean of all, mean of some."""
    plan = CohortPlan(n_eyes=n_eyes, seed=seed, rule=rule)
    seen = table_of(draw_eyes(n_eyes, seed, rule=rule), plan)
    new = table_of(draw_eyes(n_eyes, seed, first_patient=10 * n_eyes, rule=rule), plan)
    views = {
        view: [name for name in map(str, seen) if name.startswith(view)] for view in DIRECTIONS
    }
    both = [name for names in views.values() for name in names]
    shared = [*CLINICAL, PREOP]

    def boosted(names: list[str], groups: list[list[str]] | None = None) -> NDArray[np.float64]:
        limits: Any = groups and [[names.index(name) for name in group] for group in groups]
        model = HistGradientBoostingRegressor(
            loss="absolute_error", learning_rate=0.05, max_iter=300, max_leaf_nodes=15,
            min_samples_leaf=8, interaction_cst=limits, random_state=0,
        )  # fmt: skip
        return model.fit(seen[names], seen["postop_logmar"]).predict(new[names])

    def linear(names: list[str]) -> NDArray[np.float64]:
        model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
        return model.fit(seen[names], seen["postop_logmar"]).predict(new[names])

    predicted = {
        "median of all": np.full(len(new), seen["postop_logmar"].median()),
        "linear, preop VA alone": linear([PREOP]),
        "linear, both views and preop VA": linear([*shared, *both]),
        "trees, no view": boosted(shared),
        "trees, horizontal view": boosted([*shared, *views["horizontal"]]),
        "trees, vertical view": boosted([*shared, *views["vertical"]]),
        "trees, both views, preop VA hidden": boosted([*CLINICAL, *both]),
        "trees, both views, no exchange": boosted(
            [*shared, *both], [[*shared, *names] for names in views.values()]
        ),
        "trees, both views, exchange": boosted([*shared, *both]),
    }
    named = {
        "reader_without_preop": "perfect reader, preop VA hidden",
        "reader": "perfect reader of scans and preop VA",
        "perfect": "lowest achievable (knows all)",
    }
    predicted |= {words: new[name].to_numpy() for name, words in named.items() if name in new}
    missed = pd.DataFrame(predicted).sub(new["postop_logmar"], axis=0).abs()
    return pd.DataFrame({"all": missed.mean(), "extents": missed[new["extents"]].mean()})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--eyes", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rule", choices=RULES, default="foveal")
    options = parser.parse_args()
    found = {f"seed {one}": errors(one, options.eyes, options.rule) for one in options.seeds}
    found["mean"] = pd.concat(list(found.values())).groupby(level=0, sort=False).mean()
    table = pd.concat(found, axis=1)
    print(table.round(4).to_string())


if __name__ == "__main__":
    main()
