"""Tables as they come: other words, gaps, sentinels, repeats, columns gone, notations mixed."""

import random
import re
from dataclasses import dataclass

IDS = ["1", "007", "A-12", "王小明", "Zoë 3", "12.5", "x_OD", "9", "0x1", "1e", "NA", "Ö/7", "k'1"]
SIDES = ["R", "L", "r", "OD", "os", "右眼", "RIGHT"]
ACUITIES = {
    "decimal": ["0.1", "0.5", "1", "1.0", "0,8", "0.05", "1.2", " 0.3", "０.５", ".5", "5e-1"],
    "logmar": ["0.3", "-0.1", "1.0", "0", "+0.2", "0,48", "1.3", "0.02"],
    "snellen": ["20/40", "6/12", "20/40-2", "20/63+1", "3/60", "20/200", "6/7.5", "20/20"],
    "etdrs": ["85", "35", "70", "0", "100", "54.5", "4"],
    "five_mark": ["5.0", "4.7", "4.0", "5.3", "3.3", "3", "2", "1", "0", "4,9"],
}
WORDS = ["CF", "cf 1m", "指数", "HM", "手动/30cm", "hm @ 20cm", "LP", "光感", "NLP", "无光感"]
GAPS = ["", "", "", "NA", "-", "n/a", "未测", "-9", "-9.0", "unknown"]
GARBAGE = [
    "abc",
    "20/",
    "0.5.1",
    "2024-06-09",
    "6-Sep",
    "150%",
    "-5",
    "1000",
    "0.5 20/40",
    "½",
    "#REF!",
]


@dataclass
class Messy:
    """One made table.

    Args:
        shape: eye, patient or visit.
        rows: Cells by column name.
        before: Notation of the preoperative acuity.
        after: Notation of the postoperative acuity.
        dropped: A column that is not in the file after all.
        needed: Columns the mapping asks for.
        requires_postop: Whether eyes without an outcome are left out.
        window: Whether the follow-up must be within 14 to 120 days.
        kind: csv or xlsx.
    """

    shape: str
    rows: list[dict[str, str]]
    before: str
    after: str
    dropped: str | None
    needed: list[str]
    requires_postop: bool
    window: bool
    kind: str


def messy(seed: int) -> Messy:
    """A table, the same for the same seed."""
    dice = random.Random(seed)
    shape = dice.choice(["eye", "eye", "patient", "visit"])
    before = dice.choice(list(ACUITIES))
    after = before if shape == "visit" or dice.random() < 0.6 else dice.choice(list(ACUITIES))
    # Half of the tables have nothing wrong on purpose, so that they come through.
    spoilt = 0.0 if dice.random() < 0.5 else dice.choice([0.01, 0.05, 0.2])
    with_dates, with_age = shape == "eye" and dice.random() < 0.5, dice.random() < 0.5
    people = dice.sample(IDS, dice.randint(1, 6))
    rows = []
    for person in people:
        if shape == "patient":
            row = {"Id": person}
            for side in ("OD", "OS"):
                gone = dice.random() < 0.3
                row[f"{side} before"] = "" if gone else acuity(dice, before, spoilt)
                row[f"{side} after"] = "" if gone else acuity(dice, after, spoilt)
            rows.append(row)
            continue
        for side in dice.sample(["OD", "OS"], dice.randint(1, 2)):
            words = (
                [w for w in SIDES if w.upper() in ("R", "OD", "RIGHT", "右眼")]
                if side == "OD"
                else ["L", "os"]
            )
            eye = {"Id": person, "Eye": dice.choice(words)}
            if shape == "eye":
                eye["Before"] = acuity(dice, before, spoilt)
                eye["After"] = acuity(dice, after, spoilt)
                rows.append(eye)
            else:
                days = dice.sample(
                    [-100, -60, -5, 5, 0, 14, 20, 40, 46, 60, 130], dice.randint(1, 5)
                )
                rows += [
                    {**eye, "Day": str(day), "VA": acuity(dice, before, spoilt)} for day in days
                ]
    for row in rows:
        if with_dates:
            row["Surgery"] = date(dice, spoilt, 1)
            # A control before the surgery must be refused, so it is rare where all is well.
            row["Control"] = date(dice, spoilt, 1 if dice.random() < spoilt / 4 else 5)
        if with_age:
            row["Age"] = "" if dice.random() < 0.2 else str(dice.choice([3, 17, 18, 64, 90]))
            row["Age"] = "old" if dice.random() < spoilt / 4 else row["Age"]
        row["Out"] = "yes" if dice.random() < 0.1 else dice.choice(["no", ""])
        if dice.random() < spoilt / 4:
            row["Id"] = ""
        if "Eye" in row and dice.random() < spoilt / 4:
            row["Eye"] = dice.choice(["", "?", "both"])
    rows += [dict(dice.choice(rows)) for _ in range(dice.choice([0, 0, 1, 3]))]
    if dice.random() < spoilt:
        rows.append({**dice.choice(rows), "Id": dice.choice(people)})
    rows += [dict.fromkeys(rows[0], "")] * dice.choice([0, 0, 1])
    dice.shuffle(rows)
    needed = list(rows[0])
    order = dice.sample(needed, len(needed))
    rows = [
        {**{name: row[name] for name in order}, "Note": "x" if any(row.values()) else ""}
        for row in rows
    ]
    dropped = dice.choice(order) if spoilt and dice.random() < 0.1 else None
    kind = "xlsx" if dice.random() < 0.1 else "csv"
    return Messy(
        shape, rows, before, after, dropped, needed,
        requires_postop=dice.random() < 0.5, window=with_dates and dice.random() < 0.7, kind=kind,
    )  # fmt: skip


def acuity(dice: random.Random, notation: str, spoilt: float) -> str:
    chance = dice.random()
    if chance < spoilt / 2:
        return dice.choice(GARBAGE)
    if chance < spoilt:
        return dice.choice(ACUITIES[dice.choice(list(ACUITIES))])
    if chance > 0.9:
        return dice.choice(WORDS)
    return dice.choice(GAPS) if chance > 0.75 else dice.choice(ACUITIES[notation])


def date(dice: random.Random, spoilt: float, first_month: int) -> str:
    if dice.random() < spoilt / 4:
        return dice.choice(["31.02.2024", "2024/01/02", "12-Jan", "45321"])
    day, month = dice.randint(1, 28), dice.randint(first_month, first_month + 3)
    return "" if dice.random() < 0.2 else f"{day:02d}.{month:02d}.2024"


def mapping(table: Messy) -> dict:
    """Sections of the mapping that says what was made."""
    columns: dict = {"patient_id": "Id"}
    before, after = {"notation": table.before}, {"notation": table.after}
    sections: dict = {}
    if table.shape == "patient":
        columns["preop_va"] = {"OD": "OD before", "OS": "OS before", **before}
        columns["postop_va"] = {"OD": "OD after", "OS": "OS after", **after}
    else:
        columns["laterality"] = {"column": "Eye", "OD": ["R", "右眼", "Right"], "OS": ["L"]}
        own = ("VA", "VA") if table.shape == "visit" else ("Before", "After")
        columns["preop_va"] = {"column": own[0], **before}
        columns["postop_va"] = {"column": own[1], **after}
    if table.shape == "visit":
        sections["visit"] = {
            "column": "Day",
            "preop": {"between": [-90, 0], "nearest": 0},
            "postop": {"between": [14, 120], "nearest": 30},
        }
    if "Surgery" in table.needed:
        columns["surgery_date"] = {"column": "Surgery", "format": "%d.%m.%Y"}
        columns["postop_date"] = {"column": "Control", "format": "%d.%m.%Y"}
    exclude = [{"reason": "rupture", "column": "Out", "is": ["yes"]}]
    if "Age" in table.needed:
        exclude.append({"reason": "young", "column": "Age", "below": 18})
    return {
        **sections,
        "cohort": {"name": "m", "source": "m", "licence": "m", "citation": "m"},
        "table": {"file": f"eyes.{table.kind}", "missing": ["-9"], "one_row_per": table.shape},
        "columns": columns,
        "views": {"horizontal": {"direction": "horizontal", "angle_deg": 0}},
        "acuity": {"expect_improvement": False},
        "exclude": exclude,
        "require": ["postop_va"] if table.requires_postop else [],
        **({"followup_window_days": [14, 120]} if table.window else {}),
    }


def typed(cell: str) -> object:
    """A cell as a workbook would hold it."""
    return float(cell) if re.fullmatch(r"-?\d\.\d+", cell) else cell or None
