"""Every scan of a cohort decoded once."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ctt_net.cohort import read_cohort
from ctt_net.data import scans as scans_module
from ctt_net.data.scans import load_scans, measured_scans, scan_tasks
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


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """As long as nothing is said."""
    monkeypatch.delenv("CTT_NET_SCAN_CACHE")


@pytest.fixture
def reads(monkeypatch):
    """Files that were decoded."""
    files, read = [], scans_module.read_macular_bscan
    monkeypatch.setattr(
        scans_module, "read_macular_bscan", lambda path: (files.append(path.name), read(path))[1]
    )
    return files


@pytest.fixture
def few(cohort_folder):
    """A few eyes of the cohort, in the folder of all."""
    cohort = read_cohort(cohort_folder)
    return cohort.where(cohort.table["eye_id"].isin(cohort.table["eye_id"][:3]))


def assert_same(ours, theirs):
    for part in ("pixels", "present", "quality", "doubts"):
        np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))


def test_kept_scans_are_the_same_and_are_not_read_again(few, tmp_path, reads):
    plain = load_scans(few, SMALL)
    first = load_scans(few, SMALL, cache=tmp_path / "scans")
    reads.clear()
    again = load_scans(few, SMALL, cache=tmp_path / "scans")
    assert not reads
    assert_same(first, plain)
    assert_same(again, plain)


def test_the_environment_names_the_folder_for_every_command(few, tmp_path, reads, monkeypatch):
    monkeypatch.setenv("CTT_NET_SCAN_CACHE", str(tmp_path))
    load_scans(few, SMALL)
    reads.clear()
    load_scans(few, SMALL)
    assert not reads


def test_one_more_scan_decodes_one(few, tmp_path, reads):
    fewer = few.where(few.table["eye_id"] != few.table["eye_id"].iloc[-1])
    load_scans(fewer, SMALL, cache=tmp_path)
    reads.clear()
    assert_same(load_scans(few, SMALL, cache=tmp_path), load_scans(few, SMALL))
    added = few.table.iloc[-1][list(few.spec.views)]
    assert sorted(reads[: len(reads) - len(scan_tasks(few))]) == sorted(
        path.rpartition("/")[2] for path in added if path
    )


@pytest.mark.parametrize("change", ["cut", "bit", "empty"])
def test_a_damaged_entry_is_read_anew(few, tmp_path, reads, change):
    whole = load_scans(few, SMALL, cache=tmp_path)
    entry = next(tmp_path.glob("*/*"))
    content = bytearray(entry.read_bytes())
    content[-5] ^= 1
    entry.write_bytes({"cut": content[:-9], "bit": content, "empty": b""}[change])
    reads.clear()
    assert_same(load_scans(few, SMALL, cache=tmp_path), whole)
    assert len(reads) == 1
    assert_same(load_scans(few, SMALL, cache=tmp_path), whole)
    assert len(reads) == 1


def test_several_commands_can_fill_one_folder(few, tmp_path):
    plain = load_scans(few, SMALL)
    with ThreadPoolExecutor(4) as pool:
        for scans in pool.map(lambda _: load_scans(few, SMALL, cache=tmp_path), range(4)):
            assert_same(scans, plain)
    assert len(list(tmp_path.glob("*/*"))) == len(scan_tasks(few))


def test_beyond_its_limit_what_was_not_used_for_longest_goes(few, tmp_path, reads, monkeypatch):
    load_scans(few, SMALL, cache=tmp_path)
    entries = sorted(tmp_path.glob("*/*"))
    for age, entry in enumerate(entries):
        os.utime(entry, (1e9 - age, 1e9 - age))
    monkeypatch.setattr("ctt_net.data.scan_cache.MOST_BYTES", 3 * entries[0].stat().st_size)
    one = few.where(few.table["eye_id"] == few.table["eye_id"].iloc[0])
    load_scans(one, Preprocessing(height=32, width=48, crop="retina"), cache=tmp_path)
    left = set(tmp_path.glob("*/*"))
    assert len(left) == 3
    assert left & set(entries) == set(entries[: 3 - len(left - set(entries))])


def test_what_is_measured_is_kept_with_the_scan(few, tmp_path, reads):
    def mean(scan):
        return {"mean": np.array(scan.pixels.mean())}

    first = measured_scans(few, SMALL, mean, cache=tmp_path)[1]
    reads.clear()
    again = measured_scans(few, SMALL, mean, cache=tmp_path)[1]
    assert not reads
    assert first == again
    task = scan_tasks(few)[0]
    assert first[task.position, task.view]["mean"] == read_bscan(task.path).pixels.mean()
    load_scans(few, SMALL, cache=tmp_path)  # without the measure it is another entry
    assert reads


def test_a_folder_that_cannot_be_made_is_named(few, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.*cannot be written"):
        load_scans(few, SMALL, cache=tmp_path / "file")


@pytest.mark.parametrize("change", ["file", "preprocessing", "side"])
def test_what_has_changed_is_read_anew(cohort_folder, tmp_path, change):
    root, preprocessing = shutil.copytree(cohort_folder, tmp_path / "cohort"), SMALL
    cohort = read_cohort(root)
    cohort = cohort.where(cohort.table["eye_id"].isin(cohort.table["eye_id"][:3]))
    before = load_scans(cohort, preprocessing, cache=tmp_path / "scans")
    if change == "file":
        shutil.copy(root / "scans/e03_horizontal.png", root / "scans/e01_horizontal.png")
    elif change == "preprocessing":
        preprocessing = Preprocessing(height=32, width=48, crop="retina")
    else:
        cohort.table["laterality"] = cohort.table["laterality"].map({"OD": "OS", "OS": "OD"})
    kept = load_scans(cohort, preprocessing, cache=tmp_path / "scans")
    assert_same(kept, load_scans(cohort, preprocessing))
    assert not np.array_equal(kept.pixels, before.pixels)


def test_what_was_replaced_while_it_was_read_is_not_taken_for_the_new_file(
    cohort_folder, tmp_path, monkeypatch
):
    root = shutil.copytree(cohort_folder, tmp_path / "cohort")
    cohort = read_cohort(root)
    cohort = cohort.where(cohort.table["eye_id"] == cohort.table["eye_id"].iloc[0])
    new, read = root / "scans/e03_horizontal.png", scans_module.read_macular_bscan

    def replaced(path):
        scan = read(path)
        shutil.copy(new, path)
        return scan

    with monkeypatch.context() as patch:
        patch.setattr(scans_module, "read_macular_bscan", replaced)
        before = load_scans(cohort, SMALL, cache=tmp_path / "scans")
    after = load_scans(cohort, SMALL, cache=tmp_path / "scans")
    assert_same(after, load_scans(cohort, SMALL))
    assert not np.array_equal(after.pixels, before.pixels)
