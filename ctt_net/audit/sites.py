"""Sites: does the model err otherwise at one of them?"""

import numpy as np

from ctt_net.audit.chance import mean_figure
from ctt_net.audit.cohort_under_audit import Subject
from ctt_net.audit.metadata import one_hot
from ctt_net.audit.partial_r2 import explained
from ctt_net.audit.probe import Probe, Question, Row
from ctt_net.report.comparison import signed_text

SITES = Question(
    "errors-by-site",
    "Is the model's error, or its size, another one at some site?",
    "look at that site's acuities, units and scans before anything else; report it apart",
)

FLOOR = 0.05  # share of the variance of the errors, or of their sizes, between sites


def site_probe(subject: Subject) -> Probe:
    """Bias and mean absolute error by site, beyond preoperative acuity and age."""
    if "site" not in subject.table:
        return SITES.impossible("the cohort names no site")
    groups = one_hot(subject.table["site"], subject.patients)
    if groups.shape[1] < 2:
        return SITES.impossible("the cohort has fewer than two sites")
    error = subject.predicted - subject.truth
    told = [
        explained(groups, values, subject.given, subject.patients, FLOOR, seed)
        for seed, values in enumerate((error, np.abs(error)))
    ]
    sites = subject.table["site"].astype(str).to_numpy()
    names = [str(name) for name in np.unique(sites) if name]
    of = {name: sites == name for name in names}
    bias = {name: mean_figure(error[of[name]], subject.patients[of[name]]) for name in names}
    mae = {name: mean_figure(abs(error[of[name]]), subject.patients[of[name]]) for name in names}
    best = min(told, key=lambda one: (one.p_value, -one.share))
    said = "; ".join(
        f"{name} bias {signed_text(bias[name]['value'])}, error {mae[name]['value']:.3f}"
        for name in names
    )
    large = best.share >= FLOOR
    rows: tuple[Row, ...] = ()
    if large:
        others = {
            n: abs(float(error[of[n]].mean() - error[~of[n]].mean()))
            + abs(float(abs(error[of[n]]).mean() - abs(error[~of[n]]).mean()))
            for n in names
        }
        odd = max(others, key=others.__getitem__)
        said += f". The odd one is {odd}"
        rows = tuple(
            Row(int(row), str(eye), f"site {odd}")
            for row, eye, here in zip(
                subject.cohort.rows, subject.table["eye_id"], of[odd], strict=True
            )
            if here
        )
    return SITES.answered(
        f"{said}.",
        large,
        p_value=min(1.0, len(told) * best.p_value),
        figures={
            "share_of_error": told[0].figure,
            "share_of_size": told[1].figure,
            **{f"bias_{name}": figure for name, figure in bias.items()},
            **{f"mae_{name}": figure for name, figure in mae.items()},
        },
        rows=rows,
    )
