"""YAML files against their schema: what is wrong has line, key, value and what would be right."""

import json
from typing import Annotated, Literal

import jsonschema
import pytest
from pydantic import Field

from ctt_net.cohort import Covariate, View
from ctt_net.errors import InputError
from ctt_net.io.schema import Bounds, Choice, Flag, Items, Schema, Text, Words, json_schema
from ctt_net.io.yaml_file import parse_yaml


class Lens(Schema):
    """A lens.

    Args:
        kind: How it is made.
        power_d: Power, dioptres,
            of the label.
        axis: Where it stands.
    """

    kind: Literal["toric", "plain"]
    power_d: Annotated[float, Field(gt=0)] = 20.0
    axis: int | None = None


class Page(Schema):
    """A page."""

    title: Text
    eye: Annotated[str, Choice(("OD", "OS"))] = "OD"
    lenses: dict[str, Lens] = Field(default_factory=dict)
    spare: Items[Lens] = ()
    names: Words = ()
    limits: Bounds | None = None
    toric: Flag = False


def read(text):
    return Page.parse(parse_yaml(text, "page.yaml"), "page.yaml")


def test_what_is_right_is_typed_and_goes_back():
    page = read(
        "title: 1.50\nlenses: {a: {kind: toric}, b: {kind: plain, power_d: 7, axis: 90}}\n"
        "spare: [{kind: plain}]\nnames: [0042, 1.0, true]\nlimits: [1, 2.5]\ntoric: no\neye: null\n"
    )
    assert (page.title, page.eye, page.toric) == ("1.50", "OD", False)
    assert page.lenses["b"] == Lens(kind="plain", power_d=7, axis=90)
    assert page.names == ("0042", "1.0", "true")
    assert page.limits == (1.0, 2.5)
    assert page.spare == (Lens(kind="plain"),)
    assert Page.parse(json.loads(json.dumps(page.to_dict())), "again") == page
    assert "limits" not in read("title: x").to_dict()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eye: OD\n", "page.yaml: title is missing"),
        ("title: x\neye: right\n", "page.yaml, line 2: eye must be one of OD or OS; got 'right'"),
        ("title: [x]\n", "line 1: title must be text, got ['x']"),
        ("title: ' '\n", "line 1: title must be text, got ' '"),
        ("title: x\ntitel: y\n", "line 2: unknown key 'titel'; 'title' is given already"),
        ("title: x\nlenses:\n  a: {kind: torus}\n", "line 3: lenses.a.kind must be one of toric"),
        (
            "title: x\nlenses:\n  a:\n    kid: toric\n",
            "line 4: lenses.a: unknown key 'kid'; did you mean 'kind'?",
        ),
        (
            "title: x\nlenses:\n  a: {power_d: 3}\n",
            "line 3: lenses.a.kind is missing; how it is made.",
        ),
        ("title: x\nlenses:\n  a: 5\n", "line 3: lenses.a must hold kind, power_d, axis, got 5"),
        ("title: x\nlenses: 5\n", "line 2: lenses must be 'key: value' lines, got 5"),
        (
            "title: x\nlenses: {a: {kind: toric, power_d: '3'}}\n",
            "line 2: lenses.a.power_d must be a number, got '3'",
        ),
        ("title: x\nlenses: {a: {kind: toric, power_d: true}}\n", "must be a number, got True"),
        ("title: x\nlenses: {a: {kind: toric, power_d: 0}}\n", "power_d must be above 0, got 0"),
        (
            "title: x\nlenses: {a: {kind: toric, axis: 1.5}}\n",
            "lenses.a.axis must be a whole number, got 1.5",
        ),
        ("title: x\nspare:\n- {kind: plain}\n- {kind: 3}\n", "line 4: spare[2].kind must be one"),
        ("title: x\nspare: {kind: plain}\n", "line 2: spare must be a list, got {'kind'"),
        ("title: x\nnames: male\n", "line 2: names must be a list such as [male], got 'male'"),
        ("title: x\nnames: '{id}.png'\n", 'must be a list such as ["{id}.png"]'),
        ("title: x\nnames: [a, null]\n", "names: put quotes around each text"),
        ("title: x\nlimits: [3, 1]\n", "line 2: limits: 3 is above 1; exchange them"),
        ("title: x\nlimits: [1, '2']\n", "limits must be two numbers such as [14, 120]"),
        ("title: x\nlimits: [1, .inf]\n", "limits must be two numbers"),
        ("title: x\ntoric: 1\n", "toric must be true or false, got 1"),
        ("title: x\nspare:\n- {kind: plain}\n- {axis: 3}\n", "line 4: spare[2].kind is missing"),
        ("- 1\n", "page.yaml: must hold title, eye,"),
    ],
)
def test_what_is_wrong_has_line_key_value_and_what_would_be_right(text, said):
    with pytest.raises(InputError) as caught:
        read(text)
    assert "page.yaml" in str(caught.value)
    assert said in str(caught.value)


def test_all_that_is_wrong_is_said_in_the_order_of_the_file():
    with pytest.raises(InputError) as caught:
        read("title: x\nlenses:\n  b: {kind: 1}\n  a: {kind: 2}\neye: left\n")
    first, *others = str(caught.value).splitlines()
    assert first == "page.yaml: 3 problems"
    assert [line.split(":")[0].strip() for line in others] == ["line 3", "line 4", "line 5"]


def test_an_editor_gets_a_schema_that_says_the_same():
    schema = json.loads(json_schema(Page))
    jsonschema.Draft202012Validator.check_schema(schema)
    lens = schema["$defs"]["Lens"]
    assert lens["description"] == "A lens."
    assert lens["properties"]["power_d"]["description"] == "Power, dioptres, of the label."
    assert lens["properties"]["axis"]["description"] == "Where it stands."
    jsonschema.validate({"title": 2020, "names": [1, "x"], "spare": [{"kind": "toric"}]}, schema)
    for wrong in ({}, {"title": "x", "titel": 1}, {"title": "x", "lenses": {"a": {"kind": "b"}}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_values_may_be_given_in_the_order_of_the_fields():
    assert View("vertical", 90.0) == View(direction="vertical", angle_deg=90.0)
    assert Covariate("numeric", unit="mm") == Covariate(kind="numeric", unit="mm")
    with pytest.raises(TypeError, match="multiple values"):
        View("vertical", direction="horizontal")
