"""The patient's page: what it says first, in whose notation, and that its numbers add up."""

import copy
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from ctt_net.acuity import REPORT_NOTATIONS
from ctt_net.cohort import read_cohort
from ctt_net.inference.patient_figures import letters_that_add_up
from ctt_net.inference.patient_report import render_report
from ctt_net.inference.patient_texts import frequency
from ctt_net.inference.predict import predict_patient
from ctt_net.inference.words import Words
from ctt_net.model_folder.predictor import Predictor
from tests.inference.test_predict import as_patient
from tests.inference.test_words import LATIN

NAME = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def done(small_run, other_cohort, tmp_path_factory):
    """One eye with both views and a known scale, heat maps included."""
    cohort = read_cohort(other_cohort)
    whole = cohort.table[(cohort.table[["horizontal", "vertical"]] != "").all(axis=1)].iloc[[0]]
    folder = as_patient(
        cohort, whole, tmp_path_factory.mktemp("report") / "p", patient_id=NAME,
        preop_va={whole.iloc[0]["laterality"]: "20/63"},
        scale={"axial_um_per_px": 3.87, "lateral_um_per_px": 11.3},
    )  # fmt: skip
    return predict_patient(folder, Predictor.load(small_run), heat_maps=True)


def changed(done, similar=None, **changes):
    """The same with other numbers of its eye, answered."""
    prediction = copy.deepcopy(done.prediction)
    prediction["model"]["warnings"] = []
    eye = prediction["eyes"][0]
    eye.update(abstain_because=[], flags=[])
    for key, value in changes.items():
        eye[key] = {**eye[key], **value} if isinstance(value, dict) else value
    details = done.details
    if similar is not None:
        details = (replace(details[0], similar_logmar=np.array(similar)),)
    return replace(done, prediction=prediction, details=details)


def plain(page):
    """Text of a page as it is read, blanks joined."""

    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.parts, self.skipped = [], 0

        def handle_starttag(self, tag, attrs):
            self.skipped += tag == "style"
            self.parts += [value for key, value in attrs if key in ("alt", "aria-label") and value]

        def handle_endtag(self, tag):
            self.skipped -= tag == "style"

        def handle_data(self, data):
            if not self.skipped:
                self.parts.append(data)

    reader = Reader()
    reader.feed(page)
    return re.sub(r"\s+", " ", " ".join(reader.parts))


def sentence(page):
    (found,) = re.findall(r'<p class="answer">(.*?)</p>', page, flags=re.DOTALL)
    return re.sub("<[^>]+>", "", found)


GOOD = {
    "postop": {"logmar": 0.09, "etdrs_letters": 81},
    "interval": {"lower_logmar": -0.02, "upper_logmar": 0.31},
}


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        (
            None,
            "Predicted 20/25 (81 letters), likely between 20/40 and 20/20; now 20/63: about 4 "
            "lines (20 letters) better.",
        ),
        (
            "snellen_metres",
            "Predicted 6/7.5 (81 letters), likely between 6/12 and 6/6; now 6/19: about 4 lines "
            "(20 letters) better.",
        ),
        (
            "decimal",
            "Predicted 0.8 (81 letters), likely between 0.5 and 1.0; now 0.32: about 4 lines (20 "
            "letters) better.",
        ),
        (
            "logmar",
            "Predicted 0.10 (81 letters), likely between 0.32 and -0.02; now 0.50: about 4 lines "
            "(20 letters) better.",
        ),
        (
            "letters",
            "Predicted 81 letters, likely between 70 letters and 86 letters; now 60 letters: about "
            "4 lines (20 letters) better.",
        ),
        (
            "five_mark",
            "Predicted 4.9 (81 letters), likely between 4.7 and 5.0; now 4.5: about 4 lines (20 "
            "letters) better.",
        ),
    ],
)
def test_one_sentence_says_it_in_the_clinic_s_notation(done, notation, expected):
    assert sentence(changed(done, **GOOD).page(notation=notation)) == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"postop": {"logmar": 0.53}}, "now 20/63: about the same."),
        ({"postop": {"logmar": 0.7}}, "now 20/63: about 2 lines (10 letters) worse."),
        ({"preop": None}, "the acuity before surgery is unknown."),
        ({"preop": {"off_chart": "HM", "logmar": 2.3}}, "now HM (hand motion)."),
        ({"interval": {"upper_logmar": 2.2}}, "likely between worse than 20/800 and"),
        ({"interval": {"lower_logmar": -0.6}}, "and 20/10 or better; now"),
        ({"interval": {"lower_logmar": 0.36, "upper_logmar": 0.43}}, "likely about 20/50"),
    ],
)
def test_the_sentence_in_other_cases(done, changes, said):
    assert said in sentence(changed(done, **changes).page())


@pytest.mark.parametrize("notation", ["snellen_feet", "letters"])
def test_an_acuity_in_its_own_notation_is_shown_as_recorded(done, notation):
    text = {"snellen_feet": "20/60+1", "letters": "62"}[notation]
    preop = {"text": text, "notation": notation, "logmar": 0.457}
    shown = {"snellen_feet": "now 20/60+1: ", "letters": "now 62 letters: "}[notation]
    assert shown in sentence(changed(done, preop=preop).page(notation=notation))
    assert "now 0.32: " in sentence(changed(done, preop=preop).page(notation="decimal"))


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.834, "about 83 of 100 such eyes"), (0.9949, "about 99 of 100 such eyes"),
     (0.996, "more than 99 of 100 such eyes"), (1.0, "more than 99 of 100 such eyes"),
     (0.0051, "about 1 of 100 such eyes"), (0.004, "fewer than 1 of 100 such eyes"),
     (None, "not known without the acuity before surgery")],
)  # fmt: skip
def test_chances_are_natural_frequencies(probability, words):
    assert frequency(Words("en"), probability) == words


def test_the_dots_show_the_chance(done):
    page = changed(done, p_recovery={"reaches_0.30": 0.834, "gains_0.20": 0.9999}).page()
    dots = re.findall(r'<svg class="dots".*?</svg>', page, flags=re.DOTALL)
    assert [one.count('"dot on"') for one in dots] == [83, 99]
    assert [one.count("<circle") for one in dots] == [100, 100]
    assert "20/40 or better" in page
    assert "gain of 2 lines or more" in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shown_contributions_add_up_to_the_prediction_shown(done, language):
    page = done.page(language)
    table = page[page.index('<table class="why">') :].split("</table>")[0]
    numbers = [
        int(re.sub(r"[^\d−]", "", cell).replace("−", "-"))
        for cell in re.findall(r"<td>([^<]*\d[^<]*)</td>", table)
    ]
    eye = done.prediction["eyes"][0]
    assert len(numbers) == 2 + len(done.prediction["details"][0]["explanation"]["contributions"])
    assert sum(numbers[:-1]) == numbers[-1] == eye["postop"]["etdrs_letters"]
    exact = [
        -one["logmar"] / 0.02
        for one in done.prediction["details"][0]["explanation"]["contributions"]
    ]
    assert np.abs(np.array(numbers[1:-1]) - exact).max() <= 1


def test_rounding_keeps_every_part_within_one_of_its_value():
    rng = np.random.default_rng(0)
    for _ in range(200):
        parts = rng.normal(0, 8, rng.integers(2, 8)).tolist()
        total = round(sum(parts))
        whole = letters_that_add_up(parts, total)
        assert sum(whole) == total
        assert np.abs(np.array(whole) - parts).max() < 1.5


def test_an_eye_that_is_not_answered_is_grey_and_says_so_before_any_number(done):
    answered = changed(done).page()
    assert 'class="eye"' in answered
    assert re.search(r'<p class="answer">.*<strong>', answered)
    page = changed(done, abstain_because=["wide_interval"]).page()
    assert 'class="eye doubtful"' in page
    body = page.split("</style>")[1]
    first = body.index("Do not use the prediction for this eye.")
    assert first < body.index("too large for a useful prediction") < body.index('class="answer"')
    assert "Read first" not in body
    style = page.split("</style>")[0]
    rule = style[style.index(".doubtful .answer strong") :].split("}")[0]
    assert "font-weight: 400" in rule
    assert "such an interval" not in body  # no promise
    assert "such an interval" in answered


def test_what_limits_the_trust_comes_first(done):
    page = changed(done, flags=["missing_covariate:sex", "missing_view:vertical"]).page()
    body = page.split("</style>")[1]
    answer = body.index('class="answer"')
    for said in (
        "trained on simulated eyes: no clinical validity",
        "Not given: sex.",
        "is missing (vertical).",
        "is not known: evaluate the model",
    ):
        assert body.index(said) < answer
    prediction = copy.deepcopy(done.prediction)
    prediction["model"]["recalibrated_on"] = "our clinic"
    assert "recalibrated on cohort our clinic" in replace(done, prediction=prediction).page()


def test_similar_eyes_are_counted_and_their_outcomes_shown(done):
    reached = np.repeat([0.0, 0.1, 0.2, 0.5], [8, 10, 4, 2])
    page = changed(done, similar=reached).page()
    assert "24 eyes that the network was not trained on" in page
    assert "half of them reached 20/25 or better" in page
    assert "and half ended between 20/25 and 20/20" in page
    assert "and half ended at 20/32" in changed(done, similar=[0.2] * 12).page()
    assert page.count('class="eye-dot"') == 24
    few = changed(done, similar=reached[:9]).page()
    assert "Fewer than 10 eyes" in few
    assert "eye-dot" not in few.split("</style>")[1]
    assert "Not shown: the acuity" in changed(done, similar=reached, preop=None).page()
    without = replace(done, details=(replace(done.details[0], similar_logmar=None),))
    assert "similar eyes ended" not in without.page()


def test_a_model_keeps_how_held_out_eyes_ended_and_names_nobody(small_run, small_cohort):
    table = read_cohort(small_cohort).table
    folds = [small_run / f"fold_{fold}/model/similar_eyes.json" for fold in (1, 2)]
    written = "".join(path.read_text() for path in folds)
    for column in ("eye_id", "patient_id"):
        assert not [name for name in table[column] if str(name) in written]
    predictor = Predictor.load(small_run)
    pooled = predictor.similar_eyes.eyes
    assert len(pooled) == sum(len(one.similar_eyes.eyes) for one in predictor.members)
    for member, fold in zip(predictor.members, (1, 2), strict=True):
        own = member.similar_eyes.eyes
        # One eye of each patient of the fold that the member was not trained on.
        predictions = np.round(own[:, 2], 2)
        truth = np.floor(table["postop_logmar"].to_numpy() / 0.02 + 0.5) * 0.02
        assert set(predictions) <= set(np.round(truth, 2)), fold
        assert len(own) == member.calibration.n_patients


def test_measures_stand_beside_what_is_usual_with_its_source(done):
    page = plain(done.page())
    assert "thickness at the foveal centre" in page
    assert "182–273" in page
    assert "Grover 2009, doi 10.1016/j.ajo.2009.03.006" in page
    for one in done.prediction["details"][0]["measures"]:
        if one["name"] == "central_thickness_um":
            assert f"{one['value']:.0f} µm" in page
            low, high = one["normal_range"]
            assert (low, high) == (182, 273)


def test_layers_and_heat_maps_are_switched_without_a_script(done):
    page = done.page()
    assert "<script" not in page
    assert page.count('<svg class="layers"') == 2
    assert '<input type="checkbox" class="show-layers"' in page
    assert ".show-layers:not(:checked) ~ .scans .layers" in page
    scale = done.details[0].heat_maps["horizontal"]
    assert scale.shape == done.bscans[0]["horizontal"].pixels.shape
    strong = {view: np.full_like(heat, 0.05) for view, heat in done.details[0].heat_maps.items()}
    shown = replace(done, details=(replace(done.details[0], heat_maps=strong),)).page()
    assert shown.count('<img class="heat"') == 2
    assert "Full colour: 2.5 letters." in shown
    weak = {view: heat / 10 for view, heat in strong.items()}
    hidden = replace(done, details=(replace(done.details[0], heat_maps=weak),)).page()
    assert '<img class="heat"' not in hidden
    assert "No part of the scans moves the prediction" in hidden


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_stands_alone_and_escapes_what_it_is_given(done, language):
    page = done.page(language)
    assert "alert(1)" in page
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert "url(" not in page
    assert "http" not in page.replace("http-equiv", "")
    use = {"en": "Research use only. Not a medical device", "zh": "不是医疗器械"}[language]
    assert use in page
    assert f'<html lang="{ {"en": "en", "zh": "zh-CN"}[language] }">' in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for named in re.findall(r'(?:aria-labelledby|for)="([^"]+)"', page):
        assert set(named.split()) <= set(ids)
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert not re.findall(r"<img(?![^>]*alt=)", page)


def test_the_whole_page_is_chinese(done):
    similar = np.repeat([0.0, 0.1], 8)
    pages = [
        changed(done, similar=similar),
        changed(done, preop=None, flags=["no_preop_va", "missing_view:vertical", "low_quality"]),
        changed(done, abstain_because=["out_of_distribution"]),
    ]
    names = {"small", "run", "synthetic", "alert", "script", "F", "M", "doi", "ajo", "j", "Grover",
             "Margolis",
             "Am", "J", "Ophthalmol"}  # fmt: skip
    for one in pages:
        words = set(re.findall(r"[A-Za-z]+", plain(one.page("zh").split("<body>")[1])))
        assert words - LATIN - names <= set()
    assert "每 100 只此类眼中约" in pages[0].page("zh")


def test_a_chinese_report_of_an_unknown_acuity_is_in_five_marks(done):
    prediction = copy.deepcopy(done.prediction)
    prediction["report_notation"] = None
    page = render_report(prediction, done.bscans, done.details, "zh")
    assert "五分记录" in page
    assert re.search(r"预测术后视力 <strong>[345]\.\d（", page) or "doubtful" in page
    decimal = changed(done, postop={"logmar": 0.2}).page("zh", "decimal")
    assert "0.6（75 个字母）" in decimal


@pytest.mark.parametrize("notation", REPORT_NOTATIONS)
def test_every_notation_makes_a_page(done, notation):
    assert "Predicted" in done.page(notation=notation)


def test_a_page_without_details_leaves_them_out(done):
    page = render_report(done.prediction, done.bscans)
    assert "What the prediction rests on" not in page
    assert "data:image/jpeg" in page
