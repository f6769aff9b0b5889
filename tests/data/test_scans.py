"""Every scan of a cohort decoded once."""

import shutil

import numpy as np
import pytest

from ctt_net.cohort import read_cohort
from ctt_net.data.scans import load_scans, scan_tasks
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing, read_bscan, signal_quality

SMALL = Preprocessing(height=32, width=48, crop="none")


def test_scans_are_the_prepared_files_in_the_tables_order(cohort_folder):
    cohort = read_cohort(cohort_folder)
    scans = load_scans(cohort, SMALL)
    assert scans.pixels.shape == (47, 2, 32, 48)
    assert scans.pixels.dtype == np.uint8
    for position, row in enumerate(cohort.table.to_dict("records")):
        for number, name in enumerate(("horizontal", "vertical")):
            place = (position, number)
            assert scans.present[place] == bool(row[name])
            if row[name]:
                raw = read_bscan(cohort_folder / row[name]).pixels
                expected = SMALL(raw, row["laterality"], name)
                assert np.array_equal(scans.pixels[place], expected)
                assert scans.quality[place] == signal_quality(raw)
            else:
                assert not scans.pixels[place].any()
                assert np.isnan(scans.quality[place])


def test_some_rows_can_be_taken_out(cohort_folder):
    scans = load_scans(read_cohort(cohort_folder), SMALL)
    some = scans.of(np.array([5, 2]))
    assert np.array_equal(some.pixels, scans.pixels[[5, 2]])
    assert np.array_equal(some.present, scans.present[[5, 2]])
    np.testing.assert_array_equal(some.quality, scans.quality[[5, 2]])


def test_progress_counts_every_scan_once(cohort_folder):
    seen = []
    cohort = read_cohort(cohort_folder)
    load_scans(cohort, SMALL, lambda done, total: seen.append((done, total)))
    n = len(scan_tasks(cohort))
    assert seen == [(i + 1, n) for i in range(n)]


def test_unreadable_scans_are_named_all_at_once_by_row_column_and_file(cohort_folder, tmp_path):
    root = shutil.copytree(cohort_folder, tmp_path / "cohort")
    for name in ("e01_horizontal", "e03_vertical"):
        (root / f"scans/{name}.png").write_text("not a picture")
    with pytest.raises(InputError) as caught:
        load_scans(read_cohort(root), SMALL)
    message = str(caught.value)
    assert "2 scans cannot be read" in message
    assert "row 3, column horizontal" in message
    assert "row 5, column vertical" in message
    assert "e03_vertical.png" in message


def test_kept_scans_are_the_same_and_are_not_read_again(cohort_folder, tmp_path, monkeypatch):
    cohort = read_cohort(cohort_folder)
    first = load_scans(cohort, SMALL, cache=tmp_path / "scans")
    assert [path.suffix for path in (tmp_path / "scans").iterdir()] == [".npz"]
    reader = "ctt_net.data.scans.read_macular_bscan"
    monkeypatch.setattr(reader, lambda path: pytest.fail("read again"))
    again = load_scans(cohort, SMALL, cache=tmp_path / "scans")
    for part in ("pixels", "present", "quality"):
        np.testing.assert_array_equal(getattr(again, part), getattr(first, part))


@pytest.mark.parametrize("left", [0, 0.5, 0.99])
def test_a_kept_file_that_is_damaged_is_read_anew(cohort_folder, tmp_path, left):
    cohort = read_cohort(cohort_folder)
    whole = load_scans(cohort, SMALL, cache=tmp_path)
    (file,) = tmp_path.glob("*.npz")
    content = file.read_bytes()
    file.write_bytes(content[: int(left * len(content))])
    again = load_scans(cohort, SMALL, cache=tmp_path)
    np.testing.assert_array_equal(again.pixels, whole.pixels)
    assert len(file.read_bytes()) == len(content)


@pytest.fixture(scope="module")
def kept_scans(cohort_folder, tmp_path_factory):
    """A cohort beside the scans that were kept of it."""
    place = tmp_path_factory.mktemp("kept")
    root = shutil.copytree(cohort_folder, place / "cohort")
    load_scans(read_cohort(root), SMALL, cache=place / "scans")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("change", ["file", "preprocessing", "rows"])
def test_what_has_changed_is_read_anew(kept_scans, tmp_path, change):
    shutil.copytree(kept_scans, tmp_path, dirs_exist_ok=True)
    root = tmp_path / "cohort"
    cohort, preprocessing = read_cohort(root), SMALL
    if change == "file":
        shutil.copy(root / "scans/e03_horizontal.png", root / "scans/e01_horizontal.png")
    elif change == "preprocessing":
        preprocessing = Preprocessing(height=32, width=48, crop="retina")
    else:
        cohort = cohort.where(cohort.table["eye_id"] != cohort.table["eye_id"].iloc[0])
    kept = load_scans(cohort, preprocessing, cache=tmp_path / "scans")
    np.testing.assert_array_equal(kept.pixels, load_scans(cohort, preprocessing).pixels)
    assert len(list((tmp_path / "scans").iterdir())) == 2
