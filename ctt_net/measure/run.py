"""Segment and measure scans; the table, the pictures and the page of it."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net import INTENDED_USE, __version__
from ctt_net.biomarkers import DEFINITIONS, NAMES, Measure, Measures, measure
from ctt_net.cohort import Cohort
from ctt_net.data.scans import Progress
from ctt_net.errors import InputError
from ctt_net.imaging.encode import jpeg
from ctt_net.imaging.segmentation import Segmentation
from ctt_net.io.atomic_folder import check_not_taken, new_folder
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.cores import cores
from ctt_net.io.formula import escape_formula
from ctt_net.io.json_file import json_text
from ctt_net.measure.overlay import LESION_COLOURS, SURFACE_COLOURS, as_png, draw_overlay
from ctt_net.measure.sources import Source, cohort_sources

CSV_FILE, JSON_FILE, PAGE_FILE, OVERLAYS = (
    "measures.csv", "measures.json", "measures.html", "overlays",
)  # fmt: skip
IDENTITY = ("eye_id", "view", "file")
TEMPLATES = Path(__file__).parent / "templates"
_SHOWN = 120  # scans on the page, so that it opens anywhere
_THUMBNAIL_WIDTH, _JPEG_QUALITY = 420, 82
_CHUNK = 32  # scans read ahead


class Segments(Protocol):
    """What makes a segmentation of a scan, such as `ctt_net.biomarkers.segmenter.Segmenter`."""

    @property
    def error_sd(self) -> Mapping[str, float]:
        """Name of a measure to the SD of its error on unseen simulated scans."""

    def segment(self, pixels: NDArray[np.uint8]) -> Segmentation:
        """Segment (H, W) grey, vitreous up."""


@dataclass(frozen=True)
class Measured:
    """One scan when it is done.

    Args:
        source: The scan.
        measures: All `None`, with the reason, where it cannot be read.
        overlay: (H, W, 3) RGB; None if not asked for or unreadable.
    """

    source: Source
    measures: Measures
    overlay: NDArray[np.uint8] | None = None

    def row(self) -> dict[str, Any]:
        """One row of the table."""
        return {name: getattr(self.source, name) for name in IDENTITY} | self.measures.row()


def measure_scans(
    sources: Sequence[Source],
    segmenter: Segments,
    overlays: bool = False,
    progress: Progress | None = None,
) -> Iterator[Measured]:
    """Read, segment and measure scans on all cores, in order; an unreadable one says why.

    Args:
        sources: The scans.
        segmenter: Segments them.
        overlays: Also draw each.
        progress: Called with (done, total) after each scan.
    """

    def done(source: Source) -> Measured:
        try:
            pixels = source.read()
        except InputError as error:
            return Measured(source, Measures(dict.fromkeys(NAMES, Measure(None)), (str(error),)))
        segmentation = segmenter.segment(pixels)
        found = measure(segmentation, source.axial_um, source.lateral_um, segmenter.error_sd)
        picture = draw_overlay(pixels, segmentation, found) if overlays else None
        return Measured(source, found, picture)

    with ThreadPoolExecutor(cores()) as pool:
        for start in range(0, len(sources), _CHUNK):
            for number, one in enumerate(pool.map(done, sources[start : start + _CHUNK]), start):
                yield one
                if progress is not None:
                    progress(number + 1, len(sources))


def as_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a scan: `eye_id`, `view`, `file`, each measure and its SD, `note`; NaN = empty."""
    columns = [*IDENTITY, *(column for name in NAMES for column in (name, f"{name}_sd")), "note"]
    table = pd.DataFrame(rows, columns=columns)
    numbers = [column for column in columns if column not in (*IDENTITY, "note")]
    return table.astype(dict.fromkeys(numbers, "float64"))


def measure_cohort(
    cohort: Cohort,
    segmenter: Segments,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The table of all scans of a cohort; see `as_table`."""
    done = measure_scans(cohort_sources(cohort), segmenter, progress=progress)
    return as_table([one.row() for one in done])


def write_measures(
    sources: Sequence[Source],
    segmenter: Segments,
    out: Path,
    *,
    title: str,
    synthetic: bool = False,
    overlays: bool = True,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Write `measures.csv`, `measures.json`, `measures.html` and `overlays/`, all or nothing.

    Args:
        sources: The scans.
        segmenter: Segments them.
        out: Folder to make.
        title: Of the page.
        synthetic: Whether these are simulated eyes.
        overlays: Whether pictures are drawn.
        progress: Called with (done, total) after each scan.

    Returns:
        The table.

    Raises:
        InputError: If the folder exists or cannot be made.
    """
    check_not_taken(out)
    rows: list[dict[str, Any]] = []
    cards: list[dict[str, Any]] = []
    with new_folder(out) as folder:
        for number, one in enumerate(measure_scans(sources, segmenter, overlays, progress), 1):
            rows.append(one.row())
            thumbnail = b""
            if one.overlay is not None:
                name = "_".join(filter(None, (f"{number:05}", one.source.eye_id, one.source.view)))
                atomic_write(folder / OVERLAYS / f"{_plain(name)}.png", as_png(one.overlay))
                if len(cards) < _SHOWN:
                    thumbnail = jpeg(one.overlay[..., ::-1], _THUMBNAIL_WIDTH, _JPEG_QUALITY)
            if len(cards) < _SHOWN:
                cards.append(_card(one, thumbnail))
        table = as_table(rows)
        atomic_write(folder / CSV_FILE, as_csv(table))
        atomic_write(folder / JSON_FILE, json_text(_description(table)))
        atomic_write(folder / PAGE_FILE, _page(cards, table, title, synthetic))
    return table


def as_csv(table: pd.DataFrame) -> str:
    """The table as text; cells that a spreadsheet would run as a formula are escaped."""
    safe = table.copy()
    for column in (*IDENTITY, "note"):
        safe[column] = [escape_formula(str(value)) for value in safe[column]]
    return safe.to_csv(index=False, lineterminator="\n", float_format="%.6g")


def _plain(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in name)[:120]


def _description(table: pd.DataFrame) -> dict[str, Any]:
    """What the columns are."""
    return {
        "intended_use": INTENDED_USE,
        "ctt_net": __version__,
        "scans": len(table),
        "empty": "not measured; the column note says why",
        "sd": "<measure>_sd: SD of the error on unseen simulated scans, same unit",
        "measures": [
            {
                "name": one.name,
                "unit": one.unit,
                "definition": one.text,
                "source": one.source,
                "empty_if": one.empty_if,
                "measured": int(table[one.name].notna().sum()),
            }
            for one in DEFINITIONS
        ],
    }


def _card(one: Measured, thumbnail: bytes) -> dict[str, Any]:
    from base64 import b64encode

    figures = [
        (definition.name, f"{value:.4g}")
        for definition in DEFINITIONS
        if (value := one.measures[definition.name]) is not None
    ]
    return {
        "name": " ".join(filter(None, (one.source.eye_id, one.source.view))) or one.source.file,
        "file": one.source.file,
        "source": f"data:image/jpeg;base64,{b64encode(thumbnail).decode()}" if thumbnail else "",
        "figures": figures,
        "notes": one.measures.notes,
    }


def _page(cards: list[dict[str, Any]], table: pd.DataFrame, title: str, synthetic: bool) -> str:
    from ctt_net.report.page import render

    measured = int(table["fovea_share"].notna().sum())
    legend = [
        (name.replace("_", " "), f"rgb{colour}")
        for name, colour in (SURFACE_COLOURS | LESION_COLOURS).items()
    ]
    return render(
        "measures.html",
        folder=TEMPLATES,
        title=title,
        synthetic=synthetic,
        n_scans=len(table),
        n_measured=measured,
        cards=cards,
        legend=legend,
        definitions=[(one.name, one.text, one.source) for one in DEFINITIONS],
    )
