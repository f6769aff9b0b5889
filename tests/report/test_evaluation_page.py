import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from ctt_net import INTENDED_USE
from ctt_net.baselines.clinical import Baselines
from ctt_net.report.comparison import verdict
from ctt_net.report.page import render
from tests.report.whole_report import write_report
from tests.simulated_tables import evaluate_with_warnings as evaluate

EVIL = "<script>alert('x')</script>"


@pytest.fixture
def baselines(eyes, spec):
    return Baselines.fit(eyes, spec).predict(eyes).set_axis(eyes["eye_id"])


def undrawn(draw, name, description, height, **_):
    return Markup("<svg></svg>"), b""


@pytest.fixture
def page(predictions, baselines, outcomes, potential, tmp_path, monkeypatch, drawn):
    def write(table=predictions, beside=baselines, drawn=False, reader=None, **facts):
        if not drawn:  # it is most of the time
            monkeypatch.setattr("ctt_net.report.drawing.svg_and_png", undrawn)
        metrics = evaluate(table, beside, outcomes, oracle=potential, reader=reader, bootstrap=100)
        written = write_report(metrics, table, beside, outcomes, tmp_path, **facts)
        return written.read_text(encoding="utf-8"), metrics

    return write


class Balance(HTMLParser):
    """Collects elements and complains if one is closed out of order."""

    VOID = ("meta", "br", "img", "link", "hr")

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_perfect_reader_is_shown_and_explained_where_there_is_one(page, potential):
    label, words = "Perfect reader of scans and preop VA", "The perfect reader knows everything"
    text, metrics = page(reader=potential + 0.2)
    assert label in text
    assert words in text
    assert metrics["reader"]["mae"]["value"] > metrics["oracle"]["mae"]["value"]
    assert words not in page()[0]


@pytest.mark.slow
def test_a_drawn_page_is_sound_and_asks_nothing_of_any_network(page):
    html, _ = page(drawn=True)
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert parser.seen.count("svg") == parser.seen.count("figcaption") == 15
    assert len(set(parser.ids)) == len(parser.ids)
    assert not re.search(r"https?:|//[a-z]|@import|<link|<script|url\((?!#)", html)
    assert re.search(r"Content-Security-Policy\"\s+content=\"default-src 'none'", html)
    for target in re.findall(r'(?:href|src)="([^"]*)"', html):
        assert target.startswith(("#", "data:"))
    wanted = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html))
    ids = set(re.findall(r'\bid="([^"]+)"', html))
    assert wanted
    assert {a or b for a, b in wanted} <= ids


def test_names_are_escaped(page, predictions, baselines):
    beside = baselines.rename(columns={"preop_only": EVIL})
    html, _ = page(
        predictions, beside, title=EVIL, cohort={EVIL: EVIL}, model={"run": EVIL}, synthetic=True
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5


def test_the_first_words_are_the_verdict_and_the_intended_use(page):
    html, metrics = page()
    body = html[html.index("<body>") :]
    assert INTENDED_USE in body
    assert body.index(verdict(metrics)) < body.index("<table>") < body.index("<svg")


def test_simulated_eyes_are_called_so_and_real_ones_are_not(page):
    assert "simulated: no clinical validity" in page(synthetic=True)[0]
    assert "simulated: no" not in page(synthetic=False)[0]


def test_warnings_and_figures_are_on_the_page(page, predictions):
    few = predictions.iloc[:20]
    html, metrics = page(few, cohort={"name": "Tiny"}, model={"backbone": "resnet18"})
    assert metrics["warnings"]
    for text in (*metrics["warnings"], "Tiny", "resnet18", "20 eyes of 10 patients"):
        assert text in html
    assert f"{metrics['regression']['mae']['value']:.3f}" in html
    assert f"{metrics['recovery']['reaches_0.30']['auroc']['value']:.3f}" in html


@pytest.mark.slow
def test_the_same_figures_give_the_same_bytes(page, predictions):
    first, _ = page(drawn=True)
    again, _ = page(predictions.iloc[::-1], drawn=True)
    assert again == first


def test_no_patient_is_named_and_of_the_eyes_only_the_worst_by_their_id(page, eyes, predictions):
    html, _ = page()
    for name in eyes["patient_id"]:
        assert not re.search(rf"\b{name}\b", html)
    size = (predictions["predicted_logmar"] - predictions["postop_logmar"]).abs()
    worst = set(predictions.loc[size.nlargest(10).index, "eye_id"])
    named = set(re.findall(r"\be\d{4}\b", html))
    assert worst <= named
    assert len(named) <= 16
    gallery = html[html.index('id="largest"') : html.index('id="methods"')]
    assert named == set(re.findall(r"\be\d{4}\b", gallery))


def test_a_bare_table_still_makes_a_page(page, predictions):
    bare = predictions.drop(columns=["p_reaches_0.30", "p_gains_0.20"]).iloc[:1]
    bare[["lower_logmar", "upper_logmar", "p_recovery", "preop_logmar"]] = np.nan
    html, _ = page(bare, None)
    assert "1 eye of 1 patient" in html
    assert "nan" not in re.sub(r"<[^>]*>", "", html).lower()
    assert "None" not in html


def test_thousands_of_eyes_do_not_make_a_heavy_page(predictions, tmp_path):
    many = pd.concat([predictions] * 50, ignore_index=True)
    many["eye_id"] = [f"e{i:05d}" for i in range(len(many))]
    many["patient_id"] = many["eye_id"]
    metrics = evaluate(many, None, (), bootstrap=2)
    written = write_report(metrics, many, None, (), tmp_path)
    assert written.stat().st_size < 500_000


def test_a_template_that_lacks_a_value_fails_and_another_folder_may_hold_its_own(tmp_path):
    own = tmp_path / "own.html"
    own.write_text('{% extends "base.html" %}{% block main %}{{ who }}{% endblock %}')
    html = render("own.html", folder=tmp_path, title="T", synthetic=False, who=EVIL)
    assert "&lt;script&gt;" in html
    assert INTENDED_USE in html
    with pytest.raises(UndefinedError):
        render("own.html", folder=tmp_path, title="T", synthetic=False)


@pytest.mark.slow
def test_off_chart_eyes_are_counted_and_drawn_hollow(page, predictions):
    predictions.loc[:2, "flags"] = "off_chart_preop"
    html, metrics = page(predictions, drawn=True)
    assert "3 eyes before and 0 eyes after surgery" in html
    assert f"{metrics['regression_on_chart']['mae']['value']:.3f}" in html
    assert html.count("counting fingers or less</text>") == 2
