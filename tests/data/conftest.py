"""A small cohort of plain pictures, with scans and acuities missing here and there."""

import cv2
import numpy as np
import pandas as pd
import pytest

from ctt_net.cohort import AcuityColumns, CohortSpec, View, write_cohort
from ctt_net.data.module import EyeDataModule
from ctt_net.imaging import Preprocessing

SMALL = Preprocessing(height=32, width=48, crop="none")


def layered_picture(rng, height=64, width=96):
    """Dark vitreous, a bright band, grey below: enough of a B-scan to be read as one."""
    picture = rng.integers(5, 30, (height, width))
    picture[height // 3 : height // 2] += 160
    picture[height // 2 :] += 50
    return picture.astype(np.uint8)


@pytest.fixture(scope="session")
def cohort_folder(tmp_path_factory):
    """30 patients, 45 eyes of known outcome, one test eye and one of unknown outcome."""
    root = tmp_path_factory.mktemp("cohort")
    (root / "scans").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for number in range(47):
        views = {}
        for view in ("horizontal", "vertical"):
            if (view == "vertical" and number % 6 == 0) or (view == "horizontal" and number == 7):
                views[view] = ""
                continue
            views[view] = f"scans/e{number:02d}_{view}.png"
            assert cv2.imwrite(str(root / views[view]), layered_picture(rng))
        postop = float(np.clip(rng.normal(0.3, 0.25), -0.1, 1.5).round(2))
        rows.append(
            {
                "eye_id": f"e{number:02d}",
                "patient_id": f"p{number % 30:02d}" if number < 45 else f"q{number}",
                "laterality": "OD" if number < 30 else "OS",
                "preop_va": "" if number % 9 == 4 else f"{postop + 0.3:.2f}",
                "postop_va": "" if number == 46 else f"{postop:.2f}",
                "split": "test" if number == 45 else "train",
                **views,
            }
        )
    spec = CohortSpec(
        name="plain pictures",
        source="drawn for tests",
        licence="none",
        citation="none",
        acuity=AcuityColumns(preop_va="logmar", postop_va="logmar"),
        views={
            "horizontal": View(direction="horizontal", angle_deg=0.0),
            "vertical": View(direction="vertical", angle_deg=90.0),
        },
        synthetic=True,
    )
    write_cohort(root, spec, rows)
    return root


@pytest.fixture
def data(cohort_folder):
    """Builds a data module over the cohort."""

    def make(**arguments):
        return EyeDataModule(
            str(cohort_folder), **{"batch_size": 8, "preprocessing": SMALL, **arguments}
        )

    return make


@pytest.fixture
def table():
    """Three eyes: all known, preop unknown, outcome unknown."""
    return pd.DataFrame(
        {
            "eye_id": ["a", "b", "c"],
            "preop_logmar": [0.5, np.nan, 1.0],
            "postop_logmar": [0.1, 0.2, np.nan],
        }
    )
