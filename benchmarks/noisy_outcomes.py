"""Outcomes recorded wrongly: which are found, and what they cost in training, on simulated eyes.

Run from the checkout; ten minutes of one core for each head:

    python -m benchmarks.noisy_outcomes --seeds 6

A head is trained on four of five folds of 300 simulated eyes; in place of scans it reads what a
noisy reader sees of the macula, age and noise. Of the outcomes 0, 10 and 20% are wrong, a quarter
of them by each slip: `swapped` (left and right eye), `notation` (a logMAR in the decimal column),
`ten` (0.08 for 0.8), `visit` (the acuity before surgery, or one on the way from there). Ways to
train: `plain`; `contaminated` (`loss.wrong_share` 0.1); `refurbished`: after a warm-up each outcome
is blended with the running mean of the head's own predictions by the probability that it is right
(after Song et al., SELFIE, ICML 2019). Prints what is found out of fold, and the mean absolute
error of 300 other eyes whose outcomes are right, with 95% intervals by the bootstrap of patients.
"""

import argparse
import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctt_net.acuity import parse_va
from ctt_net.acuity.convert import CHART_SPAN_LOGMAR
from ctt_net.metrics.bootstrap import patient_weights
from ctt_net.metrics.wrong_outcomes import PROBABLY_WRONG, outcomes_to_check
from ctt_net.models.head import Head, ResidualHead
from ctt_net.synthetic import CohortPlan
from ctt_net.synthetic.eye import AcuityRule
from ctt_net.synthetic.population import draw_eyes
from ctt_net.synthetic.simulate import manifest_row

WAYS = ("plain", "contaminated", "refurbished")
SLIPS = {
    "swapped": "fellow_eye", "notation": "other_notation", "ten": "factor_of_ten",
    "visit": "preop_again",
}  # fmt: skip
SHARES, FOLDS, EYES, HELD_OUT_SEED = (0.0, 0.1, 0.2), 5, 300, 1000
READER_SD_LOGMAR, NOISE_FEATURES = 0.1, 8
STEPS, LEARNING_RATE, WEIGHT_DECAY, WRONG_SHARE = 300, 0.005, 0.05, 0.1
WARM_UP_STEPS, KEPT = 15, 0.9
PRECISION, LARGE_LOGMAR = 0.8, (0.2, 0.3)

Floats = NDArray[np.float64]
Distribution = Literal["gaussian", "laplace"]


@dataclass(frozen=True)
class Eyes:
    """Recorded acuities, logMAR, and what stands for the scans; all (E,) but `token`, (E, D)."""

    eye_id: list[str]
    patient: NDArray[np.str_]
    token: Floats
    preop_va: list[str]
    postop_va: list[str]

    @property
    def preop(self) -> Floats:
        """Before surgery, logMAR."""
        return np.array([_logmar(text) for text in self.preop_va])

    @property
    def postop(self) -> Floats:
        """As truly recorded after surgery, logMAR."""
        return np.array([_logmar(text) for text in self.postop_va])

    @classmethod
    def draw(cls, seed: int, rule: AcuityRule) -> "Eyes":
        """Simulate them."""
        plan = CohortPlan(n_eyes=EYES, seed=seed, rule=rule)
        rng, eyes = np.random.default_rng(seed), draw_eyes(EYES, seed, rule=plan.rule)
        rows = [manifest_row(eye, plan) for eye in eyes]
        read = np.array([eye.potential_logmar for eye in eyes])
        read += rng.normal(0, READER_SD_LOGMAR, EYES)
        age = np.array([eye.age_years for eye in eyes])
        token = np.column_stack([5 * read, (age - 73) / 8, rng.normal(size=(EYES, NOISE_FEATURES))])
        return cls(
            [eye.eye_id for eye in eyes],
            np.array([eye.patient_id for eye in eyes]),
            token,
            *([row[name] for row in rows] for name in ("preop_va", "postop_va")),
        )


def plant(
    patient: NDArray[np.str_], preop_va: list[str], postop_va: list[str], share: float, seed: int
) -> tuple[list[str], NDArray[np.str_]]:
    """Decimal outcomes of which a share is wrong, and the slip of each eye, empty = none."""
    rng, wrong = np.random.default_rng((seed, 77)), list(postop_va)
    slip = np.full(len(wrong), "", dtype="U8")
    rows = pd.Series(range(len(wrong))).groupby(patient).agg(list)
    fellow = {a: b for pair in rows if len(pair) == 2 for a, b in (pair, pair[::-1])}
    order = rng.permutation(len(wrong))
    for name in SLIPS:
        quota = round(share * len(wrong) / len(SLIPS))
        for eye in order:
            if (slip == name).sum() >= quota:
                break
            if slip[eye] or parse_va(postop_va[eye], "decimal").off_chart:
                continue
            if name == "swapped":
                other = fellow.get(eye)
                if other is not None and not slip[other] and postop_va[eye] != postop_va[other]:
                    wrong[eye], wrong[other] = postop_va[other], postop_va[eye]
                    slip[[eye, other]] = name
                continue
            made = _slipped(name, preop_va[eye], postop_va[eye], rng)
            if made is not None and abs(_logmar(made) - _logmar(postop_va[eye])) > 0.005:
                wrong[eye], slip[eye] = made, name
    return wrong, slip


def main() -> None:
    """Train, predict and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--rule", choices=("additive", "foveal"), default="additive")
    parser.add_argument("--heads", nargs="+", default=["gaussian", "laplace"])
    arguments = parser.parse_args()
    held_out = Eyes.draw(HELD_OUT_SEED, arguments.rule)
    weights = np.concatenate(list(patient_weights(list(held_out.patient), 2000, 0)))
    for name in arguments.heads:
        print(f"{arguments.rule} rule, {name} head, {arguments.seeds} seeds", flush=True)
        errors: dict[tuple[str, float], Floats] = {}
        for share in SHARES:
            for way in WAYS:
                done = [
                    _run(name, way, share, seed, arguments.rule, held_out)
                    for seed in range(arguments.seeds)
                ]
                errors[way, share] = np.array([error for _, error in done])
                _print_found(way, share, pd.concat([table for table, _ in done]))
        _print_errors(errors, weights)


@cache
def _eyes(seed: int, rule: AcuityRule) -> Eyes:
    return Eyes.draw(seed, rule)


def _logmar(text: str) -> float:
    return parse_va(text, "decimal").logmar


def _slipped(name: str, preop_va: str, postop_va: str, rng: np.random.Generator) -> str | None:
    """What stands in the column by a slip, None where this eye cannot have it."""
    postop, decimal = _logmar(postop_va), float(postop_va)
    if name == "notation":
        return f"{postop:.1f}" if postop >= 0.05 else None
    if name == "ten":
        return f"{decimal * 10:g}" if decimal <= 0.2 else f"{decimal / 10:g}"
    on_the_way = postop + rng.uniform(0.3, 0.8) * (_logmar(preop_va) - postop)
    return preop_va if rng.uniform() < 0.5 else f"{10**-on_the_way:.2f}"


def _run(
    name: Distribution, way: str, share: float, seed: int, rule: AcuityRule, held_out: Eyes
) -> tuple[pd.DataFrame, Floats]:
    """Outcomes to check of the training eyes, and the error of each held-out eye."""
    eyes = _eyes(seed, rule)
    texts, slip = plant(eyes.patient, eyes.preop_va, eyes.postop_va, share, seed)
    recorded = np.array([_logmar(text) for text in texts])
    number = {patient: i for i, patient in enumerate(dict.fromkeys(eyes.patient))}
    fold = np.array([number[patient] % FOLDS for patient in eyes.patient])
    predicted, errors = np.empty(EYES), []
    truth = held_out.postop
    for k in range(FOLDS):
        fit, test = fold != k, fold == k
        head = _trained(name, way, seed, eyes.token[fit], eyes.preop[fit], recorded[fit])
        predicted[test] = _predict(head, eyes.token[test], eyes.preop[test])
        errors.append(np.abs(_predict(head, held_out.token, held_out.preop) - truth))
    columns = {"eye_id": eyes.eye_id, "patient_id": eyes.patient, "preop_logmar": eyes.preop}
    columns |= {"postop_logmar": recorded, "predicted_logmar": predicted}
    off_chart = [parse_va(text, "decimal").off_chart is not None for text in texts]
    flags = np.where(off_chart, "off_chart_postop", "")
    table = pd.DataFrame(columns).assign(lower_logmar=np.nan, upper_logmar=np.nan, flags=flags)
    found = outcomes_to_check(table, "decimal")
    planted = pd.DataFrame(
        {"eye_id": eyes.eye_id, "slip": slip, "size": np.abs(recorded - eyes.postop)}
    )
    if found is None:
        raise RuntimeError(f"{EYES} eyes are too few")
    return found.merge(planted, on="eye_id"), np.mean(errors, axis=0)


def _trained(
    name: Distribution, way: str, seed: int, token: Floats, preop: Floats, recorded: Floats
) -> Head:
    torch.manual_seed(seed)
    head = ResidualHead(token.shape[1], hidden=32, dropout=0.0, distribution=name)
    tokens, acuity, outcome = (_tensor(one) for one in (token, preop, recorded))
    head.initialise(acuity, outcome)
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    known = torch.ones(len(acuity), dtype=torch.bool)
    mean = None
    for step in range(STEPS):
        said = head(tokens, acuity, known)
        here = torch.stack([said.postop_logmar, said.scale_logmar]).detach()
        mean = here if mean is None else KEPT * mean + (1 - KEPT) * here
        target, even = outcome, math.log(WRONG_SHARE / CHART_SPAN_LOGMAR)
        if way == "refurbished" and step >= WARM_UP_STEPS:
            running = said._replace(postop_logmar=mean[0], scale_logmar=mean[1])
            density = math.log(1 - WRONG_SHARE) - head.losses(running, outcome, outcome)
            right = torch.sigmoid(density - even).detach()
            target = right * outcome + (1 - right) * mean[0]
        loss = head.losses(said, target, target)
        if way == "contaminated":  # as JointLoss has it
            density = math.log(1 - WRONG_SHARE) - loss
            loss = -torch.logaddexp(density, torch.full_like(loss, even))
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        schedule.step()
    return head


@torch.no_grad()
def _predict(head: Head, token: Floats, preop: Floats) -> Floats:
    known = torch.ones(len(preop), dtype=torch.bool)
    return head(_tensor(token), _tensor(preop), known).postop_logmar.double().numpy()


def _tensor(values: Floats) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _print_found(way: str, share: float, table: pd.DataFrame) -> None:
    """Precision and recall of all seeds together."""
    wrong, listed = (table["slip"] != "").to_numpy(), (table["p_wrong"] >= PROBABLY_WRONG)
    line = f"  {share:.0%} wrong, {way}: {listed.sum()} of {len(table)} listed"
    if wrong.any():
        hits = wrong[np.argsort(-table["p_wrong"].to_numpy(), kind="stable")].cumsum()
        kept = np.flatnonzero(hits >= PRECISION * np.arange(1, len(hits) + 1))
        line += f", precision {wrong[listed].mean():.2f}, recall {listed[wrong].mean():.2f}"
        at = hits[kept[-1]] / wrong.sum() if len(kept) else 0.0
        line += f", at precision {PRECISION:g} recall {at:.2f}"
        for size in LARGE_LOGMAR:
            large = wrong & (table["size"] >= size - 0.005)
            line += f"; of {large.sum()} by {size:g} or more {listed[large].mean():.2f}"
        for name, called in SLIPS.items():
            one = table["slip"] == name
            named = listed & table["likely_slip"].str.contains(called)
            line += f"; {name} {listed[one].mean():.2f} (named {named[one].mean():.2f})"
    print(line, flush=True)


def _print_errors(errors: dict[tuple[str, float], Floats], weights: Floats) -> None:
    """Held-out error of each way, and its difference to plain training, eyes averaged."""
    for (way, share), every in errors.items():
        lost = every.mean() - errors[way, 0.0].mean()
        line = f"  {share:.0%} wrong, {way}: error {every.mean():.4f}, lost {lost:+.4f}"
        if way != "plain":
            gap = every - errors["plain", share]
            drawn = (weights @ gap.mean(axis=0)) / weights.sum(axis=1)
            low, high = np.quantile(drawn, [0.025, 0.975])
            line += f"; minus plain {gap.mean():+.4f} ({low:+.4f}, {high:+.4f}), "
            line += f"below in {(gap.mean(axis=1) < 0).sum()} of {len(gap)} seeds"
        print(line, flush=True)


if __name__ == "__main__":
    main()
