"""The catalogues say the same things, and know all that deeper modules say."""

import re
import string
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import ctt_net.imaging
from ctt_net.acuity import BANDS
from ctt_net.biomarkers import measures
from ctt_net.errors import InputError
from ctt_net.inference import patient_measures
from ctt_net.inference.words import LANGUAGES, Words, notes_zh, texts
from ctt_net.uncertainty.abstention import ABSTENTION_REASONS
from ctt_net.uncertainty.calibration import calibration_warnings
from ctt_net.uncertainty.conformal import Scores
from ctt_net.uncertainty.flags import IN_WORDS

# Names, units and notations that are written so in Chinese, too.
LATIN = {
    "ctt", "net", "evaluate", "OD", "OS", "OCT", "RPE", "ILM", "OPL", "ELM", "EZ", "Bruch", "mm",
    "logMAR", "Shapley", "CF", "HM", "LP", "NLP", "yaml", "patient", "device", "scale", "B",
    "acquisition", "CMYK", "A", "m",
}  # fmt: skip


def places(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places(language):
    english, other = texts("en"), texts(language)
    assert set(other) == set(english)
    assert [key for key in english if places(other[key]) != places(english[key])] == []
    assert {f"flag.{name}" for name in IN_WORDS} <= set(other)
    assert {f"reason.{name}" for name in ABSTENTION_REASONS} <= set(other)


def test_the_chinese_texts_hold_no_english_words():
    every = [*texts("zh").values(), *notes_zh.NOTES.values(), *notes_zh.SENTENCES.values()]
    for text in every:
        words = re.findall(r"[A-Za-z]+", re.sub(r"\{[^}]*\}", "", text))
        assert set(words) <= LATIN, text


def test_every_note_of_the_reader_is_translated():
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(ctt_net.imaging.__file__).parent.rglob("*.py")
    )
    codes = set(re.findall(r"Note\(\s*\"(\w+)\"", source))
    assert len(codes) > 15
    assert codes <= set(notes_zh.NOTES)


def test_every_note_of_the_measurement_is_translated():
    said = [
        value
        for module in (measures, patient_measures)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and " " in value
    ]
    filled = [one.format("ellipsoid") if "{}" in one else one.replace("{:g}", "1") for one in said]
    assert len(filled) > 12
    words = Words("zh")
    for sentence in filled:
        assert re.search("[一-鿿]", words.sentence(sentence)), sentence
    assert words.sentence("part of the central 3 mm is outside the scan or invisible") == (
        "中央 3 mm 部分超出扫描范围或不可见"
    )
    assert words.sentence("a sentence nobody knows") == "a sentence nobody knows"


def test_warnings_of_a_model_are_translated(small_run):
    from ctt_net.model_folder.predictor import Predictor

    calibration = Predictor.load(small_run).calibrations[0]
    few = calibration_warnings([replace(calibration, scores=Scores({BANDS[0]: (1.0, 2.0)}))])
    blind = SimpleNamespace(members=[SimpleNamespace(abstention=None)])
    for sentence in (*few, *Predictor._no_limit(blind)):
        assert re.search("[一-鿿]", Words("zh").sentence(sentence)), sentence


def test_a_language_that_is_none_is_refused():
    with pytest.raises(InputError, match="no language 'de'; choose one of en, zh"):
        Words("de")
