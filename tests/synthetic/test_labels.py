"""The true segmentation of a simulated scan lies where the picture shows it."""

from dataclasses import replace

import numpy as np
import pytest

from ctt_net.imaging.segmentation import LAYERS, LESIONS, SURFACES
from ctt_net.synthetic import CIRRUS_LIKE, DEVICES, HEIDELBERG_LIKE
from ctt_net.synthetic.disease import place
from ctt_net.synthetic.population import draw_patient
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan, scan


def labelled(kind=None, severity=0.7, device=CIRRUS_LIKE, direction="horizontal", **changes):
    lesions = () if kind is None else (place(kind, severity, "both", np.random.default_rng(1)),)
    eye = replace(draw_patient("p", (5, 0))[0], lesions=lesions, signal_loss_db=0.0, **changes)
    return labelled_scan(eye, device, direction)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("laterality", ["OD", "OS"])
def test_brightness_steps_where_the_surfaces_lie(device, direction, laterality):
    image, truth = labelled(device=device, direction=direction, laterality=laterality)
    part = slice(200, 500)
    rows = np.arange(image.shape[0])[:, None]

    def mean(surface, first, last):  # of the rows that lie this far below a surface
        away = rows - truth.surface(surface)[part]
        return image[:, part][(away >= first) & (away < last)].mean()

    assert mean("ilm", 2, 8) > 2 * mean("ilm", -12, -4)
    assert mean("ez", 1, 5) > 1.5 * mean("ez", -6, -2)
    assert mean("bruch", 4, 9) < mean("bruch", -4, -1)
    assert mean("opl", 4, 12) < mean("opl", -20, -4)  # the outer nuclear layer is dark


def test_surfaces_never_cross_and_layers_are_their_order():
    _, truth = labelled("drusen")
    assert (np.diff(truth.surfaces, axis=0) >= 0).all()
    layers = truth.layer_map()
    assert (np.diff(layers.astype(int), axis=0) >= 0).all()
    assert set(np.unique(layers)) == set(range(len(LAYERS))) - {LAYERS.index("subretinal_fluid")}
    assert len(SURFACES) == len(LAYERS) - 1


@pytest.mark.parametrize(
    ("kind", "lesion"),
    [
        ("macular_hole", "hole"),
        ("cystoid", "cyst"),
        ("ez_loss", "ez_loss"),
        ("atrophy", "rpe_loss"),
        ("erm", "membrane"),
    ],
)
def test_each_lesion_is_labelled_where_it_changes_the_picture(kind, lesion):
    image, truth = labelled(kind)
    healthy, none = labelled()
    assert truth.lesion(lesion).sum() > 50
    assert not none.lesions.any()
    if kind not in ("macular_hole", "cystoid"):  # both lift the surface, so pixels do not match
        changed = np.abs(image.astype(int) - healthy)[truth.lesion(lesion)].mean()
        assert changed > 2 * np.abs(image.astype(int) - healthy)[:100].mean() + 5
    dark = truth.lesion("hole") | truth.lesion("cyst")
    if dark.any():
        tissue = (truth.layer_map() == LAYERS.index("inner_retina")) & ~dark
        assert image[dark].mean() < 0.7 * image[tissue].mean()


def test_a_hole_is_as_wide_as_its_lesion_says():
    _, truth = labelled("macular_hole", severity=0.5)
    hole = truth.lesion("hole")
    narrowest = hole.sum(axis=1)[hole.any(axis=1)][5:-12].min() * CIRRUS_LIKE.lateral_um_per_px
    assert narrowest == pytest.approx(500.0, abs=60.0)  # diameter at severity 0.5, cut off axis


def test_the_labels_of_a_scan_change_nothing_in_it_and_know_its_margin():
    eye = draw_patient("p", (5, 3))[0]
    image, truth = labelled_scan(eye, HEIDELBERG_LIKE, "horizontal")
    np.testing.assert_array_equal(image, scan(eye, HEIDELBERG_LIKE, "horizontal"))
    assert (image[:, ~truth.visible] == 0).all()
    assert truth.lesions.shape == (len(LESIONS), *image.shape)
