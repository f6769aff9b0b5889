"""Scans for a report's gallery: the network input, never the file as exported."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.cohort import read_cohort
from ctt_net.data.scans import Progress, load_scans
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.model_folder.predictor import model_folders
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.report.largest_errors import Pictures

# Large enough to see a macular hole; a larger input is reduced to it.
WIDTH_PX = 192


def gallery_pictures(
    eye_ids: Sequence[str],
    cohort_folder: Path | str,
    model: Path | str | None = None,
    progress: Progress | None = None,
) -> Pictures:
    """Read the scans of some eyes as the network reads them.

    Args:
        eye_ids: Which.
        cohort_folder: Where their scans lie.
        model: Model or run folder whose preprocessing is used; None = the default one.
        progress: Called after each scan.

    Returns:
        Eye to view to a PNG without metadata; absent scans are left out.

    Raises:
        InputError: If cohort or model cannot be read, or the cohort lacks one of the eyes.
    """
    cohort = read_cohort(cohort_folder)
    unknown = sorted(set(eye_ids) - set(cohort.table["eye_id"]))
    if unknown:
        raise InputError(
            f"eye {unknown[0]!r} is not in {cohort.root}; give the cohort that was evaluated"
        )
    preprocessing = Preprocessing()
    if model is not None:
        preprocessing = ModelSpec.read(model_folders(model)[0]).preprocessing
    chosen = cohort.where(cohort.table["eye_id"].isin(list(eye_ids)))
    scans = load_scans(chosen, preprocessing, progress)
    return {
        eye: {
            view: _png(scans.pixels[row, number])
            for number, view in enumerate(chosen.spec.views)
            if scans.present[row, number]
        }
        for row, eye in enumerate(chosen.table["eye_id"])
    }


def _png(pixels: NDArray[np.uint8]) -> bytes:
    height, width = pixels.shape
    if width > WIDTH_PX:
        size = (WIDTH_PX, max(1, round(height * WIDTH_PX / width)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()
