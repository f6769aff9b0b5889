"""Whether a flow table balances, by counting again."""

import csv
from collections import Counter

MERGES = ("rows that repeat another one", "further rows of the same visit")


def balance(out) -> tuple[Counter, int]:
    """Go down `flow.csv` of a cohort and count.

    Returns:
        What was left out by reason, and how many rows were merged into others.
    """
    with (out / "flow.csv").open(encoding="utf-8") as file:
        flow = [(line["step"], int(line["count"]), line["unit"]) for line in csv.DictReader(file)]
    with (out / "manifest.csv").open(encoding="utf-8") as file:
        eyes = list(csv.DictReader(file))
    left, merged = Counter(), 0
    _, now, unit = flow[0]
    for step, count, of in flow[1:]:
        if step.startswith("left out: "):
            assert of == unit
            now -= count
            left[step.removeprefix("left out: ")] += count
        elif step in MERGES:
            assert of == unit
            now -= count
            merged += count
        elif step == "their patients":
            assert count == len({eye["patient_id"] for eye in eyes})
        else:
            assert of != unit or count == now, f"{step}: {count}, but {now} were left"
            unit, now = of, count
    assert [count for step, count, _ in flow if step == "in the cohort"] == [len(eyes)] == [now]
    return left, merged
