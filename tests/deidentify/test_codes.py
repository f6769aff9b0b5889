"""Codes join under one key, and under another they do not."""

import hashlib
import hmac
import string
from base64 import b32encode

from ctt_net.deidentify.key import Codes

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
