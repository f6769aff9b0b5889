"""A cohort in Python: scans as they lie in the folder, plots, findings."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import ctt_net
from ctt_net.cohort import read_cohort
from ctt_net.data.scans import load_scans
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing


@pytest.fixture(scope="module")
def cohort(small_cohort):
    return ctt_net.load_cohort(small_cohort)


def test_a_scan_is_the_file_with_nasal_at_the_right(cohort, small_cohort):
    for side in ("OD", "OS"):
        row = cohort.table[cohort.table["laterality"] == side].iloc[0]
        for view in cohort.views:
            pixels = cv2.imread(str(small_cohort / row[view]), cv2.IMREAD_GRAYSCALE)
            mirrored = side == "OS" and view == "horizontal"
            expected = pixels[:, ::-1] if mirrored else pixels
            found = cohort.scan(row["eye_id"], view)
            assert found.shape == pixels.shape
            assert (found != expected).mean() < 0.02  # where a burnt-in mark was removed


def test_a_scan_as_the_network_reads_it(cohort):
    size = Preprocessing(64, 96, "flat")
    one = cohort.where(cohort.table.index == 3)
    expected = load_scans(read_cohort(cohort.root), size).pixels[3]
    for number, view in enumerate(one.views):
        found = one.scan(one.table["eye_id"][0], view, size)
        np.testing.assert_array_equal(found, expected[number])


def test_what_is_not_there_is_said(cohort, small_cohort, tmp_path):
    first = cohort.table["eye_id"][0]
    with pytest.raises(InputError, match=f"no eye .*did you mean '{first}'"):
        cohort.scan(first + "x", "horizontal")
    with pytest.raises(InputError, match="the views are horizontal, vertical"):
        cohort.scan(first, "oblique")
    folder = shutil.copytree(small_cohort, tmp_path / "cohort")
    table = pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)
    table.loc[0, "vertical"] = ""
    table.to_csv(folder / "manifest.csv", index=False)
    lacking = ctt_net.load_cohort(folder)
    with pytest.raises(InputError, match="its vertical scan is missing"):
        lacking.scan(first, "vertical")
    assert "missing" in [text.get_text() for text in lacking.plot(first).axes[1].texts]


def test_a_plot_shows_every_view_and_both_acuities(cohort):
    row = cohort.table.iloc[2]
    figure = cohort.plot(row["eye_id"])
    assert isinstance(figure, Figure)
    assert [axis.get_title() for axis in figure.axes] == cohort.views
    assert all(axis.images for axis in figure.axes)
    assert f"{row['postop_logmar']:.2f} logMAR after" in figure.get_suptitle()


def test_the_page_of_a_notebook_runs_no_text_of_a_table(small_cohort, tmp_path):
    folder = shutil.copytree(small_cohort, tmp_path / "cohort")
    text = (folder / "cohort.yaml").read_text().replace("name: synthetic", "name: <script>x")
    (folder / "cohort.yaml").write_text(text)
    page = ctt_net.load_cohort(folder)._repr_html_()
    assert "&lt;script&gt;x: 60 eyes of" in page
    assert "<script>" not in page


def test_findings_are_a_table(cohort):
    findings = cohort.check(scans=False)
    assert list(findings) == ["severity", "code", "message", "fix"]
    assert "error" not in set(findings["severity"])


def test_a_simulated_cohort_is_what_the_command_makes(other_cohort, tmp_path):
    made = ctt_net.simulate_cohort(tmp_path / "c", eyes=20, seed=6)
    assert (made.root / "manifest.csv").read_bytes() == (other_cohort / "manifest.csv").read_bytes()
    with pytest.raises(InputError, match="exists already"):
        ctt_net.simulate_cohort(tmp_path / "c", eyes=20)
