"""The table for people: `comparison.md` and `comparison.html` with its pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.comparison.pictures import forest, learning_curve
from benchmarks.comparison.plan import Plan
from benchmarks.comparison.table import Facts
from ctt_net import INTENDED_USE
from ctt_net.report.comparison import number_text, signed_text, span_text
from ctt_net.report.page import render

TEMPLATES = Path(__file__).parent / "templates"
HEADINGS = (
    "", "MAE logMAR (95% CI)", "letters", "RMSE", "AUROC", "coverage", "width", "minus reference",
    "95% CI of patients", "95% CI of trainings", "parameters", "s a fold", "ms an eye",
)  # fmt: skip

HOW = (
    "MAE, RMSE and width in logMAR; letters are MAE times 50. A row of several seeds (or of single "
    "folds' models) is averaged over them. Minus reference: MAE of the row minus MAE of the "
    "reference on the same eyes, negative = better. Its first interval comes from resampled "
    "patients, all rows on the same resamples, and says how sure the difference is on other "
    "patients, for these trained models. The second is the corrected resampled t interval over "
    "folds and seeds (Nadeau and Bengio 2003, doi 10.1023/A:1024068626366): it holds what another "
    "training would change too, and knows that folds share training eyes; it needs two or more "
    "folds and is given out of fold only. Neither is adjusted for the number of rows. AUROC of a "
    "row without probabilities: by its predicted acuity. Seconds a fold: by the clock, with the "
    "start and, of the first row of each size of scans, their reading; runs beside each other slow "
    "each other down. Milliseconds an eye: one network on decoded scans."
)


def write_markdown(table: pd.DataFrame, facts: Facts, failed: Sequence[str], title: str) -> str:
    """The table as Markdown, for docs and issues."""
    lines = [f"# {title}", ""]
    if facts.synthetic:
        lines += ["**Simulated eyes: no clinical validity.**", ""]
    lines += [INTENDED_USE, ""]
    lines += [f"- {name}: {value}" for name, value in facts.in_words.items()]
    lines += [f"- failed, not in the table: {row}" for row in failed]
    for evaluated, part in table.groupby("evaluated", sort=False):
        lines += ["", f"## {evaluated}", "", counted(part), ""]
        lines += ["| " + " | ".join(HEADINGS) + " |"]
        lines += ["|---|" + "---:|" * (len(HEADINGS) - 1)]
        lines += ["| " + " | ".join(row).replace("|  |", "| |") + " |" for row in cells(part)]
    return "\n".join([*lines, "", HOW, ""])


def write_page(
    table: pd.DataFrame, facts: Facts, failed: Sequence[str], title: str, plan: Plan
) -> str:
    """The table as a page that stands alone."""
    parts = [
        {
            "evaluated": evaluated,
            "counted": counted(part),
            "rows": cells(part),
            "forest": forest(part, f"forest-{number}"),
            "curve": learning_curve(part, plan, f"curve-{number}"),
        }
        for number, (evaluated, part) in enumerate(table.groupby("evaluated", sort=False))
    ]
    return render(
        "comparison.html",
        folder=TEMPLATES,
        title=title,
        synthetic=facts.synthetic,
        parts=parts,
        headings=HEADINGS,
        references=set(table["reference"].dropna()),
        failed=list(failed),
        facts=facts.in_words,
        how=HOW,
    )


def counted(part: pd.DataFrame) -> str:
    """How many eyes of how many patients."""
    return f"{part['n_eyes'].iloc[0]} eyes of {part['n_patients'].iloc[0]} patients."


def cells(part: pd.DataFrame) -> list[list[str]]:
    """Texts of the table, one list a row, in the order of `HEADINGS`."""
    return [_cells(row) for row in part.astype(object).where(part.notna(), None).to_dict("records")]


def _cells(row: Mapping[Any, Any]) -> list[str]:
    own = row["row"] == row["reference"]
    count = row["parameters"]
    return [
        row["row"],
        f"{number_text(row['mae'])} ({_span(row, 'mae')})",
        number_text(row["mae_letters"], 1),
        _text(row["rmse"]),
        _text(row["auroc"], 2),
        _text(row["coverage"], 2),
        _text(row["width"], 2),
        "reference" if own else signed_text(row["mae_difference"]),
        _span(row, "mae_difference"),
        _span(row, "mae_difference_corrected"),
        "" if count is None else f"{int(count):,}",
        _text(row["wall_s_per_fold"], 0),
        _text(row["predict_ms_per_eye"], 1),
    ]


def _text(value: float | None, digits: int = 3) -> str:
    return "" if value is None else number_text(value, digits)


def _span(row: Mapping[Any, Any], name: str) -> str:
    low, high = row[f"{name}_lo"], row[f"{name}_hi"]
    return "" if low is None or high is None else span_text(low, high)
