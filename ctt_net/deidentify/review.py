"""Pages with every written scan, to be reviewed before anything leaves the hospital."""

import base64
from collections.abc import Sequence
from pathlib import Path

from ctt_net.deidentify.scans import WrittenScan, picture_of
from ctt_net.imaging.encode import jpeg
from ctt_net.io.atomic_write import atomic_write
from ctt_net.report.page import render

_TEMPLATES = Path(__file__).parent / "templates"
_SCANS_A_PAGE = 200
_WIDTH_PX = 480  # text of a device's usual size is still visible
_JPEG_QUALITY = 70


def write_review(
    scans: Sequence[WrittenScan], cohort: Path, folder: Path, synthetic: bool
) -> list[Path]:
    """Write the pages; scans in which something was found come first.

    They name the rows of the original manifest, so that a scan can be found and corrected there:
    the pages stay where the original is.

    Args:
        scans: All of the new cohort.
        cohort: Its folder.
        folder: Where the pages go.
        synthetic: Simulated eyes; the pages then say so.

    Returns:
        The pages.
    """
    ordered = sorted(scans, key=lambda scan: (scan.stable, _rank(scan), scan.path))
    starts = range(0, len(ordered), _SCANS_A_PAGE)
    pages = []
    for number, start in enumerate(starts, start=1):
        cards = [
            {
                "name": Path(scan.path).stem,
                "row": scan.row,
                "view": scan.view,
                "found": ", ".join(kind.replace("_", " ") for kind in scan.overlays),
                "steady": scan.stable,
                "picture": _thumbnail(cohort / scan.path),
            }
            for scan in ordered[start : start + _SCANS_A_PAGE]
        ]
        page = render(
            "review.html",
            folder=_TEMPLATES,
            title="Scans to review",
            synthetic=synthetic,
            cards=cards,
            number=number,
            count=len(starts),
            scans=len(ordered),
        )
        pages.append(folder / f"review_{number:03d}.html")
        atomic_write(pages[-1], page)
    return pages


def _rank(scan: WrittenScan) -> int:
    """Where text was, more of it may be left."""
    return 0 if {"text", "ruler"} & set(scan.overlays) else 1 if scan.overlays else 2


def _thumbnail(path: Path) -> str:
    """A small JPEG as a data address."""
    data = jpeg(picture_of(path.read_bytes()), _WIDTH_PX, _JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
