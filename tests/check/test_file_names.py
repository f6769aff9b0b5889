"""Eye and view named by a path."""

import pytest

from ctt_net.check.scans.file_names import eye_in_path, meaning_of_path
from ctt_net.check.scans.views import view_words
from ctt_net.cohort import View


@pytest.mark.parametrize(
    ("path", "eye"),
    [
        ("images/p1-OD_horizontal.png", "OD"),
        ("p1/OS/3.tif", "OS"),
        ("left/p1.png", "OS"),
        ("RightEye_12.png", "OD"),
        ("p1_od2.png", "OD"),
        ("右眼_横扫.tif", "OD"),
        ("p1左.tif", "OS"),
        ("OS/p1_OD.png", "OD"),  # the nearest word counts
        ("posterior/modern_macro.png", None),
        ("both_OD_OS.png", None),
        ("scan_0017.png", None),
    ],
)
def test_eye_words_stand_alone(path, eye):
    assert eye_in_path(path) == eye


@pytest.mark.parametrize(
    ("path", "view"),
    [
        ("a/12_horizontal.png", "across"),
        ("a/12-H.png", "across"),
        ("vertical/12.png", "down"),
        ("12_纵.png", "down"),
        ("12_down.png", "down"),
        ("h4v9x.png", None),
        ("12_horizontal_vertical.png", None),
    ],
)
def test_views_are_told_by_their_name_and_by_their_direction(path, view):
    words = view_words(
        {"across": View(direction="horizontal"), "down": View(direction="vertical", angle_deg=90.0)}
    )
    assert meaning_of_path(path, words) == view


def test_of_two_views_of_one_direction_only_their_own_names_tell():
    words = view_words(
        {"upper": View(direction="horizontal"), "lower": View(direction="horizontal")}
    )
    assert meaning_of_path("12_horizontal.png", words) is None
    assert meaning_of_path("12_lower.png", words) == "lower"
