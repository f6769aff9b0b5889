"""The nerve fibre layer tells the nasal end of a horizontal scan."""

import csv

import numpy as np
import pytest

from ctt_net.imaging import disc_side, read_bscan
from ctt_net.synthetic import DEVICES, draw_eyes, scan


def flipped(pixels):
    return disc_side(np.ascontiguousarray(pixels[:, ::-1]))


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_simulated_eyes_show_their_side(device):
    for eye in draw_eyes(6, seed=12):
        pixels = scan(eye, device, "horizontal")
        wanted, other = ("right", "left") if eye.laterality == "OD" else ("left", "right")
        assert disc_side(pixels).end == wanted
        assert flipped(pixels).end == other


def test_an_even_picture_has_no_side(draw):
    pixels = draw.bscan(noise=3)[0]
    pixels[:, 384:] = pixels[:, 383::-1]
    assert disc_side(pixels).end is None
    assert disc_side(np.full((200, 300), 30, np.uint8)).end is None


@pytest.mark.slow
def test_real_marked_scans_are_answered_rightly(quebec):
    answers = {"right": 0, "unsure": 0, "wrong": 0}
    for path, got in quebec.items():
        if got.ends is None:
            continue
        wanted = {"TN": "right", "NT": "left"}[got.ends]
        found = disc_side(got.pixels)
        kind = "unsure" if found.end is None else "right" if found.end == wanted else "wrong"
        answers[kind] += 1
        mirrored = flipped(got.pixels)
        assert mirrored.strength == pytest.approx(-found.strength, abs=1e-3), path.name
    assert answers == {"right": 95, "unsure": 4, "wrong": 0}


def test_real_scans_of_other_devices_and_without_mark(real_data, quebec, repository):
    export = read_bscan(real_data / "heidelberg" / "spectralis_export_1264x496.tif")
    assert disc_side(export.pixels).end == "right"
    discs = {"CNV-53018-1.jpeg": "left", "DRUSEN-95633-1.jpeg": "right"}  # the disc is in view
    for name, end in discs.items():
        assert disc_side(read_bscan(real_data / "kermany" / name).pixels).end == end
    with (repository / "datasets/chu_quebec/sides.csv").open() as file:
        rows = list(csv.DictReader(file))
    unmarked = {path.name.split("_")[0]: got for path, got in quebec.items() if got.ends is None}
    assert len(rows) == len(unmarked) == 5
    for row in rows:
        wanted = {"OD": "right", "OS": "left"}[row["laterality"]]
        assert disc_side(unmarked[row["id"]].pixels).end == wanted
