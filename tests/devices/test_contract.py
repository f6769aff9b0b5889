"""What every device format owes the rest, whoever wrote the file."""

import logging
import random
import resource
import subprocess
import sys
import warnings

import numpy as np
import pytest

from ctt_net.devices import is_device_file, read_acquisition
from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.read import READERS
from ctt_net.errors import InputError
from ctt_net.imaging import read_bscan

FORMATS = ("vol", "xml", "e2e", "fda", "fds", "img", "dcm")


def test_every_reader_is_under_contract():
    suffixes = {suffix.lstrip(".") for reader in READERS for suffix in reader.suffixes}
    assert suffixes - set(FORMATS) == {"dicom"}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_volume_comes_out_of_every_format(members, kind):
    volume, files = members
    told = []
    got = read_acquisition(files[kind], progress=lambda done, total: told.append((done, total)))
    assert told in ([], [(1, 3), (2, 3), (3, 3)])  # nothing where there is nothing to decode
    assert np.abs(got.bscans.astype(int) - volume).max() <= 1
    assert got.laterality == "OD"
    assert got.pattern == "raster"
    assert got.manufacturer
    assert got.scan_date in ("2017-01-11", "2017-01-12", "2016-05-09", "2015-05-11", "2014-03-17")
    assert 1 < got.axial_um_per_px < 30
    assert got.spacing_um is None or 100 < got.spacing_um < 4000


@pytest.mark.parametrize("kind", FORMATS)
def test_nobody_can_tell_whose_eye_it_is(members, make, kind):
    _, files = members
    got = read_acquisition(files[kind])
    shown = " ".join(repr(value) for value in vars(got).values())
    assert not [secret for secret in make.secrets if secret in shown]


def test_the_record_has_no_field_for_an_identity():
    fields = set(Acquisition.__dataclass_fields__)
    assert not {
        name for name in fields if any(w in name for w in ("patient", "name", "birth", "id_"))
    }


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_is_known_by_what_is_in_it(members, tmp_path, kind):
    _, files = members
    assert is_device_file(files[kind])
    if kind in ("img", "xml"):  # samples without a header; a table that names other files
        return
    other = tmp_path / "export_without_suffix"
    other.write_bytes(files[kind].read_bytes())
    assert is_device_file(other)
    assert read_acquisition(other).laterality == "OD"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), b"\xff" * 5000])
def test_what_is_no_such_file_is_refused_by_name(members, kind, content):
    _, files = members
    files[kind].write_bytes(content)
    with pytest.raises(InputError, match=files[kind].name[:10]):
        read_acquisition(files[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_is_refused_or_read_and_never_breaks_the_program(members, kind):
    _, files = members
    file = files[kind]
    whole = file.read_bytes()
    rng = random.Random(7)
    read, messages = 0, []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for attempt in range(300):
        data = bytearray(whole)
        if attempt % 3 == 0:
            data = data[: rng.randrange(len(data))]
        else:
            # Half of the flips hit the header, where they hurt most.
            reach = len(data) if attempt % 3 == 1 else min(len(data), 3000)
            for _ in range(rng.randint(1, 8)):
                data[rng.randrange(reach)] = rng.randrange(256)
        file.write_bytes(data)
        try:
            got = read_acquisition(file)
        except InputError as error:
            messages.append(str(error))
        else:
            read += 1
            assert got.bscans.dtype == np.uint8
            assert got.bscans.ndim == 3
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 1024  # MB
    assert len(messages) >= 90, read
    assert all(file.name in message or ".tif" in message for message in messages)


@pytest.mark.parametrize("kind", ["vol", "fda", "fds", "dcm"])
def test_where_a_picture_is_expected_the_message_says_how_to_get_one(members, kind):
    with pytest.raises(InputError, match="ctt-net convert FILE OUT"):
        read_bscan(members[1][kind])


def test_no_library_of_a_format_is_loaded_before_it_is_needed(repository):
    code = (
        "import sys, ctt_net.devices, ctt_net.cli.convert\n"
        "print(sorted({'eyepy', 'pydicom', 'skimage', 'construct', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_what_a_library_remarks_on_a_file_stays_off_the_screen(
    members, monkeypatch, capfd, caplog, recwarn
):
    reader = next(one for one in READERS if ".vol" in one.suffixes)
    read = type(reader).read

    def talkative(self, path, progress):
        warnings.warn("of Mustermann", stacklevel=2)
        logging.getLogger("eyepy.io").warning("of Mustermann")
        logging.getLogger("pydicom").error("of Mustermann")
        return read(self, path, progress)

    monkeypatch.setattr(type(reader), "read", talkative)
    assert read_acquisition(members[1]["vol"]).laterality == "OD"
    assert "Mustermann" not in "".join(capfd.readouterr()) + caplog.text
    assert not [w for w in recwarn if "Mustermann" in str(w.message)]
    assert logging.getLogger("eyepy").level == logging.NOTSET
