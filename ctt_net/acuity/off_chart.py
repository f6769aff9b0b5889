"""Off-chart acuities (CF, HM, LP, NLP): how they are written, and their logMAR by policy."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from ctt_net.acuity.record import AcuityError

# As an outcome a word then is "worse than the chart's end"; as an input it needs a number.
CENSORED = "censored"

# Bach, Visual Acuity Cheat Sheet, michaelbach.de/sci/acuity.html; LP, NLP imputed.
_BACH = {"CF": 1.9, "HM": 2.3, "LP": 2.7, "NLP": 3.0}

OFF_CHART_POLICIES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        name: MappingProxyType(values)
        for name, values in {
            "bach": _BACH,
            # Schulze-Bonsel 2006, pubmed 16505064: decimal 0.014, 0.005; LP unmeasurable.
            "schulze": {"CF": 1.85, "HM": 2.30},
            # Lange 2009, doi 10.1007/s00417-008-0926-0: LP is a lower bound, not a quantity.
            "lange": {"CF": 1.98, "HM": 2.28},
            # Herrero 2024, doi 10.1016/j.optom.2024.100531: medians.
            "herrero": {"CF": 2.00, "HM": 2.60},
            # Holladay 2004: 20/2000 and 20/20000, both at 2 feet.
            "holladay": {"CF": 2.0, "HM": 3.0},
            # Attributed to the UK national database; not confirmed in its publications.
            "nod_style": {"CF": 2.1, "HM": 2.4, "LP": 2.7, "NLP": 3.0},
            # Miao's marks 3, 2, 1, 0 put through his own formula, logMAR = 5 - L.
            "five_mark": {"CF": 2.0, "HM": 3.0, "LP": 4.0, "NLP": 5.0},
            # The published CTT-Net code gives every word the decimal 0.01.
            "cttnet_ref": {"CF": 2.0, "HM": 2.0, "LP": 2.0, "NLP": 2.0},
            CENSORED: _BACH,  # of inputs
        }.items()
    }
)

_LP = r"(?:lp|pl|light perception|perception of light|光感)"
# Longest first: "no light perception" before "light perception", 无光感 before 光感.
_WORDS = re.compile(
    r"(?:(?<![a-z])|(?![a-z]))(?:"  # Latin words whole; Chinese ones also right behind "30cm"
    rf"(?P<NLP>nlp|npl|(?:no|nil) {_LP}|无 ?光感|光感 ?(?:消失|无|阴性)"
    rf"|{_LP} ?(?:\(-(?:ve)?\)|\(一\)|negative|-ve|-(?= ?$)))"
    # 光感不确 (doubtful) is no proof of blindness, hence LP.
    rf"|(?P<LP>光感不确定?|有 ?光感|{_LP} ?(?:\(\+(?:ve)?\)|positive|\+ve|\+|存在|阳性)?)"
    r"|(?P<HM>hms?|hand (?:motions?|movements?|moving)|手动)"
    r"|(?P<CF>cfs?|fc|count(?:s|ing|ed)? fingers?|fingers? count(?:s|ing)?|指数|数指)"
    r")(?:(?<![a-z])|(?![a-z]))"
)
_NUMBER = r"(?:[0-9]{1,4}(?:[.,/][0-9]{1,3})?|[半一二两三四五六])"
_UNIT = r"(?:mm|cms?|m|met(?:er|re)s?|ft|feet|foot|in|inch(?:es)?|'|\"|厘米|公分|米|尺|寸)"
# What may stand beside a word: how far away, where, how sure. Its digits are never an acuity.
_BESIDE = re.compile(
    rf"(?<![0-9a-z.,]){_NUMBER}(?: ?[-~至] ?{_NUMBER})? ?{_UNIT}(?![a-z])"
    r"|(?<![a-z])(?:at|from|only|bare|in front of (?:the )?eyes?|(?:close to |near )?(?:the )?face"
    r"|(?:with|without|w/|w/o) (?:good |poor )?projection)(?![a-z])"
    r"|(?<![a-z])pr ?(?:[-+](?:ve)?|accurate|inaccurate)(?![a-z])"  # projection of rays
    r"|眼前|距离?|仅|光定位不?准确?"
)
_BARE_DISTANCE = re.compile(r"\|[ /@]*[0-9]{1,3}")
_SEPARATORS = "| /@,;:().。、"


def logmar_of_off_chart(word: str, policy: str) -> float:
    """The logMAR that a policy gives to `CF`, `HM`, `LP` or `NLP`.

    HM spans 2.28 to 3.0 and LP 2.7 to 4.0 between policies, so results must name theirs.

    Raises:
        AcuityError: If the policy is unknown or, as its authors could not measure it, gives the
            word no value.
    """
    if policy not in OFF_CHART_POLICIES:
        raise AcuityError(
            f"off-chart policy {policy!r} is unknown; choose one of {', '.join(OFF_CHART_POLICIES)}"
        )
    if word not in OFF_CHART_POLICIES[policy]:
        able = [name for name, values in OFF_CHART_POLICIES.items() if word in values]
        raise AcuityError(
            f"off-chart policy {policy!r} gives no logMAR for {word}; policies that do: "
            f"{', '.join(able)}"
        )
    return OFF_CHART_POLICIES[policy][word]


def off_chart_word(plain: str) -> str | None:
    """Which off-chart word a normalised reading holds, None if it holds none.

    >>> off_chart_word("指数/眼前30cm"), off_chart_word("无光感"), off_chart_word("0.5")
    ('CF', 'NLP', None)

    Raises:
        AcuityError: If it holds two of them, or a word and something besides a distance.
    """
    found = {str(match.lastgroup) for match in _WORDS.finditer(plain)}
    if not found:
        _check_whole_words(plain)
        return None
    if len(found) > 1:
        raise AcuityError(f"two off-chart words in one reading ({', '.join(sorted(found))})")
    word = found.pop()
    beside = _WORDS.sub("|", plain)
    left = _BESIDE.sub(" ", beside).strip(_SEPARATORS)
    if word != "LP":  # "LP-" is NLP; a dash anywhere else beside LP is too doubtful to drop
        left = left.strip(_SEPARATORS + "-")
    if left and not _BARE_DISTANCE.fullmatch(beside):
        raise AcuityError(f"{word} beside {left!r}, which is no distance; keep one reading a cell")
    return word


def _check_whole_words(plain: str) -> None:
    if "眼前" in plain:
        raise AcuityError("眼前 says where, not what the eye saw; add 指数, 手动 or 光感")
    if re.search(r"(?<![a-z])fl(?![a-z])", plain):
        raise AcuityError("FL may be 'follows light' or a slip for FC; write LP or CF")
    if re.fullmatch(rf"{_NUMBER} ?{_UNIT}", plain):
        raise AcuityError("a distance alone is no acuity; add CF, HM or LP")
