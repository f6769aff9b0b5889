"""Where B-scans lie."""

import math

import numpy as np
import pytest

from ctt_net.devices.geometry import direction, is_circle, pattern_of, runs_backwards, spacing_um


def line(degrees, length=6.0, middle=(4.0, 4.0)):
    """Ends of a line; angles count upwards on the picture, where y points down."""
    dx, dy = (
        math.cos(math.radians(degrees)) * length / 2,
        -math.sin(math.radians(degrees)) * length / 2,
    )
    return np.array([middle[0] - dx, middle[1] - dy, middle[0] + dx, middle[1] + dy])


@pytest.mark.parametrize(
    ("degrees", "name", "backwards"),
    [
        (0, "horizontal", False),
        (-7, "horizontal", False),
        (180, "horizontal", True),
        (90, "vertical", False),
        (270, "vertical", True),
        (97, "vertical", False),
        (45, None, False),
    ],
)
def test_directions(degrees, name, backwards):
    assert direction(line(degrees)) == name
    assert runs_backwards(line(degrees)) == backwards


def test_a_point_has_no_direction():
    assert direction(np.zeros(4)) is None


def test_patterns():
    raster = np.stack([line(3, middle=(4, 2 + 0.1 * i)) for i in range(10)])
    assert pattern_of(raster) == "raster"
    assert pattern_of(raster[:1]) == "line"
    assert pattern_of(np.stack([line(0), line(90)])) == "line"
    assert pattern_of(np.stack([line(15 * i) for i in range(12)])) == "radial"
    assert pattern_of(np.stack([line(40 * i, middle=(4 + i, 4)) for i in range(4)])) == "unknown"
    # There and back again is still parallel.
    raster[1::2] = raster[1::2, [2, 3, 0, 1]]
    assert pattern_of(raster) == "raster"


def test_spacing_is_measured_across_the_lines():
    slanted = np.stack([line(20, middle=(4 + 0.5 * i, 4 + 0.1 * i)) for i in range(6)])
    normal = np.array([math.sin(math.radians(20)), math.cos(math.radians(20))])
    assert spacing_um(slanted) == pytest.approx(1000 * abs(normal @ (0.5, 0.1)))
    slanted[3] += [0, 0.5, 0, 0.5]
    assert spacing_um(slanted) is None
    assert spacing_um(slanted[:1]) is None


def test_a_circle_is_as_long_as_its_rim():
    assert is_circle(np.array([5.7, 4.0, 4.0, 4.0]), 2 * math.pi * 1.7)
    assert not is_circle(line(0), 6.0)
    assert not is_circle(line(0), None)
