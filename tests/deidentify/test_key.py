"""The key file, and codes and date shifts derived from it."""

import hashlib
import hmac
import os
import stat
import string
from base64 import b32encode

import pytest

from ctt_net.deidentify.key import Codes, read_or_make_key
from ctt_net.errors import InputError


def test_it_is_made_once_for_its_owner(tmp_path):
    path = tmp_path / "key.txt"
    made = read_or_make_key(path, [])
    assert made.made
    assert len(made.secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = read_or_make_key(path, [])
    assert (again.made, again.secret, again.warning) == (False, made.secret, "")
    assert made.secret.hex() not in repr(made)
    assert read_or_make_key(tmp_path / "other", []).secret != made.secret


def test_it_may_not_lie_in_what_is_passed_on(tmp_path):
    folder = tmp_path / "cohort" / "below"
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    for path in (folder / "key", tmp_path / "link" / "key"):
        with pytest.raises(InputError, match="keep it elsewhere"):
            read_or_make_key(path, [tmp_path / "cohort"])
    assert not list(folder.iterdir())


def test_a_link_is_refused(tmp_path):
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(InputError, match="is a link"):
        read_or_make_key(tmp_path / "link", [])


@pytest.mark.parametrize("text", ["", "ab" * 31, "xy" * 32, "a" * 65, "schlüssel"])
def test_what_is_no_key_is_refused_unseen(tmp_path, text):
    (tmp_path / "key").write_text(text)
    with pytest.raises(InputError, match="64 or more hexadecimal") as said:
        read_or_make_key(tmp_path / "key", [])
    assert not text or text not in str(said.value)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_key_that_others_may_read_is_a_warning(tmp_path):
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o640)
    assert "chmod 600" in read_or_make_key(tmp_path / "key", []).warning


def test_no_folder_for_it(tmp_path):
    with pytest.raises(InputError, match=r"cannot be made: .*; make the folder .*no first"):
        read_or_make_key(tmp_path / "no" / "key", [])


ONE, OTHER = Codes(b"1" * 32), Codes(b"2" * 32)


def test_a_code_is_the_published_mac_and_nothing_else():
    mac = hmac.new(b"1" * 32, "ctt-net 1 patient\0王伟 42".encode(), hashlib.sha256).digest()
    assert ONE.code("patient", "王伟 42") == "p" + b32encode(mac[:10]).decode().lower()


def test_same_key_joins_and_another_does_not():
    names = [f"patient {n}" for n in range(500)]
    again = Codes(b"1" * 32).table("patient", reversed(names))
    codes = ONE.table("patient", names)
    assert codes == again
    assert not set(codes.values()) & set(OTHER.table("patient", names).values())
    assert not {code[1:] for code in codes.values()} & {ONE.code("eye", name)[1:] for name in names}
    assert set("".join(codes.values())) <= set(string.ascii_lowercase + "234567")
    assert {len(code) for code in codes.values()} == {17}


def test_days_are_within_a_year_and_spread():
    days = [ONE.days_back(f"patient {n}") for n in range(3000)]
    assert min(days) == 1
    assert max(days) == 365
    assert abs(sum(days) / len(days) - 183) < 3 * 105.4 / 3000**0.5
    assert days[:50] != [OTHER.days_back(f"patient {n}") for n in range(50)]
