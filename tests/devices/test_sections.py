"""The fovea, and what is cut through it."""

import numpy as np
import pytest

from ctt_net.devices import Acquisition, cut_foveal_sections, foveal_sections, raster_lines
from ctt_net.devices.fovea import locate_fovea
from ctt_net.errors import InputError


def lines_of(count, across=6.0, along=6.0, upwards=False):
    """(N, 4) mm of horizontal lines over a field."""
    y = np.linspace(0, along, count)
    y = y[::-1] if upwards else y
    return np.stack([np.zeros(count), y, np.full(count, across), y], axis=1)


def acquire(volume, **facts):
    """A raster over 6x6 mm."""
    count, _, width = volume.shape
    facts = {
        "lateral_um_per_px": 6000 / (width - 1), "spacing_um": 6000 / max(count - 1, 1),
        "pattern": "raster", "positions": lines_of(count), **facts,
    }  # fmt: skip
    return Acquisition(volume, **facts)


@pytest.mark.parametrize("pit", [(0.0, 0.0), (0.9, -0.7), (-1.1, 0.4), (0.2, 1.2)])
@pytest.mark.parametrize("count", [25, 49])
def test_the_pit_is_found_within_one_bscan(make, pit, count):
    got = locate_fovea(acquire(make.volume(count, 160, 192, pit=pit, seed=count)))
    assert got.found
    assert abs(got.index - (pit[1] + 3) / 6 * (count - 1)) <= 1
    assert abs(got.column - (pit[0] + 3) / 6 * 191) * 6 / 191 <= 0.12  # mm


def test_a_retina_without_a_pit_gives_the_middle_and_says_so(make):
    cut = cut_foveal_sections(acquire(make.volume(25, 160, 192, depth=0.0)))
    assert not cut.fovea.found
    assert (cut.fovea.index, cut.fovea.column) == (12, 95)
    assert "middle of the volume" in cut.notes[0]


def test_a_dark_volume_gives_the_middle():
    assert not locate_fovea(acquire(np.zeros((25, 80, 90), np.uint8))).found


def test_sections_meet_in_the_fovea(make):
    pit = (0.8, -0.6)
    volume = make.volume(49, 160, 192, pit=pit)
    cut = cut_foveal_sections(acquire(volume, positions=lines_of(49, upwards=True)))
    horizontal, vertical = cut.sections["horizontal"], cut.sections["vertical"]
    assert np.array_equal(horizontal, volume[cut.fovea.index])
    assert vertical.shape == (160, round(49 * 125 / (6000 / 191)))  # as wide as it is long
    assert vertical.dtype == np.uint8
    # The column of the crossing, in both.
    meeting = int((cut.fovea.index + 0.5) * vertical.shape[1] / 49)
    crossing = volume[cut.fovea.index][:, cut.fovea.column].astype(int)
    assert np.abs(vertical[:, meeting].astype(int) - crossing).mean() < 12
    assert "49 B-scans 125 um apart" in cut.notes[-1]


def test_the_left_end_of_a_vertical_section_is_the_lower_one(make):
    volume = make.volume(25)
    volume[0] = 0  # the first B-scan is recognisable
    up = foveal_sections(acquire(volume, positions=lines_of(25, upwards=True)))["vertical"]
    down = foveal_sections(acquire(volume, positions=lines_of(25)))["vertical"]
    assert up[:, 0].max() == 0
    assert down[:, -1].max() == 0
    assert up[:, -1].max() > 0


def test_bscans_scanned_backwards_are_turned_round(make):
    volume = make.volume(25)
    ends = lines_of(25)[:, [2, 1, 0, 3]]
    cut = cut_foveal_sections(acquire(volume, positions=ends))
    assert np.array_equal(cut.sections["horizontal"], volume[cut.fovea.index][:, ::-1])


def test_a_volume_of_vertical_bscans(make):
    volume = make.volume(25)
    upright = lines_of(25)[:, [1, 2, 1, 0]]
    cut = cut_foveal_sections(acquire(volume, positions=upright))
    assert np.array_equal(cut.sections["vertical"], volume[cut.fovea.index])
    assert "horizontal" in cut.sections


def test_an_oblique_volume_gives_nothing(make):
    half = 0.5**0.5
    ends = lines_of(25) @ np.kron(np.eye(2), [[half, half], [-half, half]])
    assert foveal_sections(acquire(make.volume(25), positions=ends)) == {}


@pytest.mark.parametrize(
    ("count", "facts", "word"),
    [
        (19, {}, "too few"),
        (25, {"spacing_um": None}, "distance between"),
        (25, {"lateral_um_per_px": None}, "width of a pixel"),
        (25, {"spacing_um": 5000.0}, "span 125.0 mm"),
        (25, {"spacing_um": 2.0}, "span 0.1 mm"),
    ],
)
def test_a_vertical_section_is_left_out_rather_than_guessed(make, count, facts, word):
    cut = cut_foveal_sections(acquire(make.volume(count), **facts))
    assert set(cut.sections) == {"horizontal"}
    assert word in cut.notes[-1]


def test_a_volume_without_positions_is_taken_as_horizontal_and_says_so(make):
    cut = cut_foveal_sections(acquire(make.volume(25), positions=None))
    assert set(cut.sections) == {"horizontal", "vertical"}
    assert "taken as horizontal" in " ".join(cut.notes)


def test_single_lines_by_their_direction(make):
    volume = make.volume(2)
    across, upright = [0, 3, 6, 3], [3, 6, 3, 0]
    both = Acquisition(volume, pattern="line", positions=np.array([upright, across], float))
    sections = foveal_sections(both)
    assert np.array_equal(sections["horizontal"], volume[1])
    assert np.array_equal(sections["vertical"], volume[0])
    one = Acquisition(volume[:1], pattern="line", positions=np.array([across], float))
    assert set(foveal_sections(one)) == {"horizontal"}
    one = Acquisition(volume[:1], pattern="line", positions=np.array([upright], float))
    assert set(foveal_sections(one)) == {"vertical"}
    unknown = cut_foveal_sections(Acquisition(volume[:1], pattern="line"))
    assert unknown.sections == {}
    assert "not recorded" in unknown.notes[0]


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7])
def test_raster_lines_lie_evenly_around_the_fovea(make, k):
    volume = make.volume(49, 160, 192, pit=(0.0, 0.5))
    acquisition = acquire(volume)
    index = locate_fovea(acquisition).index
    lines = raster_lines(acquisition, k)
    places = [next(i for i, b in enumerate(volume) if np.array_equal(b, line)) for line in lines]
    assert len(lines) == k
    assert places == sorted(set(places))
    assert abs(np.mean(places) - index) <= 0.5
    assert np.ptp(np.diff(places)) <= 1 if k > 2 else True
    assert (places[-1] - places[0]) * 0.125 <= 3.0


def test_raster_lines_of_a_fovea_at_the_edge_still_are_k(make):
    volume = make.volume(7, 160, 192)
    assert len(raster_lines(acquire(volume), 7)) == 7
    assert len(raster_lines(acquire(volume), 4)) == 4


def test_more_raster_lines_than_bscans_are_refused(make):
    with pytest.raises(InputError, match="8 raster lines"):
        raster_lines(acquire(make.volume(7)), 8)
    line = Acquisition(make.volume(1), pattern="line")
    with pytest.raises(InputError, match="line of 1"):
        raster_lines(line, 1)
