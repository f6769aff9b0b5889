"""Words for eyes that read no chart, and the distances beside them."""

import pytest

from ctt_net.acuity import NOTATIONS, OFF_CHART_POLICIES, AcuityError, parse_va

WORDS = {
    "CF": [
        "CF", "cf", "FC", "count fingers", "Counting Fingers", "finger counting", "指数", "数指",
        "CF 1m", "CF/1m", "cf@2ft", "CF at 3 feet", "CF 1/2 m", "CF 0.5m", "FC 30cm", "FC/20cm",
        "CF 6\"", "CF 1'", "CF 3", "CF 30-50cm", "CF - 1m", "30cm CF", "1m/指数",
        "指数/30cm", "指数/眼前30cm",
        "指数／眼前３０ｃｍ", "眼前指数", "指数 30厘米", "指数/一尺", "30cm指数", "眼前30cm/指数",
        "CF close to face", "指数(CF)", "CF1m",
    ],
    "HM": [
        "HM", "hm", "hand motion", "Hand movements", "手动", "HM/30cm", "HM/20cm", "HM 1 m",
        "眼前手动", "手动/眼前", "手动/眼前20cm", "20cm手动", "hand motions at 2 ft",
        "HM in front of eye",
    ],
    "LP": [
        "LP", "PL", "light perception", "perception of light", "光感", "LP+", "LP (+)", "PL +ve",
        "光感(+)", "光感（＋）", "光感/5m", "光感/眼前", "LP with projection", "光感 光定位准",
        "光感不确", "有光感", "PL+ PR+", "PL +ve, PR accurate",
    ],
    "NLP": [
        "NLP", "NPL", "nlp", "no light perception", "No perception of light", "no LP", "no PL",
        "无光感", "无 光感", "光感(-)", "光感（－）", "光感-", "光感（一）", "光感消失", "LP-",
        "PL -ve", "LP(-)", "眼前30cm无光感", "无光感。",
    ],
}  # fmt: skip
EVERY_WORD = [(word, texts) for word, many in WORDS.items() for texts in many]

# Written out a second time on purpose: a changed digit in the package must fail here.
TABLE = {
    "bach": (1.9, 2.3, 2.7, 3.0),
    "schulze": (1.85, 2.30, None, None),
    "lange": (1.98, 2.28, None, None),
    "herrero": (2.00, 2.60, None, None),
    "holladay": (2.0, 3.0, None, None),
    "nod_style": (2.1, 2.4, 2.7, 3.0),
    "five_mark": (2.0, 3.0, 4.0, 5.0),
    "cttnet_ref": (2.0, 2.0, 2.0, 2.0),
}
CELLS = [
    (policy, word, value)
    for policy, values in TABLE.items()
    for word, value in zip(("CF", "HM", "LP", "NLP"), values, strict=True)
]


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(("word", "text"), EVERY_WORD)
def test_a_word_is_read_in_every_notation_and_its_distance_is_not(word, text, notation):
    acuity = parse_va(text, notation)

    assert acuity.off_chart == word
    assert acuity.logmar == {"CF": 1.9, "HM": 2.3, "LP": 2.7, "NLP": 3.0}[word]
    assert acuity.text == text


@pytest.mark.parametrize(("policy", "word", "value"), CELLS)
def test_each_policy_gives_its_published_value_or_says_it_has_none(policy, word, value):
    mark = {"NLP": "0", "LP": "1", "HM": "2", "CF": "3"}[word]
    if value is None:
        for text, notation in ((word, "decimal"), (mark, "five_mark")):
            with pytest.raises(AcuityError, match=f"{policy}.*no logMAR for {word};.*bach.*nod"):
                parse_va(text, notation, policy)
    else:
        assert parse_va(word, "decimal", policy).logmar == value
        assert parse_va(mark, "five_mark", policy).logmar == value
        assert parse_va(mark, "five_mark", policy).off_chart == word


def test_policies_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        OFF_CHART_POLICIES["bach"]["CF"] = 0.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("眼前", "眼前 says where"),
        ("眼前30cm", "眼前 says where"),
        ("30cm", "distance alone"),
        ("1m", "distance alone"),
        ("1 m", "distance alone"),
        ("FL", "follows light"),
        ("LP?", "keep one reading"),
        ("(LP-)", "keep one reading"),
        ("LP - 5m", "keep one reading"),
        ("CF 6/93 CF cm", "keep one reading"),
        ("CF 20 CF", "keep one reading"),
        ("LP/NLP", "two off-chart words"),
        ("CF/HM", "two off-chart words"),
        ("CF 20/200", "no distance"),
        ("CF 0.05", "no distance"),
        ("CF 20/200 1m", "no distance"),
        ("20/200 CF", "no distance"),
        ("not LP", "no distance"),
        ("无手动", "no distance"),
        ("LP: no", "no distance"),
        ("non-LP", "no distance"),
        ("CFX", "expected"),
        ("SCF", "expected"),
        ("help", "expected"),
        ("n.l.p.", "expected"),
    ],
)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_doubtful_word_is_refused_in_every_notation(text, says, notation):
    with pytest.raises(AcuityError, match=says):
        parse_va(text, notation)
