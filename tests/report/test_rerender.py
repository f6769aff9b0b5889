"""A report from what an evaluation left behind, the gallery, and several side by side."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup

from ctt_net.baselines.clinical import Baselines
from ctt_net.cohort.predictions import write_predictions
from ctt_net.errors import InputError
from ctt_net.metrics.eyes import evaluated_eyes
from ctt_net.metrics.summary import write_metrics
from ctt_net.metrics.wrong_outcomes import outcomes_to_check
from ctt_net.report.compare import (
    compare_evaluations,
    differing_settings,
    names_of,
    paired_difference,
    write_comparison,
)
from ctt_net.report.largest_errors import failures
from ctt_net.report.rerender import read_evaluated, render_again
from tests.report.whole_report import write_report
from tests.simulated_tables import evaluate_with_warnings as evaluate

PNG = b"\x89PNG"


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Figures by name only, since the drawing of each is tested elsewhere."""

    def stub(draw, name, description, height, **_):
        return Markup("<svg ></svg>"), name.encode()

    monkeypatch.setattr("ctt_net.report.drawing.svg_and_png", stub)


@pytest.fixture
def leave(eyes, spec, outcomes, tmp_path):
    """Writes all that an evaluation writes."""

    def done(name, table, report=True):
        folder = tmp_path / name
        folder.mkdir()
        beside = Baselines.fit(eyes, spec).predict(eyes).set_axis(eyes["eye_id"])
        beside = beside.loc[table["eye_id"]]
        metrics = evaluate(table, beside, outcomes, bootstrap=60)
        write_predictions(table, folder / "predictions.csv")
        write_metrics(metrics, folder / "metrics.json")
        if report:
            facts = {"title": name, "cohort": {"name": "c"}, "synthetic": True}
            facts["to_check"] = outcomes_to_check(table, "decimal")
            write_report(metrics, table, beside, outcomes, folder, **facts)
        return folder

    return done


def test_a_report_written_again_is_the_same_to_the_byte(leave, predictions, tmp_path):
    folder = leave("run", predictions)
    page = render_again(read_evaluated(folder), tmp_path / "again")
    assert page.read_bytes() == (folder / "report.html").read_bytes()
    for path in (folder / "figures").iterdir():
        assert path.read_bytes() == (page.parent / "figures" / path.name).read_bytes(), path.name


def test_outcomes_to_look_up_are_shown_and_listed(leave, predictions, tmp_path):
    error = np.random.default_rng(0).normal(0, 0.1, len(predictions))
    table = predictions.assign(postop_logmar=predictions["predicted_logmar"] + error)
    table.loc[[3, 4], "postop_logmar"] = table.loc[[3, 4], "predicted_logmar"] + [1.2, 0.9]
    table.loc[3, "preop_logmar"] = table.loc[3, "postop_logmar"]
    folder = leave("run", table)
    listed = pd.read_csv(folder / "outcomes_to_check.csv", keep_default_na=False)
    assert len(listed) == len(table)
    assert listed["eye_id"][:2].tolist() == ["e0003", "e0004"]
    assert listed["likely_slip"][0] == "preop_again"
    html = (folder / "report.html").read_text()
    part = html.split('id="look-up"')[1].split("</table>")[0]
    assert re.findall(r'<th scope="row">(e\d+)</th>', part) == ["e0003", "e0004"]
    assert "2 recorded outcomes are rather wrong than right" in part
    assert "the acuity before surgery again" in part
    (folder / "outcomes_to_check.csv").write_text("eye_id,p_wrong\ne1,often\n")
    with pytest.raises(InputError, match=r"outcomes_to_check\.csv.*remove it"):
        read_evaluated(folder)
    (folder / "outcomes_to_check.csv").unlink()
    again = render_again(read_evaluated(folder), tmp_path / "again").read_text()
    assert 'id="look-up"' not in again


def test_without_a_report_of_their_own_the_two_tables_are_enough(leave, predictions, tmp_path):
    folder = leave("run", predictions, report=False)
    html = render_again(read_evaluated(folder), tmp_path / "again").read_text()
    assert "<h1>run</h1>" in html
    assert "ROC curves" in html
    assert "gain of 0.20 logMAR" in html


def test_tables_that_do_not_belong_together_are_refused(leave, predictions):
    folder = leave("run", predictions, report=False)
    moved = predictions.assign(predicted_logmar=predictions["predicted_logmar"] + 0.01)
    write_predictions(moved, folder / "predictions.csv")
    with pytest.raises(InputError, match="another evaluation"):
        read_evaluated(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"n_eyes": 3}', "null"])
def test_a_broken_metrics_file_is_told_with_its_cure(leave, predictions, content):
    folder = leave("run", predictions, report=False)
    (folder / "metrics.json").write_text(content)
    with pytest.raises(InputError, match=r"metrics\.json.*evaluate again"):
        read_evaluated(folder)
    (folder / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics\.json: no such file; give a run folder"):
        read_evaluated(folder)


def test_metrics_that_lack_a_part_are_refused_before_anything_is_half_written(
    leave, predictions, tmp_path
):
    folder = leave("run", predictions, report=False)
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["regression"]["bias"]
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(InputError, match="'bias'"):
        render_again(read_evaluated(folder), tmp_path / "again")
    assert not (tmp_path / "again/report.html").exists()


def test_the_gallery_shows_pictures_only_when_they_are_given(leave, predictions, tmp_path):
    one = read_evaluated(leave("run", predictions))
    assert "<img" not in render_again(one, tmp_path / "a").read_text()
    worst = failures(evaluated_eyes(one.predictions, None, None, ())).eye_ids
    pictures = {worst[0]: {"horizontal": PNG, "vertical": PNG}}
    html = render_again(one, tmp_path / "b", pictures).read_text()
    assert html.count('<img src="data:image/png;base64,') == 2
    assert re.search(rf'<a href="#eye-1-scans">{worst[0]}</a>', html)
    assert 'id="eye-1-scans"' in html


def test_confident_errors_are_found_among_the_narrowest_intervals(predictions):
    table = predictions.copy()
    table.loc[:, ["lower_logmar", "upper_logmar"]] = 0.0
    table["upper_logmar"] = 0.5
    table.loc[7, "upper_logmar"] = 0.1
    table.loc[[7, 8], "predicted_logmar"] = table.loc[[7, 8], "postop_logmar"] + np.array(
        [0.6, 0.5]
    )
    narrow = table.index < 50
    table.loc[narrow, "upper_logmar"] = 0.1
    table.loc[8, "upper_logmar"] = 0.9
    found = failures(evaluated_eyes(table, None, None, ()))
    assert found.largest[:2] == ("e0007", "e0008")
    assert found.confident[0] == "e0007"
    assert "e0008" not in found.confident
    alike = table.assign(lower_logmar=0.0, upper_logmar=0.5)
    assert failures(evaluated_eyes(alike, None, None, ())).confident == ()
    assert failures(evaluated_eyes(table.iloc[:9], None, None, ())).eye_ids == []


def test_the_same_eyes_are_compared_in_pairs(leave, eyes, potential, make_predictions, tmp_path):
    good = leave("good", make_predictions(eyes, potential, 0.04))
    poor = leave("poor", make_predictions(eyes, potential, 0.2, seed=5))
    pair = [read_evaluated(folder) for folder in (good, poor)]
    found = paired_difference(*pair)
    maes = [one.metrics["regression"]["mae"]["value"] for one in pair]
    assert found["figure"]["value"] == pytest.approx(maes[1] - maes[0])
    assert found["figure"]["ci95"][0] > 0
    comparison = compare_evaluations(pair)
    low, high = found["figure"]["ci95"]
    assert comparison.verdicts == [
        f"poor has a larger error than good: by {maes[1] - maes[0]:.3f} logMAR (95% CI {low:.3f} "
        f"to {high:.3f}; about {(maes[1] - maes[0]) * 50:.1f} letters), on the same 120 eyes."
    ]
    page = write_comparison(comparison, tmp_path / "both")
    html = page.read_text()
    assert comparison.verdicts[0] in html
    assert "the same 120 eyes" in html
    assert found["value"] in html
    assert html.count("<svg ") == 1
    assert not re.search(r"https?:|<script|<link", html)


@pytest.mark.slow
def test_other_eyes_are_said_to_be_others(leave, eyes, potential, make_predictions):
    every = make_predictions(eyes, potential)
    first = read_evaluated(leave("first", every.iloc[:80]))
    apart = read_evaluated(leave("apart", every.iloc[80:]))
    overlap = read_evaluated(leave("overlap", every.iloc[40:]))
    moved = every.assign(postop_logmar=every["postop_logmar"] + 0.1)
    other = read_evaluated(leave("other", moved))
    assert paired_difference(first, apart) == {"words": "they share no eye"}
    assert compare_evaluations([first, apart]).verdicts == [
        "apart cannot be compared with first: they share no eye."
    ]
    found = paired_difference(first, overlap)
    assert (
        found["words"] == "the 40 eyes that both predicted (the first has 40 others, this one 40)"
    )
    assert found["figure"]["value"] == 0.0
    assert "other measured acuities" in paired_difference(first, other)["words"]


def test_runs_that_are_identical_are_said_to_be(leave, eyes, potential, make_predictions):
    every = make_predictions(eyes, potential)
    first = read_evaluated(leave("first", every))
    again = read_evaluated(leave("again", every.iloc[::-1]))
    near = every.assign(predicted_logmar=every["predicted_logmar"] + 0.001)
    found = compare_evaluations([first, again, read_evaluated(leave("near", near))])
    assert found.verdicts[0] == (
        "again and first are identical: the same predictions for the same 120 eyes."
    )
    assert "no more than one letter" in found.verdicts[1]


def test_only_settings_that_differ_are_listed(leave, eyes, potential, make_predictions):
    folders = [leave(name, make_predictions(eyes, potential)) for name in ("first", "other")]
    for folder, fusion, rate in zip(
        folders, ("CrossToken", "Mean"), ("", "rate: 1\n"), strict=True
    ):
        config = f"out: {folder}\nmodel: {{fusion: {{class_path: {fusion}}}, dim: 64}}\n{rate}"
        (folder / "config.yaml").write_text(config)
    assert differing_settings([read_evaluated(folder) for folder in folders]) == {
        "model.fusion.class_path": ["CrossToken", "Mean"],
        "rate": ["\N{EN DASH}", "1"],
    }


def test_names_are_as_short_as_they_may_be(tmp_path):
    assert names_of([tmp_path / "a", tmp_path / "b"]) == ["a", "b"]
    assert names_of([tmp_path / "a/held", tmp_path / "b/held"]) == ["a/held", "b/held"]
    assert names_of([tmp_path, tmp_path])[1].endswith("(2)")
