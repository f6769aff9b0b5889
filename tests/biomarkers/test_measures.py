"""Drawn segmentations measure what geometry says, simulated eyes what they were made with."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ctt_net.biomarkers import DEFINITIONS, NAMES, measure
from ctt_net.biomarkers.hole import running_median
from ctt_net.imaging.segmentation import LESIONS, SURFACES, Segmentation
from ctt_net.synthetic import DEVICES
from ctt_net.synthetic.anatomy import Build
from ctt_net.synthetic.disease import place
from ctt_net.synthetic.extras import Extra
from ctt_net.synthetic.hole_forms import HoleForm
from ctt_net.synthetic.macula import cut
from ctt_net.synthetic.population import draw_patient
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan, scan_line, shaped_section

AXIAL, LATERAL = 4.0, 10.0
# Rows of the surfaces of a level retina of 80 rows, 320 µm, without a pit.
LEVEL = dict(zip(SURFACES, (100, 130, 160, 167, 175, 175, 180, 180, 250), strict=True))


class Drawn:
    """A level retina in 600 A-scans of 10 µm and rows of 4 µm, to be drawn on."""

    def __init__(self, width=600, height=300):
        self.surfaces = {name: np.full(width, float(row)) for name, row in LEVEL.items()}
        self.lesions = {name: np.zeros((height, width), bool) for name in LESIONS}
        self.visible = np.ones(width, bool)

    def segmentation(self):
        surfaces = np.stack(list(self.surfaces.values())).astype(np.float32)
        return Segmentation(surfaces, np.stack(list(self.lesions.values())), self.visible)

    def measured(self, axial=AXIAL, lateral=LATERAL):
        return measure(self.segmentation(), axial, lateral)

    def pit(self, at, depth_rows=28, half_width=100):
        """A cone-shaped pit in the inner retina."""
        away = np.abs(np.arange(self.visible.size) - at)
        self.surfaces["ilm"] += depth_rows * np.clip(1.0 - away / half_width, 0.0, 1.0)
        return self


def test_a_rectangular_hole():
    eye = Drawn()
    eye.lesions["hole"][100:175, 280:320] = True
    found = eye.measured()
    assert found["hole"] == 1
    assert found["hole_minimum_diameter_um"] == 400.0
    assert found["hole_base_diameter_um"] == 400.0
    assert found["hole_minimum_diameter_share"] == pytest.approx(40 / 600)
    assert found["hole_height_um"] == pytest.approx(75 * AXIAL)
    assert found["macular_hole_index"] == pytest.approx(300 / 400)
    assert found["tractional_hole_index"] == pytest.approx(300 / 400)
    assert found["diameter_hole_index"] == 1.0
    assert found["fovea_share"] == pytest.approx(0.5)
    assert found["ellipsoid_gap_um"] == found["elm_gap_um"] == 400.0
    assert found["ellipsoid_intact_share"] == pytest.approx(0.8, abs=0.005)
    assert found["cyst_area_mm2"] == 0.0
    for name in ("central_thickness_um", "central_subfield_thickness_um", "foveal_depth_um"):
        assert found[name] is None


def test_an_hourglass_is_measured_at_its_waist_and_its_base():
    eye = Drawn()
    for row in range(100, 175):
        half = 15 + abs(row - 135)  # 30 A-scans at row 135, 108 at the lowest
        eye.lesions["hole"][row, 300 - half : 300 + half] = True
    found = eye.measured()
    narrow, base, up = 300.0, 1080.0, (175 - 135) * AXIAL
    assert found["hole_minimum_diameter_um"] == pytest.approx(narrow, abs=20)
    assert found["hole_base_diameter_um"] == pytest.approx(base, abs=20)
    assert found["diameter_hole_index"] == pytest.approx(narrow / base, abs=0.02)
    arm = np.hypot((base - narrow) / 2, up)
    assert found["hole_form_factor"] == pytest.approx(2 * arm / base, rel=0.02)


def test_the_width_of_a_tilted_hole_is_measured_along_the_pigment_epithelium():
    eye = Drawn(height=500)
    shift = np.arange(600) // 4  # 60 rows of 4 µm over 2.4 mm: 6 degrees
    for surface in eye.surfaces.values():
        surface += shift
    for column in range(270, 330):
        eye.lesions["hole"][100 + shift[column] : 175 + shift[column], column] = True
    assert eye.measured()["hole_minimum_diameter_um"] == 600.0


def test_fluid_under_the_rims_belongs_to_the_base_and_is_no_subretinal_fluid():
    eye = Drawn()
    eye.lesions["hole"][100:175, 280:320] = True
    for name in ("elm", "ez", "photoreceptor_tips"):
        eye.surfaces[name][270:330] -= 5.0
    found = eye.measured()
    assert found["hole_minimum_diameter_um"] == 400.0
    assert found["hole_base_diameter_um"] == 600.0
    assert found["subretinal_fluid_area_mm2"] == 0.0


@pytest.mark.parametrize(
    ("first", "last", "hole", "is_open"),
    [
        (100, 175, True, 1.0),  # whole thickness
        (110, 175, True, 1.0),  # 87 % of it: a veil above
        (125, 175, True, 0.0),  # 67 %, under a roof
        (140, 175, True, 0.0),  # 47 %: impending
        (100, 150, False, None),  # open to the vitreous, but closed at the bottom: lamellar
        (102, 160, False, None),  # 77 %, touching neither
    ],
)
def test_a_hole_touches_the_epithelium_and_may_have_a_closed_roof(first, last, hole, is_open):
    eye = Drawn().pit(300, depth_rows=0)
    eye.lesions["hole"][first:last, 280:320] = True
    found = eye.measured()
    assert found["hole"] == hole
    assert found["hole_open"] == is_open
    area = (last - first) * 40 * AXIAL * LATERAL / 1e6
    assert found["cyst_area_mm2"] == pytest.approx(0.0 if hole else area)
    assert found["hole_minimum_diameter_um"] == (400.0 if hole else None)
    assert ("vitreous in this scan" in found.row()["note"]) == (is_open == 0.0)


def test_the_width_of_a_tent_is_measured_half_way_up():
    eye = Drawn().pit(300, depth_rows=0)
    for height in range(40):  # a triangle, 80 A-scans wide at the epithelium, on 40 rows
        eye.lesions["hole"][174 - height, 260 + height : 340 - height] = True
    found = eye.measured()
    assert found["hole_open"] == 0.0
    assert found["hole_minimum_diameter_um"] == pytest.approx(40 * LATERAL, abs=80.0)


def test_fluid_under_a_roof_is_a_hole_only_where_one_is_possible():
    eye = Drawn().pit(300, depth_rows=0)
    for name in ("elm", "ez", "photoreceptor_tips"):
        eye.surfaces[name][280:320] -= 20.0
    assert eye.measured()["hole"] == 0.0
    eye.lesions["hole"] = eye.lesions["hole"].astype(float)
    eye.lesions["hole"][160:170, 295:305] = 0.4
    assert eye.measured()["hole"] == 1.0


def test_thickness_of_a_cone_shaped_pit():
    eye = Drawn().pit(320)
    found = eye.measured()
    assert found.fovea == pytest.approx(320, abs=1)
    assert found["fovea_share"] == pytest.approx(320.5 / 600, abs=0.002)
    # 28 rows lower at the centre, 0 at 1 mm: in the central 1 mm 21 rows lower in the mean.
    assert found["central_thickness_um"] == pytest.approx((80 - 28) * AXIAL, abs=3)
    assert found["central_subfield_thickness_um"] == pytest.approx((80 - 21) * AXIAL, abs=1)
    assert found["inner_retinal_thickness_um"] == pytest.approx((30 - 21) * AXIAL, abs=1)
    assert found["outer_retinal_thickness_um"] == pytest.approx(45 * AXIAL)
    assert found["foveal_depth_um"] == pytest.approx(28 * AXIAL, abs=3)
    # From 0.5 to 1 mm 7 rows lower in the mean, from 1 to 1.5 mm none.
    assert found["parafoveal_thickness_um"] == pytest.approx((80 - 3.5) * AXIAL, abs=1)
    assert found["choroidal_thickness_um"] == pytest.approx(70 * AXIAL)
    assert found.notes == ()


def test_cysts_beside_the_pit_do_not_move_the_fovea():
    eye = Drawn().pit(320)
    # Swelling by cysts on the pit itself: the surface is level again, the tissue is not.
    swollen = np.arange(290, 351)
    for column in swollen:
        lift = int(eye.surfaces["ilm"][column] - 102)
        eye.surfaces["ilm"][column] -= lift
        eye.lesions["cyst"][128 - lift : 128, column] = True
    assert eye.measured().fovea == pytest.approx(320, abs=5)


def test_without_a_pit_the_middle_stands_for_the_fovea_and_is_noted():
    found = Drawn().measured()
    assert found["fovea_share"] == 0.5
    assert found.notes == (
        "no foveal pit was found; the middle of the scan stands for the foveal centre",
    )


def test_gaps_in_the_ellipsoid_zone_and_the_limiting_membrane():
    eye = Drawn().pit(300)
    eye.lesions["ez_loss"][167:175, 330:380] = True
    eye.lesions["ez_loss"][167:175, 150:230] = True  # further away
    eye.lesions["elm_loss"][158:163, 290:310] = True
    eye.lesions["elm_loss"][158:163, 330:333] = True  # 30 µm: the shadow of a vessel
    found = eye.measured()
    assert found["ellipsoid_gap_um"] == 500.0
    assert found["ellipsoid_gap_share"] == pytest.approx(50 / 600)
    assert found["ellipsoid_intact_share"] == pytest.approx((200 - 50 - 30) / 200, abs=0.01)
    assert found["elm_gap_um"] == 200.0
    assert found["elm_intact_share"] == pytest.approx(0.9, abs=0.01)


def test_a_gap_that_leaves_the_scan_has_no_length():
    eye = Drawn(width=400).pit(100)
    eye.lesions["ez_loss"][167:175, :110] = True
    found = eye.measured()
    assert found["ellipsoid_gap_um"] is None
    assert found["ellipsoid_gap_share"] is None
    assert "the ellipsoid gap leaves the scan" in found.notes


def test_a_gap_far_from_the_fovea_is_none_of_the_fovea():
    eye = Drawn().pit(300)
    eye.lesions["ez_loss"][167:175, 30:90] = True
    assert eye.measured()["ellipsoid_gap_um"] == 0.0


def test_an_island_shorter_than_40_um_does_not_end_a_gap():
    eye = Drawn().pit(300)
    eye.lesions["ez_loss"][167:175, 270:330] = True
    eye.lesions["ez_loss"][167:175, 300:303] = False
    assert eye.measured()["ellipsoid_gap_um"] == 600.0


def test_photoreceptors_of_no_thickness_are_lost():
    eye = Drawn().pit(300)
    eye.surfaces["ez"][280:320] = 174.8
    assert eye.measured()["ellipsoid_gap_um"] == 400.0


def test_areas_and_heights_of_fluid_drusen_and_cysts():
    eye = Drawn().pit(300)
    for name in ("elm", "ez", "photoreceptor_tips"):
        eye.surfaces[name][200:300] -= 10.0
    triangle = 20.0 * np.clip(1.0 - np.abs(np.arange(600) - 450) / 50, 0.0, 1.0)
    for name in ("rpe", "rpe_base", "photoreceptor_tips", "ez", "elm"):
        eye.surfaces[name] -= triangle
    eye.lesions["cyst"][110:120, 400:420] = True
    eye.lesions["cyst"][110:112, 500:505] = True  # 400 µm²: a speck
    found = eye.measured()
    assert found["subretinal_fluid_area_mm2"] == pytest.approx(100 * 10 * 40e-6)
    assert found["subretinal_fluid_height_um"] == pytest.approx(40.0)
    assert found["drusen_height_um"] == pytest.approx(80.0)
    # Height 80 µm, half width 500 µm; below 12 µm (15 % of the flank) nothing counts.
    assert found["drusen_area_mm2"] == pytest.approx(0.04 * (1 - 0.15**2), rel=0.02)
    assert found["cyst_area_mm2"] == pytest.approx(200 * 40e-6)


def test_atrophy_and_membrane():
    eye = Drawn().pit(300)
    eye.lesions["rpe_loss"][175:180, 100:150] = True
    eye.lesions["rpe_loss"][175:180, 400:430] = True
    ilm = np.round(eye.surfaces["ilm"]).astype(int)
    for column in range(300, 400):
        eye.lesions["membrane"][ilm[column] - 3 : ilm[column] + 3, column] = True
    found = eye.measured()
    assert found["rpe_loss_um"] == 800.0
    assert found["rpe_loss_share"] == pytest.approx(80 / 600)
    assert found["membrane_share"] == pytest.approx(100 / 300, abs=0.01)


def drawn_with_everything():
    eye = Drawn().pit(320)
    eye.lesions["ez_loss"][167:175, 310:350] = True
    eye.lesions["elm_loss"][158:163, 310:350] = True
    eye.lesions["cyst"][110:120, 400:420] = True
    eye.lesions["rpe_loss"][175:180, 100:150] = True
    eye.lesions["membrane"][97:103, 390:440] = True
    return eye


def test_a_mirrored_scan_measures_the_same_but_for_the_place_of_the_fovea():
    eye = drawn_with_everything()
    eye.lesions["hole"][100:175, 300:340] = True
    eye.lesions["hole"][150:175, 290:340] = True
    for scan in (eye, drawn_with_everything()):
        one = measure(scan.segmentation(), AXIAL, LATERAL)
        other = measure(scan.segmentation().mirrored(), AXIAL, LATERAL)
        for name in NAMES:
            expected = 1.0 - one[name] if name == "fovea_share" else one[name]
            assert other[name] == pytest.approx(expected), name


def test_pixels_of_another_shape_measure_the_same():
    eye = drawn_with_everything()
    fine = measure(eye.segmentation(), AXIAL, LATERAL)
    truth = eye.segmentation()
    doubled = Segmentation(
        np.repeat(truth.surfaces, 2, axis=1), np.repeat(truth.lesions, 2, axis=2),
        np.repeat(truth.visible, 2),
    )  # fmt: skip
    other = measure(doubled, AXIAL, LATERAL / 2)
    for name in NAMES:
        if fine[name] is None:
            assert other[name] is None, name
        else:
            assert other[name] == pytest.approx(fine[name], rel=0.02, abs=0.005), name


def test_without_a_scale_only_shares_and_ratios_are_measured():
    eye = drawn_with_everything()
    found = eye.measured(axial=None, lateral=None)
    units = {definition.name: definition.unit for definition in DEFINITIONS}
    measured = {name for name in NAMES if found[name] is not None}
    assert {units[name] for name in measured} <= {"share", "0/1", "ratio"}
    assert measured == {
        "fovea_share", "hole", "ellipsoid_gap_share", "elm_gap_share", "rpe_loss_share",
    }  # fmt: skip
    assert "the distance of A-scans is unknown" in found.notes[0]
    across = eye.measured(axial=None)
    assert across["ellipsoid_gap_um"] == 400.0
    assert across["central_thickness_um"] is None
    deep = eye.measured(lateral=None)
    assert deep["central_thickness_um"] == pytest.approx(208.0, abs=3)
    assert deep["central_subfield_thickness_um"] is None


def test_definitions_say_which_scales_a_measure_needs():
    eye = drawn_with_everything()
    hole = drawn_with_everything()
    hole.lesions["hole"][100:175, 300:340] = True
    for axial, lateral in ((None, LATERAL), (AXIAL, None), (None, None), (AXIAL, LATERAL)):
        known = {"axial"} if axial else set()
        known |= {"lateral"} if lateral else set()
        scans = eye.measured(axial, lateral), hole.measured(axial, lateral)
        for definition in DEFINITIONS:
            measured = any(scan[definition.name] is not None for scan in scans)
            assert measured == (set(definition.needs) <= known), definition.name


@pytest.mark.parametrize("what", ["margin", "clipped"])
def test_what_is_outside_the_picture_is_not_measured(what):
    eye = Drawn().pit(300)
    if what == "margin":
        eye.visible[330:] = False
    else:
        eye.surfaces["ilm"][330:] = -2.0
    found = eye.measured()
    for name in ("central_subfield_thickness_um", "ellipsoid_intact_share", "membrane_share"):
        assert found[name] is None
    assert "part of the central 1 mm is outside the scan or invisible" in found.notes
    assert found["drusen_area_mm2"] == 0.0


def test_a_hole_whose_mouth_is_above_the_picture_is_a_hole_with_a_base_only():
    eye = Drawn()
    for surface in eye.surfaces.values():
        surface -= 110.0  # the uppermost 10 of 75 rows are gone
    eye.lesions["hole"][:65, 280:320] = True
    eye.surfaces["ilm"][:200] = eye.surfaces["ilm"][400:] = 1.0
    found = eye.measured()
    assert found["hole"] == 1
    assert found["hole_base_diameter_um"] == 400.0
    assert found["hole_minimum_diameter_um"] is None
    assert found["hole_height_um"] is None
    assert "the hole is partly outside the picture: only its base is measured" in found.notes


def test_a_choroid_that_ends_below_the_picture_is_not_measured():
    eye = Drawn().pit(300)
    eye.surfaces["choroid_sclera"][:] = 305.0
    assert eye.measured()["choroidal_thickness_um"] is None


@pytest.mark.parametrize("what", ["invisible", "flat", "nan"])
def test_a_picture_without_a_retina_measures_nothing_and_says_so(what):
    eye = Drawn()
    if what == "invisible":
        eye.visible[:] = False
    for name in SURFACES:
        eye.surfaces[name][:] = {"flat": 120.0, "nan": np.nan}.get(what, LEVEL[name])
    found = eye.measured()
    assert all(found[name] is None for name in NAMES)
    assert found.notes == ("no retina was found",)
    assert found.row()["note"] == "no retina was found"


def test_a_wrong_scale_is_refused():
    with pytest.raises(ValueError, match="lateral_um must be positive, got -1"):
        Drawn().measured(lateral=-1.0)


def test_each_measure_carries_the_sd_of_its_error():
    eye = Drawn().pit(300)
    found = measure(eye.segmentation(), AXIAL, LATERAL, {"central_thickness_um": 7.5})
    assert found.row()["central_thickness_um_sd"] == 7.5
    assert found.row()["hole_height_um_sd"] is None
    assert measure(eye.segmentation(), None, None, {"central_thickness_um": 7.5}).row()[
        "central_thickness_um_sd"
    ] is None  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_nonsense_is_measured_without_an_error(seed):
    rng = np.random.default_rng(seed)
    surfaces = np.sort(rng.uniform(-20, 220, (9, 80)), axis=0).astype(np.float32)
    lesions = rng.uniform(size=(6, 200, 80)) ** (0.3 * seed + 0.2)
    found = measure(Segmentation(surfaces, lesions, rng.uniform(size=80) < 0.9), 4.0, 70.0)
    assert all(found[name] is None or np.isfinite(found[name]) for name in NAMES)


def simulated(kind, device, direction, severity, laterality="OD", index=3):
    """A scan with one lesion: measures, section, mm of its A-scans, lesions, segmentation."""
    lesions = () if kind is None else (place(kind, severity, "both", np.random.default_rng(2)),)
    eye = replace(draw_patient("p", (5, index))[0], lesions=lesions, laterality=laterality)
    _, truth = labelled_scan(eye, device, direction)
    found = measure(truth, device.axial_um_per_px, device.lateral_um_per_px)
    x_mm, y_mm = scan_line(eye, device, direction)
    build = Build.draw(eye.seed, eye.age_years, eye.axial_length_mm)
    section = cut(build, lesions, x_mm, y_mm)
    along = x_mm if direction == "horizontal" else y_mm
    return found, section, along, lesions, truth


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("severity", [0.0, 0.4, 1.0])
def test_a_simulated_hole_is_as_wide_and_high_as_it_was_made(device, direction, severity):
    found, section, along, (lesion,), truth = simulated("macular_hole", device, direction, severity)
    aside = np.hypot(section.x_mm - lesion.x_mm, section.y_mm - lesion.y_mm).min()
    chord = 2000.0 * np.sqrt(lesion.hole_radius_mm**2 - aside**2)
    pixel = device.lateral_um_per_px
    assert found["hole_minimum_diameter_um"] == pytest.approx(chord, abs=1.5 * pixel)
    # The simulated hole is 1 + 0.9 * (0.55 - s) ** 1.7 times as wide at the share s of its height.
    widest = 2000.0 * np.sqrt((1.33 * lesion.hole_radius_mm) ** 2 - aside**2)
    assert chord < found["hole_base_diameter_um"] <= widest + pixel
    assert found["hole_base_diameter_um"] > 0.9 * widest - pixel
    rows = np.arange(truth.height)[:, None]
    ilm, rpe = truth.surface("ilm"), truth.surface("rpe")
    tissue = (rows >= ilm) & (rows < rpe) & ~truth.lesion("hole")
    near = section.hole_ratio * lesion.hole_radius_mm <= 1.33 * lesion.hole_radius_mm + 0.5
    height = (rpe - np.argmax(tissue, axis=0))[near].max() * device.axial_um_per_px
    assert found["hole_height_um"] == pytest.approx(height, abs=2 * device.axial_um_per_px)
    assert found["ellipsoid_gap_um"] >= found["hole_base_diameter_um"]
    centre = lesion.x_mm if direction == "horizontal" else lesion.y_mm
    width = along.size * pixel / 1000.0
    assert found["fovea_share"] == pytest.approx(
        0.5 + (centre - along.mean()) / width, abs=pixel / 1000.0 / width
    )


@pytest.mark.parametrize("severity", [0.3, 0.6, 0.9])
def test_holes_of_other_forms_are_as_wide_as_their_walls_stand_apart(severity):
    device = DEVICES[1]
    for seed in range(4):
        extra = Extra("hole_form", severity, seed)
        eye = replace(draw_patient("p", (5, 3))[0], lesions=(), extras=(extra,))
        _, truth = labelled_scan(eye, device, "horizontal")
        found = measure(truth, device.axial_um_per_px, device.lateral_um_per_px)
        form = HoleForm.of(extra)
        x_mm, y_mm = scan_line(eye, device, "horizontal")
        dx, dy = x_mm - form.x_mm, y_mm - form.y_mm
        away = 1000.0 * np.hypot(dx, dy) - form.radius_towards_um(np.arctan2(dy, dx))
        side = np.sign(dx + dy).astype(np.float32)
        widths = [
            (form.edge_um(np.full_like(side, share), side) > away).sum()
            for share in np.linspace(0.0, 0.98, 50)
        ]
        pixel = device.lateral_um_per_px
        narrowest = found["hole_minimum_diameter_um"]
        middle = min(widths[20:31])  # shares 0.4 to 0.6 of the thickness
        assert narrowest == pytest.approx(middle * pixel, abs=2.5 * pixel)
        base = found["hole_base_diameter_um"] / pixel
        assert base > widths[1] - 2
        if not form.cuff_um:  # else the base includes the fluid under the rim
            assert base < widths[0] + 2


@pytest.mark.parametrize("kind", ["lamellar_hole", "pseudohole", "outer_gap", "central_cyst"])
def test_what_resembles_a_full_thickness_hole_is_none(kind):
    for seed in range(3):
        extras = (Extra(kind, 0.9, seed),)
        eye = replace(draw_patient("p", (5, 3))[0], lesions=(), extras=extras)
        _, truth = labelled_scan(eye, DEVICES[1], "vertical")
        assert measure(truth, 4.0, 8.0)["hole"] == 0


def test_fluid_of_a_simulated_eye_has_its_height_and_area():
    extras = (Extra("subretinal_fluid", 0.6, 3),)
    eye = replace(draw_patient("p", (5, 3))[0], lesions=(), extras=extras)
    device = DEVICES[0]
    _, truth = labelled_scan(eye, device, "horizontal")
    found = measure(truth, device.axial_um_per_px, device.lateral_um_per_px)
    build = Build.draw(eye.seed, eye.age_years, eye.axial_length_mm)
    height = shaped_section(eye, build, *scan_line(eye, device, "horizontal")).subretinal_um
    assert found["subretinal_fluid_height_um"] == pytest.approx(height.max(), abs=0.1)
    area = height[height >= 12.0].sum() * device.lateral_um_per_px / 1e6
    assert found["subretinal_fluid_area_mm2"] == pytest.approx(area, rel=0.01)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("laterality", ["OD", "OS"])
@pytest.mark.parametrize("kind", [None, "drusen", "cystoid", "ez_loss", "atrophy"])
def test_thicknesses_are_those_of_the_simulated_section(device, laterality, kind):
    found, section, along, *_ = simulated(kind, device, "horizontal", 0.6, laterality)
    tops = section.surfaces_um()
    central = np.abs(along) <= 0.5
    assert found["central_subfield_thickness_um"] == pytest.approx(
        tops["rnfl"][central].mean(), abs=3.0
    )
    inner = (tops["rnfl"] - tops["opl"])[central].mean()
    assert found["inner_retinal_thickness_um"] == pytest.approx(inner, abs=3.0)
    outer = (tops["opl"] - tops["rpe"])[central].mean()
    assert found["outer_retinal_thickness_um"] == pytest.approx(outer, abs=3.0)
    at_fovea = tops["rnfl"][np.argmin(np.abs(along))]
    assert found["central_thickness_um"] == pytest.approx(at_fovea, abs=4.0)
    assert found["drusen_height_um"] == pytest.approx(
        np.where(section.drusen_um >= 12.0, section.drusen_um, 0.0).max(), abs=0.1
    )
    assert found["subretinal_fluid_area_mm2"] == 0.0


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("severity", [0.2, 0.8])
def test_a_simulated_gap_is_as_long_as_it_was_made(device, severity):
    found, section, *_ = simulated("ez_loss", device, "horizontal", severity)
    pixel = device.lateral_um_per_px
    for name, band in (("ellipsoid_gap_um", section.ellipsoid), ("elm_gap_um", section.elm)):
        assert found[name] == pytest.approx((band < 0.5).sum() * pixel, abs=pixel)
    found, section, *_ = simulated("atrophy", device, "vertical", severity)
    assert found["rpe_loss_um"] == pytest.approx((section.pigment < 0.5).sum() * pixel, abs=pixel)
    assert found["ellipsoid_gap_um"] >= 0.95 * found["rpe_loss_um"]


@pytest.mark.parametrize(("border", "name"), [("edge", "nearest"), ("symmetric", "reflect")])
@pytest.mark.parametrize("size", [3, 4, 7])
def test_the_running_median_is_that_of_scipy(size, border, name):
    for count in (7, 8, 60):
        values = np.random.default_rng(count).normal(size=count)
        expected = ndimage.median_filter(values, size, mode=name)
        assert np.array_equal(running_median(values, size, border), expected)
