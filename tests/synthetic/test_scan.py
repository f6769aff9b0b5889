"""A scan shows what is true of the eye, and only that."""

from dataclasses import replace

import numpy as np
import pytest

from ctt_net.imaging import Preprocessing, read_bscan, signal_quality
from ctt_net.synthetic import CIRRUS_LIKE, DEVICES, HEIDELBERG_LIKE, KINDS, Lesion, scan
from ctt_net.synthetic.anatomy import Build
from ctt_net.synthetic.cavities import cysts_of
from ctt_net.synthetic.disease import FIXATION_LIMIT_MM, place
from ctt_net.synthetic.macula import cut
from ctt_net.synthetic.population import draw_patient
from ctt_net.synthetic.scan import DIRECTIONS, lens_signal, scan_line

ONE_VIEW_KINDS = tuple(kind for kind in KINDS if kind != "macular_hole")


def eye_with(*lesions, index=0, **changes):
    eye = draw_patient("p", (5, index))[0]
    return replace(eye, lesions=lesions, **changes)


def lesion(kind, seen_in="both", severity=0.7, seed=0):
    return place(kind, severity, seen_in, np.random.default_rng(seed))


def difference(eye, device, direction):
    healthy = replace(eye, lesions=())
    return np.abs(
        scan(eye, device, direction).astype(int) - scan(healthy, device, direction).astype(int)
    ).sum()


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_scan_has_the_devices_size_and_is_grey(device, direction):
    image = scan(eye_with(), device, direction)
    assert image.shape == (device.height_px, device.width_px)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("kind", ONE_VIEW_KINDS)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("crossing", "missing"), [("horizontal", "vertical"), ("vertical", "horizontal")]
)
def test_a_lesion_that_one_view_crosses_is_absent_from_the_other(kind, seed, crossing, missing):
    eye = eye_with(lesion(kind, crossing, severity=(0.0, 1.0)[seed], seed=seed), index=seed)
    assert difference(eye, HEIDELBERG_LIKE, missing) == 0
    assert difference(eye, HEIDELBERG_LIKE, crossing) > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_even_the_mildest_foveal_lesion_shows_in_both_views(kind, direction):
    for seed in range(2):
        eye = eye_with(lesion(kind, severity=0.0, seed=seed), index=seed)
        assert difference(eye, CIRRUS_LIKE, direction) > 1000


@pytest.mark.parametrize("kind", KINDS)
def test_a_lesion_that_costs_more_changes_more_of_the_picture(kind):
    def shown(severity):
        eye = eye_with(lesion(kind, severity=severity))
        return np.mean([difference(eye, HEIDELBERG_LIKE, view) for view in DIRECTIONS])

    assert shown(0.1) < shown(0.5) < shown(0.9)
    costs = [lesion(kind, severity=severity).cost_logmar for severity in (0.1, 0.5, 0.9)]
    assert costs == sorted(costs)


@pytest.mark.parametrize("kind", KINDS)
def test_the_views_of_an_eye_agree_where_they_cross(kind):
    eye = eye_with(lesion(kind), index=3)
    build = Build.draw(eye.seed, eye.age_years, eye.axial_length_mm)
    lines = {view: scan_line(eye, HEIDELBERG_LIKE, view) for view in DIRECTIONS}
    aim_y, aim_x = lines["horizontal"][1][0], lines["vertical"][0][0]
    step_mm = HEIDELBERG_LIKE.lateral_um_per_px / 1000.0
    depths = {}
    for view, (x_mm, y_mm) in lines.items():
        section = cut(build, eye.lesions, x_mm, y_mm)
        nearest = int(np.argmin(np.hypot(x_mm - aim_x, y_mm - aim_y)))
        assert np.hypot(x_mm[nearest] - aim_x, y_mm[nearest] - aim_y) <= 0.51 * step_mm
        profile = [top[nearest] for top in section.surfaces_um().values()]
        depths[view] = [*profile, 100 * section.ellipsoid[nearest], 100 * section.pigment[nearest]]
    # Two A-scans half a pixel apart: a few µm at the steepest, against 300 µm of retina.
    assert np.allclose(depths["horizontal"], depths["vertical"], atol=12.0)


def test_the_same_place_is_the_same_retina_whatever_line_is_cut():
    eye = eye_with(lesion("cystoid"), lesion("drusen", seed=1))
    build = Build.draw(eye.seed, eye.age_years, eye.axial_length_mm)
    along = np.linspace(-1.0, 1.0, 201)
    first = cut(build, eye.lesions, along, np.zeros(201)).surfaces_um()["rnfl"]
    second = cut(build, eye.lesions, np.zeros(201), along).surfaces_um()["rnfl"]
    oblique = cut(build, eye.lesions, along * 0.6, along * 0.8).surfaces_um()["rnfl"]
    assert first[100] == pytest.approx(second[100]) == pytest.approx(oblique[100])
    assert not np.allclose(first, second)


def test_no_cyst_of_an_eccentric_oedema_reaches_the_other_line():
    for seed in range(40):
        swelling = lesion("cystoid", "horizontal", severity=seed / 40, seed=seed)
        for cyst in cysts_of(swelling):
            assert abs(cyst.x_mm) - cyst.semi_x_mm > FIXATION_LIMIT_MM


def test_a_left_eye_is_drawn_mirrored_in_horizontal_scans_only():
    right = eye_with(laterality="OD")
    left = replace(right, laterality="OS")
    first, second = (scan(eye, HEIDELBERG_LIKE, "horizontal") for eye in (left, right))
    assert np.array_equal(first, second[:, ::-1])
    first, second = (scan(eye, HEIDELBERG_LIKE, "vertical") for eye in (left, right))
    assert np.array_equal(first, second)


def test_nerve_fibres_are_thicker_on_the_nasal_side():
    build = Build.draw((1,), 70.0, 23.5)
    section = cut(build, (), np.array([-2.5, 2.5]), np.zeros(2))
    temporal, nasal = section.thickness_um["rnfl"]
    assert nasal > 1.8 * temporal


def test_a_denser_cataract_lowers_the_signal_quality():
    figures = []
    for loss in (0.0, 3.0, 6.0):
        scans = [
            scan(eye_with(index=i, signal_loss_db=loss), device, "horizontal")
            for i in range(3)
            for device in DEVICES
        ]
        figures.append(np.mean([signal_quality(image) for image in scans]))
    assert figures == sorted(figures, reverse=True)
    assert figures[0] - figures[-1] > 0.1


def test_the_shadow_of_the_lens_is_patchy_and_the_same_for_both_views():
    eye = eye_with(signal_loss_db=5.0, cataract="cortical")
    x_mm, y_mm = scan_line(eye, HEIDELBERG_LIKE, "horizontal")
    light = lens_signal(eye, x_mm, y_mm)
    assert light.max() / light.min() > 1.3
    one, three = (lens_signal(eye, np.zeros(n), np.zeros(n)) for n in (1, 3))
    assert np.all(three == one)


def test_imaging_reads_both_devices_and_takes_the_direction_mark_out(tmp_path):
    import cv2

    for device, layout in ((HEIDELBERG_LIKE, "plain"), (CIRRUS_LIKE, "cirrus_overlay")):
        path = tmp_path / f"{device.name}.png"
        cv2.imwrite(str(path), scan(eye_with(), device, "horizontal"))
        bscan = read_bscan(path)
        assert bscan.device_layout == layout
        assert Preprocessing()(bscan.pixels, "OD", "horizontal").mean() > 20


def test_an_impossible_lesion_is_refused_with_its_value():
    with pytest.raises(ValueError, match=r"severity must lie in 0\.\.1, got 1\.5"):
        Lesion("drusen", 0.0, 0.0, 0.5, 0.5, 1.5, "both", 0)
    with pytest.raises(ValueError, match="'scar'"):
        Lesion("scar", 0.0, 0.0, 0.5, 0.5, 0.5, "both", 0)
