"""Laterality against all that tells it, for one eye and for a whole cohort."""

import numpy as np

from tests.check.scan_faults import exchange, pairs_of, rows_of


def loud(findings):
    """All but that the cohort with scans is small."""
    loud = [f for f in findings.findings if f.severity != "note" and f.code != "patients-few"]
    return {f.code: f for f in loud}


def test_scans_of_fellow_eyes_exchanged_contradict_mark_and_disc(scans, kept):
    right, left = pairs_of(scans, "cirrus_like")[0]
    exchange(scans.scan(right, "horizontal"), scans.scan(left, "horizontal"))
    found = loud(scans.examine(open_scans=True, out=kept))
    assert set(found) == {"laterality-vs-mark", "laterality-vs-disc"}
    for finding in found.values():
        assert finding.rows == tuple(sorted((right + 2, left + 2)))
        assert all("horizontal" in path for path in finding.scans)


def test_a_laterality_column_upside_down_is_one_finding_of_each_kind(scans, kept):
    swapped = scans.table["laterality"].map({"OD": "OS", "OS": "OD"})
    scans.table["laterality"] = swapped
    found = loud(scans.examine(open_scans=True, out=kept))
    assert set(found) == {"laterality-vs-file-name", "laterality-vs-mark", "laterality-vs-disc"}
    assert len(found["laterality-vs-file-name"].rows) == 60
    assert len(found["laterality-vs-disc"].rows) == 60
    assert len(found["laterality-vs-mark"].rows) == len(rows_of(scans, "cirrus_like"))
    assert "mirrored exports" in found["laterality-vs-disc"].message


def test_copies_on_both_sides_of_a_split_are_counted(scans, kept):
    scans.table["split"] = np.where(scans.table["patient_id"] < "s5-00025", "train", "test")
    (scans.root / "folds.csv").unlink()  # they hold eyes that are now in the test split
    rows = rows_of(scans, "heidelberg_like", laterality="OS")
    one, other = rows[0], rows[-1]
    assert scans.table.loc[one, "split"] != scans.table.loc[other, "split"]
    scans.scan(other, "vertical").write_bytes(scans.scan(one, "vertical").read_bytes())
    found = loud(scans.examine(open_scans=True, out=kept))
    assert set(found) == {"duplicate-across-patients"}
    assert "1 of them are in different splits" in found["duplicate-across-patients"].message
