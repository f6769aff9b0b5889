"""What the report shows: only what the metrics hold, in words and numbers that agree with them."""

import copy
import re
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ctt_net.baselines.clinical import Baselines
from ctt_net.report.drawing import STYLE, WIDTH_IN, numbers_as_csv, svg_and_png
from ctt_net.report.recovery_figures import decision
from ctt_net.report.selective_figures import coverage_by_band
from ctt_net.report.summary import plain_words
from ctt_net.report.tables import recovery_table
from tests.report.whole_report import write_report
from tests.simulated_tables import evaluate_with_warnings as evaluate


@pytest.fixture
def metrics(predictions, eyes, spec, outcomes):
    table = predictions.assign(fold=eyes["patient_id"].str[1:].astype(int) % 5 + 1)
    table.loc[:11, "flags"] = "abstain;wide_interval"
    baselines = Baselines.fit(eyes, spec).predict(eyes).set_axis(eyes["eye_id"])
    groups = eyes.set_index("eye_id")[["sex"]].assign(site=["$a", "<b>"] * 60)
    found = evaluate(
        table, baselines, outcomes, groups=groups, covariates=["age"], bootstrap=60, guarantee="So."
    )
    return found, table, baselines


@pytest.fixture
def undrawn(monkeypatch):
    """Figures by name only, for tests that look at the words: drawing is most of the time."""

    def stub(draw, name, description, height, **_):
        return Markup('<svg aria-labelledby="t"></svg>'), b""

    monkeypatch.setattr("ctt_net.report.drawing.svg_and_png", stub)


@pytest.fixture
def write(metrics, outcomes, tmp_path, drawn):
    def done(found=None, out="out", **facts):
        own, table, baselines = metrics
        found = own if found is None else found
        path = write_report(found, table, baselines, outcomes, tmp_path / out, **facts)
        return path.read_text(encoding="utf-8"), path.parent

    return done


def section(html, anchor):
    """The part of a page that a line of its contents leads to."""
    start = html.index(f'<details id="{anchor}"')
    return html[start : html.index("</details>", start)]


class Headings(HTMLParser):
    """Headings of sections, header cells without a scope, and pictures without a name."""

    def __init__(self):
        super().__init__()
        self.headings, self.unscoped, self.unnamed, self.inside = [], 0, 0, ""

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.unscoped += tag == "th" and "scope" not in dict(attrs)
        self.unnamed += tag == "svg" and "aria-labelledby" not in dict(attrs)
        self.unnamed += tag == "img" and not dict(attrs).get("alt")

    def handle_data(self, data):
        if self.inside == "h2" and data.strip():
            self.headings.append(data.strip())


@pytest.mark.slow
def test_every_figure_lies_beside_the_page_as_numbers_and_as_a_picture(write, metrics):
    html, out = write()
    stems = {path.stem for path in (out / "figures").iterdir() if path.suffix == ".csv"}
    assert len(stems) == html.count("<figcaption>") == 15
    for stem in stems:
        with Image.open(out / "figures" / f"{stem}.png") as picture:
            assert min(picture.size) > 300
    drawn = pd.read_csv(out / "figures/scatter.csv")
    found = metrics[0]
    mae = (drawn["predicted_logmar"] - drawn["measured_logmar"]).abs().mean()
    assert mae == pytest.approx(found["regression"]["mae"]["value"])
    groups = pd.read_csv(out / "figures/subgroups_mae.csv").set_index(["grouping", "group"])
    sex = found["subgroups"]["sex"]["F"]
    assert groups.loc[("sex", "F"), "mae"] == pytest.approx(sex["mae"]["value"])
    assert groups.loc[("sex", "F"), "n_eyes"] == sex["n_eyes"]
    # Group names are text, in the pictures too.
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "$a" in html
    parser = Headings()
    parser.feed(html)
    assert parser.unscoped == parser.unnamed == 0
    assert len(re.findall(r"<title id=", html)) == html.count("<svg ") == 15


def test_older_metrics_make_a_page_without_the_newer_sections(write, metrics, undrawn):
    old = copy.deepcopy(metrics[0])
    for key in ("calibration", "decision", "subgroups", "selective"):
        del old[key]
    for part in (old["regression"], old["regression_on_chart"], *old["baselines"].values()):
        for name in ("icc", "spearman", "calibration_slope", "calibration_intercept"):
            del part[name]
        del part["loa"]["slope"]
    del old["interval"]["by_band"], old["interval"]["guarantee"], old["versus"]["strongest"]
    del old["settings"]["covariates"]
    old["settings"]["probability_cut"] = 0.5
    html, out = write(old)
    parser = Headings()
    parser.feed(html)
    assert "Errors and agreement" in parser.headings
    assert not {"Subgroups", "Selective prediction"} & set(parser.headings)
    assert "Decision-curve analysis" not in parser.headings
    assert "calibration_acuity.csv" not in {p.name for p in (out / "figures").iterdir()}
    assert re.search(r"Probability threshold, fixed beforehand</th>\s*<td>0\.50</td>", html)
    # What the contents list names is there.
    for anchor in re.findall(r'<li><a href="#([a-z]+)"', html):
        assert f'<details id="{anchor}"' in html


def test_figures_of_an_earlier_report_do_not_stay(write, metrics, undrawn):
    _, out = write()
    (out / "figures/mine.png").write_bytes(b"")
    less = {key: value for key, value in metrics[0].items() if key != "selective"}
    write(less)
    names = {path.name for path in (out / "figures").iterdir()}
    assert "risk_coverage.png" not in names
    assert {"scatter.png", "mine.png"} <= names


def test_a_band_of_too_few_eyes_is_not_drawn(metrics):
    found = copy.deepcopy(metrics[0])
    band = next(one for one in found["interval"]["by_band"].values() if "coverage" in one)
    sizes = {"below 0.3": 60, "0.3 to 0.5": 3, "0.5 to 1.0": 20, "1.0 and more": 37}
    found["interval"]["by_band"] = {name: {**band, "n_eyes": n} for name, n in sizes.items()}
    drawn = coverage_by_band(found, "ci95").numbers
    assert list(drawn["preop_band"]) == ["All eyes", "below 0.3", "1.0 and more"]


def test_plain_words_say_what_the_figures_say(metrics, outcomes):
    found, table, _ = metrics
    said = dict(plain_words(found, "ci95", outcomes))
    error = (table["predicted_logmar"] - table["postop_logmar"]).abs()
    assert f"within {error.median():.2f} logMAR" in said["Size of the errors"]
    assert f"{(error <= 0.1).mean():.0%} are within one line" in said["Size of the errors"]
    assert "abstained on 12 of 120 eyes (10%)" in said["Abstention"]
    assert "unsure of itself (12)" in said["Abstention"]
    assert said["Prediction intervals"].endswith("So.")
    assert "Gain of 0.20 logMAR or more: " in said["Recovery probabilities"]
    for times, words in ((1, "First evaluation"), (3, "Evaluation number 3")):
        again = dict(plain_words({**found, "test_set": {"evaluations": times}}, "ci95"))
        assert again["Test-set evaluations"].startswith(words)


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        ([0.05, 0.3], "significantly larger"),
        ([-0.01, 0.3], "not significantly different"),
        ([-0.2, -0.01], "significantly smaller"),
    ],
)
def test_what_abstaining_is_worth_is_said_by_the_interval_of_the_gap(metrics, gap, words):
    found = copy.deepcopy(metrics[0])
    part = found["selective"]["abstention"]
    part["mae_gap"]["ci95"] = gap
    assert words in dict(plain_words(found, "ci95"))["Abstention"]
    # The mean error of nine eyes is chance, and nearly those eyes.
    part["n_abstained"] = 9
    assert "absolute error" not in dict(plain_words(found, "ci95"))["Abstention"]


def test_no_word_of_the_decision_curve_lies_outside_its_picture(metrics):
    drawing = decision(metrics[0], "ci95")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, drawing.height), layout="constrained")
        axes = figure.add_subplot()
        drawing.draw(axes)
        FigureCanvasAgg(figure).draw()
        words = axes.get_legend().get_texts()
        assert len(words) == 9  # the model, all, none, six baselines
        for word in words:
            box = word.get_window_extent()
            assert box.x0 >= 0, word
            assert max(box.x1 / figure.bbox.width, box.y1 / figure.bbox.height) <= 1, word


def test_the_differences_in_auroc_stand_below_the_areas(metrics, outcomes):
    found = metrics[0]
    rows = recovery_table(found, outcomes, "ci95")["rows"]
    (place,) = (n for n, row in enumerate(rows) if row["label"].endswith("Preop VA only"))
    gap = found["versus"]["preop_only"]["auroc_difference"][outcomes[0].name]["value"]
    below = rows[place + 1]
    assert below["label"] == "AUROC of the model minus this"
    assert float(below["cells"][0]["value"].replace("\N{MINUS SIGN}", "-")) == pytest.approx(
        gap, abs=5e-4
    )


def test_methods_are_those_of_the_settings(write, metrics, undrawn):
    other = copy.deepcopy(metrics[0])
    other["settings"].update(bootstrap=777, seed=42)
    html = section(write(other)[0], "methods")
    for part in (
        "777 bootstrap",
        "seed 42",
        "95% intervals from",
        "covariates: age",
        "So.",
        "Zhang",
    ):
        assert part in html
    del other["selective"]
    assert "Zhang" not in section(write(other)[0], "methods")


def test_the_checklist_leaves_to_the_author_what_no_file_knows(write, undrawn):
    flow = (("step", "eyes"), ("in the table", "130"))
    html, _ = write(flow=flow, cohort={"source": "<b>"}, model={"architecture": "a net"})
    assert "<td>130</td>" in html
    rows = re.findall(
        r'<tr><th scope="row">(\w+)</th><td>(.*?)</td>\s*<td( class="open")?>(.*?)</td></tr>',
        section(html, "tripod"),
        re.DOTALL,
    )
    assert len(rows) == len({item for item, *_ in rows}) == 52
    left = {item for item, _, is_open, words in rows if is_open and words == "Author to complete"}
    assert {"1", "3c", "17", "18a", "18b", "18c", "18d", "19"} < left
    known = {item: words.strip() for item, _, is_open, words in rows if not is_open}
    assert len(left) + len(known) == 52
    assert all(known.values())
    assert "120 eyes of 60 patients" in known["21"]
    assert "by site" in known["12d"]
    assert known["5a"] == "Cohort: &lt;b&gt;."
    assert known["20a"].endswith("See Data flow.")


def test_numbers_for_a_spreadsheet_run_nothing_there():
    text = numbers_as_csv(pd.DataFrame({"group": ["=1+1", "a"], "mae": [-0.1, np.nan]}))
    assert text == "group,mae\n'=1+1,-0.1\na,\n"


def test_names_in_any_script_are_text_on_the_page(caplog):
    page, png = svg_and_png(
        lambda axes: axes.set_yticks([0, 1], ["西院", "$a"]), "x", "Bars", 2.0, details="All."
    )
    assert "西院" in page
    assert "$a" in page
    assert "DejaVu" not in page
    assert png.startswith(b"\x89PNG")
    assert "findfont" not in caplog.text
