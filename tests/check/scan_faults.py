"""Faults to plant in the scans of a simulated cohort with pictures."""

import shutil

import cv2
import numpy as np
import pandas as pd
import tifffile

from ctt_net.check.scans.cache import RecordCache

SCAN_FAULTS = {}


def scan_fault(check, severity):
    """Register what is to be named, and how severely."""

    def register(plant):
        SCAN_FAULTS[plant.__name__] = (plant, check, severity)
        return plant

    return register


def rows_of(cohort, device, **cells):
    """Rows of one device, and of whatever else is asked."""
    chosen = cohort.table["device"] == device
    for name, value in cells.items():
        chosen &= cohort.table[name] == value
    return list(cohort.table.index[chosen])


def pairs_of(cohort, device):
    """Rows (right, left) of bilateral patients on one device."""
    pairs = [pair for pair in cohort.both_eyes() if set(pair) <= set(rows_of(cohort, device))]
    return [sorted(pair, key=lambda row: cohort.table.loc[row, "laterality"]) for pair in pairs]


def picture(cohort, row, view):
    return cv2.imread(str(cohort.scan(row, view)), cv2.IMREAD_GRAYSCALE)


def replace(cohort, row, view, pixels):
    assert cv2.imwrite(str(cohort.scan(row, view)), pixels)


def exchange(one, other):
    beside = one.with_suffix(".beside")
    one.rename(beside)
    other.rename(one)
    beside.rename(other)


@scan_fault("scan-unreadable", "error")
def a_text_named_png(cohort):
    cohort.scan(3, "vertical").write_text("hello")
    return [3]


@scan_fault("scan-not-bscan", "warning")
def a_fundus_picture(cohort):
    rows, columns = np.mgrid[-1:1:496j, -1:1:496j]
    disc = 90 * np.exp(-((rows - 0.1) ** 2 + (columns - 0.5) ** 2) / 0.02)
    grain = np.random.default_rng(0).normal(0, 12, rows.shape)
    round_ = np.where(rows**2 + columns**2 < 0.9, 110 + disc + grain, 0)
    replace(cohort, 5, "vertical", np.clip(round_, 0, 255).astype(np.uint8))
    return [5]


@scan_fault("scan-not-macular", "warning")
def a_hill_under_a_dark_sky(cohort):
    rows, columns = np.mgrid[:496, :768]
    hill = 240 + 50 * np.sin(columns / 90)
    light = np.where(rows > hill, 180 * np.exp(-(rows - hill) / 250), 20)
    grain = np.random.default_rng(0).normal(0, 15, rows.shape)
    replace(cohort, 5, "vertical", np.clip(light + grain, 0, 255).astype(np.uint8))
    return [5]


@scan_fault("scan-report-page", "warning")
def a_whole_report_page(cohort):
    scan = cv2.resize(picture(cohort, 6, "vertical"), (1000, 500))
    page = np.full((1600, 1200), 255, dtype=np.uint8)
    page[700:1200, 100:1100] = scan
    for line in range(12):
        cv2.putText(page, "Macular thickness report", (80, 60 + 45 * line), 0, 1.2, 0, 2)
    replace(cohort, 6, "vertical", page)
    return [6]


@scan_fault("scan-upside-down", "warning")
def choroid_above_the_retina(cohort):
    row = rows_of(cohort, "heidelberg_like")[2]
    replace(cohort, row, "vertical", picture(cohort, row, "vertical")[::-1])
    return [row]


@scan_fault("scan-inverted", "warning")
def black_on_white(cohort):
    rows = rows_of(cohort, "heidelberg_like")[2:4]
    for row in rows:
        replace(cohort, row, "vertical", 255 - picture(cohort, row, "vertical"))
    return rows


@scan_fault("scan-unreadable", "error")
def a_volume_in_one_tiff(cohort):
    pages = np.stack([picture(cohort, 6, "vertical")] * 3)
    path = cohort.table.loc[6, "vertical"].replace(".png", ".tif")
    tifffile.imwrite(cohort.root / path, pages, photometric="minisblack")
    cohort.table.loc[6, "vertical"] = path
    return [6]


@scan_fault("view-vs-file-name", "warning")
def names_of_the_two_views_swapped(cohort):
    row = rows_of(cohort, "heidelberg_like")[1]
    exchange(cohort.scan(row, "horizontal"), cohort.scan(row, "vertical"))
    cells = cohort.table.loc[row, ["vertical", "horizontal"]].to_list()
    cohort.table.loc[row, ["horizontal", "vertical"]] = cells
    return [row]


@scan_fault("view-vs-mark", "warning")
def a_marked_vertical_scan_in_the_horizontal_column(cohort):
    row = rows_of(cohort, "cirrus_like")[1]
    exchange(cohort.scan(row, "horizontal"), cohort.scan(row, "vertical"))
    return [row]


@scan_fault("laterality-vs-file-name", "warning")
def a_file_named_after_the_other_eye(cohort):
    row = rows_of(cohort, "heidelberg_like", laterality="OD")[0]
    path = cohort.table.loc[row, "vertical"]
    renamed = path.replace("-OD_", "-OS_left_")
    cohort.scan(row, "vertical").rename(cohort.root / renamed)
    cohort.table.loc[row, "vertical"] = renamed
    return [row]


@scan_fault("laterality-vs-file-name", "warning")
def a_folder_named_after_the_other_eye(cohort):
    row = rows_of(cohort, "heidelberg_like", laterality="OS")[0]
    (cohort.root / "右眼").mkdir()
    shutil.move(cohort.scan(row, "vertical"), cohort.root / "右眼" / "1_vertical.png")
    cohort.table.loc[row, "vertical"] = "右眼/1_vertical.png"
    return [row]


@scan_fault("laterality-vs-disc", "warning")
def one_mirrored_scan(cohort):
    row = rows_of(cohort, "heidelberg_like", laterality="OS")[1]
    replace(cohort, row, "horizontal", picture(cohort, row, "horizontal")[:, ::-1])
    return [row]


@scan_fault("duplicate-across-patients", "error")
def the_scan_of_another_patient(cohort):
    one, *_, other = rows_of(cohort, "heidelberg_like", laterality="OD")
    shutil.copyfile(cohort.scan(one, "horizontal"), cohort.scan(other, "horizontal"))
    return [one, other]


@scan_fault("duplicate-within-patient", "warning")
def one_scan_for_both_views(cohort):
    row = rows_of(cohort, "heidelberg_like")[4]
    shutil.copyfile(cohort.scan(row, "horizontal"), cohort.scan(row, "vertical"))
    return [row]


@scan_fault("near-duplicate-across-patients", "warning")
def another_patients_scan_saved_anew(cohort):
    one, *_, other = rows_of(cohort, "heidelberg_like", laterality="OS")
    small = cv2.resize(picture(cohort, one, "vertical"), None, fx=0.8, fy=0.8)
    replace(cohort, other, "vertical", cv2.convertScaleAbs(small, alpha=1.1, beta=4))
    return [one, other]


@scan_fault("near-duplicate-within-patient", "warning")
def the_fellow_eye_mirrored(cohort):
    right, left = pairs_of(cohort, "heidelberg_like")[0]
    replace(cohort, left, "horizontal", picture(cohort, right, "horizontal")[:, ::-1])
    data = cohort.scan(left, "horizontal")
    pixels = cv2.imread(str(data), cv2.IMREAD_GRAYSCALE)
    replace(cohort, left, "horizontal", cv2.resize(pixels, None, fx=0.9, fy=0.9))
    return [right, left]


@scan_fault("overlay-predicts-outcome", "warning")
def marks_on_the_scans_of_poor_eyes(cohort):
    """The device column is gone, and poor outcomes go to the patients of the marked one."""
    marked = cohort.table.pop("device") == "cirrus_like"
    ordered = marked.sort_values(kind="stable").index
    worst_last = sorted(cohort.table["postop_va"], key=float, reverse=True)
    cohort.table.loc[ordered, "postop_va"] = worst_last
    cohort.table["preop_va"] = "0.1"
    cohort.table.loc[cohort.table.index[::2], "preop_va"] = "0.08"
    return list(cohort.table.index[marked])


@scan_fault("quality-follows-outcome", "warning")
def noisy_scans_of_poor_eyes(cohort):
    """Outcomes are reassigned on each device, the best to the clearest scans."""
    quality = quality_of(cohort)
    for device in cohort.table["device"].unique():
        rows = cohort.table.index[cohort.table["device"] == device]
        clearest_first = quality[rows].sort_values(ascending=False).index
        acuities = sorted(cohort.table.loc[rows, "postop_va"], key=float, reverse=True)
        cohort.table.loc[clearest_first, "postop_va"] = acuities


def quality_of(cohort):
    """Mean signal quality of each row, as an earlier run kept it."""
    with RecordCache(cohort.root.parent / "out") as cache:
        return pd.Series(
            [
                np.mean(
                    [
                        cache.get(cohort.scan(row, view), cohort.table.loc[row, view]).quality
                        for view in ("horizontal", "vertical")
                    ]
                )
                for row in cohort.table.index
            ],
            index=cohort.table.index,
        )
