"""The eyes with the largest errors, for a reader who looks at their scans."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ctt_net.metrics.chart_units import PER_LOGMAR
from ctt_net.metrics.eyes import EvaluatedEyes
from ctt_net.report.comparison import number_text, signed_text, span_text

# A tenth at most: the page shows failures, not the cohort.
LARGEST_SHARE = 0.1
LARGEST = 10

# A confident error: two lines or more with one of the third of narrowest intervals.
CONFIDENT_THIRD = 1 / 3
CONFIDENT_ERROR_LOGMAR = 0.2
CONFIDENT = 6

Pictures = Mapping[str, Mapping[str, bytes]]
"""Eye to view to a PNG: what the network saw, never the file as it was exported."""


@dataclass(frozen=True)
class Failures:
    """Eyes by why they are shown.

    Args:
        largest: Eye ids by falling size of the error.
        confident: Those of large errors with narrow intervals, likewise.
    """

    largest: tuple[str, ...]
    confident: tuple[str, ...]

    @property
    def eye_ids(self) -> list[str]:
        """Each once."""
        return list(dict.fromkeys((*self.largest, *self.confident)))


def failures(eyes: EvaluatedEyes) -> Failures:
    """The worst eyes; at most a tenth of all, none of fewer than ten.

    Args:
        eyes: Evaluated eyes.
    """
    size = np.abs(eyes.predicted - eyes.truth)
    width = (eyes.table["upper_logmar"] - eyes.table["lower_logmar"]).to_numpy(np.float64)
    names = eyes.table["eye_id"].to_numpy(str)
    most = int(len(size) * LARGEST_SHARE)
    order = np.argsort(-size, kind="stable")
    sure = np.zeros(len(size), dtype=bool)
    if np.isfinite(width).any():
        limit = np.nanquantile(width, CONFIDENT_THIRD)
        # Where all are of one width, none is surer than another.
        sure = (width <= limit) & (limit < np.nanmax(width) - 1e-9)
    wrong = [i for i in order if sure[i] and size[i] >= CONFIDENT_ERROR_LOGMAR]
    return Failures(
        tuple(names[order[: min(most, LARGEST)]].tolist()),
        tuple(names[wrong[: min(most, CONFIDENT)]].tolist()),
    )


def failure_rows(
    eyes: EvaluatedEyes, found: Failures, pictures: Pictures | None
) -> list[dict[str, Any]]:
    """One row an eye, by its id and no other name.

    Args:
        eyes: Evaluated eyes.
        found: Which to show.
        pictures: Of eyes, if asked for.
    """
    rows = []
    records = eyes.table.set_index("eye_id", drop=False).loc[found.eye_ids].to_dict("records")
    for number, row in enumerate(records, start=1):
        eye, truth = row["eye_id"], row["postop_logmar"]
        lower, upper = row["lower_logmar"], row["upper_logmar"]
        error = row["predicted_logmar"] - truth
        notes = [
            "confident" if eye in found.confident else "",
            "" if lower <= truth <= upper or not np.isfinite(lower) else "outside its interval",
            row["flags"].replace(";", ", ").replace("_", " "),
        ]
        rows.append(
            {
                "anchor": f"eye-{number}",
                "eye_id": eye,
                "preop": _two_digits(row["preop_logmar"]),
                "measured": _two_digits(truth),
                "predicted": _two_digits(row["predicted_logmar"]),
                "interval": span_text(lower, upper, 2) if np.isfinite(lower) else "–",
                "error": signed_text(error, digits=2),
                "letters": signed_text(error * PER_LOGMAR["letters"], digits=0),
                "notes": "; ".join(note for note in notes if note),
                "pictures": [
                    (view, "data:image/png;base64," + base64.b64encode(png).decode("ascii"))
                    for view, png in (pictures or {}).get(eye, {}).items()
                ],
            }
        )
    return rows


def _two_digits(value: float) -> str:
    return number_text(value, 2) if np.isfinite(value) else "–"
