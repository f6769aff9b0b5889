"""Names in other scripts: a further font where one is installed, else a word on the boxes."""

import cv2
import numpy as np
import pytest

from ctt_net.report import fonts
from ctt_net.report.svg import svg_and_png

# In STIX, which matplotlib brings along, and not in DejaVu Sans.
RARE = "\N{ARC}"


@pytest.fixture
def drawn_with():
    def draw(*labels):
        page, png = svg_and_png(lambda axes: axes.set_yticks([0, 1], labels), "x", "Bars", 2.0)
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        return page, picture

    return draw


def test_a_figure_of_plain_names_names_no_font_of_this_computer(drawn_with, monkeypatch):
    before = drawn_with("Ωmega é", "plain")
    monkeypatch.setattr(fonts, "FURTHER", ("STIXGeneral",))
    after = drawn_with("Ωmega é", "plain")
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])


def test_what_the_default_font_lacks_comes_from_the_next(drawn_with, monkeypatch, caplog):
    monkeypatch.setattr(fonts, "FURTHER", ("No Such Font", "STIXGeneral"))
    page, picture = drawn_with(RARE, "plain")
    monkeypatch.setattr(fonts, "FURTHER", ())
    _, boxed = drawn_with(RARE, "plain")
    assert RARE in page
    assert "STIXGeneral" in page
    assert fonts.NOTE.split("\n")[0] not in page
    assert not np.array_equal(picture, boxed)
    assert "findfont" not in caplog.text


def test_boxes_are_explained_once_in_the_picture_and_not_on_the_page(drawn_with, monkeypatch):
    said = []
    monkeypatch.setattr(fonts, "FURTHER", ())
    from matplotlib.figure import Figure

    plain = Figure.supxlabel
    monkeypatch.setattr(
        Figure, "supxlabel", lambda self, text, **how: said.append(text) or plain(self, text, **how)
    )
    page, picture = drawn_with("西院", "plain")
    assert said == [fonts.NOTE]
    assert "西院" in page
    assert "Boxes" not in page
    rows = picture[-int(0.3 * 200) :]
    assert (rows < 200).any()
    said.clear()
    drawn_with("Ωmega", "plain")
    assert said == []


def test_the_fonts_asked_for_are_those_installed(monkeypatch):
    monkeypatch.setattr(fonts, "FURTHER", ("No Such Font", "DejaVu Sans"))
    assert fonts.further_fonts() == ["DejaVu Sans"]
