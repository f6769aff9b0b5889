"""What a table of visual acuities says, read simply and strictly: formulas on raw cells, no engine.

Only for tables that `messy` makes. Nothing here knows the code under test.
"""

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

MISSING = {"", "na", "n/a", "-", "未测", "unknown"}
WORDS = {
    "cf": 1.9, "cf 1m": 1.9, "指数": 1.9, "hm": 2.3, "手动/30cm": 2.3, "hm @ 20cm": 2.3,
    "lp": 2.7, "光感": 2.7, "nlp": 3.0, "无光感": 3.0,
}  # fmt: skip
MARKS = {3.0: 1.9, 2.0: 2.3, 1.0: 2.7, 0.0: 3.0}
WIDE = str.maketrans("０１２３４５６７８９．", "0123456789.")


class WrongError(Exception):
    """The table must be refused."""


def logmar(text: str, notation: str) -> float | None:
    """LogMAR of one cell; None = unknown.

    Raises:
        WrongError: If the cell is no acuity in this notation.
    """
    plain = text.strip().translate(WIDE).lower()
    if plain in MISSING:
        return None
    if plain in WORDS:
        return WORDS[plain]
    if notation == "snellen":
        part = r"(\d+(?:\.\d+)?)"
        sign = r"(?: ?([+-]) ?([0-5])| ?\(([+-]) ?([0-5])\))?"
        match = re.fullmatch(rf"{part} ?/ ?{part}{sign}", plain.replace(",", "."))
        if match is None or not float(match[1]) or not float(match[2]):
            raise WrongError(text)
        value = math.log10(float(match[2]) / float(match[1]))
        value -= 0.02 * int((match[3] or match[5] or "+") + (match[4] or match[6] or "0"))
        if not -0.3011 <= value <= 3.0:
            raise WrongError(text)
        return value
    if re.fullmatch(r"[+-]? ?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", plain) is None:
        raise WrongError(text)
    number = float(plain.replace(",", ".").replace(" ", ""))
    if notation == "decimal" and 0.001 <= number <= 2:
        return -math.log10(number)
    if notation == "logmar" and -0.3011 <= number <= 3.0:
        return number
    if notation == "etdrs" and 0 <= number <= 100 and (number == int(number) or number > 5.3):
        return 1.7 - 0.02 * number
    if notation == "five_mark" and number in MARKS:
        return MARKS[number]
    if notation == "five_mark" and 3.3 <= number <= 5.3:
        return 5 - number
    raise WrongError(text)


@dataclass
class Said:
    """What must come out.

    Args:
        eyes: (patient, side) to logMAR before and after.
        left_out: Reason to number.
        repeated: Rows that say what another one says.
    """

    eyes: dict[tuple[str, str], tuple[float | None, float | None]] = field(default_factory=dict)
    left_out: Counter = field(default_factory=Counter)
    repeated: int = 0


def read(table) -> Said:
    """Read one made table.

    Raises:
        WrongError: If it must be refused.
    """
    said = Said()
    if table.dropped in table.needed:
        raise WrongError(table.dropped)
    rows = [{k: unsentinel(v) for k, v in row.items()} for row in table.rows]
    rows = [row for row in rows_of(table, rows) if kept(row, said, table)]
    entries = [entry for row in rows for entry in entries_of(row, table, said)]
    eyes = visits(entries, said) if table.shape == "visit" else repeats(entries, said)
    if any(days is not None and days <= 0 for _, _, days in eyes.values()):
        raise WrongError("measured before the surgery")
    for eye, (before, after, days) in eyes.items():
        if table.requires_postop and after.strip().translate(WIDE).lower() in MISSING:
            said.left_out["no postoperative acuity"] += 1
        elif table.window and days is not None and not 14 <= days <= 120:
            said.left_out["measured outside 14 to 120 days after surgery"] += 1
        else:
            if eye[0].lower() in MISSING:
                raise WrongError("no id")
            said.eyes[eye] = logmar(before, table.before), logmar(after, table.after)
    if not said.eyes:
        raise WrongError("nobody is left")
    return said


def unsentinel(cell: str) -> str:
    return "" if re.fullmatch(r"-9(\.0*)?", cell.strip()) else cell.strip()


def rows_of(table, rows):
    """Rows with anything in them, counted as the table's own."""
    return [
        new for new, old in zip(rows, table.rows, strict=True) if any(map(str.strip, old.values()))
    ]


def kept(row, said, table) -> bool:
    if "Out" in row and row["Out"] == "yes":
        said.left_out["rupture"] += 1
        return False
    if row.get("Age"):
        if not re.fullmatch(r"-?\d+(\.\d+)?", row["Age"]):
            raise WrongError("age")
        if float(row["Age"]) < 18:
            said.left_out["young"] += 1
            return False
    return True


def entries_of(row, table, said):
    """(patient, side, visit, before, after, days) of one row."""
    if table.shape == "patient":
        entries = []
        for side in ("OD", "OS"):
            own = row[f"{side} before"], row[f"{side} after"]
            if any(text.translate(WIDE).lower() not in MISSING for text in own):
                if not row["Id"]:
                    raise WrongError("no id")
                entries.append((row["Id"], side, None, *own, None))
        if not entries:
            said.left_out["no cell of either eye is filled"] += 1
        return entries
    side = {"R": "OD", "L": "OS", "RIGHT": "OD", "右眼": "OD", "OD": "OD", "OS": "OS"}.get(
        row["Eye"].upper()
    )
    if side is None or not row["Id"]:
        raise WrongError("who?")
    if table.shape == "visit":
        if not re.fullmatch(r"-?\d+", row["Day"]):
            raise WrongError("day")
        return [(row["Id"], side, int(row["Day"]), row["VA"], row["VA"], None)]
    days = None
    dates = [row.get(name, "") for name in ("Surgery", "Control")]
    for text in dates:
        try:
            days = 0 if text == "" else datetime.strptime(text, "%d.%m.%Y").toordinal()
        except ValueError:
            raise WrongError(text) from None
    if all(dates):
        surgery, control = (datetime.strptime(text, "%d.%m.%Y") for text in dates)
        days = (control - surgery).days
    else:
        days = None
    return [(row["Id"], side, tuple(dates), row["Before"], row["After"], days)]


def repeats(entries, said):
    eyes = {}
    for patient, side, more, *rest in entries:
        if eyes.setdefault((patient, side), (more, *rest)) != (more, *rest):
            raise WrongError("two rows")
    said.repeated = len(entries) - len(eyes)
    return {eye: rest[1:] for eye, rest in eyes.items()}


def visits(entries, said):
    days = defaultdict(dict)
    for patient, side, day, va, *_ in entries:
        if days[patient, side].setdefault(day, va) != va:
            raise WrongError("one visit, two acuities")
    said.repeated = len(entries) - sum(map(len, days.values()))
    eyes = {}
    for eye, by_day in days.items():
        before = best(by_day, -90, 0, 0)
        if before is None:
            said.left_out["of an eye without a visit before surgery"] += len(by_day)
            continue
        later = {day: va for day, va in by_day.items() if day > before}
        after = best(later, 14, 120, 30)
        used = 1 if after is None else 2
        said.left_out["neither the visit before nor the one after"] += len(by_day) - used
        eyes[eye] = (by_day[before], "" if after is None else by_day[after], None)
    return eyes


def best(by_day, low, high, nearest):
    """A known acuity first, then the nearest day, then the earlier one."""
    inside = [day for day in by_day if low <= day <= high]
    unknown = {d: by_day[d].strip().translate(WIDE).lower() in MISSING for d in inside}
    return min(inside, key=lambda d: (unknown[d], abs(d - nearest), d), default=None)
